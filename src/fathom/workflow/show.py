"""What the network sees: the layers with their shapes, one batch decoded back."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
import torch
from torch import Tensor, nn

from fathom.base.tensors import Features, Field
from fathom.models.model import Part
from fathom.models.preparation import Column, target_field
from fathom.tables.read import read
from fathom.tables.table import Source, Table
from fathom.workflow.predict import read_like_training
from fathom.workflow.run import Run


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
        with torch.inference_mode():
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
            data = target_field(column.fitted, values[column.name]).data
            shown.append({"column": column.name, "kind": "target", "tensor": data.tolist()})
    return shown


def _cells(rows: Table, name: str) -> list[str | None]:
    """The cells as texts; of bytes only how many they are."""
    if name not in rows.columns:
        return [None] * rows.num_rows
    cells = rows.column(name).to_list()
    shown = [f"{len(v):,} bytes" if isinstance(v, bytes) else v for v in cells]
    return [None if v is None else str(v) for v in shown]


def _picture(column: Column, field: Field, rows: Table) -> dict[str, Any]:
    """A column of pictures: what the network sees is told by its size and brightness."""
    num, channels, height, width = field.data.shape
    there = torch.ones(num, dtype=torch.bool) if field.mask is None else field.mask
    bright = field.data.float().mean((1, 2, 3)).tolist()
    return {
        "column": column.name,
        "kind": column.kind.name,
        "cells": _cells(rows, column.name),
        "tensor": [f"{channels} × {height} × {width}, mean {mean:.1f} of 255" for mean in bright],
        "present": there.tolist(),
    }


@dataclass(frozen=True)
class Description:
    """Something shown, for a person and for programs."""

    text: str
    content: dict[str, Any]


def describe_run(run: Run, data: str | Path | None = None) -> Description:
    """The layers of a run's network, and some rows through its preparation."""
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
        batch = first_batch(part, read_like_training(run, data))
        content["batch"] = batch
        lines += ["", *(_column_text(column) for column in batch)]
    return Description("\n".join(lines), content)


def _column_text(column: dict[str, Any]) -> str:
    head = f"{column['column']} ({column['kind']})"
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


def describe_table(data: str | Path) -> Description:
    """A table as it was read."""
    table = read(data)
    rows = table.frame.head(5).to_dicts()
    return Description(repr(table), {"source": table.source.to_dict(), "rows": rows})
