"""Names from the person or from a UCI `.names` file."""

from pathlib import Path

import pytest

from fathom.base.errors import DataError, RecipeError
from fathom.tables.names import numbered_names, read_names, unique_names
from fathom.tables.options import ReadOptions
from fathom.tables.read import read

NAMES = """| made by hand
>50K, <=50K.

age: continuous.   | in years
work: Private,
   Self-emp.
grade: discrete 3.
sex: Female, Male
"""


@pytest.fixture
def data(tmp_path: Path) -> Path:
    path = tmp_path / "adult.data"
    path.write_text("39, Private, 1, Male, >50K\n40, Self-emp, 2, Female, <=50K\n")
    return path


@pytest.fixture
def listing(tmp_path: Path) -> Path:
    path = tmp_path / "adult.names"
    path.write_text(NAMES)
    return path


def test_attributes_of_a_names_file(listing: Path) -> None:
    found = read_names(listing)
    assert found.names == ("age", "work", "grade", "sex")
    assert found.last == "class"
    assert found.declared == {
        "age": "numeric",
        "work": "nominal",
        "grade": "nominal",
        "sex": "nominal",
    }
    assert found.levels == {"work": ("Private", "Self-emp"), "sex": ("Female", "Male")}


@pytest.mark.parametrize("as_text", [True, False])
def test_a_table_with_a_names_file(data: Path, listing: Path, as_text: bool) -> None:
    table = read(data, ReadOptions(names=str(listing) if as_text else listing))
    assert table.columns == ("age", "work", "grade", "sex", "class")
    assert not table.source.header
    assert table.source.paths == (str(data), str(listing))
    assert table.source.levels["sex"] == ("Female", "Male")
    (told,) = (note for note in table.notes if note.code == "target_named")
    assert told.title == "The last column was named 'class'."
    assert told.columns == ("class",)


def test_without_a_line_of_classes_the_last_column_is_the_target(data: Path, listing: Path) -> None:
    listing.write_text(NAMES.replace(">50K, <=50K.", ""))
    assert read(data, ReadOptions(names=listing)).columns[-1] == "target"


def test_a_names_file_may_name_every_column(data: Path, listing: Path) -> None:
    listing.write_text(NAMES + "income: continuous.\n")
    assert read(data, ReadOptions(names=listing)).columns[-1] == "income"


def test_prose_is_no_names_file(data: Path, listing: Path) -> None:
    listing.write_text("1. Title: Abalone data\n\n2. Sources:\n")
    with pytest.raises(DataError) as caught:
        read(data, ReadOptions(names=listing))
    assert caught.value.what == "The file of names does not list attributes."
    assert caught.value.where == str(listing)
    assert caught.value.got == "line 1: '1. Title: Abalone data'"
    listing.write_text(">50K, <=50K.\n")
    with pytest.raises(DataError, match="none of them an attribute"):
        read(data, ReadOptions(names=listing))
    with pytest.raises(DataError, match="no such file"):
        read(data, ReadOptions(names=listing.with_name("other.names")))


@pytest.mark.parametrize("names", ["a,b, c ,d,e", ("a", "b", "c", "d", "e")])
def test_names_given_directly(data: Path, names: str | tuple[str, ...]) -> None:
    table = read(data, ReadOptions(names=names))
    assert table.columns == ("a", "b", "c", "d", "e")
    assert table.num_rows == 2


def test_too_few_names(data: Path) -> None:
    with pytest.raises(DataError) as caught:
        read(data, ReadOptions(names="a,b,c,d"))
    assert caught.value.what == "The names do not fit the table."
    assert caught.value.expected == "5 names, one for each column"
    assert caught.value.got == "4 names: 'a', 'b', 'c', 'd'"


@pytest.mark.parametrize(
    ("names", "got"), [("a,b,a,b,c", "'a', 'b' more than once"), ("a,,b,c,d", "an empty name")]
)
def test_names_that_cannot_be_told_apart(data: Path, names: str, got: str) -> None:
    with pytest.raises(RecipeError) as caught:
        read(data, ReadOptions(names=names))
    assert caught.value.got == got
    assert caught.value.where == "option names"


def test_names_replace_a_header(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("age,sex\n39,f\n41,m\n")
    table = read(path, ReadOptions(names="a,b"))
    assert table.frame.rows() == [("39", "f"), ("41", "m")]
    assert table.source.header
    (told,) = (note for note in table.notes if note.code == "header_replaced")
    assert told.facts == {"header": ["age", "sex"]}
    assert read(path, ReadOptions(names="a,b", header=False)).num_rows == 3
    assert read(path, ReadOptions(names="a,b", header=True)).num_rows == 2


def test_a_header_of_the_given_names_is_no_row(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("City,Name\nparis,bob\n")
    assert read(path, ReadOptions(names="city,name")).frame.rows() == [("paris", "bob")]
    # Nothing tells whether these are names: the given ones say that the file has none.
    assert read(path, ReadOptions(names="a,b")).num_rows == 2


def test_names_with_delimiters_at_the_ends_of_lines(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("1,2,\n3,4,\n")
    assert read(path, ReadOptions(names="a,b")).frame.rows() == [("1", "2"), ("3", "4")]


def test_names_for_a_typed_table() -> None:
    assert read({"x": [1], "y": [2]}, ReadOptions(names="a,b")).columns == ("a", "b")
    with pytest.raises(DataError, match="do not fit"):
        read({"x": [1], "y": [2]}, ReadOptions(names="a"))


def test_unique_names_never_collide() -> None:
    names, told = unique_names(["a", "a", "a_2", "", "column_4", "a"], "x")
    assert len(set(names)) == 6
    assert (names[0], names[2], names[4]) == ("a", "a_2", "column_4")
    assert len(told) == 1
    assert unique_names(["a", "b"], "x") == (("a", "b"), ())
    assert numbered_names(3) == ("column_1", "column_2", "column_3")
