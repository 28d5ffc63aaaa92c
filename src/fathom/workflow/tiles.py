"""Pictures of rows, as a network reads them, ready to be shown.

A file that has gone missing meanwhile, or that cannot be read, is no picture: None, never an error.
"""

from pathlib import Path

import numpy as np

from fathom.columns.image import FittedImage
from fathom.models.preparation import Column, Preparation
from fathom.reports.album import Pixels
from fathom.tables.schema import parse_columns
from fathom.tables.table import Table


def picture_columns(preparation: Preparation) -> tuple[Column, ...]:
    """The inputs that are pictures."""
    return tuple(one for one in preparation.inputs if isinstance(one.fitted, FittedImage))


def picture_block(preparation: Preparation, column: Column) -> str:
    """What the network calls that input."""
    return preparation.places()[column.name][0]


def pictures_of(column: Column, rows: Table) -> list[Pixels | None]:
    """The pixels of each row, as the network reads them."""
    values = parse_columns(rows, {column.name: column.kind})[column.name]
    return column.fitted.decode(column.fitted.transform(values).rows(slice(None)))


def file_name(cell: object) -> str:
    """Folder and name of a picture's file; "" where the cell is the picture itself.

    Example:
        >>> file_name("photos/train/cat/17.png"), file_name(b"...")
        ('cat/17.png', '')
    """
    return "/".join(Path(cell).parts[-2:]) if isinstance(cell, str) else ""


def grey(plane: np.ndarray, low: float, high: float) -> Pixels:
    """Numbers as a grey picture: `low` is black, `high` is white.

    Example:
        >>> grey(np.array([[0.0, 0.5, 2.0]]), 0.0, 1.0)[0, :, 0].tolist()
        [0, 128, 255]
    """
    share = (plane - low) / (high - low) if high > low else np.zeros_like(plane)
    return (255 * np.clip(share, 0, 1)).round().astype(np.uint8)[..., None]
