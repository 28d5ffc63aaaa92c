"""Every option has an effect, and what cannot be is refused."""

from pathlib import Path

import numpy as np
import pytest

from fathom.base.errors import DataError, RecipeError
from fathom.tables.options import ReadOptions
from fathom.tables.read import read


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "a.csv"
    path.write_text("a;b\n1,5;x|y\n2,5;z|u\n")
    return path


def test_delimiter(path: Path) -> None:
    assert read(path).columns == ("a", "b")
    assert read(path, ReadOptions(delimiter="|", header=False)).source.delimiter == "|"
    assert read(path, ReadOptions(delimiter="semicolon")).columns == ("a", "b")


def test_a_delimiter_that_does_not_occur_is_told(path: Path) -> None:
    table = read(path, ReadOptions(delimiter="\t"))
    assert len(table.columns) == 1
    (told,) = (note for note in table.notes if note.code == "delimiter_absent")
    assert told.severity == "medium"


@pytest.mark.parametrize(
    ("word", "sign"),
    [("tab", "\t"), ("\\t", "\t"), ("comma", ","), ("pipe", "|"), ("blank", " "), (", ", ",")],
)
def test_delimiters_by_name(word: str, sign: str) -> None:
    assert ReadOptions(delimiter=word).delimiter == sign


def test_quote(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text('a,b\n"x,1\n"y,2\n')
    assert read(path, ReadOptions(quote="")).column("a").to_list() == ['"x', '"y']
    path.write_text("a,b\n~x,y~,1\n")
    assert read(path, ReadOptions(quote="~")).frame.rows() == [("x,y", "1")]


def test_header(path: Path) -> None:
    table = read(path, ReadOptions(header=False))
    assert table.columns == ("column_1", "column_2")
    assert table.num_rows == 3
    assert not any(note.code == "header_guessed" for note in table.notes)
    path.write_text("1,2\n3,4\n")
    assert read(path, ReadOptions(header=True)).columns == ("1", "2")


def test_decimal(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("1,5\n2,5\n3,5\n")
    assert len(read(path).columns) == 2
    table = read(path, ReadOptions(decimal=","))
    assert table.column("column_1").to_list() == ["1,5", "2,5", "3,5"]
    assert table.source.decimal == ","
    assert read(path).source.decimal == ""


def test_skip_lines(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    for ending in ("\n", "\r\n", "\r"):
        path.write_bytes(ending.join(["a title", "", "a,b", "1,2", "3,4,5", ""]).encode())
        with pytest.raises(DataError, match="line 5"):
            read(path, ReadOptions(skip_lines=2))
    path.write_text("title\na,b\n1,2\n")
    assert read(path, ReadOptions(skip_lines=1)).frame.rows() == [("1", "2")]
    with pytest.raises(DataError, match="after 9 skipped lines"):
        read(path, ReadOptions(skip_lines=9))


@pytest.mark.parametrize(
    ("options", "what"),
    [
        ({"delimiter": "||"}, "The delimiter is not a single character."),
        ({"delimiter": ""}, "The delimiter is not a single character."),
        ({"delimiter": "\n"}, "The delimiter is not a single character."),
        ({"quote": "''"}, "The quote is not a single character."),
        ({"quote": ",", "delimiter": ","}, "The quote and the delimiter are the same character."),
        ({"decimal": ";"}, "The decimal sign is not one that numbers are written with."),
        ({"encoding": "utf8mb4"}, "There is no encoding of that name."),
        ({"skip_lines": -1}, "The option skip_lines is not a count."),
        ({"skip_lines": True}, "The option skip_lines is not a count."),
        ({"columns_limit": 0}, "The option columns_limit is not a count."),
    ],
)
def test_values_that_cannot_be(options: dict[str, object], what: str) -> None:
    with pytest.raises(RecipeError) as caught:
        ReadOptions(**options)  # type: ignore[arg-type]
    error = caught.value
    assert error.what == what
    assert error.where.startswith("option")
    assert error.got
    assert error.do


def test_the_nearest_encoding_is_named() -> None:
    with pytest.raises(RecipeError) as caught:
        ReadOptions(encoding="utf-8s")
    assert caught.value.do == "Did you mean 'utf-8'?"


@pytest.mark.parametrize(
    "options", [{"delimiter": ";"}, {"header": False}, {"encoding": "utf-8"}, {"decimal": ","}]
)
def test_options_without_effect_are_refused(tmp_path: Path, options: dict[str, object]) -> None:
    wish = ReadOptions(**options)  # type: ignore[arg-type]
    parquet = tmp_path / "a.parquet"
    read({"a": [1]}).frame.write_parquet(parquet)
    lines = tmp_path / "a.jsonl"
    lines.write_text('{"a": 1}\n')
    arff = tmp_path / "a.arff"
    arff.write_text("@relation a\n@attribute a real\n@data\n1\n")
    encoded = "encoding" in options
    for source in (parquet, {"a": [1]}, np.ones((2, 2)), *([] if encoded else [lines, arff])):
        with pytest.raises(RecipeError) as caught:
            read(source, wish)
        assert caught.value.got == f"'{next(iter(options))}'"
        assert caught.value.do == "Leave them out."
    if encoded:
        assert read(lines, wish).num_rows == read(arff, wish).num_rows == 1


def test_a_list_of_names_is_as_good_as_a_tuple() -> None:
    assert ReadOptions(names=["a", "b"]).names == ("a", "b")  # type: ignore[arg-type]
