"""ARFF in all its spellings."""

import gzip
from pathlib import Path

import pytest

from fathom.base.errors import DataError
from fathom.tables.read import read
from fathom.tables.table import Table

FULL = r"""% a comment
@RELATION 'all sorts'

@Attribute 'sepal length' REAL
@attribute "petal \"width\"" Numeric
@attribute legs INTEGER [0,9]
@attribute colour {'light blue', "dark, red", green, 'it\'s'}
@attribute mark{'?',x}
@attribute	note	String
@attribute day date "yyyy-MM-dd"

@Data
% another comment
5.1, 3.5, 4, 'light blue', '?', 'a, b', "2020-01-01"
4.9,?,2,"dark, red",?,?,?

  4.7 , 3.2 , 0 , it's , x , plain words , '2020-01-03'
,1,,'it\'s',x,'',\N
"""


def put(folder: Path, text: str, name: str = "a.arff") -> Path:
    path = folder / name
    path.write_text(text)
    return path


@pytest.fixture
def full(tmp_path: Path) -> Table:
    return read(put(tmp_path, FULL))


def test_names_and_kinds(full: Table) -> None:
    kinds = ["numeric", "numeric", "numeric", "nominal", "nominal", "string", "date"]
    names = ["sepal length", 'petal "width"', "legs", "colour", "mark", "note", "day"]
    assert full.columns == tuple(names)
    assert full.source.declared == dict(zip(names, kinds, strict=True))
    assert full.source.levels == {
        "colour": ("light blue", "dark, red", "green", "it's"),
        "mark": ("?", "x"),
    }
    assert full.source.format == "arff"


def test_cells(full: Table) -> None:
    assert full.frame.rows() == [
        ("5.1", "3.5", "4", "light blue", "?", "a, b", "2020-01-01"),
        ("4.9", None, "2", "dark, red", "?", None, None),
        ("4.7", "3.2", "0", "it's", "x", "plain words", "2020-01-03"),
        (None, "1", None, "it's", "x", None, "\\N"),
    ]


def test_a_question_mark_is_missing_unless_declared_or_quoted(tmp_path: Path) -> None:
    text = "@relation a\n@attribute a {x,y}\n@attribute b {'?',y}\n@data\n?,?\n'?','?'\n"
    table = read(put(tmp_path, text))
    assert table.frame.rows() == [(None, "?"), ("?", "?")]
    (told,) = table.notes
    assert told.code == "undeclared_levels"
    assert told.columns == ("a",)
    assert told.evidence == "1 cells: '?'."


def test_sparse_rows(tmp_path: Path) -> None:
    text = (
        "@relation s\n@attribute a real\n@attribute b {u,'v w'}\n@attribute c string\n"
        "@attribute d real\n@data\n{0 1, 3 2.5}\n{ }\n{1 'v w', 2 \"x, y\"}\n{0 ?}\n"
    )
    table = read(put(tmp_path, text))
    assert table.frame.rows() == [
        ("1", "u", None, "2.5"),
        ("0", "u", None, "0"),
        ("0", "v w", "x, y", "0"),
        (None, "u", None, "0"),
    ]


@pytest.mark.parametrize("row", ["{4 1}", "{0 1", "{a 1}", "{0 1} 2", "{0}"])
def test_bad_sparse_rows(tmp_path: Path, row: str) -> None:
    text = "@relation s\n@attribute a real\n@attribute b real\n@data\n" + row + "\n"
    with pytest.raises(DataError) as caught:
        read(put(tmp_path, text))
    assert caught.value.what == "A sparse row cannot be read."
    assert caught.value.where.endswith("a.arff, line 5")
    assert caught.value.expected.endswith("from 0 to 1")


def test_blanks_may_divide(tmp_path: Path) -> None:
    text = "@relation s\n@attribute a real\n@attribute b string\n@data\n1 'x  y'\n 2\tz \n"
    assert read(put(tmp_path, text)).frame.rows() == [("1", "x  y"), ("2", "z")]


def test_short_and_long_rows(tmp_path: Path) -> None:
    head = "@relation s\n@attribute a real\n@attribute b real\n@data\n"
    table = read(put(tmp_path, head + "1,2\n3\n4,5,\n"))
    assert table.frame.rows() == [("1", "2"), ("3", None), ("4", "5")]
    assert {note.code: note.rows for note in table.notes} == {
        "rows_padded": (2,),
        "empty_cells_dropped": (),
    }
    with pytest.raises(DataError) as caught:
        read(put(tmp_path, head + "1,2\n3,4,5\n"))
    assert caught.value.where.endswith("line 6")
    assert caught.value.expected == "2 cells"
    assert caught.value.got == "3 cells: '3', '4', '5'"


@pytest.mark.parametrize(
    ("text", "got"),
    [
        ("@relation a\n@attribute a real\n", "1 @attribute lines and no @data line after them"),
        ("@relation a\n@data\n1\n", "@data"),
        ("@relation a\n@attribute\n@data\n1\n", "@attribute"),
        ("@relation a\n@attribute a {x,y\n@data\nx\n", "levels without a closing brace: {x,y"),
        ("@relation a\nhello\n@attribute a real\n@data\n1\n", "hello"),
    ],
)
def test_what_is_not_arff(tmp_path: Path, text: str, got: str) -> None:
    with pytest.raises(DataError) as caught:
        read(put(tmp_path, text))
    assert caught.value.what == "The file is not valid ARFF."
    assert caught.value.got == got


def test_other_types_and_no_rows(tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        read(put(tmp_path, "@relation a\n@attribute a relational\n@data\n1\n"))
    assert caught.value.what == "An attribute has a type that is not read."
    assert caught.value.where.endswith("line 2")
    with pytest.raises(DataError, match="no rows below @data"):
        read(put(tmp_path, "@relation a\n@attribute a real\n@data\n"))


def test_known_by_content_and_packed(tmp_path: Path) -> None:
    path = tmp_path / "data"
    path.write_bytes(gzip.compress(FULL.encode()))
    assert read(path).source.format == "arff"


def test_levels_without_blanks_at_their_edges(tmp_path: Path) -> None:
    text = "@relation a\n@attribute a {' x', y}\n@attribute a real\n@data\n' x',1\ny ,2\n"
    table = read(put(tmp_path, text))
    assert table.columns == ("a", "a_2")
    assert table.source.levels == {"a": ("x", "y")}
    assert table.column("a").to_list() == ["x", "y"]
    assert "undeclared_levels" not in {note.code for note in table.notes}
