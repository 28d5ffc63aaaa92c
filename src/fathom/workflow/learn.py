"""Train every part of a model and choose its settings on rows it has not learned from."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from fathom.columns.category import FittedCategory
from fathom.columns.flag import FittedFlag
from fathom.columns.number import FittedNumber
from fathom.heads.head import Answer, joined
from fathom.models.assemble import HeadPlan, build_network
from fathom.models.model import Model, Part, in_unit, run_network
from fathom.models.network import Network
from fathom.models.preparation import (
    Column,
    Preparation,
    fit_preparation,
    fit_targets,
    head_name,
)
from fathom.objectives.supervised import Supervised
from fathom.tables.batches import ResidentBatches, RowExamples
from fathom.tables.schema import Schema, parse_columns, row_weights
from fathom.tables.table import Table
from fathom.training.records import Options, Progress, Trained
from fathom.training.session import train_network
from fathom.workflow.material import Material
from fathom.workflow.resolve import Resolved, class_balance, with_options

Watch = Callable[[int, int, Progress], None]


@dataclass(frozen=True)
class Learned:
    """A trained model and what it says of rows that it was not trained on.

    Attributes:
        model: preparation and networks, settings chosen.
        trained: one record per part.
        held: target column -> answers to the validated rows of the pool.
        held_rows: positions in the pool of those rows, and the part that answered each.
        held_part: see there.
    """

    model: Model
    trained: tuple[Trained, ...]
    held: dict[str, Answer]
    held_rows: np.ndarray
    held_part: np.ndarray


def learn(
    material: Material,
    schema: Schema,
    resolved: Resolved,
    folder: Path | None = None,
    resume: bool = False,
    watch: Watch | None = None,
    watch_every: float = 0.2,
) -> Learned:
    """Train one network per part.

    Args:
        material: the rows.
        schema: the kinds of the columns.
        resolved: the plans.
        folder: the run folder; None = nothing is kept on disk.
        resume: go on from what lies in the folder.
        watch: called with (part, parts, progress).
        watch_every: seconds between two calls; 0 = at every step.
    """
    schema = Schema(
        schema.roles,
        {
            name: found
            if name in schema.roles.targets
            else replace(found, kind=with_options(found.kind, resolved))
            for name, found in schema.columns.items()
        },
    )
    targets = targets_of(material, schema)
    parts: list[Part] = []
    trained: list[Trained] = []
    answers: list[dict[str, Answer]] = []
    for number, (train_rows, held_rows) in enumerate(material.parts):
        pool = material.pool
        place = None if folder is None else part_folder(folder, number, len(material.parts))
        told = _told(watch, number, len(material.parts))
        again = f"fathom train --resume {folder}"
        options = Options(
            folder=place, resume=resume, watch=told, watch_every=watch_every, again=again
        )
        part, done, answer = _learn_part(
            (pool.rows(train_rows), pool.rows(held_rows)), schema, targets, resolved, options
        )
        parts.append(part)
        trained.append(done)
        answers.append(answer)
    model = Model(tuple(parts), resolved.network, parts_heads(parts, resolved))
    rows = np.concatenate([held for _, held in material.parts])
    part_of = np.repeat(np.arange(len(parts)), [len(held) for _, held in material.parts])
    held = _held_answers(model, answers)
    return Learned(model, tuple(trained), held, rows, part_of)


def part_folder(folder: Path, number: int, num_parts: int) -> Path:
    """Where a part keeps its checkpoint and history."""
    return folder if num_parts == 1 else folder / "folds" / str(number)


def parts_heads(parts: list[Part], resolved: Resolved) -> HeadPlan:
    """The plan of the heads as the networks were built with it."""
    if not resolved.balanced_loss:
        return resolved.heads
    return replace(resolved.heads, class_weights=_class_weights(parts[0]))


def _class_weights(part: Part) -> dict[str, tuple[float, ...]]:
    """Buffers of the trained heads; what they hold is restored from the weights on loading."""
    found: dict[str, tuple[float, ...]] = {}
    for place, column in enumerate(part.preparation.targets):
        weight = getattr(part.network.heads[head_name(place)], "class_weight", None)
        if weight is not None:
            found[column.name] = tuple(weight.tolist())
    return found


def _told(watch: Watch | None, number: int, num_parts: int) -> Callable[[Progress], None] | None:
    return None if watch is None else lambda progress: watch(number, num_parts, progress)


def targets_of(material: Material, schema: Schema) -> tuple[Column, ...]:
    """The targets as all parts know them.

    Raises:
        DataError: a target does not vary in the training rows.
    """
    train = material.train
    kinds = {name: schema.columns[name].kind for name in schema.roles.targets}
    values = parse_columns(train, kinds)
    return fit_targets(schema, values, row_weights(train, schema.roles.weight))


def _learn_part(
    rows: tuple[Table, Table],
    schema: Schema,
    targets: tuple[Column, ...],
    resolved: Resolved,
    options: Options,
) -> tuple[Part, Trained, dict[str, Answer]]:
    train, held = rows
    kinds = {name: schema.columns[name].kind for name in (*schema.inputs, *schema.roles.targets)}
    values = parse_columns(train, kinds)
    weight = row_weights(train, schema.roles.weight)
    preparation = fit_preparation(schema, values, weight, resolved.preparation, targets)
    examples = RowExamples(
        preparation.input_fields(values),
        preparation.target_fields(values),
        torch.from_numpy(weight / weight.mean()).float(),
    )
    held_examples = examples_of(preparation, held, schema.roles.weight)
    heads = _heads(preparation, examples, resolved)
    network = build_network(preparation, resolved.network, heads)
    batches = ResidentBatches(
        examples, resolved.batch_size, resolved.training.seed, _chance(examples, resolved)
    )
    done = train_network(
        network,
        batches,
        Supervised(resolved.l1),
        resolved.training,
        _validator(preparation, held_examples),
        options,
    )
    return Part(preparation, network), done, run_network(network, held_examples)


def examples_of(preparation: Preparation, table: Table, weight: str | None) -> RowExamples:
    """A table as the network reads it, targets included."""
    values = preparation.parse(table)
    weights = row_weights(table, weight)
    return RowExamples(
        preparation.input_fields(values),
        preparation.target_fields(values),
        torch.from_numpy(weights).float(),
    )


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


def _validator(
    preparation: Preparation, examples: RowExamples
) -> Callable[[nn.Module], dict[str, float]]:
    """What every check measures: "loss" sums one honest figure per target.

    Numbers: mean squared error of the members' common answer in standard units (the pinball or
    absolute loss where that is what was asked for); classes: log loss of their common
    probability. The common answer, not the members' own losses, is what is kept.
    """

    def validate(network: nn.Module) -> dict[str, float]:
        assert isinstance(network, Network), "the workflow trains its own networks"
        answers = run_network(network, examples)
        total = 0.0
        for place, column in enumerate(preparation.targets):
            name = head_name(place)
            head, target = network.head(name), examples.targets[name]
            known, weight = target.mask, examples.weight
            total += _figure(answers[name], target.data, known, weight, column.fitted, head)
        return {"loss": total}

    return validate


def _figure(
    answer: Answer,
    truth: Tensor,
    mask: Tensor | None,
    weight: Tensor,
    fitted: object,
    head: nn.Module,
) -> float:
    known = np.ones(len(truth), dtype=bool) if mask is None else mask.numpy()
    weights = weight.numpy()[known].astype(np.float64)
    true = truth.numpy()[known]
    if isinstance(fitted, FittedNumber):
        assert answer.value is not None, "numbers are answered by values"
        error = true - answer.value[known]
        if answer.quantiles is not None:
            levels = np.array(head.levels)
            gap = true[:, None] - answer.quantiles[known]
            loss = np.maximum(levels * gap, (levels - 1) * gap).mean(1)
        elif head.loss_name == "mean_absolute_error":
            loss = np.abs(error)
        else:
            loss = error**2
    else:
        assert answer.probability is not None, "classes are answered by probabilities"
        chance = np.clip(answer.probability[known], 1e-7, 1 - 1e-7)
        if true.ndim == 2:
            loss = -(true * np.log(chance) + (1 - true) * np.log1p(-chance)).mean(1)
        else:
            loss = -np.log(chance[np.arange(len(true)), true])
    return float((loss * weights).sum() / max(weights.sum(), 1e-12))


def _held_answers(model: Model, answers: list[dict[str, Answer]]) -> dict[str, Answer]:
    """The answers of each part to its own held rows, one after the other."""
    return {
        column.name: joined(
            [
                in_unit(part.preparation.targets[place], answer[head_name(place)])
                for part, answer in zip(model.parts, answers, strict=True)
            ]
        )
        for place, column in enumerate(model.targets)
    }
