"""A part of a model up to its first step: preparation, network, batches."""

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from fathom.columns.category import FittedCategory
from fathom.columns.flag import FittedFlag
from fathom.encoders.image import ImageEncoder
from fathom.models.assemble import HeadPlan, build_network
from fathom.models.network import Network
from fathom.models.preparation import (
    Column,
    Preparation,
    fit_preparation,
    fit_targets,
    head_name,
)
from fathom.models.room import weights_fit
from fathom.tables.augment import Augmentation
from fathom.tables.batches import ResidentBatches, RowExamples
from fathom.tables.schema import Schema, parse_columns, row_weights
from fathom.tables.table import Table
from fathom.workflow.material import Material
from fathom.workflow.resolve import Resolved, class_balance, with_options

# Of each weight: itself, its gradient, and what optimisers remember of earlier ones.
_COPIES, _REMEMBERED = 2, {"sgd": 0, "adam": 2, "adamw": 2}


@dataclass(frozen=True)
class Ready:
    """What a training begins with.

    Attributes:
        preparation: fitted to the training rows.
        network: with its first weights, on the device that was decided.
        batches: of the training rows, on the same device.
    """

    preparation: Preparation
    network: Network
    batches: ResidentBatches


def ready_part(
    train: Table, schema: Schema, targets: tuple[Column, ...], resolved: Resolved
) -> Ready:
    """Fit a preparation to training rows and build the network for it.

    Args:
        train: the rows to learn from; nothing else is looked at.
        schema: the kinds of the columns, as `schema_of` gives it.
        targets: as all parts know them.
        resolved: the plans.
    """
    kinds = {name: schema.columns[name].kind for name in (*schema.inputs, *schema.roles.targets)}
    values = parse_columns(train, kinds)
    weight = row_weights(train, schema.roles.weight)
    preparation = fit_preparation(schema, values, weight, resolved.preparation, targets)
    if resolved.transfer is not None:
        preparation = resolved.transfer.adopt(preparation)
    inputs = preparation.input_fields(values)
    preparation = preparation.once_decoded(inputs)
    examples = RowExamples(
        inputs,
        preparation.target_fields(values),
        torch.from_numpy(weight / weight.mean()).float(),
        augment=_changes(preparation, resolved),
        seed=resolved.training.seed,
        mixing=resolved.mixing,
    )
    heads = _heads(preparation, examples, resolved)
    with weights_fit(copies=_copies(resolved)):
        network = build_network(preparation, resolved.network, heads)
    if resolved.transfer is not None:
        resolved.transfer.begin(network)
    network.to(resolved.device)
    _lay_out(network, resolved)
    chance = _chance(examples, resolved)
    whole = {name: field.unmasked() for name, field in examples.targets.items()}
    examples = replace(examples, targets=whole)
    seed = resolved.training.seed
    batches = ResidentBatches(examples.to(resolved.device), resolved.batch_size, seed, chance)
    return Ready(preparation, network, batches)


def _copies(resolved: Resolved) -> int:
    """Arrays of the size of the weights that the processor's memory has to hold, at the least."""
    if torch.device(resolved.device).type != "cpu":
        return 1
    return _COPIES + _REMEMBERED.get(resolved.training.optimizer.name, 1)


def _lay_out(network: Network, resolved: Resolved) -> None:
    """How pictures and the weights that read them lie in memory.

    A step took a quarter more time where channels are not the last axis of the weights too.
    """
    if resolved.value("training.memory_format") is None:
        return
    last = resolved.value("training.memory_format") == "channels_last"
    layout = torch.channels_last if last else torch.contiguous_format
    for encoder in network.encoders.values():
        if isinstance(encoder, ImageEncoder):
            encoder.memory_format = layout
    network.to(memory_format=layout)  # pyright: ignore[reportCallIssue]


def _changes(preparation: Preparation, resolved: Resolved) -> dict[str, Augmentation]:
    """How the pictures of each column are changed in training."""
    if not resolved.augment:
        return {}
    return {
        name: resolved.augment
        for name, columns in preparation.blocks.items()
        if columns[0].kind.name == "image"
    }


def schema_of(schema: Schema, resolved: Resolved) -> Schema:
    """The schema with the options that were decided for its inputs."""
    columns = {
        name: found
        if name in schema.roles.targets
        else replace(found, kind=with_options(found.kind, resolved))
        for name, found in schema.columns.items()
    }
    return Schema(schema.roles, columns)


def targets_of(material: Material, schema: Schema) -> tuple[Column, ...]:
    """The targets as all parts know them.

    Raises:
        DataError: a target does not vary in the training rows.
    """
    train = material.train
    kinds = {name: schema.columns[name].kind for name in schema.roles.targets}
    values = parse_columns(train, kinds)
    return fit_targets(schema, values, row_weights(train, schema.roles.weight))


def examples_of(preparation: Preparation, table: Table, weight: str | None) -> RowExamples:
    """A table as the network reads it, targets included."""
    values = preparation.parse(table)
    weights = row_weights(table, weight)
    return RowExamples(
        preparation.input_fields(values),
        preparation.target_fields(values),
        torch.from_numpy(_in_range(weights)).float(),
    )


def _in_range(weights: np.ndarray) -> np.ndarray:
    """Weights that fit into float32; a power of two leaves their ratios as they are."""
    _, exponent = np.frexp(weights.max(initial=0.0))
    return np.ldexp(weights, -int(exponent))


def _heads(preparation: Preparation, examples: RowExamples, resolved: Resolved) -> HeadPlan:
    if not resolved.balanced_loss:
        return resolved.heads
    weights: dict[str, tuple[float, ...]] = {}
    for place, column in enumerate(preparation.targets):
        if isinstance(column.fitted, FittedCategory | FittedFlag):
            target = examples.targets[head_name(place)]
            assert target.mask is not None, "targets say where they are present"
            codes = target.data[target.mask].numpy()
            weights[column.name] = class_balance(codes, len(column.fitted.levels))
    return replace(resolved.heads, class_weights=weights)


def _chance(examples: RowExamples, resolved: Resolved) -> Tensor | None:
    """How likely each row is drawn, where rare classes shall be drawn more often."""
    target = next(iter(examples.targets.values()))
    if not resolved.balanced_sampling or target.data.dtype != torch.int64:
        return None
    counts = torch.bincount(target.data).clamp_min(1)
    return 1.0 / counts[target.data]
