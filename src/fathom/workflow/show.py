"""What the network sees: the layers with their shapes, one batch decoded back."""

from typing import Any

import torch
from torch import Tensor, nn

from fathom.base.tensors import Features
from fathom.models.model import Part
from fathom.models.preparation import head_name
from fathom.tables.table import Table
from fathom.workflow.learn import examples_of


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
            part.network(part.preparation.input_fields(values))
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


def _blank(part: Part) -> Any:
    import polars as pl

    names = [column.name for column in (*part.preparation.inputs, *part.preparation.targets)]
    return pl.DataFrame([pl.Series(name, [None, None], dtype=pl.String) for name in names])


def _nowhere() -> Any:
    from fathom.tables.table import Source

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
    examples = examples_of(part.preparation, rows, None)
    shown: list[dict[str, Any]] = []
    places = part.preparation.places()
    for column in part.preparation.inputs:
        block, parts = places[column.name]
        data = examples.inputs[block].data[:, parts]
        single = data[:, 0] if data.shape[1] == 1 and column.kind.name != "set" else data
        shown.append(
            {
                "column": column.name,
                "kind": column.kind.name,
                "cells": [None if v is None else str(v) for v in rows.column(column.name)]
                if column.name in rows.columns
                else [None] * rows.num_rows,
                "tensor": single.tolist(),
                "decoded": column.fitted.decode(single),
                "present": values[column.name].present.tolist(),
            }
        )
    for place, column in enumerate(part.preparation.targets):
        data = examples.targets[head_name(place)].data
        shown.append({"column": column.name, "kind": "target", "tensor": data.tolist()})
    return shown
