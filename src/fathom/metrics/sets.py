"""Metrics for rows that carry several labels at once; one column per label, 1 = carries it."""

from typing import Literal

import numpy as np
from jaxtyping import Float, Int

from fathom.metrics.labels import ClassCounts
from fathom.metrics.ranking import binary_average_precision
from fathom.metrics.weights import Value, all_rows, check_rows, divide, mean_over_rows, mean_where

Labels = Int[np.ndarray, "rows labels"]
Weights = Float[np.ndarray, "*resamples rows"]


def label_counts(truth: Labels, label: Labels, weight: Weights | None = None) -> ClassCounts:
    """Weighted hits, true rows and given rows for each label."""
    check_rows(truth, label, weight)
    weight = all_rows(truth, weight)
    return ClassCounts(
        hit=weight @ (truth * label).astype(np.float64),
        true=weight @ truth.astype(np.float64),
        given=weight @ label.astype(np.float64),
    )


def set_f1(
    truth: Labels,
    label: Labels,
    weight: Weights | None = None,
    *,
    average: Literal["micro", "macro"],
) -> Value:
    """F1 over labels: micro counts every (row, label) alike, macro every label alike.

    Macro leaves out labels that stand neither in the truth nor in the answers.

    Example:
        >>> truth = np.array([[1, 0], [1, 1]])
        >>> float(set_f1(truth, np.array([[1, 0], [1, 0]]), average="micro"))
        0.8
    """
    counts = label_counts(truth, label, weight)
    if average == "macro":
        return mean_where(counts.f1(), counts.seen)
    return divide(2 * counts.hit.sum(-1), (counts.true + counts.given).sum(-1))


def subset_accuracy(truth: Labels, label: Labels, weight: Weights | None = None) -> Value:
    """The share of rows whose whole set of labels is right.

    Example:
        >>> float(subset_accuracy(np.array([[1, 0], [1, 1]]), np.array([[1, 0], [1, 0]])))
        0.5
    """
    check_rows(truth, label, weight)
    return mean_over_rows((truth == label).all(axis=1).astype(np.float64), weight)


def set_average_precision(
    truth: Labels, probability: Float[np.ndarray, "rows labels"], weight: Weights | None = None
) -> Value:
    """Average precision of each label, then the plain mean over the labels that some row carries.

    Example:
        >>> truth = np.array([[1, 0], [0, 1]])
        >>> float(set_average_precision(truth, np.array([[0.9, 0.1], [0.2, 0.7]])))
        1.0
    """
    check_rows(truth, probability, weight)
    weight = all_rows(truth, weight)
    pairs = zip(truth.T, probability.T, strict=True)
    values = [binary_average_precision(carried == 1, score, weight) for carried, score in pairs]
    stacked = np.stack([np.asarray(value) for value in values], axis=-1)
    return mean_where(stacked, ~np.isnan(stacked))
