import polars as pl
import pytest

from fathom.columns.cells import as_text, clean, counted


def test_blanks_quotes_and_markers_are_taken_off() -> None:
    cells = clean(pl.Series([" a ", "\u00a0b", "'-1'", '"x y"', " ?", "NA", "", "  ", None, "''"]))
    assert cells.text.to_list()[:4] == ["a", "b", "-1", "x y"]
    assert cells.text.to_list()[4:] == [None] * 6
    assert cells.present.tolist() == [True] * 4 + [False] * 6
    (repair,) = cells.repairs
    assert (repair.count, repair.examples) == (2, ("?", "NA"))


def test_quotes_inside_a_cell_stay() -> None:
    cells = ["'a' or 'b'", "rock 'n' roll", "'tis", "O'Neill"]
    assert clean(pl.Series(cells)).text.to_list() == cells


def test_markers_can_be_words() -> None:
    cells = clean(pl.Series(["None", "mild", "?"]), markers=False)
    assert cells.text.to_list() == ["None", "mild", "?"]
    assert cells.repairs == ()


@pytest.mark.parametrize("marker", ["?", "NA", "N/A", "nan", "null", "None", "-", "."])
def test_each_usual_marker_is_an_absent_value(marker: str) -> None:
    assert clean(pl.Series(["a", marker])).present.tolist() == [True, False]


def test_typed_columns_become_words() -> None:
    assert as_text(pl.Series([True, None])).to_list() == ["true", None]
    assert as_text(pl.Series([3, 10])).to_list() == ["3", "10"]
    assert as_text(pl.Series([3.0, None, float("nan")])).to_list() == ["3", None, None]
    assert as_text(pl.Series([1e300, 2.0])).to_list() == ["1e+300", "2.0"]
    assert as_text(pl.Series(["3.10"]).cast(pl.Decimal(10, 2))).to_list() == ["3.1"]


def test_a_repair_counts_all_and_shows_three() -> None:
    raw = pl.Series([f"cell {row}" for row in range(11)])
    (repair,) = counted("mended", (raw != "cell 0").to_numpy(), raw)
    assert (repair.what, repair.count) == ("mended", 10)
    assert repair.examples == ("cell 1", "cell 2", "cell 3")
    assert counted("mended", (raw == "").to_numpy(), raw) == ()
