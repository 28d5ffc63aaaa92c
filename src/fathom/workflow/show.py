"""What the network sees: the layers with their shapes, one batch decoded back."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
import torch
from torch import Tensor, nn

from fathom.base.errors import RecipeError
from fathom.base.tensors import Features, Field
from fathom.encoders.image import one_view
from fathom.models.model import Part
from fathom.models.preparation import Column, target_field
from fathom.tables.read import read
from fathom.tables.read_folder import given_splits
from fathom.tables.table import Source, Table
from fathom.workflow.predict import read_like_training
from fathom.workflow.run import Run
from fathom.workflow.show_pictures import (
    described,
    picture_columns_of,
    text_of,
    told_of,
    write_sheet,
)
from fathom.workflow.tiles import picture_columns


def layers(part: Part) -> list[tuple[str, str, int]]:
    """(layer, output shape for a batch of n, number of weights), in the order of computing."""
    found: list[tuple[str, str, int]] = []
    handles = [
        module.register_forward_hook(_note(found, f"{name} ({type(module).__name__})"))
        for name, module in part.network.named_modules()
        if _worth(module)
    ]
    blank = Table(_blank(part), _nowhere())
    values = part.preparation.parse(blank)
    try:
        with torch.inference_mode(), one_view(part.network):
            fields = part.preparation.input_fields(values)
            part.network({name: field.rows(slice(None)) for name, field in fields.items()})
    finally:
        for handle in handles:
            handle.remove()
    return found


def _worth(module: nn.Module) -> bool:
    own = any(True for _ in module.parameters(recurse=False))
    return own or not any(True for _ in module.children())


def _note(found: list[tuple[str, str, int]], name: str) -> Any:
    def note(module: nn.Module, inputs: object, output: object) -> None:
        tensor = output.tensor if isinstance(output, Features) else output
        shape = list(tensor.shape[1:]) if isinstance(tensor, Tensor) else []
        size = sum(p.numel() for p in module.parameters(recurse=False))
        found.append((name, " × ".join(["n", *map(str, shape)]), size))

    return note


def _blank(part: Part) -> pl.DataFrame:
    names = [column.name for column in (*part.preparation.inputs, *part.preparation.targets)]
    return pl.DataFrame([pl.Series(name, [None, None], dtype=pl.String) for name in names])


def _nowhere() -> Source:
    return Source(name="two empty rows", format="memory")


def first_batch(part: Part, table: Table, size: int = 4) -> list[dict[str, Any]]:
    """Some rows as the network sees them, and decoded back to the person's words.

    Args:
        part: preparation and network.
        table: any rows.
        size: how many.
    """
    rows = table.rows(slice(0, size))
    values = part.preparation.parse(rows)
    fields = part.preparation.input_fields(values)
    shown: list[dict[str, Any]] = []
    places = part.preparation.places()
    for column in part.preparation.inputs:
        block, parts = places[column.name]
        field = fields[block].rows(slice(None))
        if parts is None:
            shown.append(_picture(column, field, rows))
            continue
        data, mask = field.data[:, parts], field.mask
        single = data[:, 0] if data.shape[1] == 1 and column.kind.name != "set" else data
        there = None if mask is None else mask[:, parts.start]
        shown.append(
            {
                "column": column.name,
                "kind": column.kind.name,
                "cells": _cells(rows, column.name),
                "tensor": single.tolist(),
                "decoded": column.fitted.decode(Field(single, there)),
                "present": values[column.name].present.tolist(),
            }
        )
    for column in part.preparation.targets:
        if column.name in rows.columns:  # rows to be answered have none
            field = target_field(column.fitted, values[column.name])
            shown.append(
                {
                    "column": column.name,
                    "kind": "target",
                    "cells": _cells(rows, column.name),
                    "tensor": field.data.tolist(),
                    "decoded": column.fitted.decode(field),
                }
            )
    return shown


def _cells(rows: Table, name: str) -> list[str | None]:
    """The cells as texts; of bytes only how many they are."""
    if name not in rows.columns:
        return [None] * rows.num_rows
    cells = rows.column(name).to_list()
    shown = [f"{len(v):,} bytes" if isinstance(v, bytes) else v for v in cells]
    return [None if v is None else str(v) for v in shown]


def _picture(column: Column, field: Field, rows: Table) -> dict[str, Any]:
    """A column of pictures: their pixels would fill pages, so they are told in words."""
    return {
        "column": column.name,
        "kind": column.kind.name,
        "cells": _cells(rows, column.name),
        **described(column, field, rows),
    }


@dataclass(frozen=True)
class Description:
    """Something shown, for a person and for programs."""

    text: str
    content: dict[str, Any]


def describe_run(
    run: Run, data: str | Path | None = None, output: Path | None = None
) -> Description:
    """The layers of a run's network, and some rows through its preparation.

    Args:
        run: a trained run.
        data: rows to show.
        output: where their pictures are drawn, as the network sees them.

    Raises:
        RecipeError: there is nothing to draw.
    """
    part = run.model.parts[0]
    rows = layers(part)
    width = max(len(name) for name, _, _ in rows)
    lines = [f"{name:{width}}  {shape:>18}  {size:>10,}" for name, shape, size in rows]
    total = sum(size for _, _, size in rows)
    lines = [f"{'layer':{width}}  {'output':>18}  {'weights':>10}", *lines, f"{total:,} weights"]
    if len(run.model.parts) > 1:
        lines.append(f"{len(run.model.parts)} such networks, one per fold; answers are averaged")
    content: dict[str, Any] = {"layers": rows}
    if data is not None:
        table = read_like_training(run, data)
        batch = first_batch(part, table)
        content["batch"] = batch
        lines += ["", *(_column_text(column) for column in batch)]
        if output is not None:
            num = write_sheet(output, picture_columns(part.preparation), table)
            lines += ["", f"{num} pictures drawn in {output}"]
    elif output is not None:
        raise RecipeError(
            "There are no rows whose pictures could be drawn.",
            where="-o",
            expected="a run and rows",
            got="a run alone",
            do=f"Name rows: fathom show {run.folder} DATA -o {output}.",
        )
    return Description("\n".join(lines), content)


def _column_text(column: dict[str, Any]) -> str:
    head = f"{column['column']} ({column['kind']})"
    if "present" in column and "decoded" not in column:  # pictures, one line for each
        return "\n".join([head, *(f"  network sees: {one}" for one in column["tensor"])])
    if "decoded" not in column:
        return f"{head}\n  network sees: {_rounded(column['tensor'])}"
    return (
        f"{head}\n  cells:        {column['cells']}\n"
        f"  network sees: {_rounded(column['tensor'])}\n"
        f"  decoded back: {_rounded(column['decoded'])}"
    )


def _rounded(value: Any) -> Any:
    if isinstance(value, list):
        return [_rounded(item) for item in value]
    return float(f"{value:.5g}") if isinstance(value, float) else value


def describe_table(data: str | Path, output: Path | None = None) -> Description:
    """A table as it was read, and what a network would see of pictures in it.

    Args:
        data: a table, or a folder of pictures, of which the split to learn from is shown.
        output: where the pictures of the first rows are drawn.

    Raises:
        DataError: it cannot be read.
        RecipeError: there is nothing to draw.
    """
    table = read(given_splits(data)[0])
    columns = picture_columns_of(table)
    told = [told_of(column, table) for column in columns]
    lines = [repr(table), *(text_of(one) for one in told)]
    if output is not None:
        lines.append(f"{write_sheet(output, columns, table)} pictures drawn in {output}")
    few = table.rows(slice(0, 5))
    cells = {
        name: _cells(few, name) if few.column(name).dtype == pl.Binary else few.column(name)
        for name in few.columns
    }
    rows = [dict(zip(cells, row, strict=True)) for row in zip(*cells.values(), strict=True)]
    content: dict[str, Any] = {"source": table.source.to_dict(), "rows": rows}
    if told:
        content["pictures"] = told
    return Description("\n".join(lines), content)
