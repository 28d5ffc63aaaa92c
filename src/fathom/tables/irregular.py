"""The careful way for odd texts: comments, empty lines, short and long records, loose quotes."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import polars as pl

from fathom.base.errors import DataError, listed
from fathom.tables.names import numbered_names
from fathom.tables.records import (
    Dialect,
    QuoteError,
    Record,
    cells_of_any_length,
    is_comment,
    lines_of,
    quotes_after_blanks,
    strict_records,
)

_CHUNK = 4096


@dataclass
class Mended:
    """Records brought to one length, and what that took.

    Attributes:
        columns: the cells, column by column.
        num_rows: how many rows were added.
        padded: numbers of the rows (from 1, the header not counted) that were too short.
        trimmed: how many rows had empty cells too many.
        comments: line numbers of comments left out.
        empty_lines: line numbers of empty lines left out.
        loose_quotes: True when quotes turned out to be ordinary characters.
        blanks: how many cells had blanks in front that are gone already.
    """

    columns: list[list[str]]
    num_rows: int = 0
    padded: list[int] = field(default_factory=list[int])
    trimmed: int = 0
    comments: list[int] = field(default_factory=list[int])
    empty_lines: list[int] = field(default_factory=list[int])
    loose_quotes: bool = False
    blanks: int = 0
    waiting: list[list[str]] = field(default_factory=list[list[str]])

    @classmethod
    def of_width(cls, num_cells: int) -> "Mended":
        """No rows yet."""
        return cls([[] for _ in range(num_cells)])

    def add(self, cells: list[str]) -> None:
        """Append a row that has as many cells as there are columns."""
        self.num_rows += 1
        self.waiting.append(cells)
        # Millions of small lists kept alive would have Python's collector visit them over and
        # over; strings in a few long lists cost it nothing.
        if len(self.waiting) >= _CHUNK:
            self._settle()

    def fit(self, cells: list[str]) -> None:
        """Append a row of another length, filled with empty cells or rid of them."""
        width = len(self.columns)
        if len(cells) > width:
            self.trimmed += 1
        elif len(cells) < width:
            self.padded.append(self.num_rows + 1)
        self.add((cells + [""] * (width - len(cells)))[:width])

    def frame(self) -> pl.DataFrame:
        """The rows as columns of strings: column_1, column_2, …"""
        self._settle()
        names = numbered_names(len(self.columns))
        return pl.DataFrame(
            [
                pl.Series(name, cells, dtype=pl.String)
                for name, cells in zip(names, self.columns, strict=True)
            ]
        )

    def unwrap(self, quote: str) -> None:
        """Take away quotes around whole cells."""
        self._settle()
        self.columns = [[_unwrapped(cell, quote) for cell in column] for column in self.columns]

    def _settle(self) -> None:
        for column, cells in zip(self.columns, zip(*self.waiting, strict=True), strict=False):
            column.extend(cells)
        self.waiting.clear()


@dataclass(frozen=True)
class Place:
    """Where a text stands, for messages.

    Attributes:
        path: the file.
        lines_before: how many lines of it were taken away at the top.
    """

    path: str
    lines_before: int = 0

    def line(self, number: int) -> str:
        return f"{self.path}, line {number + self.lines_before}"


def parse_lines(text: str, *, header: bool) -> pl.DataFrame:
    """Each line as a row of one cell, empty ones too."""
    return pl.DataFrame({"column_1": lines_of(text)[int(header) :]}, schema={"column_1": pl.String})


def parse_irregular(
    text: str, dialect: Dialect, num_cells: int, place: Place, *, header: bool, said: bool
) -> Mended:
    """Divide a text record by record and bring all records to one length.

    Args:
        text: everything, the header too.
        dialect: how it is divided, by one character.
        num_cells: how many cells a row has.
        place: for messages.
        header: leave the first record out.
        said: True when the person named the quote, so that none is taken for loose.

    Raises:
        DataError: a row has too many cells, or quotes do not enclose cells.
    """
    try:
        mended = _mend(strict_records(text, dialect), dialect, num_cells, place, header=header)
    except (QuoteError, DataError) as error:
        loose = None if said else _with_loose_quotes(text, dialect, num_cells, place, header)
        if loose is not None:
            return loose
        if isinstance(error, QuoteError):
            raise _quote_error(error, dialect, place) from error
        raise
    if quotes_after_blanks(text, dialect):
        mended.blanks = text.count(f"{dialect.delimiter} ")
    return mended


def _with_loose_quotes(
    text: str, dialect: Dialect, num_cells: int, place: Place, header: bool
) -> Mended | None:
    """The text with quotes as ordinary characters, if that divides it evenly."""
    if not dialect.quote or dialect.quote not in text:
        return None
    bare = Dialect(dialect.delimiter, "")
    try:
        mended = _mend(strict_records(text, bare), bare, num_cells, place, header=header)
    except DataError:
        return None
    if mended.padded or mended.trimmed:
        return None
    mended.loose_quotes = True
    mended.unwrap(dialect.quote)
    return mended


def _unwrapped(cell: str, quote: str) -> str:
    bare = cell.strip()
    inside = bare[1:-1]
    wrapped = inside and bare.startswith(quote) and bare.endswith(quote)
    # An odd one inside: then the outer two are no pair either, but characters like it.
    if not wrapped or inside.count(quote) % 2:
        return cell
    return inside.replace(quote * 2, quote)


def _mend(
    records: Iterator[Record], dialect: Dialect, num_cells: int, place: Place, *, header: bool
) -> Mended:
    mended = Mended.of_width(num_cells)
    with cells_of_any_length():
        for line, cells in records:
            if len(cells) != num_cells and _is_remark(line, cells, dialect, mended):
                continue
            if header:
                header = False
            elif len(cells) == num_cells:
                mended.add(cells)
            elif any(cell.strip() for cell in cells[num_cells:]):
                raise _too_many(line, cells, num_cells, place)
            elif cells:
                mended.fit(cells)
            else:
                # One column: an empty line is a missing cell, and leaving it out would move rows.
                mended.add([""])
    return mended


def _is_remark(line: int, cells: list[str], dialect: Dialect, mended: Mended) -> bool:
    """Whether a record is an empty line or a comment, which is then written down."""
    num_cells = len(mended.columns)
    if num_cells > 1 and not (len(cells) > 1 or any(cell.strip() for cell in cells)):
        mended.empty_lines.append(line)
        return True
    if is_comment(cells, dialect, num_cells):
        mended.comments.append(line)
        return True
    return False


def _too_many(line: int, cells: list[str], num_cells: int, place: Place) -> DataError:
    return DataError(
        "A row has more cells than the table has columns.",
        where=place.line(line),
        expected=f"{num_cells} cells",
        got=f"{len(cells)} cells: {listed((cell.strip()[:20] for cell in cells), most=6)}",
        do="If a cell holds the delimiter, quote it in the file; if the first lines are a title, "
        "delete them; if the header lacks a name, give the names with --names.",
    )


def _quote_error(error: QuoteError, dialect: Dialect, place: Place) -> DataError:
    quote = dialect.quote
    got = (
        "a quote that is never closed, so that the rest of the file would be one cell"
        if error.unclosed
        else f"something after the closing {quote} of a cell"
    )
    return DataError(
        "Quotes do not enclose whole cells.",
        where=place.line(error.start if error.unclosed else error.line),
        expected=f"cells such as {quote}a {quote}{quote}b{quote}{quote} c{quote}, with quotes "
        "inside doubled",
        got=got,
        do="Mend the line, or read with the option quote = '' if quotes are ordinary characters.",
    )
