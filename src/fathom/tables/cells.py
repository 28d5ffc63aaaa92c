"""What a single cell looks like, and lists of Python values as typed columns."""

import json
import re
from collections.abc import Callable, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any

import numpy as np
import polars as pl

from fathom.base.errors import DataError
from fathom.base.records import Finding
from fathom.tables.halves import whole_cells, whole_text

_NUMBER = re.compile(
    r"[+-]?\s*[$€£]?\s*(\d([\d.,  ']*\d)?[.,]?(?<!\d,)|[.,]\d+)(e[+-]?\d+)?\s*%?|[+-]?(nan|inf)"
)
_DATE = re.compile(r"\d{1,4}[-/.]\d{1,2}([-/.]\d{1,4})?([T ]+\d{1,2}:\d{2}.*)?|\d{1,2}:\d{2}.*")
MISSING_WORDS = frozenset({"?", "na", "n/a", "nan", "null", "none", "nil", "-", "--", ".", "#n/a"})
_INT64 = 1 << 63
_PLAIN: tuple[tuple[frozenset[type], Any], ...] = (
    (frozenset({bool}), pl.Boolean),
    (frozenset({int}), pl.Int64),
    (frozenset({int, float}), pl.Float64),
    (frozenset({str}), pl.String),
    (frozenset({date}), pl.Date),
    (frozenset({datetime}), pl.Datetime("us")),
    (frozenset({time}), pl.Time),
    (frozenset({timedelta}), pl.Duration("us")),
)


def is_number(cell: str) -> bool:
    """Whether a cell reads like a number, in whatever spelling.

    Example:
        >>> [is_number(cell) for cell in ("39", "1.234,5", "$ 12", "1e-3", "A11", "")]
        [True, True, True, True, False, False]
    """
    return bool(_NUMBER.fullmatch(cell.strip().lower()))


def is_date(cell: str) -> bool:
    """Whether a cell reads like a date or a time of day."""
    return bool(_DATE.fullmatch(cell.strip()))


def typed_series(name: str, cells: Sequence[Any]) -> tuple[pl.Series, tuple[Finding, ...]]:
    """Python values as one typed column; values of several types as their texts, reported.

    None and NaN are missing. Numbers of several types become float64, lists of values of one
    type stay lists, and anything else is spelled out as text, so that no value is lost.

    Example:
        >>> typed_series("a", [1, 2.5, None])[0].to_list()
        [1.0, 2.5, None]
        >>> typed_series("a", [1, "x"])[0].to_list()
        ['1', 'x']
    """
    values, mended = [_written(_plain, cell, name) for cell in cells], ()
    found = {type(value) for value in values if value is not None}
    if found & {str, list, dict}:
        values, mended = whole_cells(values, name)
    if not found:
        return pl.Series(name, values, dtype=pl.String), ()
    dtype = _dtype(values)
    if dtype is None and found == {list}:
        items = _dtype([item for value in values if value for item in value])
        dtype = None if items is None else pl.List(items)
    if dtype is not None:
        return pl.Series(name, values, dtype=dtype, strict=found != {int, float}), mended
    texts = [None if value is None else _written(_spelled, value, name) for value in values]
    kinds = sorted(kind.__name__ for kind in found)
    note = Finding(
        code="mixed_types",
        severity="medium" if len(found) > 1 else "low",
        title=f"The values of '{name}' were read as text.",
        evidence=f"It holds values of the type {' and '.join(kinds)}, which do not fit one "
        "type of column.",
        advice="Give all values of a column one type if that was not meant.",
        columns=(name,),
        facts={"types": kinds},
    )
    return pl.Series(name, texts, dtype=pl.String), (*mended, note)


def _dtype(values: Sequence[Any]) -> Any:
    """The type that holds all these values without loss, or None."""
    found = {type(value) for value in values if value is not None}
    if int in found and any(
        not -_INT64 <= value < _INT64 for value in values if type(value) is int
    ):
        return None
    if datetime in found and any(value.tzinfo for value in values if type(value) is datetime):
        return None
    return next((dtype for types, dtype in _PLAIN if found <= types), None)


def _plain(cell: Any) -> Any:
    if isinstance(cell, np.datetime64 | np.timedelta64):
        return None if np.isnat(cell) else cell.astype(f"{cell.dtype.kind}8[us]").item()
    if isinstance(cell, np.generic):
        cell = cell.item()
    if isinstance(cell, float) and cell != cell:
        return None
    if isinstance(cell, tuple | set | frozenset | np.ndarray):
        return sorted(cell, key=str) if isinstance(cell, set | frozenset) else list(cell)
    if isinstance(cell, bytes):
        return cell.decode("utf-8", "backslashreplace")
    return cell


def _written(write: Callable[[Any], Any], value: Any, name: str) -> Any:
    """What `write` makes of a value.

    Raises:
        DataError: nothing: code that is not ours says how an object is written, and it may fail.
    """
    try:
        return write(value)
    except Exception as error:
        raise DataError(
            "A cell cannot be written as text.",
            where=f"column '{name}'",
            expected="numbers, words, dates or other values that have a text",
            got=f"{type(value).__name__}, whose text fails with {type(error).__name__}",
            do="Turn the values into numbers or words first.",
        ) from error


def _spelled(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False, default=str)
    return whole_text(str(value))
