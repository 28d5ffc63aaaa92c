"""The one way in: whatever holds a table, as a `Table`."""

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import polars as pl

from fathom.tables.contents import Content, load
from fathom.tables.forks import check_threads
from fathom.tables.limits import check_height, check_width
from fathom.tables.names import given_names, unique_names
from fathom.tables.options import DEFAULTS, ReadOptions
from fathom.tables.read_arff import read_arff
from fathom.tables.read_folder import (
    is_folder,
    is_picture_file,
    read_picture_file,
    read_pictures,
)
from fathom.tables.read_memory import read_memory
from fathom.tables.read_npz import is_npz
from fathom.tables.read_text import read_text
from fathom.tables.read_typed import read_columnar, read_json
from fathom.tables.table import Table

_Reader = Callable[[Content, ReadOptions], Table]
_BY_SUFFIX: dict[str, _Reader] = {
    ".csv": read_text,
    ".tsv": read_text,
    ".tab": read_text,
    ".psv": read_text,
    ".json": read_json,
    ".jsonl": read_json,
    ".ndjson": read_json,
    ".arff": read_arff,
}
_COLUMNAR = (b"PAR1", b"ARROW1")
_ARFF = re.compile(rb"(?:\s|%[^\n]*\n)*@relation\b", re.IGNORECASE)
_JSON = re.compile(rb"\s*(?:\[\s*\{|\{\s*\")")


def read(source: object, options: ReadOptions = DEFAULTS) -> Table:
    """Read a table from wherever it is.

    Files are known by their content and their extension: delimited text in any of the usual
    forms, Parquet, Arrow, JSON, JSON lines, ARFF, each also packed with gzip; arrays of pictures
    and their labels in .npz files. Whatever is guessed or mended on the way stands in the table's
    notes; rows are neither lost nor moved.

    Args:
        source: a path, also of a picture or a folder of them; a polars or pandas frame; an Arrow
            table; columns as a mapping; a list of records; a NumPy array with two dimensions or
            named fields; a `Table`.
        options: what to take for granted instead of finding it out.

    Returns:
        The raw cells with their source and notes.

    Raises:
        DataError: there is no such file, or it holds no table.
        RecipeError: an option cannot be, or has no effect on this source.

    Example:
        >>> read({"age": [39, 50], "sex": ["f", None]})
        dict: 2 rows × 2 columns
          age  sex
          39   f
          50   ·
    """
    check_threads()
    if isinstance(source, Table):
        options.refuse_text_options("a table that was read before")
        table = source
    elif is_folder(source):
        return _checked(read_pictures(Path(str(source)).expanduser()), options)
    elif is_picture_file(source):
        return _checked(read_picture_file(Path(str(source)).expanduser()), options)
    elif is_npz(source):
        options.refuse_text_options("arrays")
        table = read_pictures(Path(str(source)).expanduser())
    elif isinstance(source, str | Path):
        return _read_file(Path(source).expanduser(), options)
    else:
        table = read_memory(source, options)
    return _checked(_renamed(table, options), options)


def _read_file(path: Path, options: ReadOptions) -> Table:
    content = load(path)
    reader = _reader(content)
    table = reader(content, options)
    return _checked(table if reader is read_text else _renamed(table, options), options)


def _reader(content: Content) -> _Reader:
    if content.data.startswith(_COLUMNAR):
        return read_columnar
    if content.suffix in _BY_SUFFIX:
        return _BY_SUFFIX[content.suffix]
    if content.suffix in (".parquet", ".pq", ".arrow", ".feather", ".ipc"):
        return read_columnar
    start = content.data[: 1 << 16]
    if _ARFF.match(start):
        return read_arff
    return read_json if _JSON.match(start) else read_text


def _renamed(table: Table, options: ReadOptions) -> Table:
    """The table under the names that the person gave; without any, no column is left nameless."""
    given = given_names(options)
    if given is None and "" not in table.columns:
        return table
    if given is None:
        names, told = unique_names(table.columns, table.source.name)
    else:
        names, told = given.fitting(len(table.columns), table.source.name)
    by_old = dict(zip(table.columns, names, strict=True))
    source = replace(
        table.source,
        declared={by_old[old]: kind for old, kind in table.source.declared.items()},
        levels={by_old[old]: levels for old, levels in table.source.levels.items()},
    )
    frame: pl.DataFrame = table.frame.rename(by_old)
    return replace(table, frame=frame, source=source, notes=(*table.notes, *told))


def _checked(table: Table, options: ReadOptions) -> Table:
    check_width(len(table.columns), options.columns_limit, table.source.name)
    check_height(table.num_rows, table.source.name)
    return table
