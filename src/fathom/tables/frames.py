"""Python values, by column or by record, as a typed frame."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import polars as pl

from fathom.base.errors import DataError, listed
from fathom.base.records import Finding
from fathom.tables.cells import typed_series
from fathom.tables.halves import whole_names
from fathom.tables.names import unique_names

Framed = tuple[pl.DataFrame, tuple[Finding, ...]]
"""Cells, and what was mended on the way."""
FramedColumn = tuple[pl.Series, tuple[Finding, ...]]
"""The cells of one column, and what was mended on the way."""


def frame_of_series(series: Sequence[pl.Series], names: Sequence[str], where: str) -> Framed:
    """Columns under names made unique.

    Raises:
        DataError: they differ in length.
    """
    lengths = {name: len(each) for name, each in zip(names, series, strict=True)}
    if len(set(lengths.values())) > 1:
        shown = [f"{name}: {length}" for name, length in lengths.items()]
        raise DataError(
            "The columns differ in length.",
            where=where,
            expected="as many cells in each column",
            got=listed(shown),
            do="Give every column one cell for each row, None where there is nothing.",
        )
    unique, told = unique_names(names, where)
    return pl.DataFrame(
        [each.rename(name) for each, name in zip(series, unique, strict=True)]
    ), told


def frame_of_columns(columns: Iterable[tuple[object, Sequence[Any]]], where: str) -> Framed:
    """Named lists of values as a frame.

    Raises:
        DataError: they differ in length.
    """
    series: list[pl.Series] = []
    names: list[str] = []
    told: list[Finding] = []
    for key, cells in columns:
        (name,), renamed = whole_names([str(key)])
        one, notes = typed_series(name, cells)
        series.append(one)
        names.append(name)
        told.extend((*renamed, *notes))
    frame, renamed = frame_of_series(series, names, where)
    return frame, (*told, *renamed)


def frame_of_records(records: Sequence[object], where: str) -> Framed:
    """Mappings from names to values as a frame; a name that a record lacks is missing there.

    Raises:
        DataError: a record is something else.

    Example:
        >>> frame_of_records([{"a": 1}, {"a": 2, "b": "x"}], "a list")[0].rows()
        [(1, None), (2, 'x')]
    """
    names: dict[str, None] = {}
    rows: list[Mapping[Any, Any]] = []
    for number, record in enumerate(records, start=1):
        if not isinstance(record, Mapping):
            raise DataError(
                "A row is not a record.",
                where=f"{where}, row {number}",
                expected='a record such as {"age": 39, "sex": "f"}',
                got=f"{type(record).__name__}: {str(record)[:60]}",
                do="Give each row as names with values, or all rows as columns.",
            )
        rows.append(record)
        names.update(dict.fromkeys(record))
    return frame_of_columns(((name, [row.get(name) for row in rows]) for name in names), where)
