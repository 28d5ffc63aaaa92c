"""How well one column alone foretells the target, on rows held out."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float, Int

from fathom.base.seeds import numpy_generator
from fathom.inspection.column import Column, codes_of

# With bins of four rows, this many folds leave hardly any bin without another fold's row.
_FOLDS = 10
_MOST_CLASSES = 50
# Numbers are cut finely: what gives a target away has hardly any noise to average out, and wide
# ranges would blur where one class ends and the next begins.
_ROWS_PER_BIN, _MOST_BINS, _KEPT = 4, 2_000, 64
# Rows that a guess starts from: this many with the mean of all, this share of the next ranges'.
_PRIOR, _LENT = 0.02, 0.02

Measure = Literal["auc", "skill", "r2"]


@dataclass(frozen=True, eq=False)
class Truth:
    """The target in the form that the search for leakage needs.

    Attributes:
        measure: "auc" for two classes; "skill" for more: the share of the mistakes of always
            naming the commonest class that is avoided; "r2" for numbers: the share of the
            variance of their ranks that is explained. Ranks, since a few huge values would
            otherwise decide alone.
        rows: the rows with a target.
        classes: class codes, the commonest first; empty for numbers.
        num_classes: how many; rare ones beyond the first 49 are one.
        ranks: mean ranks, centred, variance 1; empty for classes.
        fold: which tenth each row is held out with.
    """

    measure: Measure
    rows: Int[np.ndarray, " known"]
    classes: Int[np.ndarray, " known"]
    num_classes: int
    ranks: Float[np.ndarray, " known"]
    fold: Int[np.ndarray, " known"]

    @property
    def num_beyond(self) -> int:
        """Rows that always naming the commonest class gets wrong; all rows for numbers."""
        most = int(np.bincount(self.classes).max()) if self.num_classes else 0
        return len(self.rows) - most

    @classmethod
    def of(cls, target: Column) -> "Truth | None":
        """The target's truth, or None where it is a set or does not vary."""
        levels = target.levels
        rows = np.flatnonzero(target.present)
        if target.kind == "set" or levels.num < 2:
            return None
        generator = numpy_generator(0, "inspection", "folds", len(rows))
        fold = generator.permutation(len(rows)) % _FOLDS
        codes = levels.codes[rows]
        nothing = np.empty(0)
        if target.numeric:
            place = np.cumsum(levels.counts) - (levels.counts - 1) / 2
            ranks = place[codes]
            ranks = (ranks - ranks.mean()) / ranks.std()
            return cls("r2", rows, nothing.astype(np.int64), 0, ranks, fold)
        by_size = np.argsort(np.argsort(-levels.counts, kind="stable"))
        classes = np.minimum(by_size[codes], _MOST_CLASSES - 1)
        num = min(levels.num, _MOST_CLASSES)
        return cls("auc" if num == 2 else "skill", rows, classes, num, nothing, fold)


def score_alone(truth: Truth, column: Column) -> float:
    """How well the column alone foretells the target: at most 1, about 0 (AUC: 0.5) for nothing.

    Each row is foretold from the rows of the other folds that share its level or, for numbers of
    many values, its narrow range; "no value" is a level of its own.

    Example:
        >>> from fathom.columns.kind import Values
        >>> present = np.ones(400, dtype=bool)
        >>> x = np.linspace(-1.0, 1.0, 400)
        >>> truth = Truth.of(Column("y", "number", Values(x**2, present)))
        >>> round(score_alone(truth, Column("x", "number", Values(x, present))), 2)
        1.0
    """
    bins = _Bins.of(truth, column)
    cell = truth.fold * bins.num + bins.codes
    if truth.measure == "r2":
        return _explained(truth.ranks, cell, bins)
    counts = np.bincount(
        cell * truth.num_classes + truth.classes,
        minlength=_FOLDS * bins.num * truth.num_classes,
    ).reshape(_FOLDS, bins.num, truth.num_classes)
    others = bins.lend(counts.sum(axis=0) - counts)
    base = counts.sum(axis=(0, 1)) / counts.sum()
    belief = (others + _PRIOR * base) / (others.sum(axis=-1, keepdims=True) + _PRIOR)
    if truth.measure == "auc":
        return _auc(belief[..., 1].ravel(), counts[..., 1].ravel(), counts[..., 0].ravel())
    right = np.take_along_axis(counts, belief.argmax(axis=-1)[..., None], axis=-1).sum()
    total = counts.sum()
    return float((right - counts.sum(axis=(0, 1)).max()) / (total - total * base.max()))


@dataclass(frozen=True, eq=False)
class _Bins:
    """A column in levels or ranges.

    Attributes:
        codes: which one each row with a target is in.
        num: how many there are.
        ordered: the first so many are ranges, one beside the other.
    """

    codes: Int[np.ndarray, " known"]
    num: int
    ordered: int

    @classmethod
    def of(cls, truth: Truth, column: Column) -> "_Bins":
        """The levels as they stand, or joined to ranges of equally many rows."""
        codes, sizes = column.levels.codes[truth.rows], column.levels.sizes
        if not column.numeric or column.levels.num <= _KEPT:
            return cls(codes, len(sizes), 0)
        num = max(2, min(_MOST_BINS, len(truth.rows) // _ROWS_PER_BIN))
        place = np.cumsum(sizes) - sizes / 2
        joined = np.minimum((place / sizes.sum() * num).astype(np.int64), num - 1)
        if column.levels.num_absent:
            joined[-1] = num
        return cls(joined[codes], num + 1, num)

    def lend(self, sums: np.ndarray) -> np.ndarray:
        """Add a little of the neighbouring ranges, which decides where a range is empty.

        Args:
            sums: ["folds", "bins", ...].
        """
        lent = sums.astype(np.float64)
        end = self.ordered
        if end:
            lent[:, 1:end] += _LENT * sums[:, : end - 1]
            lent[:, : end - 1] += _LENT * sums[:, 1:end]
        return lent


def _explained(ranks: np.ndarray, cell: np.ndarray, bins: _Bins) -> float:
    """R² of means of the other folds; the ranks have mean 0 and variance 1."""
    shape = (_FOLDS, bins.num)
    count = np.bincount(cell, minlength=_FOLDS * bins.num).reshape(shape)
    total = np.bincount(cell, weights=ranks, minlength=_FOLDS * bins.num).reshape(shape)
    others = bins.lend(total.sum(axis=0) - total)
    guess = others / (bins.lend(count.sum(axis=0) - count) + _PRIOR)
    return float((2 * guess * total - guess**2 * count).sum() / len(ranks))


def _auc(score: np.ndarray, positive: np.ndarray, negative: np.ndarray) -> float:
    """Area under the ROC curve from counts per score; equal scores count one half."""
    place, _, _ = codes_of(np.round(score, 12))
    positives = np.bincount(place, weights=positive)
    negatives = np.bincount(place, weights=negative)
    below = np.cumsum(negatives) - negatives
    wins = (positives * (below + negatives / 2)).sum()
    return float(wins / (positives.sum() * negatives.sum()))
