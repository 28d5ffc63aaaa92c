"""Cells as people leave them: blanks, quotes, markers such as "?" or "NA". Shared by all kinds."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from fathom.columns.kind import Repair

MARKERS = frozenset(
    {"?", "-", "--", ".", "NA", "N/A", "n/a", "#N/A", "#NA", "<NA>", "nan", "NaN", "NAN", "-nan"}
    | {"-NaN", "null", "NULL", "Null", "None", "NaT", "nil", "#VALUE!", "#DIV/0!", "#NULL!"}
)
_NUM_EXAMPLES = 3


@dataclass(frozen=True)
class Cells:
    """The cells of one column as clean text.

    Attributes:
        text: strings without blanks or quotes around them; null where there is nothing.
        present: True where there is something.
        repairs: what was mended on the way.
    """

    text: pl.Series
    present: np.ndarray
    repairs: tuple[Repair, ...] = ()

    def words(self) -> np.ndarray:
        """The text as an object array of str, "" where there is nothing."""
        words = np.empty(len(self.text), dtype=object)
        words[:] = self.text.fill_null("").to_list()
        return words


def clean(raw: pl.Series, *, markers: bool = True) -> Cells:
    """Cells without the dirt around them, and what is present.

    Args:
        raw: a column as it was read, of any type.
        markers: read markers such as "?", "NA", "None" as absent values; otherwise they are words.

    Example:
        >>> cells = clean(pl.Series([" a", "'b'", "?", ""]))
        >>> cells.text.to_list(), cells.repairs[0].count
        (['a', 'b', None, None], 1)
    """
    text = _unquoted(as_text(raw).str.strip_chars())
    text = text.set(text == "", None)
    if not markers:
        return Cells(text, text.is_not_null().to_numpy())
    marked = (text.is_in(list(MARKERS)) & text.is_not_null()).to_numpy()
    repairs = counted("a marker for 'no value' read as an absent value", marked, text)
    if repairs:
        text = text.set(pl.Series(marked), None)
    return Cells(text, text.is_not_null().to_numpy(), repairs)


def as_text(raw: pl.Series) -> pl.Series:
    """Any column as strings; lengths of time in seconds.

    Whole floats are without ".0", so that 1.0 and 1 are one word.

    Example:
        >>> as_text(pl.Series([1.0, 2.0, float("nan")])).to_list()
        ['1', '2', None]
        >>> as_text(pl.Series([1.0, 2.5])).to_list()
        ['1.0', '2.5']
    """
    if raw.dtype == pl.String:
        return raw
    if raw.dtype == pl.Binary:
        return raw.bin.encode("hex")
    if raw.dtype == pl.Object or raw.dtype.is_nested():
        words = [None if cell is None else str(cell) for cell in raw.to_list()]
        return pl.Series(raw.name, words, dtype=pl.String)
    if raw.dtype == pl.Duration:
        raw = raw.dt.total_microseconds() / 1e6
    if raw.dtype.is_decimal():
        raw = raw.cast(pl.Float64)
    if raw.dtype.is_float():
        raw = raw.fill_nan(None)
        if bool((raw.drop_nulls() % 1 == 0).all()) and bool((raw.drop_nulls().abs() < 2**53).all()):
            raw = raw.cast(pl.Int64)
    return raw.cast(pl.String)


def counted(what: str, mended: np.ndarray, raw: pl.Series) -> tuple[Repair, ...]:
    """One repair with its count and the first few different cells, or nothing.

    Args:
        what: what was mended, in plain words.
        mended: True at the cells concerned.
        raw: the cells as they stood.
    """
    count = int(mended.sum())
    if count == 0:
        return ()
    rows = np.flatnonzero(mended)[:10_000]
    shown = as_text(raw[rows]).unique(maintain_order=True)[:_NUM_EXAMPLES].to_list()
    return (Repair(what, count, tuple(str(cell) for cell in shown)),)


def _unquoted(text: pl.Series) -> pl.Series:
    """Without a pair of quotes that wraps the whole cell."""
    wrapped = text.str.starts_with("'") | text.str.starts_with('"')
    if not wrapped.any():
        return text
    inner = text.str.replace(r"^'([^']*)'$", "$1").str.replace(r'^"([^"]*)"$', "$1")
    return inner.str.strip_chars()
