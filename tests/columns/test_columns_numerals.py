import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fathom.columns.numerals import decimal_notation, read_numbers


def _read(*cells: str) -> list[float]:
    return read_numbers(pl.Series(list(cells))).data.tolist()


@pytest.mark.parametrize(
    ("cell", "number"),
    [
        (" 1,234.5 ", 1234.5),
        ("$1,200", 1200.0),
        ("€ 5", 5.0),
        ("5 EUR", 5.0),
        ("12%", 12.0),
        ("12 %", 12.0),
        ("1e5", 1e5),
        ("1E+05", 1e5),
        ("50.", 50.0),
        (".5", 0.5),
        ("+3", 3.0),
        ("1 234 567", 1234567.0),
        ("1\u202f234,5", 1234.5),
        ("1'234", 1234.0),
        ("−5", -5.0),
        ("- 5", -5.0),
        ("(35)", -35.0),
        ("(2.5%)", -2.5),
        ("1.234.567", 1234567.0),
        ("1.234,5", 1234.5),
        ("2,5", 2.5),
        ("'7'", 7.0),
        ("00012", 12.0),
    ],
)
def test_messy_numbers_are_read(cell: str, number: float) -> None:
    values = read_numbers(pl.Series(["1", cell]))
    assert values.data.tolist() == [1.0, number]
    assert values.present.all()


@pytest.mark.parametrize("cell", ["", " ", "?", " ?", "NA", "N/A", "nan", "null", "None", "-", "."])
def test_missing_markers_are_absent(cell: str) -> None:
    assert read_numbers(pl.Series(["1", cell])).present.tolist() == [True, False]


@pytest.mark.parametrize(
    "cell", ["x", "5 kg", "1,23,4", "1.2.3", "5e", "--5", "1_000", "0x1F", "%"]
)
def test_what_is_no_number_is_absent_and_told(cell: str) -> None:
    values = read_numbers(pl.Series(["1.5", cell]))
    assert values.present.tolist() == [True, False]
    assert [(repair.what, repair.count, repair.examples) for repair in values.repairs] == [
        ("not a number: read as an absent value", 1, (cell,))
    ]


def test_the_column_decides_what_a_comma_means() -> None:
    assert _read("1.234", "2,5", "10") == [1234.0, 2.5, 10.0]
    assert _read("1,234", "2.5", "10") == [1234.0, 2.5, 10.0]
    assert _read("1,234", "2,000") == [1234.0, 2000.0]
    assert _read("1.234", "2.000") == [1.234, 2.0]
    assert _read("1,234.5", "2,5", "1,234") == [1234.5, 2.5, 1234.0]
    # Both at once: no consistent comma, so only what allows one reading is read with it.
    assert _read("1,5", "1.5", "1,234", "1.234") == [1.5, 1.5, 1234.0, 1.234]


def test_the_notation_can_be_said() -> None:
    raw = pl.Series(["1.234", "1,234", "0.5"])
    assert read_numbers(raw, "comma").data.tolist() == [1234.0, 1.234, 0.5]
    assert read_numbers(raw, "point").data.tolist() == [1.234, 1234.0, 0.5]
    assert decimal_notation(pl.Series(["1,5"])) == "comma"
    assert decimal_notation(pl.Series([1.5])) == "point"


def test_each_writing_has_its_own_repair() -> None:
    cells = ["$1,200.5", "12%", "(3)", "−5", "2,5", "?", "inf", "word"]
    repairs = {repair.what: repair for repair in read_numbers(pl.Series(cells)).repairs}
    assert {what: repair.examples for what, repair in repairs.items()} == {
        "a marker for 'no value' read as an absent value": ("?",),
        "decimal comma read as a point": ("2,5",),
        "signs that group thousands dropped": ("$1,200.5",),
        "currency sign dropped": ("$1,200.5",),
        "percent sign dropped: 12% read as 12": ("12%",),
        "brackets read as a minus": ("(3)",),
        "typographic minus read as a minus": ("−5",),
        "not a number: read as an absent value": ("word",),
        "an infinite number read as an absent value": ("inf",),
    }


@pytest.mark.parametrize(
    "raw",
    [
        pl.Series([1.5, float("nan"), None, float("inf"), -2.0]),
        pl.Series(["1.5", "NaN", None, "inf", "-2"]),
        pl.Series([" 1.5", "nan", "", "-Infinity", "-2.0 "]),
    ],
)
def test_infinities_are_absent_and_told(raw: pl.Series) -> None:
    values = read_numbers(raw)
    assert values.present.tolist() == [True, False, False, False, True]
    assert values.data[[0, 4]].tolist() == [1.5, -2.0]
    assert values.repairs[-1].what == "an infinite number read as an absent value"
    assert values.repairs[-1].count == 1


def test_typed_columns_are_read_as_they_are() -> None:
    assert read_numbers(pl.Series([3, None, -7])).present.tolist() == [True, False, True]
    assert read_numbers(pl.Series([True, False])).data.tolist() == [1.0, 0.0]
    decimals = pl.Series(["1.25", "3.50"]).cast(pl.Decimal(10, 2))
    assert read_numbers(decimals).data.tolist() == [1.25, 3.5]


@settings(deadline=None, max_examples=40)
@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=7))
def test_what_python_writes_is_read_exactly(numbers: list[float]) -> None:
    assert _read(*map(repr, numbers)) == numbers
    assert np.array_equal(read_numbers(pl.Series([f" {x!r}" for x in numbers])).data, numbers)


@settings(deadline=None, max_examples=40)
@given(st.lists(st.integers(-(10**15), 10**15), min_size=1, max_size=7))
def test_grouped_thousands_agree_with_plain_ones(numbers: list[int]) -> None:
    assert _read(*[f"{number:,}" for number in numbers]) == [float(number) for number in numbers]
    comma = pl.Series([f"{number:,}".replace(",", ".") + ",25" for number in numbers])
    exact = [float(f"{number}.25") for number in numbers]
    assert read_numbers(comma).data.tolist() == exact
