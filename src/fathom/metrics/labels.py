"""Metrics for classification that look at the decided class only, all made of class counts."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float, Int

from fathom.metrics.weights import (
    Value,
    all_rows,
    check_rows,
    divide,
    mean_over_rows,
    mean_where,
    sums_by_code,
)

Codes = Int[np.ndarray, " rows"]
Weights = Float[np.ndarray, "*resamples rows"]
PerClass = Float[np.ndarray, "*resamples classes"]
Average = Literal["positive", "macro", "weighted", "none"]
"""positive: class 1 alone; macro: the plain mean over classes; weighted: the mean over classes
by how common each is; none: one value per class on the last axis."""


@dataclass(frozen=True)
class ClassCounts:
    """Weighted counts per class, from which the label metrics follow.

    Attributes:
        hit: rows of the class that were given the class.
        true: rows of the class.
        given: rows that were given the class.
    """

    hit: PerClass
    true: PerClass
    given: PerClass

    @property
    def seen(self) -> np.ndarray:
        """Classes that stand in the truth or in the answers; the others have no score."""
        return (self.true > 0) | (self.given > 0)

    def precision(self) -> PerClass:
        """hit / given; 0 where a class was never given."""
        return np.nan_to_num(np.asarray(divide(self.hit, self.given)))

    def recall(self) -> PerClass:
        """hit / true; 0 where there was nothing to find."""
        return np.nan_to_num(np.asarray(divide(self.hit, self.true)))

    def f1(self) -> PerClass:
        """2·hit / (true + given), the harmonic mean of precision and recall."""
        return np.nan_to_num(np.asarray(divide(2 * self.hit, self.true + self.given)))

    def average(self, per_class: PerClass, average: Average) -> Value:
        """One number from one per class."""
        if average == "none":
            return np.where(self.seen, per_class, np.nan)
        if average == "positive":
            return np.where(self.true.sum(-1) > 0, per_class[..., 1], np.nan)[()]
        if average == "macro":
            return mean_where(per_class, self.seen)
        return divide((per_class * self.true).sum(-1), self.true.sum(-1))


def class_counts(
    truth: Codes, label: Codes, weight: Weights | None = None, num_classes: int | None = None
) -> ClassCounts:
    """Count hits, true rows and given rows for each class.

    Args:
        truth: true class codes, from 0.
        label: decided class codes.
        weight: how much each row counts; a stack of them gives a stack of counts.
        num_classes: as many classes at least; never fewer than the codes show, nor than 2.
    """
    check_rows(truth, label, weight)
    weight = all_rows(truth, weight)
    highest = max(truth.max(), label.max()) if len(truth) else 0
    num_classes = max(2, num_classes or 0, int(highest) + 1)
    return ClassCounts(
        hit=sums_by_code(truth, weight * (truth == label), num_classes),
        true=sums_by_code(truth, weight, num_classes),
        given=sums_by_code(label, weight, num_classes),
    )


def confusion_matrix(
    truth: Codes, label: Codes, weight: Weights | None = None, num_classes: int | None = None
) -> Float[np.ndarray, "*resamples true_classes given_classes"]:
    """Weighted counts of (true class, given class); the rows of the matrix are the truth.

    Example:
        >>> confusion_matrix(np.array([0, 0, 1]), np.array([0, 1, 1]))
        array([[1., 1.],
               [0., 1.]])
    """
    check_rows(truth, label, weight)
    weight = all_rows(truth, weight)
    highest = max(truth.max(), label.max()) if len(truth) else 0
    classes = max(2, num_classes or 0, int(highest) + 1)
    sums = sums_by_code(truth * classes + label, weight, classes * classes)
    return sums.reshape(*weight.shape[:-1], classes, classes)


def accuracy(truth: Codes, label: Codes, weight: Weights | None = None) -> Value:
    """The share of rows that were given their true class.

    Easy to read, and misleading where one class is rare: see `balanced_accuracy`.

    Example:
        >>> float(accuracy(np.array([0, 0, 1, 1]), np.array([0, 1, 1, 1])))
        0.75
    """
    check_rows(truth, label, weight)
    return mean_over_rows((truth == label).astype(np.float64), weight)


def balanced_accuracy(truth: Codes, label: Codes, weight: Weights | None = None) -> Value:
    """The mean over the true classes of the share of each that was found.

    Always saying the commonest class scores 1 / classes, however common it is. Classes that no
    row has are left out.

    Example:
        >>> float(balanced_accuracy(np.array([0, 0, 0, 1]), np.array([0, 0, 0, 0])))
        0.5
    """
    counts = class_counts(truth, label, weight)
    return mean_where(counts.recall(), counts.true > 0)


def precision(
    truth: Codes, label: Codes, weight: Weights | None = None, *, average: Average = "positive"
) -> Value:
    """Of the rows given a class, the share that truly have it.

    Args:
        truth: true class codes, from 0.
        label: decided class codes.
        weight: how much each row counts.
        average: how the classes are put together. Macro leaves out classes that stand neither in
            the truth nor in the answers; a class that was never given counts as 0.

    Example:
        >>> float(precision(np.array([0, 0, 1, 1]), np.array([0, 1, 1, 1])))
        0.6666666666666666
    """
    counts = class_counts(truth, label, weight)
    return counts.average(counts.precision(), average)


def recall(
    truth: Codes, label: Codes, weight: Weights | None = None, *, average: Average = "positive"
) -> Value:
    """Of the rows that truly have a class, the share that was found. Arguments as `precision`.

    Example:
        >>> float(recall(np.array([0, 0, 1, 1]), np.array([0, 1, 1, 0])))
        0.5
    """
    counts = class_counts(truth, label, weight)
    return counts.average(counts.recall(), average)


def f1(
    truth: Codes, label: Codes, weight: Weights | None = None, *, average: Average = "positive"
) -> Value:
    """The harmonic mean of precision and recall. Arguments as `precision`.

    Example:
        >>> f1(np.array([0, 0, 1, 1]), np.array([0, 1, 1, 1]), average="none").round(3)
        array([0.667, 0.8  ])
    """
    counts = class_counts(truth, label, weight)
    return counts.average(counts.f1(), average)


def matthews_corrcoef(truth: Codes, label: Codes, weight: Weights | None = None) -> Value:
    """Correlation between the true and the given classes: 1 perfect, 0 chance, -1 all wrong.

    For two classes (TP·TN - FP·FN) / sqrt((TP+FP)(TP+FN)(TN+FP)(TN+FN)). Fair when classes are
    of unequal size. 0 where the answers are all the same class; NaN where the truth is.

    Source: Gorodkin, Comparing two K-category assignments by a K-category correlation
    coefficient, 2004.

    Example:
        >>> float(matthews_corrcoef(np.array([0, 0, 1, 1]), np.array([0, 0, 1, 1])))
        1.0
    """
    counts = class_counts(truth, label, weight)
    total = counts.true.sum(-1)
    together = counts.hit.sum(-1) * total - (counts.true * counts.given).sum(-1)
    spread_true = total**2 - (counts.true**2).sum(-1)
    spread_given = total**2 - (counts.given**2).sum(-1)
    # Rounding must not make a constant look as if it varied.
    one_given = spread_given <= 1e-12 * total**2
    one_true = spread_true <= 1e-12 * total**2
    value = divide(together, np.sqrt(np.maximum(spread_true, 0) * np.maximum(spread_given, 0)))
    return np.where(one_true, np.nan, np.where(one_given, 0.0, value))[()]
