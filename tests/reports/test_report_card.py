"""The model card, read by a Markdown parser that is not ours."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from fathom.base.records import Decision, Finding
from fathom.reports.card import inline, model_card
from fathom.reports.content import ColumnContent, Importance, ReportContent, TargetContent


def tokens(text):
    parser = MarkdownIt("commonmark").enable("table").enable("strikethrough")
    found = []
    for token in parser.parse(text):
        found += [token, *(token.children or [])]
    return found


def words(text):
    return " ".join(t.content for t in tokens(text) if t.type in {"text", "fence", "code_block"})


def a_report(text="price"):
    target = TargetContent(
        name=text,
        task="regression",
        rows=97,
        looks=3,
        primary="rmse",
        metrics={"rmse": (45.1, 43.9, 46.3), text: (1.0, None, None)},
        meanings={"rmse": text},
        baselines={text: {"rmse": (48.0, 46.7, 49.3)}, "linear": {"rmse": (49.0, None, None)}},
        verdict=text,
        strongest=text,
        comparisons=[{"wording": text}],
        conformal=[text],
        residuals=(np.arange(3.0), np.arange(3.0)),
    )
    finding = Finding(
        code="c", severity="medium", title=text, evidence=text, advice=text, columns=(text,)
    )
    return ReportContent(
        title=text,
        verdict=text,
        summary=((text, text),),
        targets=(target,),
        findings=(finding,),
        columns=(ColumnContent(text, text, text, 0.5, text),),
        decisions=(Decision(key=text, value=text, reason=text),),
        importance=(Importance(text, 1.0),),
        importance_metric="rmse",
        record={text: {text: text}},
        repeat=(f"fathom train '{text}'",),
    )


HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "[click](http://evil.example) ![i](http://evil.example/x.png)",
    "a | b | c",
    "`code` ``` fence",
    "*bold* __bold__ ~~gone~~ &lt;b&gt;",
    "1. one",
    "# heading",
    "- item",
    "> quote",
    "two\n\nparagraphs\n---\n",
    "<http://evil.example>",
)


@pytest.mark.parametrize("text", HOSTILE)
def test_words_of_the_data_stay_words(text):
    card, plain = model_card(a_report(text)), model_card(a_report("price"))
    assert "html_block" not in {t.type for t in tokens(card)}
    kinds = [(t.type, t.tag) for t in tokens(card) if t.type not in {"text", "text_special"}]
    expected = [(t.type, t.tag) for t in tokens(plain) if t.type not in {"text", "text_special"}]
    assert kinds == expected, "the words must not change how the card is built"


@given(st.text())
def test_inline_words_mean_nothing(text):
    found = {t.type for t in tokens("x " + inline(text) + " x")}
    assert found <= {"paragraph_open", "inline", "text", "text_special", "paragraph_close"}


def test_what_stands_in_it():
    card = model_card(a_report())
    headings = [line for line in card.splitlines() if line.startswith("#")]
    assert headings == [
        "# price",
        "## Model",
        "## Intended use",
        "## How good it is",
        "## Limits and known problems",
        "## Training data",
        "## How it was made",
        "## How to repeat it",
        "## Record",
    ]
    assert "| RMSE ↓ | 45.1 (43.9 to 46.3) | 48.0 (46.7 to 49.3) |" in card
    assert "3 models were scored on the" in card
    assert "It relies most on (by RMSE): price." in card
    assert "To be written by its owner" in card


def test_names_with_underscores_stay_readable():
    assert inline("price_per_room") == "price_per_room"
    assert inline("p < 0.001 & more") == "p < 0.001 & more"


def test_half_empty():
    card = model_card(ReportContent(title="houses", verdict="Training has begun."))
    assert card.startswith("# houses\n\nTraining has begun.\n\n## Intended use")
    assert card.endswith("\n")


def test_long_lists_say_what_is_left_out():
    columns = tuple(ColumnContent(f"c{i}", "number") for i in range(211))
    card = model_card(ReportContent(title="t", verdict="v", columns=columns))
    assert "… and 171 more columns, in the report" in words(card)


def test_commands_stand_in_a_fence_that_holds():
    fence = [t for t in tokens(model_card(a_report("``` x"))) if t.type == "fence"]
    assert [t.content for t in fence] == ["fathom train '``` x'\n"]
