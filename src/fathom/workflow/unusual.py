"""Which rows of a table are unlike the training rows, and in what: a text for each row."""

from typing import Any

import numpy as np
import polars as pl
from jaxtyping import Bool

from fathom.columns.cells import clean
from fathom.columns.image import Image
from fathom.columns.kind import Values
from fathom.models.preparation import Column

Mask = Bool[np.ndarray, " rows"]

_RANGED = ("number", "date")


def marks(column: Column, raw: pl.Series | None, values: Values) -> dict[str, Mask]:
    """What may be unusual in a column, in words -> the rows where it is.

    Args:
        column: as it was fitted.
        raw: the cells of the new rows as they were read; None = the table has no such column.
        values: the same, parsed.
    """
    if raw is None:
        return {"not in the table": ~values.present}
    unread = ~values.present & clean(raw).text.is_not_null().to_numpy()
    fitted: Any = column.fitted
    strange = "outside the training range" if column.kind.name in _RANGED else "unseen word"
    if column.kind.name == "image":
        strange = "cannot be read"
    found = {strange: fitted.strange(values), f"not a {column.kind.name}": unread}
    if isinstance(column.kind, Image):
        found["of one tone"] = fitted.blank(values)
        if column.kind.colour == "auto":
            found["in colour, as no training picture was"] = fitted.coloured(values)
    if fitted.num_missing == 0:
        found["missing, never so in training"] = ~values.present & ~unread
    return found


def texts(found: dict[str, dict[str, Mask]], num_rows: int) -> list[str | None]:
    """A line for every row: "area: outside the training range; style: unseen word", or None.

    Args:
        found: column -> its `marks`.
        num_rows: of the table.

    Example:
        >>> texts({"area": {"unseen word": np.array([False, True])}}, 2)
        [None, 'area: unseen word']
    """
    told: list[list[str]] = [[] for _ in range(num_rows)]
    for name, reasons in found.items():
        for reason, rows in reasons.items():
            for row in np.flatnonzero(rows):
                told[row].append(f"{name}: {reason}")
    return ["; ".join(parts) or None for parts in told]
