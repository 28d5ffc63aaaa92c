"""Whatever Python's csv module writes is read back, cell by cell, whichever way is taken."""

import csv
import io

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fathom.base.errors import DataError
from fathom.tables.irregular import Place, parse_irregular
from fathom.tables.options import ReadOptions
from fathom.tables.read import read
from fathom.tables.records import Dialect
from fathom.tables.regular import parse_regular, record_ends

# Control signs are no text (a file full of them is refused), but tabs and line breaks are.
CELLS = st.text(
    st.one_of(
        st.sampled_from("\n\r\t \"',;|#%ab1é"),
        st.characters(exclude_categories=("Cs", "Cc")),
    ),
    max_size=7,
)
DELIMITERS = st.sampled_from([",", ";", "\t", "|", ":", "^", "§", "x"])
QUOTES = st.sampled_from(['"', "'", "`"])


@st.composite
def tables(draw: st.DrawFn) -> list[list[str]]:
    width = draw(st.integers(1, 5))
    row = st.lists(CELLS, min_size=width, max_size=width)
    return draw(st.lists(row, min_size=1, max_size=7))


def written(rows: list[list[str]], delimiter: str, quote: str, ending: str, every: bool) -> str:
    handle = io.StringIO(newline="")
    # Only with this ending does the csv module of Python 3.11 quote both kinds of line breaks.
    quoting = csv.QUOTE_ALL if every or ending != "\r\n" else csv.QUOTE_MINIMAL
    csv.writer(
        handle, delimiter=delimiter, quotechar=quote, lineterminator=ending, quoting=quoting
    ).writerows(rows)
    return handle.getvalue()


def bare(rows: list[list[str]]) -> list[list[str | None]]:
    return [[cell.strip() or None for cell in row] for row in rows]


@given(
    rows=tables(),
    delimiter=DELIMITERS,
    quote=QUOTES,
    ending=st.sampled_from(["\n", "\r\n", "\r"]),
    every=st.booleans(),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
)
@settings(max_examples=150, deadline=None)
def test_any_table_of_texts_comes_back(
    tmp_path_factory: pytest.TempPathFactory,
    rows: list[list[str]],
    delimiter: str,
    quote: str,
    ending: str,
    every: bool,
    encoding: str,
) -> None:
    path = tmp_path_factory.mktemp("written") / "table.csv"
    names = [f"name {place}" for place in range(len(rows[0]))]
    text = written([names, *rows], delimiter, quote, ending, every)
    path.write_bytes(text.encode(encoding))
    table = read(path, ReadOptions(delimiter=delimiter, quote=quote, header=True))
    assert table.columns == tuple(names)
    assert [list(row) for row in table.frame.rows()] == bare(rows)


@given(rows=tables(), delimiter=st.sampled_from([",", ";", "\t"]), every=st.booleans())
@settings(max_examples=150, deadline=None)
def test_the_quick_and_the_careful_way_agree(
    rows: list[list[str]], delimiter: str, every: bool
) -> None:
    text = written(rows, delimiter, '"', "\r\n" if not every else "\n", every)
    dialect, width = Dialect(delimiter, '"'), len(rows[0])
    careful = parse_irregular(text, dialect, width, Place("x"), header=False, said=True).frame()
    ends = record_ends(text.encode(), dialect, width)
    if ends is None:
        # Only lone carriage returns make the quick way decline what the csv module wrote.
        assert text.count("\r") != text.count("\r\n")
        return
    quick = parse_regular(text.encode(), dialect, width, ends, header=False)
    assert quick is not None
    empty = pl.all().fill_null("")
    assert quick.select(empty).equals(careful.select(empty))


LINES = st.sampled_from(["1,2,3", "x,,", "4", "5,6", "", "  ", "# note", "#a,b", ",,", "7,8,9,"])


@given(lines=st.lists(LINES, min_size=1, max_size=13), ending=st.sampled_from(["\n", "\r\n", "\r"]))
@settings(max_examples=150, deadline=None)
def test_each_line_is_a_row_or_is_accounted_for(
    tmp_path_factory: pytest.TempPathFactory, lines: list[str], ending: str
) -> None:
    path = tmp_path_factory.mktemp("written") / "table.csv"
    path.write_bytes((ending.join(lines) + ending).encode())
    try:
        table = read(path, ReadOptions(delimiter=",", header=False))
    except DataError as error:
        # Where most lines are short, the others are too long; that is said, not mended.
        assert error.what in (  # noqa: PT017
            "A row has more cells than the table has columns.",
            "The file holds no text.",
            "The table has no rows.",
        )
        return
    left_out = ("empty_lines_left_out", "comments_left_out")
    told = sum(note.facts["count"] for note in table.notes if note.code in left_out)
    assert table.num_rows + told == len(lines)
    rows = iter(table.frame.rows())
    for line in lines:
        cells = [cell.strip() or None for cell in line.split(",")]
        if cells[0] and not cells[0].startswith("#"):
            # The rows stand in the order of the lines, other lines apart.
            assert any(row[0] == cells[0] for row in rows)


WORDS = st.text(st.sampled_from("abcdefg hij,;'\n"), min_size=1, max_size=9)
TYPED = st.tuples(
    st.integers(-999, 999).map(str), st.floats(-9, 9).map(lambda value: f"{value:.2f}"), WORDS
)


@given(
    rows=st.lists(TYPED, min_size=3, max_size=11),
    delimiter=st.sampled_from([",", ";", "\t", "|"]),
    header=st.booleans(),
)
@settings(max_examples=80, deadline=None)
def test_ordinary_tables_need_no_options(
    tmp_path_factory: pytest.TempPathFactory,
    rows: list[tuple[str, str, str]],
    delimiter: str,
    header: bool,
) -> None:
    path = tmp_path_factory.mktemp("written") / "table.txt"
    names = ["count", "size", "what"]
    lines = [names] * header + [list(row) for row in rows]
    path.write_text(written(lines, delimiter, '"', "\r\n", False), newline="")
    table = read(path)
    assert table.source.delimiter == delimiter
    assert table.source.header == header
    assert table.columns == (tuple(names) if header else ("column_1", "column_2", "column_3"))
    assert [list(row) for row in table.frame.rows()] == bare([list(row) for row in rows])
