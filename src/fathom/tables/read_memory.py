"""Tables that are in memory already: frames, arrays, columns, records."""

import sys
from collections.abc import Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

import numpy as np
import polars as pl

from fathom.base.errors import DataError
from fathom.base.records import Finding
from fathom.tables.cells import typed_series
from fathom.tables.frames import Framed, FramedColumn, frame_of_records, frame_of_series
from fathom.tables.halves import whole_text
from fathom.tables.names import numbered_names
from fathom.tables.options import ReadOptions
from fathom.tables.table import Source, Table


@runtime_checkable
class _ArrowStream(Protocol):
    """Arrow tables of any library: what can hand its columns on through Arrow's C interface."""

    def __arrow_c_stream__(self, requested_schema: object = None) -> object: ...


def read_memory(source: object, options: ReadOptions) -> Table:
    """A table from an object in memory, its types kept.

    Args:
        source: a polars or pandas frame, an Arrow table, a mapping from names to columns, a list
            of records, a NumPy array of two dimensions or with named fields.
        options: `names` and `columns_limit` count; others have no effect and are refused.

    Raises:
        DataError: it is something else, or its columns differ in length.
        RecipeError: an option was set that only texts obey.
    """
    options.refuse_text_options("a table in memory")
    name = _name(source)
    frame, told = _framed(source, name)
    header = not (isinstance(source, np.ndarray) and source.dtype.names is None)
    return Table(frame, Source(name=name, format="memory", header=header), told)


def _name(source: object) -> str:
    kind = type(source)
    module = kind.__module__.partition(".")[0]
    return kind.__qualname__ if module == "builtins" else f"{module}.{kind.__qualname__}"


def _framed(source: object, name: str) -> Framed:
    if isinstance(source, pl.DataFrame):
        return _without_objects(source)
    if isinstance(source, pl.LazyFrame):
        return _without_objects(source.collect())
    if isinstance(source, np.ndarray):
        return _from_array(source, name)
    if isinstance(source, Mapping):
        return _from_mapping(source, name)
    if isinstance(source, list | tuple):
        return frame_of_records(source, name)
    pandas = sys.modules.get("pandas")
    if pandas is not None and isinstance(source, pandas.DataFrame):
        return _from_pandas(source, name)
    series = pandas is not None and isinstance(source, pandas.Series | pandas.Index)
    if isinstance(source, _ArrowStream) and not series:
        return pl.DataFrame(source), ()
    raise DataError(
        "This is not a table that fathom can read.",
        where="the data handed over",
        expected="a path, a polars or pandas frame, an Arrow table, columns as a mapping, a list "
        "of records, or a NumPy array with rows and columns",
        got=name,
        do="Make it a frame of one column: to_frame()." if series else "Hand over one of these.",
    )


def _without_objects(frame: pl.DataFrame) -> Framed:
    """Columns of any Python objects as what their values are; polars can do nothing with them."""
    if pl.Object not in frame.dtypes:
        return frame, ()
    told: list[Finding] = []
    for name, dtype in frame.schema.items():
        if dtype == pl.Object:
            series, notes = typed_series(name, frame.get_column(name).to_list())
            frame = frame.with_columns(series)
            told.extend(notes)
    return frame, tuple(told)


def _from_mapping(source: Mapping[Any, Any], name: str) -> Framed:
    columns: list[tuple[str, FramedColumn]] = []
    for key, cells in source.items():
        named = whole_text(str(key))
        column = _column(named, cells)
        if column is None:
            raise DataError(
                "A column is not a sequence of cells.",
                where=f"{name}, column '{key}'",
                expected="a list, an array or a series with one cell for each row",
                got=f"{type(cells).__name__}: {str(cells)[:60]}",
                do="Give each column as a list, also when there is one row only.",
            )
        columns.append((named, column))
    return _together(columns, name)


def _column(name: str, cells: object) -> FramedColumn | None:
    """One column of whatever make, or None when it is none."""
    if isinstance(cells, pl.Series):
        return typed_series(name, cells.to_list()) if cells.dtype == pl.Object else (cells, ())
    if isinstance(cells, np.ndarray) and cells.ndim == 1:
        return _from_numpy(name, cells)
    if isinstance(cells, list | tuple | range):
        return typed_series(name, cells)
    pandas = sys.modules.get("pandas")
    if pandas is not None and isinstance(cells, pandas.Series | pandas.Index):
        return _from_pandas_column(name, cells)
    return None


def _from_array(source: np.ndarray, name: str) -> Framed:
    if source.dtype.names is not None and source.ndim == 1:
        parts = [(field, source[field]) for field in source.dtype.names]
    elif source.dtype.names is None and source.ndim == 2:
        parts = list(zip(numbered_names(source.shape[1]), source.T, strict=True))
    else:
        parts = []
    if any(part.ndim != 1 for _, part in parts) or not parts:
        raise DataError(
            "The array is not a table.",
            where=name,
            expected="an array with rows and columns (two dimensions), or with named fields",
            got=f"shape {source.shape}, type {source.dtype}",
            do="Reshape it: array.reshape(-1, 1) makes one column, array.reshape(1, -1) one row.",
        )
    return _together([(part, _from_numpy(part, cells)) for part, cells in parts], name)


def _from_numpy(name: str, cells: np.ndarray) -> FramedColumn:
    kind = cells.dtype.kind
    if isinstance(cells, np.ma.MaskedArray) or kind not in "iufbMm":
        return typed_series(name, cells.tolist())
    if kind in "Mm":
        return pl.Series(name, cells.astype(f"{kind}8[us]")), ()
    if kind == "f" and cells.dtype.itemsize not in (4, 8):
        cells = cells.astype(np.float64)
    return pl.Series(name, np.ascontiguousarray(cells), nan_to_null=True), ()


def _from_pandas(source: Any, name: str) -> Framed:
    names = [
        whole_text(".".join(map(str, column)) if isinstance(column, tuple) else str(column))
        for column in source.columns
    ]
    parts = [source.iloc[:, place] for place in range(len(names))]
    columns = [
        (part, _from_pandas_column(part, cells)) for part, cells in zip(names, parts, strict=True)
    ]
    frame, told = _together(columns, name)
    index = source.index
    if not index.equals(sys.modules["pandas"].RangeIndex(len(index))) or index.name is not None:
        told = (*told, _index_left_out(index))
    return frame, told


def _from_pandas_column(name: str, cells: Any) -> FramedColumn:
    if isinstance(cells.dtype, np.dtype) and cells.dtype.kind in "iufbMm":
        return _from_numpy(name, cells.to_numpy())
    if cells.dtype.kind == "M":
        moments, _ = _from_numpy(name, cells.to_numpy(dtype="datetime64[us]"))
        return moments.dt.replace_time_zone("UTC"), ()
    absent = cells.isna()
    values = [
        None if gone else value
        for value, gone in zip(cells.astype(object).tolist(), absent.tolist(), strict=True)
    ]
    return typed_series(name, values)


def _index_left_out(index: Any) -> Finding:
    called = f" '{index.name}'" if index.name is not None else ""
    return Finding(
        code="index_left_out",
        severity="low",
        title=f"The index{called} of the pandas frame is no column and was left out.",
        evidence=f"It runs {index[0]!r}, …" if len(index) else "It is empty.",
        advice="Call reset_index() first if it says something about the rows.",
    )


def _together(columns: Sequence[tuple[str, FramedColumn]], name: str) -> Framed:
    names = [part for part, _ in columns]
    frame, renamed = frame_of_series([series for _, (series, _) in columns], names, name)
    return frame, (*(note for _, (_, told) in columns for note in told), *renamed)
