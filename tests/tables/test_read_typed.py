"""Parquet, Arrow, JSON: types stay."""

import gzip
import json
from datetime import date, datetime
from pathlib import Path

import polars as pl
import pytest

from fathom.base.errors import DataError
from fathom.tables.read import read

FRAME = pl.DataFrame(
    {
        "number": [1.5, None, float("nan")],
        "count": [1, 2, None],
        "word": ["x", "", None],
        "flag": [True, None, False],
        "day": [date(2020, 1, 2), None, date(1969, 12, 31)],
        "tags": [["a"], [], None],
    }
)


def put(folder: Path, text: str, name: str) -> Path:
    path = folder / name
    path.write_text(text)
    return path


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize(("kind", "suffix"), [("parquet", ".parquet"), ("arrow", ".feather")])
def test_columnar_files(tmp_path: Path, kind: str, suffix: str, packed: bool) -> None:
    path = tmp_path / f"a{suffix}"
    {"parquet": FRAME.write_parquet, "arrow": FRAME.write_ipc}[kind](path)
    if packed:
        path.write_bytes(gzip.compress(path.read_bytes()))
    table = read(path)
    assert table.source.format == kind
    assert table.frame.schema == FRAME.schema
    assert table.frame.equals(FRAME, null_equal=True)
    assert table.content_hash() == read(FRAME).content_hash()


def test_content_decides_where_the_name_is_wrong(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    FRAME.write_parquet(path)
    assert read(path).source.format == "parquet"


@pytest.mark.parametrize("suffix", [".parquet", ".arrow"])
def test_damaged_columnar_files(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    (FRAME.write_parquet if suffix == ".parquet" else FRAME.write_ipc)(path)
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(DataError) as caught:
        read(path)
    kind = "Parquet" if suffix == ".parquet" else "Arrow"
    assert caught.value.what == f"The {kind} file is damaged."
    assert caught.value.where == str(path)


def test_texts_under_the_name_of_parquet(tmp_path: Path) -> None:
    for name, kind in (("a.parquet", "Parquet"), ("a.pq", "Parquet"), ("a.feather", "Arrow")):
        with pytest.raises(DataError, match=f"The {kind} file is damaged"):
            read(put(tmp_path, "a,b\n1,2\n", name))


def test_an_empty_table(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    FRAME[:0].write_parquet(path)
    with pytest.raises(DataError, match="The table has no rows"):
        read(path)


RECORDS = [
    {"a": 1, "b": "x", "c": [1, 2]},
    {"b": None, "a": 2.5, "d": {"e": 1}},
    {"a": None, "b": "", "c": [], "f": True},
]
EXPECTED = {
    "a": [1.0, 2.5, None],
    "b": ["x", None, ""],
    "c": [[1, 2], None, []],
    "d": [None, '{"e": 1}', None],
    "f": [None, None, True],
}


@pytest.mark.parametrize("name", ["a.json", "a.jsonl", "a.ndjson", "a", "b"])
def test_json(tmp_path: Path, name: str) -> None:
    whole = json.dumps(RECORDS, indent=1)
    lines = "\n".join(json.dumps(record) for record in RECORDS) + "\n\n"
    path = put(tmp_path, whole if name in ("a.json", "a") else lines, name)
    table = read(path)
    assert table.frame.to_dict(as_series=False) == EXPECTED
    assert table.source.format == ("json" if name in ("a.json", "a") else "jsonl")
    (told,) = table.notes
    assert (told.code, told.severity, told.columns) == ("mixed_types", "low", ("d",))


def test_json_lines_under_the_name_of_json(tmp_path: Path) -> None:
    path = put(tmp_path, '{"a": 1}\n{"a": 2}\n', "a.json")
    assert read(path).column("a").to_list() == [1, 2]
    assert read(path).source.format == "jsonl"


def test_json_of_columns(tmp_path: Path) -> None:
    path = put(tmp_path, '{"a": [1, 2], "b": ["x", null]}', "a.json")
    assert read(path).frame.rows() == [(1, "x"), (2, None)]
    path = put(tmp_path, '{"a": [1, 2], "b": ["x"]}', "a.json")
    with pytest.raises(DataError) as caught:
        read(path)
    assert caught.value.what == "The columns differ in length."
    assert caught.value.got == "'a: 2', 'b: 1'"


def test_values_of_several_types_become_texts_and_none_is_lost(tmp_path: Path) -> None:
    path = put(tmp_path, '[{"a": 1}, {"a": "x"}, {"a": null}, {"a": true}, {"a": [1]}]', "a.json")
    table = read(path)
    assert table.column("a").to_list() == ["1", "x", None, "True", "[1]"]
    assert table.notes[0].severity == "medium"
    assert table.notes[0].facts == {"types": ["bool", "int", "list", "str"]}
    path = put(tmp_path, '[{"a": 1}, {"a": 99999999999999999999999}]', "a.json")
    assert read(path).column("a").to_list() == ["1", "99999999999999999999999"]
    path = put(tmp_path, '[{"a": [1]}, {"a": [99999999999999999999999]}]', "a.json")
    assert read(path).column("a").to_list() == ["[1]", "[99999999999999999999999]"]


@pytest.mark.parametrize(
    ("text", "name", "what", "where"),
    [
        ('[{"a": 1}, {"a"', "a.json", "The file is not valid JSON.", "a.json, line 1"),
        ('{"a": 1}\n{"a": 2', "a.jsonl", "The file is not valid JSON.", "a.jsonl, line 2"),
        ('{"a":\n [1, 2', "a.json", "The file is not valid JSON.", "a.json, line 2"),
        ('[{"a": 1}, 3]', "a.json", "A row is not a record.", "a.json, row 2"),
        ('{"a": 1, "rows": []}', "a.json", "The JSON is not a table.", "a.json"),
        ("7", "a.json", "The JSON is not a table.", "a.json"),
        ("[1]\n", "a.jsonl", "A row is not a record.", "a.jsonl, row 1"),
        ("[]", "a.json", "The table has no rows.", "a.json"),
    ],
)
def test_what_is_no_table(tmp_path: Path, text: str, name: str, what: str, where: str) -> None:
    with pytest.raises(DataError) as caught:
        read(put(tmp_path, text, name))
    assert caught.value.what == what
    assert caught.value.where.endswith(where)
    if "rows" in text:
        assert "The rows may be under 'rows'." in caught.value.do


def test_dates_of_parquet_stay_dates(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pl.DataFrame({"t": [datetime(2020, 1, 1, 12)]}).write_parquet(path)
    assert read(path).column("t").dtype == pl.Datetime("us")
