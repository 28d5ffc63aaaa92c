"""Frames, arrays, columns and records that are in memory."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest

from fathom.base.errors import DataError
from fathom.tables.cells import is_date, typed_series
from fathom.tables.read import read


def test_polars() -> None:
    frame = pl.DataFrame({"a": [1, None], "b": ["x", "y"]})
    assert read(frame).frame.equals(frame)
    assert read(frame.lazy()).frame.equals(frame)
    assert read(frame).source.name == "polars.DataFrame"
    assert read(frame).source.paths == ()


class OtherArrow:
    """A table of another library, known by Arrow's interface only."""

    def __init__(self, frame: pl.DataFrame) -> None:
        self.frame = frame

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self.frame.__arrow_c_stream__(requested_schema)


def test_arrow() -> None:
    frame = pl.DataFrame({"a": [1, None], "b": ["x", "y"]})
    assert read(OtherArrow(frame)).frame.equals(frame)


def test_pandas_keeps_types_and_says_what_is_missing() -> None:
    frame = pd.DataFrame(
        {
            "whole": np.array([1, 2, 3], dtype=np.int16),
            "number": [1.5, np.nan, 2.5],
            "half": np.array([1, np.nan, 2], dtype=np.float16),
            "word": ["x", None, "z"],
            "category": pd.Categorical(["u", None, "v"]),
            "flag": [True, False, True],
            "nullable": pd.array([1, None, 3], dtype="Int64"),
            "maybe": pd.array([True, None, False], dtype="boolean"),
            "time": pd.to_datetime(["2020-01-01 10:00", None, "2021-01-01 00:00"]),
            "zone": pd.to_datetime(["2020-01-01 10:00+02:00", None, "2021-01-01 00:00+02:00"]),
            "lasting": pd.to_timedelta(["1h", None, "2h"]),
            "mixed": [1, "x", None],
            7: [1, 2, 3],
        }
    )
    table = read(frame)
    schema = dict(table.frame.schema)
    assert schema == {
        "whole": pl.Int16,
        "number": pl.Float64,
        "half": pl.Float64,
        "word": pl.String,
        "category": pl.String,
        "flag": pl.Boolean,
        "nullable": pl.Int64,
        "maybe": pl.Boolean,
        "time": pl.Datetime("us"),
        "zone": pl.Datetime("us", "UTC"),
        "lasting": pl.Duration("us"),
        "mixed": pl.String,
        "7": pl.Int64,
    }
    for name in schema:
        absent = frame[7 if name == "7" else name].isna().tolist()
        assert table.column(name).is_null().to_list() == absent, name
    assert table.column("time")[0] == datetime(2020, 1, 1, 10)
    assert table.column("zone")[0] == datetime(2020, 1, 1, 8, tzinfo=UTC)
    assert table.column("nullable").to_list() == [1, None, 3]
    assert table.column("mixed").to_list() == ["1", "x", None]
    assert table.source.name == "pandas.DataFrame"
    assert [note.code for note in table.notes] == ["mixed_types"]


def test_pandas_index_and_odd_names() -> None:
    frame = pd.DataFrame([[1, 2], [3, 4]], columns=["a", "a"], index=["u", "v"])
    table = read(frame)
    assert table.columns == ("a", "a_2")
    assert table.frame.rows() == [(1, 2), (3, 4)]
    assert [note.code for note in table.notes] == ["names_changed", "index_left_out"]
    frame.columns = pd.MultiIndex.from_tuples([("a", "x"), ("a", "y")])
    assert read(frame).columns == ("a.x", "a.y")
    assert read(pd.DataFrame({"a": [1]})).notes == ()


def test_numpy() -> None:
    table = read(np.array([[1.0, np.nan], [3.0, 4.0], [5.0, 6.0]], dtype=np.float32))
    assert table.columns == ("column_1", "column_2")
    assert table.frame.rows() == [(1.0, None), (3.0, 4.0), (5.0, 6.0)]
    assert table.column("column_1").dtype == pl.Float32
    assert not table.source.header
    assert table.source.name == "numpy.ndarray"
    words = read(np.array([["a", "b"], ["c", "d"]]))
    assert words.frame.rows() == [("a", "b"), ("c", "d")]
    objects = read(np.array([[1, "b"], [2, None]], dtype=object))
    assert objects.frame.rows() == [(1, "b"), (2, None)]


def test_structured_arrays() -> None:
    array = np.array(
        [(1, 2.5, "x", "2020-01-01"), (2, np.nan, "y", "NaT")],
        dtype=[("a", np.int8), ("b", float), ("c", "U3"), ("d", "datetime64[D]")],
    )
    table = read(array)
    assert table.columns == ("a", "b", "c", "d")
    assert table.frame.rows() == [
        (1, 2.5, "x", datetime(2020, 1, 1)),
        (2, None, "y", None),
    ]
    assert table.source.header


def test_masked_arrays() -> None:
    array = np.ma.masked_array([[1, 2], [3, 4]], mask=[[False, True], [False, False]])
    assert read(array).frame.rows() == [(1, None), (3, 4)]


@pytest.mark.parametrize(
    "array", [np.arange(6), np.zeros((2, 3, 4)), np.array(5), np.zeros((2, 2), dtype="i4,i4")]
)
def test_arrays_that_are_no_tables(array: np.ndarray) -> None:
    with pytest.raises(DataError) as caught:
        read(array)
    assert caught.value.what == "The array is not a table."
    assert f"shape {array.shape}" in caught.value.got
    assert "reshape(-1, 1)" in caught.value.do


def test_columns() -> None:
    table = read(
        {
            "a": [1, None, 3],
            "b": np.array([1.0, 2.0, np.nan]),
            "c": pl.Series([date(2020, 1, 1), None, None]),
            "d": pd.Series(["x", None, "z"], index=[5, 6, 7]),
            "e": range(3),
            "f": ({"u", "v"}, {"u"}, None),
        }
    )
    assert table.frame.rows() == [
        (1, 1.0, date(2020, 1, 1), "x", 0, ["u", "v"]),
        (None, 2.0, None, None, 1, ["u"]),
        (3, None, None, "z", 2, None),
    ]


def test_records() -> None:
    table = read([{"a": 1, "b": "x"}, {"b": "y"}])
    assert table.frame.rows() == [(1, "x"), (None, "y")]
    with pytest.raises(DataError) as caught:
        read([{"a": 1}, [2]])
    assert caught.value.what == "A row is not a record."
    assert caught.value.where == "list, row 2"
    assert caught.value.got == "list: [2]"


@pytest.mark.parametrize(
    ("source", "what"),
    [
        ({"a": 1}, "A column is not a sequence of cells."),
        ({"a": "xyz"}, "A column is not a sequence of cells."),
        ({"a": [1], "b": [1, 2]}, "The columns differ in length."),
        ({}, "The table has no rows."),
        ([], "The table has no rows."),
        ({"a": []}, "The table has no rows."),
        (42, "This is not a table that fathom can read."),
        (None, "This is not a table that fathom can read."),
        (iter([]), "This is not a table that fathom can read."),
    ],
)
def test_what_is_no_table(source: object, what: str) -> None:
    with pytest.raises(DataError) as caught:
        read(source)
    assert caught.value.what == what
    assert caught.value.do


def test_values_without_a_type_of_their_own() -> None:
    def texts(*values: object) -> Iterator[object]:
        yield from typed_series("a", list(values))[0].to_list()

    assert list(texts(Decimal("1.10"), None)) == ["1.10", None]
    assert list(texts(b"caf\xc3\xa9", "x")) == ["café", "x"]
    assert list(texts(None, float("nan"))) == [None, None]
    assert list(texts(np.int64(3), np.float32(0.5), np.datetime64("NaT"))) == [3.0, 0.5, None]
    aware = datetime(2020, 1, 1, tzinfo=UTC)
    assert list(texts(aware)) == ["2020-01-01 00:00:00+00:00"]


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("2020-01-31", True),
        ("1.2.2020 10:30", True),
        ("10:30", True),
        ("39", False),
        ("a-b", False),
    ],
)
def test_dates(cell: str, expected: bool) -> None:
    assert is_date(cell) == expected


class Mute:
    """A value whose text fails."""

    def __str__(self) -> str:
        raise RuntimeError("no words")

    __repr__ = __str__


def test_python_objects_in_a_polars_frame_become_what_they_are() -> None:
    cells = pl.Series("o", [1.5, None, 2], dtype=pl.Object)
    words = pl.Series("w", ["a", None, "b"], dtype=pl.Object)
    frame = pl.DataFrame([cells, words])
    for source in (frame, frame.lazy(), {"o": cells, "w": words}):
        table = read(source)
        assert table.frame.dtypes == [pl.Float64, pl.String]
        assert table.column("o").to_list() == [1.5, None, 2.0]


def test_an_index_of_several_levels_is_left_out() -> None:
    index = pd.MultiIndex.from_arrays([["a", "b"], [1, 2]])
    table = read(pd.DataFrame({"x": [1, 2]}, index=index))
    assert table.column("x").to_list() == [1, 2]
    assert [note.code for note in table.notes] == ["index_left_out"]
    assert read(pd.DataFrame({"x": [1, 2]}, index=pd.Index([0, 1]))).notes == ()


def test_one_column_is_no_table() -> None:
    with pytest.raises(DataError) as caught:
        read(pd.Series([1, 2]))
    assert caught.value.got == "pandas.Series"
    assert caught.value.do == "Make it a frame of one column: to_frame()."


@pytest.mark.parametrize("cell", [Mute(), [Mute()], {"a": Mute()}, {Mute(), Mute()}], ids=type)
def test_a_value_without_a_text_is_named(cell: object) -> None:
    with pytest.raises(DataError) as caught:
        read({"x": [1], "b": [cell]})
    assert str(caught.value) == (
        "A cell cannot be written as text.\n"
        "  where:    column 'b'\n"
        "  expected: numbers, words, dates or other values that have a text\n"
        f"  got:      {type(cell).__name__}, whose text fails with RuntimeError\n"
        "  do:       Turn the values into numbers or words first."
    )


def test_a_column_without_a_name_gets_one(tmp_path: Path) -> None:
    frame = pl.DataFrame({"a": [1], "": [2], "column_2": [3]})
    frame.write_parquet(tmp_path / "x.parquet")
    for source in (frame, tmp_path / "x.parquet"):
        table = read(source)
        assert table.columns == ("a", "column_3", "column_2")
        assert table.select(["column_3"]).column("column_3").to_list() == [2]
        assert [note.code for note in table.notes] == ["names_changed"]
