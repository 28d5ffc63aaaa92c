"""Texts divided by a character: find out how, divide, name, tidy, and report what was done."""

import re
from dataclasses import dataclass

import polars as pl

from fathom.base.errors import DataError
from fathom.base.records import Finding
from fathom.tables import notes
from fathom.tables.contents import Content, Decoded, decode
from fathom.tables.dialect import USUAL
from fathom.tables.irregular import Place, parse_irregular, parse_lines
from fathom.tables.layout import Layout, lay_out
from fathom.tables.limits import check_height, check_width
from fathom.tables.names import GivenNames, given_names, numbered_names, unique_names
from fathom.tables.options import ReadOptions
from fathom.tables.regular import parse_regular, record_ends
from fathom.tables.table import Source, Table
from fathom.tables.tidy import without_blanks

# What Excel writes for Excel: a first line that names the delimiter.
_SAID_BY_FILE = re.compile(rb'"?sep=([,;|\t])"?\r?\n')
_LINE_END = re.compile(rb"\r\n|\r|\n")


@dataclass(frozen=True)
class _Divided:
    """Cells in columns column_1, …, how they came about, and leading blanks already gone."""

    frame: pl.DataFrame
    notes: tuple[Finding, ...] = ()
    blanks: int = 0


@dataclass(frozen=True)
class _Trimmed:
    """A text without the lines at its edges that are no records."""

    text: bytes
    delimiter: str | None
    lines_before: int
    notes: tuple[Finding, ...]


def read_text(content: Content, options: ReadOptions) -> Table:
    """A table from a text, all cells as strings.

    Args:
        content: the file.
        options: what the person said about it.

    Raises:
        DataError: it is no text, has no rows, or cannot be divided into rows of one length.
    """
    where = str(content.path)
    given = given_names(options)
    decoded = decode(content, options.encoding)
    trimmed = _trim(decoded.data, options, where)
    layout = lay_out(trimmed.text, content.suffix, trimmed.delimiter, options, given, where)
    check_width(layout.num_cells, options.columns_limit, where)
    place = Place(where, trimmed.lines_before + layout.remarks)
    divided = _divide(layout, place, options)
    check_height(divided.frame.height, where, "a header and nothing below it")
    frame, blanks = without_blanks(divided.frame)
    names, named = _names(layout, options, given, where)
    frame = frame.rename(dict(zip(frame.columns, names, strict=True)))
    found = [*decoded.notes, *trimmed.notes, *_how_divided(layout, content.suffix, options)]
    found += [*named, *divided.notes]
    found += notes.blanks_removed(names, blanks, divided.blanks)
    named_last = given or (layout.header.present and layout.first[-1])
    if frame.width > 1 and not named_last and frame[names[-1]].null_count() == frame.height:
        frame = frame[:, :-1]
        found.append(notes.column_dropped(names[-1]))
    return Table(frame, _source(content, decoded, layout, options, given), tuple(found))


def _source(
    content: Content,
    decoded: Decoded,
    layout: Layout,
    options: ReadOptions,
    given: GivenNames | None,
) -> Source:
    paths = [str(content.path)]
    if given and given.path:
        paths.append(given.path)
    return Source(
        name=content.path.name,
        format="text",
        paths=tuple(paths),
        encoding=decoded.encoding,
        delimiter=layout.dialect.delimiter,
        header=layout.header.present,
        decimal=options.decimal or "",
        declared=given.declared if given else {},
        levels=given.levels if given else {},
        folder=str(content.path.parent),
    )


def _trim(text: bytes, options: ReadOptions, where: str) -> _Trimmed:
    """Take away what the person wants skipped, Excel's first line, and empty lines at the end."""
    start = 0
    for _ in range(options.skip_lines):
        line_end = _LINE_END.search(text, start)
        start = line_end.end() if line_end else len(text)
    delimiter, lines_before = options.delimiter, options.skip_lines
    said = _SAID_BY_FILE.match(text, start)
    if said and delimiter is None:
        delimiter, start, lines_before = said[1].decode(), said.end(), lines_before + 1
    body = text[start:].rstrip(b"\r\n\x1a")
    if not body.strip():
        raise DataError(
            "The file holds no text.",
            where=where,
            expected="a table with at least one row",
            got=f"{len(text):,} bytes of blanks and empty lines"
            + (f" after {options.skip_lines} skipped lines" if options.skip_lines else ""),
            do="Check how the file was written; perhaps a download or an export broke off.",
        )
    num_empty = len(_LINE_END.findall(text, start + len(body))) - 1
    told = (notes.empty_end(num_empty),) if num_empty > 0 else ()
    return _Trimmed(body + b"\n", delimiter, lines_before, told)


def _divide(layout: Layout, place: Place, options: ReadOptions) -> _Divided:
    """The cells in columns column_1, …, the quick way if the text allows it."""
    header, num_cells = layout.header.present, layout.num_cells
    if layout.divide.by_lines:
        return _Divided(parse_lines(layout.text.decode(), header=header))
    ends = record_ends(layout.text, layout.divide, num_cells)
    if ends is not None:
        frame = parse_regular(layout.text, layout.divide, num_cells, ends, header=header)
        if frame is not None:
            return _Divided(frame)
    text = layout.text.decode()
    said = options.quote is not None
    mended = parse_irregular(text, layout.divide, num_cells, place, header=header, said=said)
    told = notes.mended(mended, num_cells, place.lines_before)
    return _Divided(mended.frame(), told, mended.blanks)


def _names(
    layout: Layout, options: ReadOptions, given: GivenNames | None, where: str
) -> tuple[tuple[str, ...], tuple[Finding, ...]]:
    """The columns' names and what there is to say about them."""
    if given:
        names, told = given.fitting(layout.num_cells, where)
        if layout.header.present and options.header is None:
            told = (*told, notes.header_replaced(layout.first, layout.header))
        return names, told
    names, told = numbered_names(layout.num_cells), ()
    if layout.header.present:
        names, told = unique_names(layout.first[: layout.num_cells], where)
    # Words above numbers need no telling; the names are shown anyway.
    if options.header is None and not (layout.header.present and layout.header.sure):
        told = (notes.header_guessed(layout.header, names), *told)
    return names, told


def _how_divided(layout: Layout, suffix: str, options: ReadOptions) -> tuple[Finding, ...]:
    dialect = layout.dialect
    told: list[Finding] = []
    if layout.remarks:
        told.append(notes.remarks_at_top(layout.remarks))
    if options.delimiter is None:
        if dialect.delimiter != USUAL.get(suffix, ","):
            told.append(notes.delimiter_guessed(dialect))
    elif layout.num_cells == 1:
        told.append(notes.delimiter_absent(dialect))
    if options.quote is None and dialect.quote == "'":
        told.append(notes.apostrophes_removed())
    return tuple(told)
