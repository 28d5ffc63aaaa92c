"""Permutation importance of a trained model, on rows that it was not trained on."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from fathom.base.tensors import Field
from fathom.columns.number import FittedNumber
from fathom.evaluation.words import number_in_words
from fathom.explanation.permutation import (
    ColumnImportance,
    Shuffling,
    most_important_blocks,
    permutation_importance,
)
from fathom.models.model import Part, in_unit, run_network
from fathom.models.preparation import head_name, target_field
from fathom.tables.batches import RowExamples
from fathom.tables.table import Table
from fathom.workflow.learn import Learned
from fathom.workflow.study import Study

# Answers in all; in wide tables, where each answer costs more, a single shuffle has to do, and
# only the columns of the most important blocks are shuffled by themselves.
_ANSWERS = 150_000
_WIDE = 300
_BLOCK, _BLOCKS = 10, 20
_MOST_ROWS, _FEWEST_ROWS = 1000, 64


@dataclass(frozen=True)
class Importances:
    """How much columns matter.

    Attributes:
        columns: those that were measured, the most important first.
        note: which ones were, where it was not all; "" else.
    """

    columns: tuple[ColumnImportance, ...] = ()
    note: str = ""


def measure_importance(made: Study, learned: Learned) -> Importances:
    """How much worse the first part answers its held rows for the first target, by column."""
    part = learned.model.parts[0]
    held = made.material.parts[0][1]
    num_columns = len(part.preparation.inputs)
    plan = Shuffling(seed=made.resolved.training.seed, root=_is_number(part))
    if num_columns > _WIDE:
        plan = replace(plan, repeats=1)
    most = _ANSWERS // (num_columns * plan.repeats)
    rows = held[: max(_FEWEST_ROWS, min(_MOST_ROWS, most))]
    losses = _Losses(part, made.material.pool.rows(rows))
    if not losses.known.any():
        return Importances()
    names = [column.name for column in part.preparation.inputs]
    base = losses.of(losses.fields)
    note = ""
    if num_columns > _WIDE:
        names, rest = most_important_blocks(
            names, base, losses.shuffled, _BLOCK, _BLOCKS, plan.seed
        )
        note = _note(len(names), num_columns, base, rest, root=plan.root)
    return Importances(tuple(permutation_importance(names, base, losses.shuffled, plan)), note)


def _note(measured: int, num_columns: int, base: np.ndarray, rest: float, *, root: bool) -> str:
    """What is known of the columns that were not measured by themselves."""
    rise = max(rest, 0.0)
    if root:
        rise = float(np.sqrt(base.mean() + rise) - np.sqrt(base.mean()))
    return (
        f"Of {num_columns:,} columns, {measured:,} were measured by themselves: those of the "
        f"{_BLOCKS} blocks of {_BLOCK} neighbouring columns that cost most when shuffled together. "
        f"The largest loss by shuffling any other block as a whole is {number_in_words(rise)}."
    )


def _is_number(part: Part) -> bool:
    return isinstance(part.preparation.targets[0].fitted, FittedNumber)


class _Losses:
    """Losses of some rows under changed inputs."""

    def __init__(self, part: Part, table: Table) -> None:
        self.part = part
        values = part.preparation.parse(table)
        self.column = part.preparation.targets[0]
        target = target_field(self.column.fitted, values[self.column.name])
        assert target.mask is not None, "a target says where it is present"
        self.known = target.mask.numpy()
        keep = torch.from_numpy(np.flatnonzero(self.known))
        fields = part.preparation.input_fields(values)
        self.fields = {name: field.rows(keep) for name, field in fields.items()}
        self.places = part.preparation.places()
        self.truth: np.ndarray = (
            values[self.column.name].data[self.known].astype(np.float64)
            if _is_number(part)
            else target.data[keep].numpy()
        )

    def of(self, fields: dict[str, Field]) -> np.ndarray:
        """The loss of each row: squared error, or log loss."""
        num = len(self.truth)
        answers = run_network(self.part.network, RowExamples(fields, {}, torch.ones(num)))
        answer = in_unit(self.column, answers[head_name(0)])
        if answer.value is not None:
            return (self.truth - answer.value) ** 2
        assert answer.probability is not None, "classes are answered by probabilities"
        chance = np.clip(answer.probability, 1e-7, 1 - 1e-7)
        if self.truth.ndim == 2:
            return -(self.truth * np.log(chance) + (1 - self.truth) * np.log1p(-chance)).mean(1)
        return -np.log(chance[np.arange(num), self.truth.astype(np.int64)])

    def shuffled(self, names: Sequence[str], order: np.ndarray) -> np.ndarray:
        """The losses when these columns' values come from the rows in this order."""
        index = torch.from_numpy(order)
        changed: dict[str, Field] = {}
        for name in names:
            block, parts = self.places[name]
            field = self.fields[block]
            if parts is None:
                changed[block] = field.rows(index)
                continue
            if block not in changed:
                mask = None if field.mask is None else field.mask.clone()
                changed[block] = Field(field.data.clone(), mask)
            new = changed[block]
            new.data[:, parts] = field.data[:, parts][index]
            if new.mask is not None and field.mask is not None:
                new.mask[:, parts] = field.mask[:, parts][index]
        return self.of({**self.fields, **changed})
