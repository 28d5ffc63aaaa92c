"""The quick way for texts without oddities: check their structure as arrays, parse in polars.

Nearly every file is regular: the same number of cells in every record and quotes only where they
belong. That is seen from the positions of four bytes, in a few passes over the text; polars then
parses it an order of magnitude faster than Python could, and cannot be led astray.
"""

import numpy as np
import polars as pl

from fathom.tables.names import numbered_names
from fathom.tables.records import Dialect

_NEWLINE, _RETURN = 10, 13


def record_ends(data: bytes, dialect: Dialect, num_cells: int) -> np.ndarray | None:
    """Where the records of a regular text end, or None for a text that needs more care.

    Args:
        data: the text in UTF-8.
        dialect: how it is divided.
        num_cells: the number of cells that every record must have.

    Returns:
        int64, ["records"], positions of line breaks (or the length of the text).
    """
    if len(dialect.delimiter.encode()) != 1 or len(dialect.quote.encode()) > 1:
        return None
    if data.count(b"\r") != data.count(b"\r\n"):
        return None
    codes = np.frombuffer(data, dtype=np.uint8)
    ends = np.flatnonzero(codes == _NEWLINE)
    delimiters = np.flatnonzero(codes == ord(dialect.delimiter))
    if dialect.quote and dialect.quote.encode() in data:
        quotes = np.flatnonzero(codes == ord(dialect.quote))
        if not _quotes_enclose(codes, quotes, ord(dialect.delimiter)):
            return None
        ends = ends[_outside(ends, quotes)]
        delimiters = delimiters[_outside(delimiters, quotes)]
    if not len(ends) or ends[-1] != len(data) - 1:
        ends = np.append(ends, len(data))
    cells = np.diff(np.searchsorted(delimiters, ends), prepend=0) + 1
    return ends if (cells == num_cells).all() else None


def parse_regular(
    data: bytes, dialect: Dialect, num_cells: int, ends: np.ndarray, *, header: bool
) -> pl.DataFrame | None:
    """The cells of a regular text as strings, in columns column_1, column_2, …

    Args:
        data: the text in UTF-8.
        dialect: how it is divided.
        num_cells: cells in every record.
        ends: from `record_ends`.
        header: leave the first record out.

    Returns:
        The cells, or None when polars counted otherwise than we did.
    """
    names = numbered_names(num_cells)
    num_records = len(ends) - header
    if num_records == 0:
        return pl.DataFrame(schema=dict.fromkeys(names, pl.String))
    try:
        frame = pl.read_csv(
            data[int(ends[0]) + 1 :] if header else data,
            has_header=False,
            schema=dict.fromkeys(names, pl.String),
            separator=dialect.delimiter,
            quote_char=dialect.quote or None,
        )
    except pl.exceptions.PolarsError:
        return None
    return frame if frame.shape == (num_records, num_cells) else None


def _outside(positions: np.ndarray, quotes: np.ndarray) -> np.ndarray:
    """True where an even number of quotes came before; doubled ones cancel out."""
    return np.searchsorted(quotes, positions) % 2 == 0


def _quotes_enclose(codes: np.ndarray, quotes: np.ndarray, delimiter: int) -> bool:
    """Whether every quote opens a cell, closes one, or is one of a doubled pair within."""
    if len(quotes) % 2:
        return False
    opening, closing = quotes[0::2], quotes[1::2]
    last = len(codes) - 1
    before = np.where(opening == 0, _NEWLINE, codes[opening - 1])
    after = np.where(closing == last, _NEWLINE, codes[np.minimum(closing + 1, last)])
    # A closing quote with an opening one right behind it is a doubled quote.
    touching = opening[1:] == closing[:-1] + 1
    reopened, doubled = np.append(False, touching), np.append(touching, False)
    opens = (before == delimiter) | (before == _NEWLINE) | reopened
    closes = (after == delimiter) | (after == _NEWLINE) | (after == _RETURN) | doubled
    return bool(opens.all() and closes.all())
