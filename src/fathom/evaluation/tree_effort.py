"""How much the boosted trees may cost: all of scikit-learn's own, or what a few seconds allow."""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Int

from fathom.base.seeds import numpy_generator
from fathom.evaluation.baseline_records import Labelled

# Seconds of one fit on one core of the machine where the cost of trees was measured; there are
# two fits. Counted, not timed, so that a baseline is the same on every machine.
_SECONDS = 4.0
_PER_ROW, _PER_LEAF = 1e-8, 2.3e-6  # each for a column of a tree
_ROWS_PER_LEAF = 20
_LEAST_OF_CLASS = 20


@dataclass(frozen=True)
class Effort:
    """What boosted trees are given; as it stands, what scikit-learn does by itself.

    Attributes:
        rounds: trees, or trees for each of more than two classes.
        learning_rate: what each adds; larger where there are fewer.
        leaves: of a tree.
        num_rows: rows to learn from; None = all.
        num_columns: columns to learn from; None = all.
    """

    rounds: int = 100
    learning_rate: float = 0.1
    leaves: int = 31
    num_rows: int | None = None
    num_columns: int | None = None

    def seconds(self, num_rows: int, num_columns: int, num_trees: int) -> float:
        """What a fit costs on one core, roughly.

        Args:
            num_rows: there are.
            num_columns: there are.
            num_trees: grown in a round.
        """
        rows = min(num_rows, self.num_rows or num_rows)
        columns = min(num_columns, self.num_columns or num_columns)
        leaves = min(self.leaves, rows / _ROWS_PER_LEAF)
        return self.rounds * num_trees * columns * (_PER_LEAF * leaves + _PER_ROW * rows)

    def words(self, num_rows: int, num_columns: int) -> str:
        """What was cut, for a person; "" when nothing was.

        Example:
            >>> Effort(rounds=40, num_rows=5000).words(20_000, 30)
            'on 5,000 of 20,000 rows, in 40 rounds in place of 100'
        """
        cut: list[str] = []
        if self.num_rows is not None and self.num_rows < num_rows:
            cut.append(f"on {self.num_rows:,} of {num_rows:,} rows")
        if self.num_columns is not None and self.num_columns < num_columns:
            cut.append(f"on the {self.num_columns:,} most telling of {num_columns:,} columns")
        usual = Effort()
        if self.rounds < usual.rounds:
            cut.append(f"in {self.rounds} rounds in place of {usual.rounds}")
        if self.leaves < usual.leaves:
            cut.append(f"with {self.leaves} leaves a tree in place of {usual.leaves}")
        return ", ".join(cut)


def _ladder() -> list[Effort]:
    """From everything down to little; what is lost grows with every step."""
    steps = [Effort()]
    for change in (
        {"rounds": 60, "learning_rate": 0.15},
        {"rounds": 40, "learning_rate": 0.2},
        {"num_rows": 20_000},
        {"num_rows": 10_000},
        {"num_columns": 300},
        {"num_rows": 5_000},
        {"num_columns": 100},
        {"rounds": 20, "learning_rate": 0.3},
        {"num_rows": 2_000},
        {"leaves": 8},
        {"rounds": 10, "learning_rate": 0.5},
        {"num_columns": 30},
    ):
        steps.append(replace(steps[-1], **change))
    return steps


def effort_for(num_rows: int, num_columns: int, num_trees: int) -> Effort:
    """The most that fits into a few seconds.

    Args:
        num_rows: rows to learn from.
        num_columns: columns.
        num_trees: trees in a round: 1, or the number of classes beyond two, or of labels.

    Example:
        >>> effort_for(30_000, 14, 1) == Effort()
        True
        >>> effort_for(20_000, 784, 10).words(20_000, 784)[:30]
        'on 5,000 of 20,000 rows, on th'
    """
    steps = _ladder()
    fits = (one for one in steps if one.seconds(num_rows, num_columns, num_trees) <= _SECONDS)
    return next(fits, steps[-1])


def some_rows(most: int | None, data: Labelled, seed: int) -> Int[np.ndarray, " rows"]:
    """Which rows are learned from: by lot, and a few at least of every class that has them.

    Args:
        most: how many; None = all.
        data: the rows.
        seed: of the lot.
    """
    num = len(data.truth)
    if most is None or most >= num:
        return np.arange(num)
    order = numpy_generator(seed, "baseline", "rows").permutation(num)
    chosen, rest = order[:most], order[most:]
    if data.truth.ndim == 1 and data.truth.dtype.kind in "iu":
        have = np.bincount(data.truth[chosen], minlength=int(data.truth.max()) + 1)
        for code in np.flatnonzero(have < _LEAST_OF_CLASS):
            more = rest[data.truth[rest] == code][: _LEAST_OF_CLASS - have[code]]
            chosen = np.append(chosen, more)
    return np.sort(chosen)


def columns_for(effort: Effort, columns: np.ndarray, truth: np.ndarray) -> Int[np.ndarray, " kept"]:
    """Which columns are learned from: those that go most with the truth, by rank correlation.

    With classes or labels, with that one of them that they tell most of.
    """
    num = columns.shape[1]
    if effort.num_columns is None or effort.num_columns >= num:
        return np.arange(num)
    ranks = _standard(_ranked(columns))
    classes = truth.ndim == 1 and truth.dtype.kind in "iu"
    wanted = np.eye(int(truth.max()) + 1)[truth] if classes else truth.reshape(len(truth), -1)
    wanted = _standard(wanted if classes or truth.ndim == 2 else _ranked(wanted))
    strength = np.abs(ranks.T @ wanted).max(axis=1)
    return np.sort(np.argsort(-strength, kind="stable")[: effort.num_columns])


def _ranked(columns: np.ndarray) -> np.ndarray:
    """Ranks within each column; what is missing stands in the middle."""
    order = np.argsort(np.argsort(columns, axis=0, kind="stable"), axis=0, kind="stable")
    ranks = order.astype(np.float64)
    middle = ((~np.isnan(columns)).sum(axis=0, keepdims=True) - 1) / 2
    return np.where(np.isnan(columns), middle, ranks)


def _standard(columns: np.ndarray) -> np.ndarray:
    centred = columns - columns.mean(axis=0)
    return centred / np.maximum(np.sqrt((centred**2).sum(axis=0)), 1e-12)
