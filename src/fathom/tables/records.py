"""Dividing a text into records and cells with care, one by one, keeping line numbers."""

import csv
import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from sys import maxsize

_COMMENTS = ("#", "%", "|", "//")


@dataclass(frozen=True)
class Dialect:
    """How a text is divided.

    Attributes:
        delimiter: one character; " " = runs of blanks, "" = each line is one cell.
        quote: what encloses cells; "" = nothing does.
    """

    delimiter: str
    quote: str

    @property
    def by_blanks(self) -> bool:
        return self.delimiter == " "

    @property
    def by_lines(self) -> bool:
        return self.delimiter == ""


Record = tuple[int, list[str]]
"""The number of its first line, from 1, and the cells."""


def first_records(text: str, dialect: Dialect, most: int, *, whole: bool = True) -> list[Record]:
    """The first records of a text, to look at; where quotes do not enclose, they are ignored.

    Args:
        text: some lines.
        dialect: how they are divided.
        most: so many records are enough.
        whole: False when more follows, so that the last cell may lack its closing quote.
    """
    if dialect.by_lines:
        return [(number, [line]) for number, line in enumerate(lines_of(text)[:most], start=1)]
    if dialect.by_blanks:
        text, dialect = tabbed(text, dialect.quote), Dialect("\t", dialect.quote)
    found: list[Record] = []
    with cells_of_any_length():
        try:
            for record in islice(strict_records(text, dialect), most):
                found.append(record)
        except QuoteError as error:
            if whole or not error.unclosed:
                bare = strict_records(text, Dialect(dialect.delimiter, ""))
                return list(islice(bare, most))
    return found


def strict_records(text: str, dialect: Dialect) -> Iterator[Record]:
    """All records of a text divided by a character, to be drawn within `cells_of_any_length`.

    Raises:
        QuoteError: a quote is not closed, or something follows a closed one.
    """
    reader = csv.reader(
        io.StringIO(text, newline=""),
        delimiter=dialect.delimiter,
        quotechar=dialect.quote or None,
        quoting=csv.QUOTE_MINIMAL if dialect.quote else csv.QUOTE_NONE,
        skipinitialspace=quotes_after_blanks(text, dialect),
        strict=bool(dialect.quote),
    )
    start = 1
    try:
        for record in reader:
            yield start, record
            start = reader.line_num + 1
    except csv.Error as error:
        unclosed = "end of data" in str(error)
        raise QuoteError(start, reader.line_num, unclosed=unclosed) from error


def is_comment(cells: list[str], dialect: Dialect, num_cells: int) -> bool:
    """Whether a record is a remark: a mark in front, and not as many cells as a row has."""
    if num_cells < 2 or len(cells) >= num_cells or not cells:
        return False
    marks = tuple(mark for mark in _COMMENTS if mark != dialect.delimiter)
    return cells[0].lstrip().startswith(marks)


def lines_of(text: str) -> list[str]:
    """The lines of a text, whatever ends them; other than `splitlines` no rarer sign divides."""
    return text.replace("\r\n", "\n").replace("\r", "\n").removesuffix("\n").split("\n")


class QuoteError(Exception):
    """Quotes that do not enclose cells.

    Args:
        start: the first line of the record.
        line: the line where it showed.
        unclosed: True when the text ended before the quote did.
    """

    def __init__(self, start: int, line: int, *, unclosed: bool) -> None:
        super().__init__(f"line {line}")
        self.start, self.line, self.unclosed = start, line, unclosed


def quotes_after_blanks(text: str, dialect: Dialect) -> bool:
    """Whether blanks stand between a delimiter and a quote, as in `1, "a, b"`."""
    return (
        bool(dialect.quote)
        and f"{dialect.delimiter} " in text
        and bool(re.search(f"{re.escape(dialect.delimiter)} +{re.escape(dialect.quote)}", text))
    )


@contextmanager
def cells_of_any_length() -> Iterator[None]:
    """Lift the csv module's limit on the length of a cell, for as long as this is entered."""
    # The limit is the module's own and guards against unclosed quotes, which we look for anyway.
    before = csv.field_size_limit(maxsize)
    try:
        yield
    finally:
        csv.field_size_limit(before)


def tabbed(text: str, quote: str) -> str:
    """The same lines with one tab for each run of blanks, but not within quotes.

    Example:
        >>> tabbed("  1.0   'a b' 3 ", "'").split(chr(9))
        ['1.0', "'a b'", '3']
    """
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    trimmed = re.sub(r"(?m)^[ \t]+|[ \t]+$", "", lines)
    if not quote or quote not in trimmed:
        return re.sub(r"[ \t]+", "\t", trimmed)
    mark = re.escape(quote)
    cell = re.compile(rf"(?:(?<=\s)|^){mark}[^{mark}\n]*{mark}(?=\s|$)|[ \t]+", re.MULTILINE)
    return cell.sub(lambda found: found[0] if found[0].startswith(quote) else "\t", trimmed)
