"""The page as a whole: what is in it, in what order, and that nothing of the data acts in it."""

import re
from dataclasses import fields, replace
from html import unescape
from html.parser import HTMLParser
from itertools import pairwise

import numpy as np
import pytest

from fathom.base.errors import StorageError
from fathom.base.records import Decision, Finding
from fathom.reports.album import Album, Look, Strip, Tile
from fathom.reports.content import (
    ColumnContent,
    Importance,
    ReportContent,
    SpeedContent,
    TargetContent,
)
from fathom.reports.page import as_notebook, render, write_report

SCRIPT = "<script>alert(1)</script>"
IMAGE = '"><img src=x onerror=alert(1)>'
QUOTE = "' onload='alert(1)"
BRACES = "{{ 7 * 7 }}{% raw %}"
UNBROKEN = "w" * 4001
HOSTILE = (
    SCRIPT,
    IMAGE,
    QUOTE,
    BRACES,
    UNBROKEN,
    "</style></title></svg>",
    "http://evil.example/x",
)
VOID = {"meta", "br", "wbr", "link", "img", "input", "hr"}
TAGS = {
    *("html", "head", "meta", "title", "style", "body", "main", "header", "footer", "section"),
    *("article", "nav", "ul", "li", "a", "p", "h1", "h2", "h3", "h4", "strong", "small", "b"),
    *("bdi", "br", "wbr", "code", "pre", "dl", "dt", "dd", "div", "span", "details", "summary"),
    *("table", "caption", "thead", "tbody", "tfoot", "tr", "th", "td", "figure", "figcaption"),
    *("img", "svg", "g", "path", "circle", "rect", "line", "polyline", "text"),
}


class Page(HTMLParser):
    """A page taken apart; an element that is not closed in its turn is an error."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.open, self.tags, self.attributes = [], [], []
        self.text, self.by_tag = "", {}
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs), tuple(self.open)))
        self.attributes += [(tag, name, value) for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)
            self.by_tag.setdefault(tag, []).append("")

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs), tuple(self.open)))
        self.attributes += [(tag, name, value) for name, value in attrs]

    def handle_endtag(self, tag):
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data
        for tag in set(self.open):
            self.by_tag[tag][-1] += data


def a_strip(text):
    pixels = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)
    return Strip(text, [Tile(pixels, text, (text,), "wrong"), Tile(pixels[..., :1], text)], text)


def a_target(text="price", **changes):
    given = {
        "name": text,
        "task": "binary",
        "rows": 97,
        "looks": 2,
        "metrics": {text: (0.8, 0.7, 0.9), "roc_auc": (0.8, None, None)},
        "meanings": {text: text},
        "primary": text,
        "baselines": {text: {text: (0.7, 0.6, 0.8)}, "constant": {"roc_auc": (0.5, 0.5, 0.5)}},
        "comparisons": [{"wording": text}],
        "confusion": (np.array([[3, 1], [1, 2]]), [text, text + "2"]),
        "per_class": [{text: text, "rows": 3}],
        "reliability": [(0.3, 0.2, 5), (0.8, 0.9, 5, 0.5, 1.0)],
        "residuals": (np.arange(13.0), np.arange(13.0) + 1),
        "worst": [
            {"row": text, "truth": text, "answer": text, "sure": text, "cells": {text: text}}
        ],
        "confused": [a_strip(text)],
        "conformal": [text],
        "settings": [text],
    }
    return TargetContent(**{**given, **changes})


def a_report(text="price"):
    """A report in which every place for words holds these words."""
    finding = Finding(
        code="c",
        severity="high",
        title=text,
        evidence=text,
        advice=text,
        columns=(text,),
        rows=(3,),
    )
    history = [
        {"step": i, "loss": 1 / i, "validation": {"loss": 1.0, text: 2.0}} for i in (1, 2, 3)
    ]
    return ReportContent(
        title=text,
        verdict=text,
        verdict_good=True,
        summary=((text, text),),
        targets=(a_target(text), a_target(text)),
        findings=(finding, replace(finding, severity="low")),
        columns=(ColumnContent(text, text, text, 0.25, text),),
        albums=(
            Album(
                column=text,
                facts=text,
                samples=[a_strip(text)],
                changed=[a_strip(text)],
                changes=[text],
                notes=[text],
            ),
        )
        * 2,
        looks=(
            Look(
                column=text,
                rows=[a_strip(text)],
                filters=a_strip(text),
                stages=[a_strip(text)],
            ),
        )
        * 2,
        decisions=(
            Decision(key=text, value=text, reason=text, said=True),
            Decision(key=text, value={text: [text]}, reason=text),
        ),
        history=history,
        best_step=2,
        events=({"step": 2, "event": text, "why": text, text: text},),
        importance=(Importance(text, 0.5, 0.4, 0.6), Importance("other", -0.1)),
        importance_metric=text,
        timings=((text, 2.0),),
        speed=SpeedContent((text,), ((text, 1.0), (text, 3.0)), ((text, text),)),
        network=((text, text, 7),),
        record={text: text, "versions": {text: text}},
        repeat=(text,),
    )


# --- nothing of the data acts


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_words_of_the_data_stay_words(text):
    page = Page(render(a_report(text)))
    assert {tag for tag, _, _ in page.tags} <= TAGS
    for tag, name, value in page.attributes:
        assert not name.startswith("on"), (tag, name)
        if name == "src":
            assert tag == "img"
            assert re.fullmatch(r"data:image/png;base64,[A-Za-z0-9+/]+=*", value)
        assert name not in {"srcset", "action", "xlink:href", "style", "background"}
        if name == "href":
            assert re.fullmatch(r"#[a-z]+", value)
    assert page.text.count(text[:60]) >= 30, "the words themselves must be there to be read"
    if text == BRACES:
        assert "49" not in page.text, "the words were taken for a template"


def test_the_policy_forbids_everything_but_style_and_pictures_inside():
    page = Page(render(a_report()))
    (policy,) = [a["content"] for t, a, _ in page.tags if a.get("http-equiv")]
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules == {
        "default-src": "'none'",
        "style-src": "'unsafe-inline'",
        "img-src": "data:",
        "base-uri": "'none'",
        "form-action": "'none'",
    }


def test_the_page_asks_the_network_for_nothing():
    html = re.sub(r"data:image/png;base64,[A-Za-z0-9+/=]+", "", render(a_report()))
    assert "://" not in html
    assert "//" not in re.sub(r"/\*.*?\*/", "", html)
    assert not re.search(r"@import|url\s*\(|expression\s*\(|<link|<base|<iframe|<object", html)


def test_an_address_in_the_data_is_plain_text():
    html = render(a_report("http://evil.example/x"))
    assert "evil.example" in Page(html).text
    told = re.sub(r'(aria-label|alt)="[^"]*"', "", html)
    assert not re.search(r'="[^"]*evil[^"]*"', told)


def test_what_no_file_may_hold_is_replaced(tmp_path):
    write_report(tmp_path / "r.html", a_report("a\x00b\ud800c\u202ed"))
    text = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert "a\ufffdb?c\ufffdd" in text
    assert not set(text) & {"\x00", "\u202e"}


# --- what is in it


def test_the_verdict_is_the_heading_and_comes_first():
    page = Page(render(a_report("The verdict.")))
    assert page.by_tag["h1"] == ["The verdict."]
    tags = [tag for tag, _, _ in page.tags]
    assert tags.index("h1") < tags.index("section")


@pytest.mark.parametrize(
    ("good", "words"),
    [
        (True, "Better than the baselines"),
        (False, "Not better than the baselines"),
        (None, "Not decided"),
    ],
)
def test_the_verdict_does_not_rest_on_colour(good, words):
    page = Page(render(ReportContent(title="t", verdict="v", verdict_good=good)))
    assert [text.strip() for text in page.by_tag["p"]][1] == words


def test_sections_stand_in_their_order_and_the_contents_lead_to_them():
    page = Page(render(a_report()))
    sections = [a["id"] for tag, a, _ in page.tags if tag == "section"]
    assert sections == [
        "score",
        "findings",
        "pictures",
        "mistakes",
        "importance",
        "looks",
        "training",
        "plan",
        "columns",
        "network",
        "speed",
        "record",
    ]
    assert [a["href"] for tag, a, _ in page.tags if tag == "a"] == [f"#{id_}" for id_ in sections]
    ids = [value for _, name, value in page.attributes if name == "id"]
    assert len(ids) == len(set(ids))


def test_a_report_of_nothing_but_a_verdict():
    page = Page(render(ReportContent(title="houses", verdict="Training has begun.")))
    assert page.by_tag["h1"] == ["Training has begun."]
    assert "section" not in page.by_tag
    assert "a" not in page.by_tag


@pytest.mark.parametrize("name", [f.name for f in fields(ReportContent)][2:])
def test_any_one_part_alone_makes_a_page(name):
    part = getattr(a_report(), name)
    page = Page(render(replace(ReportContent(title="t", verdict="v"), **{name: part})))
    assert len(page.by_tag.get("section", [])) <= (2 if name == "targets" else 1)


@pytest.mark.parametrize("name", [f.name for f in fields(TargetContent)][1:])
def test_any_one_part_of_a_target_may_be_absent(name):
    empty = getattr(TargetContent(name="y"), name)
    target = replace(a_target(), **{name: empty})
    page = Page(render(ReportContent(title="t", verdict="v", targets=(target,))))
    assert page.by_tag.get("section")


def test_looked_and_nothing_found_is_not_the_same_as_not_looked():
    quiet = render(ReportContent(title="t", verdict="v", findings=()))
    assert "Nothing was found" in quiet
    assert "findings" not in Page(render(ReportContent(title="t", verdict="v"))).text


def test_a_target_without_scores_has_no_empty_section():
    target = TargetContent(name="y", rows=7, confusion=(np.eye(2, dtype=int), ["a", "b"]))
    page = Page(render(ReportContent(title="t", verdict="v", targets=(target,))))
    assert [a["id"] for tag, a, _ in page.tags if tag == "section"] == ["mistakes"]


def test_each_target_has_its_name_where_there_are_several():
    targets = (a_target(name="price"), a_target(name="rent"))
    page = Page(render(ReportContent(title="t", verdict="v", targets=targets)))
    assert page.by_tag["h3"].count("price") == 2
    assert page.by_tag["h3"].count("rent") == 2


def test_many_looks_are_warned_of():
    warned = "Choosing among models by the same rows"
    for looks, expected in ((None, False), (1, False), (2, True)):
        target = a_target(looks=looks)
        assert (
            warned in render(ReportContent(title="t", verdict="v", targets=(target,)))
        ) == expected


def test_long_tables_are_folded_and_whole():
    columns = tuple(ColumnContent(f"column{i}x", "number") for i in range(211))
    decisions = tuple(Decision(key=f"key{i}x", value=i, reason="r") for i in range(211))
    importance = tuple(Importance(f"worth{i}x", float(i)) for i in range(211))
    content = ReportContent(
        title="t", verdict="v", columns=columns, decisions=decisions, importance=importance
    )
    page = Page(render(content))
    for word in ("column", "key", "worth"):
        assert len(set(re.findall(rf"{word}\d+x", page.text))) == 211
    assert [text.strip() for text in page.by_tag["summary"]] == [
        "Show the other 191 columns",
        "Show 211 settings chosen by fathom",
        "Show all 211 columns",
    ]
    short = Page(render(replace(content, columns=columns[:12], decisions=(), importance=())))
    assert "details" not in short.by_tag


def test_intervals_are_spoken_of_only_where_there_are_any():
    bare = a_target(metrics={"roc_auc": (0.8, None, None)}, baselines={}, primary="roc_auc")
    content = ReportContent(
        title="t", verdict="v", targets=(bare,), importance=(Importance("a", 1.0),)
    )
    for words in ("Lines are 95 % intervals: how far", ", with 95 % intervals", "reaches nought"):
        assert words in Page(render(a_report())).text
        assert words not in Page(render(content)).text


def test_said_by_you_stands_before_chosen_by_fathom():
    page = Page(render(a_report()))
    captions = page.by_tag["caption"]
    assert captions.index("Said by you") < captions.index("Chosen by fathom")


# --- for every reader


def test_one_first_heading_and_no_level_left_out():
    levels = [
        int(tag[1]) for tag, _, _ in Page(render(a_report())).tags if re.fullmatch("h[1-6]", tag)
    ]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(b - a <= 1 for a, b in pairwise(levels))


def test_tables_have_captions_and_charts_have_words():
    page = Page(render(a_report()))
    tags = [tag for tag, _, _ in page.tags]
    assert tags.count("table") == tags.count("caption") > 8
    for tag, attributes, _ in page.tags:
        if tag == "svg" and "aria-hidden" not in attributes:
            assert attributes.get("role") == "img" or "row-chart" in attributes["class"]
        if tag == "img":
            assert attributes["alt"]
        if attributes.get("role") == "img":
            assert len(attributes["aria-label"]) > 20
        if tag == "th":
            assert attributes.get("scope") in {"row", "col"}


def colours(css):
    return dict(re.findall(r"--([a-z]+): (#[0-9a-f]{6})", css))


def luminance(colour):
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, two):
    high, low = sorted((luminance(one), luminance(two)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def mixed(colour, paper, part):
    pairs = [(int(colour[i : i + 2], 16), int(paper[i : i + 2], 16)) for i in (1, 3, 5)]
    return "#" + "".join(f"{round(a * part + b * (1 - part)):02x}" for a, b in pairs)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_contrast(scheme):
    style = Page(render(a_report())).by_tag["style"][0]
    light, dark = style.split("@media screen and (prefers-color-scheme: dark)")
    palette = colours(light) | (colours(dark) if scheme == "dark" else {})
    for name in ("ink", "soft", "accent", "warm", "good", "bad", "unsure"):
        for ground in ("paper", "wash"):
            assert contrast(palette[name], palette[ground]) >= 4.5, (name, ground)
    assert contrast(palette["other"], palette["paper"]) >= 3
    shades = [int(part) / 100 for part in re.findall(r"--part: (\d+)%", style)]
    assert len(shades) == 10
    for shade in shades:
        for name in ("accent", "warm"):
            ground = mixed(palette[name], palette["paper"], shade)
            assert contrast(palette["ink"], ground) >= 4.5, (name, shade)


# --- where it goes


def test_the_same_content_makes_the_same_page(tmp_path):
    write_report(tmp_path / "deep" / "report.html", a_report())
    assert (tmp_path / "deep" / "report.html").read_text(encoding="utf-8") == render(a_report())


def test_a_place_that_cannot_be_written_to_is_told(tmp_path):
    (tmp_path / "report.html" / "taken").mkdir(parents=True)
    with pytest.raises(StorageError, match="A file could not be written"):
        write_report(tmp_path / "report.html", a_report())


@pytest.mark.parametrize("text", ["price", IMAGE, SCRIPT, "</iframe>"])
def test_a_notebook_gets_the_page_in_a_frame_without_rights(text):
    fragment = as_notebook(a_report(text), height=300)
    page = Page(fragment)
    ((tag, attributes, _),) = page.tags
    assert tag == "iframe"
    assert attributes["sandbox"] == ""
    assert attributes["srcdoc"] == render(a_report(text))
    assert set(attributes) == {"sandbox", "title", "style", "srcdoc"}
    assert "height:300px" in attributes["style"]
    assert unescape(attributes["title"]) == f"fathom report: {text}"
