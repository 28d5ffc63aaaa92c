"""Pictures in `show`: what the network sees of each, in words and as a sheet of them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import torch

from fathom.base.errors import RecipeError
from fathom.base.files import write_atomically
from fathom.base.tensors import Field
from fathom.columns.image import FittedImage
from fathom.columns.picture import PICTURE_ENDINGS, Cell, Header, why_broken
from fathom.columns.prints import headers
from fathom.models.preparation import Column
from fathom.reports.album import Pixels
from fathom.reports.plates import png, sheet
from fathom.tables.schema import Roles, infer_schema, parse_columns
from fathom.tables.table import Table
from fathom.workflow.albums import picture_facts
from fathom.workflow.tiles import pictures_of

SHEET = 32
# The ground of a sheet.
_NOTHING = 128


def described(column: Column, field: Field, rows: Table) -> dict[str, Any]:
    """What the network sees of the pictures of some rows: shape, type, means, how it came about."""
    there = torch.ones(len(field), dtype=torch.bool) if field.mask is None else field.mask
    cells = _files(column, rows)
    shape = " × ".join(map(str, field.data.shape[1:]))
    known = headers([cell or b"" for cell in cells])
    told = [
        f"{shape} uint8, mean {_means(pixels)} of 255; {brought(header, *field.data.shape[2:])}"
        if one
        else f"nothing: {why_broken(cell) if cell else 'no picture'}"
        for pixels, header, cell, one in zip(field.data, known, cells, there.tolist(), strict=True)
    ]
    return {"tensor": told, "present": there.tolist()}


def _files(column: Column, rows: Table) -> list[Cell | None]:
    """The files of the pictures; None where there is none, or no such column."""
    found = parse_columns(rows, {column.name: column.kind})
    if column.name not in found:
        return [None] * rows.num_rows
    values = found[column.name]
    return [cell if one else None for cell, one in zip(values.data, values.present, strict=True)]


def _means(pixels: torch.Tensor) -> str:
    return " / ".join(f"{mean:.1f}" for mean in pixels.float().mean((1, 2)).tolist())


def brought(header: Header, height: int, width: int) -> str:
    """How a picture came to the size that the network reads.

    Example:
        >>> brought(Header(640, 480, "RGBA", "PNG", turned=True), 96, 128)
        'stretched from 480 × 640 (PNG, RGBA), turned as EXIF says, laid on white'
        >>> brought(Header(128, 96, "L", "PNG"), 96, 128)
        'as it is in the file (PNG, L)'
    """
    what = f"({header.format}, {header.mode})"
    same = (header.height, header.width) == (height, width)
    size = f"{header.height} × {header.width}"
    parts = [f"as it is in the file {what}" if same else f"stretched from {size} {what}"]
    parts += ["turned as EXIF says"] * header.turned
    parts += ["laid on white"] * header.alpha
    parts += ["its brightest place made white"] * header.deep
    return ", ".join(parts)


def is_of_pictures(folder: Path) -> bool:
    """Whether it is a folder of pictures, not that of a run."""
    if (folder / "record.json").exists():
        return False
    inside = (item for item in folder.rglob("*") if item.is_file())
    return any(item.suffix.lower() in PICTURE_ENDINGS or "idx" in item.name for item in inside)


def picture_columns_of(table: Table) -> list[Column]:
    """Columns of a table that are pictures, as they would be read if these rows were learned."""
    names = [name for name in table.columns if _maybe_pictures(table.column(name))]
    if not names:
        return []
    kinds = {
        name: found.kind
        for name, found in infer_schema(table.select(names), Roles()).columns.items()
        if found.kind.name == "image"
    }
    values = parse_columns(table, kinds)
    return [
        Column(name, kind, kind.freeze(kind.summarise(values[name])))
        for name, kind in kinds.items()
    ]


def _maybe_pictures(cells: pl.Series) -> bool:
    if cells.dtype == pl.Binary:
        return True
    first = cells.drop_nulls().head(1).to_list() if cells.dtype == pl.String else []
    return bool(first) and first[0].lower().endswith(PICTURE_ENDINGS)


def told_of(column: Column, table: Table) -> dict[str, Any]:
    """A column of pictures of a table that nothing was learned from yet."""
    fitted = column.fitted
    assert isinstance(fitted, FittedImage), "only pictures are told of here"
    rows = table.rows(slice(0, 5))
    values = parse_columns(rows, {column.name: column.kind})[column.name]
    field = fitted.transform(values).rows(slice(None))
    return {
        "column": column.name,
        "readable": fitted.count,
        "would_see": picture_facts(fitted),
        **described(column, field, rows),
    }


def text_of(told: dict[str, Any]) -> str:
    """The same for a person."""
    lines = [f"  row {row}: {one}" for row, one in enumerate(told["tensor"], start=1)]
    head = f"{told['column']}: {told['readable']:,} pictures"
    return "\n".join([head, f"  a network would see: {told['would_see']}", *lines])


def write_sheet(output: Path, columns: Sequence[Column], table: Table) -> int:
    """The first rows' pictures as the network sees them, as one PNG file; how many they are.

    Raises:
        RecipeError: the file's name does not end in .png, or there is no picture.
        StorageError: the disk is full or the place cannot be written to.
    """
    _check_png(output)
    rows = table.rows(slice(0, SHEET))
    found = [pictures_of(column, rows) for column in columns if column.name in table.columns]
    shown = [[one for one in pictures if one is not None] for pictures in found]
    # What cannot be read leaves its place free, so that the place still tells the row.
    sheets = [
        sheet([np.full_like(there[0], _NOTHING) if one is None else one for one in pictures])
        for pictures, there in zip(found, shown, strict=True)
        if there
    ]
    if not sheets:
        raise RecipeError(
            "There are no pictures to write.",
            where=table.source.name,
            expected="a column of pictures that can be read",
            got="none in the first rows",
            do="Leave -o out, or name rows with pictures.",
        )
    whole = _stacked(sheets)
    file = png(whole, max(whole.shape))
    write_atomically(output, lambda aside: _put(aside, file))
    return sum(map(len, shown))


def _put(place: Path, file: bytes) -> None:
    place.write_bytes(file)


def _check_png(output: Path) -> None:
    if output.suffix.lower() != ".png":
        raise RecipeError(
            "A sheet of pictures is written as a PNG file.",
            where=str(output),
            expected="a name that ends in .png",
            got=f"'{output.name}'",
            do=f"Say -o {output.with_suffix('.png')}.",
        )


def _stacked(sheets: Sequence[Pixels]) -> Pixels:
    """One above the other, in colour if one of them is."""
    width = max(one.shape[1] for one in sheets)
    channels = max(one.shape[2] for one in sheets)
    filled = [
        np.pad(
            np.broadcast_to(one, (*one.shape[:2], channels)),
            ((0, 0), (0, width - one.shape[1]), (0, 0)),
            constant_values=_NOTHING,
        )
        for one in sheets
    ]
    return np.concatenate(filled)
