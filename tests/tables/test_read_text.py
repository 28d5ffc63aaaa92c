"""Delimited texts: dividing, mending, and telling what was done."""

import csv
from collections.abc import Callable
from pathlib import Path

import pytest

from fathom.base.errors import DataError
from fathom.base.records import Finding
from fathom.tables.options import ReadOptions
from fathom.tables.read import read
from fathom.tables.table import Table

Reader = Callable[..., Table]


@pytest.fixture
def read_as(tmp_path: Path) -> Reader:
    """Write a text under a name and read it."""

    def go(text: str | bytes, name: str = "table.csv", **options: object) -> Table:
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return read(path, ReadOptions(**options))  # type: ignore[arg-type]

    return go


def note(table: Table, code: str) -> Finding:
    found = [each for each in table.notes if each.code == code]
    assert len(found) == 1, [each.code for each in table.notes]
    return found[0]


def codes(table: Table) -> set[str]:
    return {each.code for each in table.notes}


def cells(table: Table) -> list[tuple[str | None, ...]]:
    return table.frame.rows()


def test_cells_stay_strings_and_only_empty_ones_are_missing(read_as: Reader) -> None:
    table = read_as('a,b,c\n01,NA,?\n,"",N/A\n1e3, ,null\n')
    assert cells(table) == [("01", "NA", "?"), (None, None, "N/A"), ("1e3", None, "null")]
    assert table.source.format == "text"
    assert table.source.name == "table.csv"
    assert table.source.encoding == "utf-8"
    assert len(table.source.paths) == 1


@pytest.mark.parametrize(
    ("name", "text", "delimiter"),
    [
        ("a.csv", "a,b\n1,2\n3,4\n", ","),
        ("a.csv", "a;b\n1,5;2,5\n3,5;4,5\n", ";"),
        ("a.csv", "1,5;2,5;3,5\n3,5;4,5;0,5\n", ";"),
        ("a.tsv", "a\tb\n1\t2\n3\t4\n", "\t"),
        ("a.psv", "a|b\n1|2\n3|4\n", "|"),
        ("a.txt", "a|b\n1|2\n3|4\n", "|"),
        ("a.unheard", "a\tb c\n1\t2 3\n3\t4 5\n", "\t"),
        ("a.data", "  1.0   2.5 3\n 4.25 5   6\n7 8 9\n", " "),
        ("noextension", "a,b\n1,2\n3,4\n", ","),
        ("a.csv", "text,label\nyes; no; maybe,1\nwell; then | so,0\n", ","),
    ],
)
def test_the_delimiter_is_found(read_as: Reader, name: str, text: str, delimiter: str) -> None:
    table = read_as(text, name)
    assert table.source.delimiter == delimiter
    assert len(table.columns) == (3 if delimiter == " " or text[0] == "1" else 2)


def test_an_unusual_delimiter_is_told(read_as: Reader) -> None:
    assert note(read_as("a;b\n1;2\n"), "delimiter_guessed").title == "The cells are divided by ';'."
    assert "delimiter_guessed" not in codes(read_as("a,b\n1,2\n"))


def test_runs_of_blanks(read_as: Reader) -> None:
    table = read_as('18.0   8   "chevrolet malibu"\n 15.0  8\t"buick  x"\n', "auto.data")
    assert cells(table) == [("18.0", "8", "chevrolet malibu"), ("15.0", "8", "buick  x")]
    assert note(table, "delimiter_guessed").title == "The cells are divided by blanks."


def test_sentences_are_no_table(read_as: Reader) -> None:
    text = 'it\'s a "good" film , really\n"conan , again\nnot , so , good\nfine\n'
    table = read_as(text, "films.txt")
    assert table.source.delimiter == ""
    assert table.column("column_1").to_list() == text.splitlines()
    assert note(table, "delimiter_guessed").facts == {"delimiter": ""}


def test_sentences_of_equal_length_are_no_table_either(read_as: Reader) -> None:
    table = read_as("a good film\na bad film\nso it goes\n", "films.txt")
    assert table.column("column_1").to_list() == ["a good film", "a bad film", "so it goes"]


def test_one_column_of_quoted_text(read_as: Reader) -> None:
    table = read_as('review\n"Good, really"\nBad\n"So, so"\n"a ""b"", c, d"\nFine\n')
    assert table.columns == ("review",)
    assert table.column("review").to_list() == [
        "Good, really",
        "Bad",
        "So, so",
        'a "b", c, d',
        "Fine",
    ]


def test_blanks_around_cells_are_removed_and_counted(read_as: Reader) -> None:
    table = read_as("age, work, city\n39, State ,x\n40,Private,y \n")
    assert table.columns == ("age", "work", "city")
    assert cells(table) == [("39", "State", "x"), ("40", "Private", "y")]
    found = note(table, "blanks_removed")
    assert found.title == "Blanks around the cells of 2 columns were removed."
    assert found.columns == ("work", "city")
    assert found.facts == {"count": 2}


def test_a_quote_after_a_blank_still_encloses(read_as: Reader) -> None:
    table = read_as('a, b\n1, "x, y"\n2, "z"\n')
    assert cells(table) == [("1", "x, y"), ("2", "z")]
    assert note(table, "blanks_removed").facts["count"] >= 2


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_line_ends(read_as: Reader, ending: str) -> None:
    table = read_as(ending.join(["a,b", "1,2", '3,"4\n5"', "6,7", ""]))
    assert cells(table) == [("1", "2"), ("3", "4\n5"), ("6", "7")]
    assert codes(table) == set()


def test_empty_lines(read_as: Reader) -> None:
    table = read_as("\na,b\n1,2\n\n  \n3,4\n\n\n\n")
    assert cells(table) == [("1", "2"), ("3", "4")]
    evidence = [each.evidence for each in table.notes if each.code == "empty_lines_left_out"]
    assert evidence == ["3 lines below the last row.", "2 lines, the first is line 4 of the file."]
    assert note(table, "comments_left_out").facts["count"] == 1


def test_an_empty_line_in_a_single_column_is_a_missing_cell(read_as: Reader) -> None:
    for ending in ("\n", "\r\n", "\r"):
        table = read_as(ending.join(["x", "1", "", "3", "", ""]))
        assert table.column("x").to_list() == ["1", None, "3"]
        assert codes(table) == {"empty_lines_left_out"}


def test_remarks(read_as: Reader) -> None:
    table = read_as("# made in 1990, by hand\n#\na,b,c\n1,2,3\n% more\n4,5,6\n#7,8,9\n")
    assert cells(table) == [("1", "2", "3"), ("4", "5", "6"), ("#7", "8", "9")]
    found = [each.facts for each in table.notes if each.code == "comments_left_out"]
    assert found == [{"count": 2, "lines": [1, 2]}, {"count": 1, "lines": [5]}]


def test_the_remark_above_adult_test(read_as: Reader) -> None:
    table = read_as("|1x3 Cross validator\n25, Private, <=50K.\n38, State, >50K.\n", "adult.test")
    assert cells(table) == [("25", "Private", "<=50K."), ("38", "State", ">50K.")]


def test_short_rows_are_filled_and_told(read_as: Reader) -> None:
    table = read_as("a,b,c\n1,2,3\n4\n5,6\n7,8,9\n")
    assert cells(table) == [("1", "2", "3"), ("4", None, None), ("5", "6", None), ("7", "8", "9")]
    found = note(table, "rows_padded")
    assert found.severity == "medium"
    assert found.rows == (2, 3)
    assert found.evidence == "2 of 4 rows have fewer than 3 cells, the first is row 2."


def test_a_long_row_is_an_error(read_as: Reader) -> None:
    with pytest.raises(DataError) as caught:
        read_as("# remark\na,b\n1,2\n3,Smith, John\n5,6\n")
    error = caught.value
    assert error.what == "A row has more cells than the table has columns."
    assert error.where.endswith("table.csv, line 4")
    assert error.expected == "2 cells"
    assert error.got == "3 cells: '3', 'Smith', 'John'"
    assert "quote it in the file" in error.do


def test_the_line_of_an_error_counts_lines_within_cells(read_as: Reader) -> None:
    with pytest.raises(DataError) as caught:
        read_as('a,b\n1,"x\ny\nz"\n1,2,3\n4,5\n6,7\n', skip_lines=0)
    assert caught.value.where.endswith("line 5")


def test_delimiters_at_the_ends_of_lines(read_as: Reader) -> None:
    table = read_as("a,b,\n1,2,\n3,4,\n")
    assert table.columns == ("a", "b")
    assert cells(table) == [("1", "2"), ("3", "4")]
    assert "trailing_delimiter" in codes(table)
    table = read_as("a,b\n1,2,\n3,4,\n")
    assert cells(table) == [("1", "2"), ("3", "4")]
    assert note(table, "empty_cells_dropped").facts == {"count": 2}
    table = read_as("1,2,\n3,4,\n")
    assert table.columns == ("column_1", "column_2")
    table = read_as("a,b,\n1,2\n3,4\n")
    assert cells(table) == [("1", "2"), ("3", "4")]
    assert "rows_padded" not in codes(table)


def test_an_empty_last_column_with_a_name_stays(read_as: Reader) -> None:
    table = read_as("a,b,notes\n1,2,\n3,4,\n")
    assert table.columns == ("a", "b", "notes")
    assert table.column("notes").null_count() == 2


def test_cells_within_apostrophes(read_as: Reader) -> None:
    table = read_as("0.5,'-1'\n0.25,'1, or so'\n")
    assert cells(table) == [("0.5", "-1"), ("0.25", "1, or so")]
    assert note(table, "quote_guessed").facts == {"quote": "'"}
    kept = read_as("0.5,'-1'\n0.25,'1'\n", quote='"')
    assert cells(kept) == [("0.5", "'-1'"), ("0.25", "'1'")]


def test_loose_quotes_are_ordinary_characters(read_as: Reader) -> None:
    text = 'text\tlabel\n"Good film\t1\nhe said "no"\t0\n"wholly quoted"\t1\n'
    text += '5" wide\t0\n""\t1\n"""\t0\n"a ""b"" "c" d"\t0\n\n'
    table = read_as(text, "films.tsv")
    assert table.column("text").to_list() == [
        '"Good film',
        'he said "no"',
        "wholly quoted",
        '5" wide',
        '""',
        '"""',
        'a "b" "c" d',
    ]
    assert note(table, "quotes_kept").severity == "medium"


def test_quotes_that_swallow_rows_are_an_error(read_as: Reader) -> None:
    with pytest.raises(DataError) as caught:
        read_as('a,b\n1,2\n"3,4\n5,6,7\n')
    assert caught.value.what == "Quotes do not enclose whole cells."
    assert caught.value.where.endswith("line 3")
    assert "never closed" in caught.value.got
    assert "quote = ''" in caught.value.do
    with pytest.raises(DataError) as caught:
        read_as('a,b\n1,"2"3\n', quote='"')
    assert caught.value.where.endswith("line 2")
    assert caught.value.got == 'something after the closing " of a cell'


def test_a_cell_longer_than_the_csv_module_allows(read_as: Reader) -> None:
    long = "x" * 2_000
    before = csv.field_size_limit(1_009)
    try:
        table = read_as(f'a,b\n1,"{long}"\n2\n')
        assert csv.field_size_limit() == 1_009
        with pytest.raises(DataError, match="more cells"):
            read_as("a,b\n1,2\n1,2,3\n")
        assert csv.field_size_limit() == 1_009
    finally:
        csv.field_size_limit(before)
    assert table.column("b").to_list() == [long, None]


def test_a_first_record_longer_than_the_look_at_the_start(read_as: Reader) -> None:
    long = "word, word\n" * 10_000
    table = read_as(f'1,"{long}"\n2,"x"\n3,y\n')
    assert cells(table) == [("1", long.strip()), ("2", "x"), ("3", "y")]
    names = [f"column number {number}" for number in range(5_003)]
    wide = read_as(";".join(names) + "\n" + ";".join("1" * 5_003) + "\n")
    assert wide.columns == tuple(names)
    assert wide.num_rows == 1


def test_what_excel_writes_for_excel(read_as: Reader) -> None:
    table = read_as("sep=;\r\na;b\r\n1,5;2\r\n")
    assert table.source.delimiter == ";"
    assert cells(table) == [("1,5", "2")]
    with pytest.raises(DataError, match="line 4"):
        read_as("sep=;\na;b\n1;2\n3;4;5\n")


@pytest.mark.parametrize(
    "name", ["c", "loss", "weight", "../../x", "<script>alert(1)</script>", "*"]
)
def test_no_name_of_a_column_is_special(read_as: Reader, name: str) -> None:
    table = read_as(f"{name},^y$\n1,2\n")
    assert table.columns == (name, "^y$")
    assert table.column(name).to_list() == ["1"]


def test_names_are_made_unique_and_told(read_as: Reader) -> None:
    table = read_as("a,,a,a_2,\n1,2,3,4,5\n")
    assert table.columns == ("a", "column_2", "a_3", "a_2", "column_5")
    found = note(table, "names_changed")
    assert found.columns == ("column_2", "a_3", "column_5")
    assert "column 3 ('a' again) is now 'a_3'" in found.evidence
    assert "column 2 (no name) is now 'column_2'" in found.evidence


def test_quoted_names_with_line_breaks(read_as: Reader) -> None:
    table = read_as('"a\nb","c ""d"""\n1,2\n3\n')
    assert table.columns == ("a\nb", 'c "d"')
    assert cells(table) == [("1", "2"), ("3", None)]


@pytest.mark.parametrize("suffix", [".csv", ".tsv"])
def test_order_and_number_of_rows_in_a_larger_file(read_as: Reader, suffix: str) -> None:
    delimiter = {".csv": ",", ".tsv": "\t"}[suffix]
    lines = [f'{number}{delimiter}"a{delimiter}\n{number}"' for number in range(20_011)]
    table = read_as("\n".join([f"id{delimiter}text", *lines]), f"big{suffix}")
    assert table.column("id").to_list() == [str(number) for number in range(20_011)]
    assert table.column("text").to_list()[-1] == f"a{delimiter}\n20010"
    # A single short line sends all of it the careful way, with the same outcome.
    odd = read_as("\n".join([f"id{delimiter}text", *lines, "last"]), f"big{suffix}")
    assert odd.frame[:-1].equals(table.frame)
    assert odd.num_rows == 20_012


def test_reading_twice_gives_the_same(read_as: Reader) -> None:
    table = read_as("a,b\n1,2\n")
    assert read(table).content_hash() == table.content_hash()
    assert read(table, ReadOptions(names="x,y")).columns == ("x", "y")


def test_a_header_that_is_certain_needs_no_word(read_as: Reader) -> None:
    assert "header_guessed" not in codes(read_as("a,b\n1,2\n3,4\n"))
    assert not note(read_as("1,2\n3,4\n"), "header_guessed").facts["header"]
    assert note(read_as("a,b\nc,d\ne,f\n"), "header_guessed").facts["header"]
