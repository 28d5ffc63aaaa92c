from datetime import date
from typing import Any

import numpy as np
import polars as pl
import pytest

from fathom.base.errors import DataError, RecipeError
from fathom.columns.category import Category
from fathom.columns.date import Date
from fathom.columns.flag import Flag
from fathom.columns.kind import Kind
from fathom.columns.number import Number
from fathom.columns.recognise import recognise, recognise_target
from fathom.columns.set import Set

RNG = np.random.default_rng(0)


def _kind(cells: Any, name: str = "x") -> str:
    return recognise(pl.Series(cells), name=name).kind.name


def _target(cells: Any, name: str = "x") -> str:
    return recognise_target(pl.Series(cells), name=name).kind.name


def _choose(cells: list[Any], num_rows: int = 211) -> list[Any]:
    return RNG.choice(np.array(cells), num_rows).tolist()


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        (RNG.normal(size=211).tolist(), "number"),
        ([str(x) for x in RNG.normal(size=211)], "number"),
        ([float(x) for x in range(211)], "number"),
        ([f"{x}.0" for x in range(211)], "number"),
        (_choose([3, 4, 5, 6, 7, 8]), "number"),
        (_choose([4, 6, 8]), "number"),
        (_choose([1, 2]), "number"),
        (["?", "1,200", "$35", " 12 "] * 9, "number"),
        (list(range(1949, 2000)), "number"),
        ([str(x % 41) for x in range(820)] + [f"odd {x}" for x in range(31)], "number"),
        (_choose([0, 1]), "flag"),
        (_choose(["0.0", "1.0"]), "flag"),
        (_choose([-1, 1]), "flag"),
        (_choose(["yes", "no", ""]), "flag"),
        (_choose([True, False]), "flag"),
        (_choose(["+", "-"]), "flag"),
        (_choose(["red", "green", "blue"]), "category"),
        (_choose(["male", "female"]), "category"),
        (_choose(["02139", "90210", "10001"]), "category"),
        (_choose(["2", "3", "4", "5more"]), "category"),
        (["Y", "?", "?"] * 7, "category"),
        (["a", "b", "c"], "category"),
        (["2018-06", "2018-07"] * 7, "date"),
        ([date(2020, 1, 1), date(2020, 1, 2)], "date"),
        ([f"201806{day:02d}" for day in range(1, 29)], "date"),
        (["a|b", "b|c", "a", "c|a|b"] * 5, "set"),
        ([["a"], ["b", "a"]], "set"),
        (["['a', 'b']", "['b']"] * 5, "set"),
        (list(range(1, 212)), "identifier"),
        (RNG.permutation(211).tolist(), "identifier"),
        (np.cumsum(RNG.integers(1, 99, 211)).tolist(), "identifier"),
        ([f"{x:05d}" for x in range(0, 21_100, 100)], "identifier"),
        ([f"Film{x}, The" for x in range(211)], "identifier"),
        ([f"P-{x}" for x in range(211)], "identifier"),
        ([f"the {x} quick brown foxes jump" for x in range(211)], "ignored"),
        (["same"] * 211, "ignored"),
        ([None] * 211, "ignored"),
        (["?", "NA", ""] * 7, "ignored"),
    ],
    ids=lambda value: str(value)[:24],
)
def test_inputs(cells: Any, kind: str) -> None:
    assert _kind(cells) == kind


@pytest.mark.parametrize("every", [2, 5, 7])
@pytest.mark.parametrize("typed", [True, False])
def test_infinite_cells_are_numbers_that_are_told(every: int, *, typed: bool) -> None:
    cells: list[Any] = RNG.normal(size=211).round(5).tolist()
    infinite = len(cells[::every])
    cells[::every] = ([float("inf"), float("-inf")] * 211)[:infinite]
    words = ["Infinity" if cell == np.inf else str(cell) for cell in cells]
    raw = pl.Series(cells if typed else words)
    for found in (recognise(raw, name="x"), recognise_target(raw, name="x")):
        assert found.kind == Number(decimal="point")
        values = found.kind.parse(raw)
        assert values.present.sum() == 211 - infinite
        told = {repair.what: repair.count for repair in values.repairs}
        assert told == {"an infinite number read as an absent value": infinite}
    assert f"; {infinite} cells are infinite" in recognise(raw, name="x").reason


def test_a_column_of_nothing_but_infinities_is_no_number() -> None:
    assert _kind(["inf", "-inf"] * 9) != "number"
    assert _kind([float("inf")] * 19) == "ignored"


def test_names_are_weak_evidence() -> None:
    users = _choose(list(range(100, 140)))
    assert _kind(users, "userId") == "category"
    assert _kind(users, "visits") == "number"
    keys = RNG.choice(10**6, 211, replace=False).tolist()
    assert _kind(keys, "customer_id") == "identifier"
    assert _kind(keys, "income") == "number"
    seconds = (964_982_703 + RNG.integers(0, 10**8, 211)).tolist()
    assert _kind(seconds, "timestamp") == "date"
    assert _kind(seconds, "income") == "number"
    assert _kind(RNG.normal(size=211).tolist(), "id") == "number"


def test_reasons_carry_the_figures_and_the_best_comes_first() -> None:
    found = recognise(pl.Series(["a", "b", "a"] * 11 + [None]), name="shape")
    assert found.reason == "2 distinct words in 34 rows (1 without a value), such as 'a', 'b'"
    assert not found.said
    confidences = [evidence.confidence for evidence in found.evidence]
    assert confidences == sorted(confidences, reverse=True)
    assert {evidence.kind for evidence in found.evidence} == {"category", "flag"}
    constant = recognise(pl.Series([9] * 1_234), name="pixels")
    assert constant.reason == "the same value '9' in 1,234 rows"
    text = recognise(pl.Series([f"{row} is a long text" for row in range(20)]), name="text")
    assert text.reason == "free text (5 words a cell): text is not a kind yet"


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        (["1.234,5", "2,5", "7"] * 5, Number(decimal="comma")),
        (["1,234.5", "2.5", "7"] * 5, Number(decimal="point")),
        (["13/4/2018", "3/4/2018"] * 5, Date(order="day_first")),
        ([f"2018060{day}" for day in range(1, 8)] * 5, Date(order="month_first")),
        (["a;b", "b;c", "c"] * 5, Set(separator=";")),
        (["+", "-"] * 5, Flag(markers=False)),
        (["yes", "no"] * 5, Flag()),
    ],
    ids=str,
)
def test_what_the_whole_column_decides_is_settled(cells: list[str], kind: Kind) -> None:
    found = recognise(pl.Series(cells), name="x").kind
    assert found == kind
    values = found.parse(pl.Series(cells))
    assert values.present.all()


def test_one_cell_of_a_later_file_is_read_as_training_was() -> None:
    found = recognise(pl.Series(["1.234", "2,5"] * 5), name="x").kind
    assert found.parse(pl.Series(["1.234"])).data[0] == 1234.0
    dates = recognise(pl.Series(["13/4/2018", "3/4/2018"] * 5), name="x").kind
    assert (
        dates.parse(pl.Series(["3/4/2018"])).data[0]
        == Date().parse(pl.Series(["2018-04-03"])).data[0]
    )
    times = recognise(pl.Series([1_445_714_994_000 + row for row in range(9)]), name="time").kind
    assert times.parse(pl.Series([0])).data[0] == 0.0
    assert isinstance(times, Date)
    assert times.unit == "milliseconds"


def test_what_the_person_says_stands_first() -> None:
    found = recognise(pl.Series(_choose([3, 4, 5])), name="x", declared="category")
    assert (found.kind, found.said, found.reason) == (Category(), True, "you said so")
    assert [evidence.kind for evidence in found.evidence] == ["category", "number"]
    comma = recognise(pl.Series(["1,5", "2,5"]), name="x", declared="number")
    assert comma.kind == Number(decimal="comma")


def test_what_is_said_of_the_cells_wins_over_what_they_look_like() -> None:
    raw = pl.Series(["1,234", "5,678"] * 9)
    assert recognise(raw, name="x").kind == Number(decimal="point")
    comma = recognise(raw, name="x", declared="number:decimal_comma")
    assert (comma.kind, comma.kind.parse(raw).data[0]) == (Number(decimal="comma"), 1.234)
    days = pl.Series(["03/04/2021", "05/02/2021", "07/11/2020"] * 9)
    said = recognise(days, name="x", declared="date:day_first")
    assert (said.kind, said.doubt) == (Date(order="day_first"), "")
    assert "no cell decides" in recognise(days, name="x").doubt
    seconds = recognise(pl.Series([9_000_000_000] * 3), name="x", declared="date:milliseconds")
    assert seconds.kind == Date(order="month_first", unit="milliseconds")


@pytest.mark.parametrize("kind", ["number", "category", "flag", "date", "set", "ignored"])
def test_an_empty_column_can_be_declared_anything(kind: str) -> None:
    found = recognise(pl.Series([None, "?"]), name="x", declared=kind)
    assert found.kind.name == kind


def test_what_cannot_be_is_refused_in_four_beats() -> None:
    words = pl.Series(["red", "green", "blue", "1"])
    with pytest.raises(DataError) as caught:
        recognise(words, name="colour", declared="number")
    assert str(caught.value) == (
        "The column cannot be read as a number.\n"
        "  where:    column 'colour'\n"
        "  expected: cells that are a number\n"
        "  got:      4 distinct cells such as '1', 'blue', 'green'\n"
        "  do:       Correct --kind, or leave it out to have the kind recognised."
    )
    with pytest.raises(DataError, match="cannot be read as a date"):
        recognise(words, name="colour", declared="date")
    with pytest.raises(DataError, match="cannot be read as a flag"):
        recognise(words, name="colour", declared="flag")
    with pytest.raises(RecipeError, match="Did you mean 'number'"):
        recognise(words, name="colour", declared="numbre")


@pytest.mark.parametrize(
    ("cells", "name", "kind"),
    [
        (RNG.normal(size=211).tolist(), "y", "number"),
        (_choose([0.5, 1.0, 1.5, 2.0]), "rating", "number"),
        (list(range(211)), "y", "number"),
        (_choose([0, 1]), "y", "flag"),
        (_choose([1, 2]), "y", "flag"),
        (_choose(["<=50K", ">50K"]), "y", "flag"),
        (_choose(["a", "b", "c"]), "y", "category"),
        (_choose([True, False]), "y", "flag"),
        (_choose(list(range(10))), "y", "category"),
        (_choose(list(range(10))), "num_visits", "number"),
        (np.clip(RNG.normal(6, 0.8, 999).round(), 3, 9).astype(int).tolist(), "y", "number"),
        (np.clip(RNG.normal(6, 0.8, 999).round(), 3, 9).astype(int).tolist(), "class", "category"),
        (_choose([10, 250, 900, 4000]), "y", "number"),
        (list(range(7)) * 31, "y", "category"),
        (RNG.integers(0, 10, 23).tolist(), "y", "number"),
        (RNG.poisson(40, 999).tolist(), "y", "number"),
        (_choose(["02139", "90210", "10001"]), "y", "category"),
        (["a|b", "b|c", "a", "c|a|b"] * 5, "y", "set"),
        (_choose(["+", "-"]), "y", "flag"),
    ],
    ids=lambda value: str(value)[:24],
)
def test_targets(cells: Any, name: str, kind: str) -> None:
    assert _target(cells, name) == kind


def test_few_whole_numbers_come_with_both_readings_and_the_way_to_override() -> None:
    found = recognise_target(pl.Series([1, 2, 3, 5, 6, 7] * 31), name="glass")
    assert [(evidence.kind, evidence.confidence) for evidence in found.evidence] == [
        ("category", 0.75),
        ("number", 0.5),
    ]
    assert found.reason == (
        "6 distinct whole numbers from 1 to 7 in 186 rows: few, and not spread like an amount; "
        "if they are amounts, say --kind glass=number"
    )


def test_a_flag_says_which_word_is_yes() -> None:
    found = recognise_target(pl.Series(["good", "bad", "good"]), name="y")
    assert found.reason == (
        "two values, 'good', 'bad'; yes is 'bad': "
        "'bad' is the rarer of two words (1 of 3 rows): taken as yes"
    )


def test_none_can_be_an_answer() -> None:
    cells = ["None", "Insomnia", "Apnea", "None"] * 7
    found = recognise_target(pl.Series(cells), name="disorder")
    assert found.kind == Category(markers=False)
    assert found.kind.parse(pl.Series(["None"])).present.all()
    assert "14 of 28 rows beside other words: taken for an answer" in found.reason
    for cell in ("", "Flu"):
        more = recognise_target(pl.Series([*cells, cell]), name="disorder")
        assert more.kind == Category(markers=False)
    assert recognise_target(pl.Series([*cells, "NA", "Flu"]), name="x").kind == Category()
    assert recognise(pl.Series(cells), name="disorder").kind == Category()


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        (["same"] * 9, "'same' in all 9 rows with a value"),
        ([None, None], "no value in 2 rows"),
        ([f"row {row}" for row in range(31)], "nearly every row has a value of its own"),
    ],
)
def test_targets_that_teach_nothing_are_refused(cells: Any, message: str) -> None:
    with pytest.raises(DataError) as caught:
        recognise_target(pl.Series(cells), name="y")
    assert message in str(caught.value)
    assert caught.value.where == "column 'y'"


def test_targets_can_be_declared_but_not_as_something_that_is_left_out() -> None:
    raw = pl.Series([1, 2, 3] * 9)
    assert recognise_target(raw, name="y", declared="number").kind == Number(decimal="point")
    with pytest.raises(RecipeError, match="A target cannot be of the kind 'ignored'"):
        recognise_target(raw, name="y", declared="ignored")


def test_the_same_column_is_recognised_alike_in_any_form() -> None:
    numbers = _choose([3, 4, 5])
    for raw in (pl.Series(numbers), pl.Series([str(x) for x in numbers])):
        assert recognise(raw, name="x").kind.name == "number"
    for raw in (pl.Series(["a", "b"] * 9), pl.Series(["a", "b"] * 9, dtype=pl.Categorical)):
        assert recognise(raw, name="x").kind.name == "category"


def test_words_that_look_alike_once_they_are_cut_are_shown_once() -> None:
    cells = [f"a phrase that begins as all others do {k % 4}" for k in range(80)]
    found = recognise(pl.Series("a", ["b", *cells]), name="a")
    assert found.reason.endswith(", such as 'a phrase that begins as all o…', 'b'")
