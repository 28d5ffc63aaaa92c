"""Files whose cells have types: Parquet, Arrow, JSON and JSON lines."""

import json
from collections import Counter
from io import BytesIO
from typing import Any

import polars as pl

from fathom.base.errors import DataError
from fathom.tables.contents import Content, decode
from fathom.tables.frames import Framed, frame_of_columns, frame_of_records
from fathom.tables.limits import TIMES_CELLS, TIMES_OBJECTS, check_size
from fathom.tables.options import ReadOptions
from fathom.tables.table import Source, Table

_FORMATS = {
    "Parquet": (pl.scan_parquet, pl.read_parquet),
    "Arrow": (pl.scan_ipc, pl.read_ipc),
}
# Bytes that a cell takes at least; eight where it is not said.
_WIDTHS: dict[Any, float] = {
    pl.Boolean: 1 / 8,
    pl.Int8: 1,
    pl.UInt8: 1,
    pl.Int16: 2,
    pl.UInt16: 2,
    pl.Int32: 4,
    pl.UInt32: 4,
    pl.Float32: 4,
    pl.Date: 4,
    pl.String: 16,
}
_PARQUET = (".parquet", ".pq")
_LINES = (".jsonl", ".ndjson")


def read_columnar(content: Content, options: ReadOptions) -> Table:
    """A table from a Parquet or an Arrow file (Feather, IPC); they tell themselves apart.

    Raises:
        DataError: it is damaged.
        RecipeError: an option was set that only texts obey.
    """
    by_name = content.suffix in _PARQUET and not content.data.startswith(b"ARROW1")
    kind = "Parquet" if by_name or content.data.startswith(b"PAR1") else "Arrow"
    options.refuse_text_options(f"a file of {kind}")
    scan, read = _FORMATS[kind]
    try:
        _check_declared(scan(BytesIO(content.data)), str(content.path))
        frame = read(BytesIO(content.data))
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
        # Damage within the pages makes polars panic, which is no ordinary exception.
        raise DataError(
            f"The {kind} file is damaged.",
            where=str(content.path),
            expected=f"a whole {kind} file",
            got=str(error).splitlines()[0][:200],
            do="Fetch or write the file again.",
        ) from error
    return Table(frame, _source(content, kind.lower()))


def _check_declared(lazy: pl.LazyFrame, where: str) -> None:
    """Refuse what a small file would grow to: a billion equal cells are packed into a few bytes.

    Raises:
        DataError: rows and columns, as the file declares them, would not fit into memory.
    """
    num_rows = int(lazy.select(pl.len()).collect().item())
    schema = lazy.collect_schema()
    width = sum(_WIDTHS.get(dtype.base_type(), 8) for dtype in schema.dtypes())
    check_size(num_rows * width, where, f"{num_rows:,} rows × {len(schema):,} columns", TIMES_CELLS)


def read_json(content: Content, options: ReadOptions) -> Table:
    """A table from JSON: an array of objects, an object of arrays, or an object on each line.

    Raises:
        DataError: it is not JSON of such a form.
        RecipeError: an option was set that has no effect on JSON.
    """
    options.refuse_text_options("JSON", encoding=True)
    check_size(len(content.data), str(content.path), "the unpacked file", TIMES_OBJECTS)
    decoded = decode(content, options.encoding)
    text = decoded.data.decode()
    where = str(content.path)
    framed = None
    try:
        framed = None if content.suffix in _LINES else _unlined(text, where)
        frame, told = framed or frame_of_records(_lines(text, where), where)
    except RecursionError as error:
        raise _not_json(where, 1, "objects or arrays nested too deeply for a cell") from error
    source = _source(content, "json" if framed else "jsonl", decoded.encoding)
    return Table(frame, source, (*decoded.notes, *told))


def _unlined(text: str, where: str) -> Framed | None:
    """The table of a JSON text as a whole; None where it holds one object after the other."""
    try:
        found = _json(text)
    except (ValueError, RecursionError) as error:
        # Lines under the wrong extension.
        if str(error).startswith("Extra data") and text.lstrip()[:1] == "{":
            return None
        raise _not_json(where, getattr(error, "lineno", 1), _told(error)) from error
    return _whole(found, where)


def _whole(found: Any, where: str) -> Framed:
    if isinstance(found, list):
        return frame_of_records(found, where)
    if isinstance(found, dict) and all(isinstance(cells, list) for cells in found.values()):
        return frame_of_columns(found.items(), where)
    if isinstance(found, dict):
        lists = [name for name, value in found.items() if isinstance(value, list)]
        got = f"an object with the names {', '.join(list(found)[:5])}"
        hint = f" The rows may be under '{lists[0]}'." if lists else ""
    else:
        got, hint = f"{type(found).__name__}: {str(found)[:60]}", ""
    raise DataError(
        "The JSON is not a table.",
        where=where,
        expected='an array of records, [{"age": 39}, …], or columns, {"age": [39, …]}',
        got=got,
        do=f"Write the rows alone as an array of records, or one record on each line.{hint}",
    )


def _lines(text: str, where: str) -> list[Any]:
    records: list[Any] = []
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            try:
                records.append(_json(line))
            except (ValueError, RecursionError) as error:
                raise _not_json(where, number, _told(error)) from error
    return records


def _json(text: str) -> Any:
    return json.loads(text, object_pairs_hook=_record)


def _record(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object; of two values under one name nobody knows which one is meant."""
    record = dict(pairs)
    if len(record) < len(pairs):
        twice = Counter(name for name, _ in pairs).most_common(1)[0][0]
        raise json.JSONDecodeError(f"the name '{twice}' stands twice in one record", "", 0)
    return record


def _told(error: Exception) -> str:
    return error.msg if isinstance(error, json.JSONDecodeError) else str(error)


def _not_json(where: str, line: int, message: str) -> DataError:
    return DataError(
        "The file is not valid JSON.",
        where=f"{where}, line {line}",
        expected="an array of records, or one record on each line",
        got=message,
        do="Mend the line; if the file ends there, it was probably cut short: fetch it again.",
    )


def _source(content: Content, kind: str, encoding: str = "") -> Source:
    return Source(
        name=content.path.name,
        format=kind,
        paths=(str(content.path),),
        encoding=encoding,
        folder=str(content.path.parent),
    )
