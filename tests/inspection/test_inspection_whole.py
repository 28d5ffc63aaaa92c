"""All findings together: order, gathering, the text, and tables that nobody expects."""

import json
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fathom.base.files import plain
from fathom.base.records import Finding, Severity
from fathom.inspection import inspect as module
from fathom.inspection.gather import by_severity, gather
from fathom.inspection.inspect import inspect
from fathom.inspection.sheet import Sheet
from fathom.inspection.show import as_text

Make = Callable[..., Sheet]
NUMBERS = st.lists(
    st.one_of(
        st.none(), st.floats(allow_infinity=False), st.sampled_from([0.0, -0.0, 1e308, -1.0])
    ),
    min_size=1,
    max_size=83,
)


def finding(code: str, severity: Severity, column: str = "a") -> Finding:
    return Finding(
        code=code, severity=severity, title="t", evidence="e; more.", advice="a", columns=(column,)
    )


def test_the_gravest_come_first():
    found = [finding("x", "low"), finding("y", "high"), finding("z", "low"), finding("w", "medium")]
    assert [one.code for one in by_severity(found)] == ["y", "w", "x", "z"]


def test_many_of_one_sort_become_one_and_nothing_is_lost():
    many = [finding("constant", "low", f"c{place}") for place in range(211)]
    (joined,) = gather(many)
    assert joined.title == "211 columns are the same in every row."
    assert joined.evidence == "'c0': e; 'c1': e; 'c2': e; 'c3': e and 207 more."
    assert len(joined.columns) == len(joined.facts["each"]) == 211
    different = [finding("leakage_suspect", "high", f"c{place}") for place in range(7)]
    assert gather(different) == different
    mixed = [finding("constant", "low"), finding("constant", "medium")] * 2
    assert len(gather(mixed)) == 4


def test_text_for_the_terminal(make_sheet: Make):
    y = np.array(["no", "yes"] * 60)
    sheet = make_sheet({"x": np.arange(120) % 2, "long " * 9: np.arange(120) % 7, "y": y}, "y")
    text = as_text(inspect(sheet), width=60)
    assert text.startswith("2 findings: 1 high, 1 low.\n\nHIGH: the score would mean nothing\n")
    assert "\n  1. 'x' gives 'y' away.\n     On held-out rows, 'x' alone reaches" in text
    assert max(map(len, text.splitlines())) <= 60
    assert as_text(()) == "Nothing to report: no finding."


def test_rows_and_files_stand_in_the_text():
    one = Finding(
        code="c",
        severity="low",
        title="t.",
        evidence="e.",
        advice="a.",
        rows=(3, 1_204),
        facts={"part": "test"},
    )
    assert "     e. For example rows 3, 1,204. (test file)" in as_text([one])


def test_every_finding_is_told_in_full_and_fits_into_json(make_sheet: Make):
    generator = np.random.default_rng(0)
    gaps = np.where(generator.random(211) < 0.6, np.nan, 1.0 + np.arange(211) % 9)
    columns = {
        "id": [f"r{place}" for place in range(211)],
        "gaps": gaps,
        "same": np.ones(211),
        "x": generator.lognormal(0, 1, 211),
        "words": ["a"] * 203 + ["b"] * 8,
        "y": ["no"] * 200 + ["yes"] * 11,
    }
    train = make_sheet(columns, "y")
    findings = inspect(train, {"test": make_sheet(columns, "y", part="test")})
    assert {one.code for one in findings} >= {"identifier", "copies_across_files", "imbalance"}
    for one in findings:
        assert one.title.endswith(".")
        assert one.evidence.endswith(".")
        assert one.advice.endswith(".")
        assert one.facts["action"]
        json.dumps(plain(one.to_dict()), allow_nan=False)


def test_codes_mean_one_thing(make_sheet: Make):
    """Each finding of a code proposes the same sort of action; plans rely on it."""
    sheet = make_sheet({"x": np.arange(120) % 2, "y": np.arange(120) % 2 * 1.0 + 3}, "y")
    (high,) = [one for one in inspect(sheet) if one.severity == "high"]
    assert high.facts["action"] == "drop"


@pytest.mark.parametrize("rows", [1, 2, 3])
def test_tiny_tables(make_sheet: Make, rows: int):
    columns = {"a": np.arange(rows), "b": ["x"] * rows, "y": np.arange(rows) * 2}
    findings = inspect(make_sheet(columns, "y"), {"test": make_sheet(columns, "y", part="test")})
    assert "few_rows" in [one.code for one in findings]


def test_without_a_target_and_without_columns_to_learn_from(make_sheet: Make):
    assert isinstance(inspect(make_sheet({"a": np.arange(61)})), tuple)
    names = [f"n{place}" for place in range(61)]
    found = inspect(make_sheet({"a": names}))
    assert [one.code for one in found] == ["no_inputs", "identifier"]


@given(data=NUMBERS, words=st.lists(st.text(max_size=3), min_size=1, max_size=83))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_whatever_the_cells_hold(make_sheet: Make, data: list[float | None], words: list[str]):
    """No warning, no failure: warnings are errors here."""
    rows = min(len(data), len(words))
    columns = {
        "age": data[:rows],
        "b": [None if cell is None else -cell for cell in data[:rows]],
        "w": ("category", words[:rows]),
        "s": ("set", words[:rows]),
    }
    for target in columns:
        sheet = make_sheet(columns, target)
        for one in inspect(sheet, {"test": sheet}):
            assert as_text([one])


def test_wide_tables_give_short_answers(make_sheet: Make):
    generator = np.random.default_rng(1)
    gaps = generator.random((300, 400)) < 0.1
    data = np.where(gaps, np.nan, generator.normal(size=(300, 400)))
    columns = {f"c{place}": data[:, place] for place in range(400)}
    findings = inspect(make_sheet({**columns, "y": generator.integers(0, 2, 300) * 1.0}, "y"))
    assert len(findings) < 10
    assert not [one for one in findings if one.severity == "high"]


def test_every_family_is_asked_once():
    assert len(set(module.FAMILIES)) == len(module.FAMILIES)
    names = {family.__name__ for family in module.FAMILIES}
    assert {"find_leakage", "find_missing", "find_groups", "find_time"} <= names
