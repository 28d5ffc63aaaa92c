"""Tables in which a picture is what its file holds, not what the file is called."""

from collections.abc import Mapping
from dataclasses import replace

import polars as pl

from fathom.columns.image import named
from fathom.columns.kind import Kind, Values
from fathom.tables.schema import parse_columns
from fathom.tables.table import Table


def by_content(table: Table, kinds: Mapping[str, Kind]) -> Table:
    """The table with a fingerprint of its content in place of each picture.

    A file that was changed is another cell then, and one that was renamed is the same.

    Args:
        table: with pictures as paths or bytes.
        kinds: how its columns are read.
    """
    pictures = {
        name: kind for name, kind in kinds.items() if kind.name == "image" and name in table.columns
    }
    if not pictures:
        return table
    values = parse_columns(table, pictures)
    words = [_words(name, values[name]) for name in pictures]
    return replace(table, frame=table.frame.with_columns(words))


def _words(name: str, values: Values) -> pl.Series:
    cells = zip(named(values).data, values.present, strict=True)
    return pl.Series(name, [word if there else None for word, there in cells], dtype=pl.String)
