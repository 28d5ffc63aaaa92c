"""Columns, hashes and sheets against naive counting."""

from collections import Counter
from collections.abc import Callable

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fathom.base.errors import RecipeError
from fathom.columns.kind import Values
from fathom.inspection.column import Column, codes_of
from fathom.inspection.hashing import hash_numbers, hash_words
from fathom.inspection.sheet import Sheet, row_hashes

Make = Callable[..., Sheet]


def number(data: list[float], present: list[bool] | None = None) -> Column:
    here = np.ones(len(data), dtype=bool) if present is None else np.array(present)
    return Column("a", "number", Values(np.array(data, dtype=np.float64), here))


@given(st.lists(st.integers(-4, 4), max_size=37))
def test_codes_of_equals_numpy_unique(keys: list[int]):
    data = np.array(keys, dtype=np.float64)
    codes, first, counts = codes_of(data)
    _, where, inverse, sizes = np.unique(
        data, return_index=True, return_inverse=True, return_counts=True
    )
    np.testing.assert_array_equal(codes, inverse)
    np.testing.assert_array_equal(first, where)
    np.testing.assert_array_equal(counts, sizes)


def test_absent_rows_have_a_code_of_their_own():
    column = number([3.0, 9.0, 3.0, 1.0], [True, False, True, True])
    levels = column.levels
    assert levels.codes.tolist() == [1, 2, 1, 0]
    assert (levels.num, levels.num_absent, levels.sizes.tolist()) == (2, 1, [1, 2, 1])
    assert column.word(1) == "3"
    assert column.chance == pytest.approx(2 / (4 * 3))


def test_what_stands_in_absent_cells_does_not_matter():
    one = number([1.0, 5.0], [True, False])
    other = number([1.0, np.nan], [True, False])
    np.testing.assert_array_equal(one.hashes, other.hashes)


def test_words_of_every_kind():
    data = np.empty(3, dtype=object)
    data[:] = [("a", "b"), (), ("a",)]
    labels = Column("s", "set", Values(data, np.array([True, False, True])))
    assert labels.counts() == {"a|b": 1, "a": 1} or labels.counts() == {"a": 1, "a|b": 1}
    date = Column("d", "date", Values(np.array([86_400.0]), np.array([True])))
    assert date.word(0) == "1970-01-02"


def test_minus_zero_is_zero_and_huge_numbers_hash():
    present = np.ones(4, dtype=bool)
    hashes = hash_numbers(np.array([0.0, -0.0, 1e308, -1e308]), present)
    assert hashes[0] == hashes[1]
    assert len(set(hashes.tolist())) == 3


def test_words_hash_apart():
    words = np.array([f"word {place}" for place in range(997)], dtype=object)
    assert len(set(hash_words(words, np.ones(997, dtype=bool)).tolist())) == 997


@given(
    st.lists(
        st.tuples(st.integers(0, 2), st.sampled_from("ab"), st.integers(0, 1)),
        min_size=1,
        max_size=41,
    )
)
def test_row_hashes_agree_where_rows_do(rows: list[tuple[int, str, int]]):
    here = np.ones(len(rows), dtype=bool)
    first, second, third = zip(*rows, strict=True)
    columns = [
        Column("x", "number", Values(np.array(first, dtype=np.float64), here)),
        Column("y", "category", Values(np.array(second, dtype=object), here)),
        Column("z", "number", Values(np.array(third, dtype=np.float64), here)),
    ]
    hashes = row_hashes(columns, len(rows)).tolist()
    assert Counter(Counter(hashes).values()) == Counter(Counter(rows).values())
    assert len(set(zip(hashes, rows, strict=True))) == len(set(hashes)) == len(set(rows))


def test_the_same_value_in_another_column_is_another():
    here = np.ones(1, dtype=bool)
    one = Column("x", "number", Values(np.array([7.0]), here))
    other = Column("y", "number", Values(np.array([7.0]), here))
    assert one.hashes[0] == other.hashes[0]
    assert one.row_part[0] != other.row_part[0]


def test_inputs_leave_out_targets_groups_and_unused_kinds(make_sheet: Make):
    sheet = make_sheet(
        {"a": [1, 2], "g": ["u", "v"], "i": ("identifier", ["p", "q"]), "y": [1, 2]}, "y"
    )
    assert [column.name for column in sheet.inputs] == ["a", "g"]
    grouped = Sheet(sheet.table, sheet.recognised, sheet.values, ("y",), group="g")
    assert [column.name for column in grouped.inputs] == ["a"]


def test_a_target_that_is_no_column_is_an_error(make_sheet: Make):
    with pytest.raises(RecipeError, match=r"The target is not a column of the table\.") as error:
        make_sheet({"price": [1, 2], "size": [3, 4]}, "prize")
    assert "Did you mean 'price'?" in str(error.value)


def test_ignored_columns_know_their_markers(make_sheet: Make):
    sheet = make_sheet({"a": ("ignored", ["?", "?", "?"])})
    assert sheet.columns["a"].levels.num == 0


def test_a_sample_is_a_part_of_the_rows_and_always_the_same(make_sheet: Make):
    sheet = make_sheet({"a": np.arange(20_011)})
    assert sheet.sample.num_rows == 20_000
    chosen = sheet.sample.columns["a"].numbers
    assert (np.diff(chosen) > 0).all()
    np.testing.assert_array_equal(
        chosen, make_sheet({"a": np.arange(20_011)}).sample.values["a"].data
    )
    np.testing.assert_array_equal(sheet.sample.table.frame["a"].to_numpy(), chosen)
    small = make_sheet({"a": np.arange(7)})
    assert small.sample is small


def test_hashes_of_numbers_do_not_depend_on_their_source():
    frame = pl.DataFrame({"a": [0.1, 2.0]})
    text = pl.DataFrame({"a": ["0.10", "2"]})
    from_float = number(frame["a"].to_list()).hashes
    from_text = number([float(cell) for cell in text["a"].to_list()]).hashes
    np.testing.assert_array_equal(from_float, from_text)
