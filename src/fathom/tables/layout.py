"""What a text looks like, settled before its cells are divided."""

from collections.abc import Sequence
from dataclasses import dataclass

from fathom.tables.dialect import (
    USUAL,
    Sample,
    find_dialect,
    sample_of,
    sample_records,
    usual_num_cells,
)
from fathom.tables.header import HeaderGuess, guess_header
from fathom.tables.names import GivenNames
from fathom.tables.options import ReadOptions
from fathom.tables.records import Dialect, first_records, is_comment, tabbed

# A file of hundreds of MB without a line break would take minutes to look at in every way.
_LONGEST_RECORD = 1 << 24


@dataclass(frozen=True)
class Layout:
    """How a text is to be divided.

    Attributes:
        text: in UTF-8, from the first record on; runs of blanks are tabs where they divide.
        dialect: as the person would name it.
        divide: the dialect of `text`.
        num_cells: cells in a row.
        first: the first record.
        header: whether that names the columns, and why.
        remarks: how many lines of remarks or nothing were taken away at the top.
    """

    text: bytes
    dialect: Dialect
    divide: Dialect
    num_cells: int
    first: tuple[str, ...]
    header: HeaderGuess
    remarks: int


def lay_out(
    text: bytes,
    suffix: str,
    delimiter: str | None,
    options: ReadOptions,
    given: GivenNames | None,
    where: str,
) -> Layout:
    """Find delimiter, quote, header and width of a text from its first lines.

    Args:
        text: in UTF-8, with something in it.
        suffix: the file's extension.
        delimiter: what the person or the file named; None = find out.
        options: what the person said.
        given: the names the person gave.
        where: the file, for messages.

    Raises:
        DataError: the given names do not fit.
    """
    dialect, records = _look(text, suffix, delimiter, options)
    divide = dialect
    if dialect.by_blanks:
        divide = Dialect("\t", dialect.quote)
        text = tabbed(text.decode(), dialect.quote).encode()
    usual = usual_num_cells(records)
    remarks, text = _without_first_remarks(text, divide, usual)
    records = [record for record in records if not is_comment(record, divide, usual)]
    first = tuple(records[0]) if records else ()
    # Where a file is called a table, even a single column has a header by custom.
    single_lines = dialect.by_lines or (usual == 1 and suffix not in USUAL)
    header = _header(records, usual, options, given, single_lines=single_lines)
    num_cells = _num_cells(records, usual, given, header.present, where)
    return Layout(text, dialect, divide, num_cells, first, header, remarks)


def _look(
    text: bytes, suffix: str, delimiter: str | None, options: ReadOptions
) -> tuple[Dialect, list[list[str]]]:
    """The dialect and the first records."""
    sample = sample_of(text)
    dialect = find_dialect(sample, suffix, delimiter, options)
    records = sample_records(sample, dialect)
    if (len(records) < 2 or dialect.by_lines) and not sample.whole:
        # The first record may be longer than the sample: then only much more of it will tell.
        most = text[:_LONGEST_RECORD].decode("utf-8", "ignore")
        sample = Sample(most, len(text) <= _LONGEST_RECORD)
        dialect = find_dialect(sample, suffix, delimiter, options)
        records = sample_records(sample, dialect)
    return dialect, records


def _without_first_remarks(text: bytes, dialect: Dialect, usual: int) -> tuple[int, bytes]:
    taken, start = 0, 0
    while usual > 1:
        end = text.find(b"\n", start)
        line = text[start : end if end >= 0 else len(text)].decode()
        found = first_records(line, dialect, 1)
        if end < 0 or (found and not is_comment(found[0][1], dialect, usual)):
            break
        if not found and line.strip():
            break
        taken, start = taken + 1, end + 1
    return taken, text[start:]


def _header(
    records: Sequence[Sequence[str]],
    usual: int,
    options: ReadOptions,
    given: GivenNames | None,
    *,
    single_lines: bool,
) -> HeaderGuess:
    if options.header is not None:
        return HeaderGuess(options.header, True, "said")
    if not records:
        return HeaderGuess(False, False, "there is nothing to look at")
    first = list(records[0])
    if given and [cell.lower() for cell in first] == [name.lower() for name in given.names]:
        return HeaderGuess(True, True, "the first line holds the given names")
    body = [record for record in records[1:] if len(record) == usual]
    filled = (first + [""] * (usual - len(first)))[:usual]
    guess = guess_header([filled, *body], single_lines=single_lines)
    if given and not guess.sure:
        return HeaderGuess(False, True, "names were given")
    return guess


def _num_cells(
    records: Sequence[Sequence[str]],
    usual: int,
    given: GivenNames | None,
    header: bool,
    where: str,
) -> int:
    if given:
        ends_empty = all(not record[-1] for record in records if len(record) == usual)
        wanted = {len(given.names), len(given.names) + bool(given.last)}
        fits = usual - 1 if ends_empty and usual - 1 in wanted else usual
        return len(given.fitting(fits, where)[0])
    if not header or not records:
        return usual
    names = list(records[0])
    while len(names) > usual and not names[-1]:
        names.pop()
    return len(names)
