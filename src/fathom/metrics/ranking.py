"""Metrics of ranking: do the rows of a class get the higher scores? No threshold is involved."""

import numpy as np
from jaxtyping import Bool, Float, Int

from fathom.metrics.weights import Value, all_rows, check_rows, divide, dot, mean_where

Codes = Int[np.ndarray, " rows"]
Scores = Float[np.ndarray, " rows"] | Float[np.ndarray, "rows classes"]
Weights = Float[np.ndarray, "*resamples rows"]


def roc_auc(truth: Codes, score: Scores, weight: Weights | None = None) -> Value:
    """The chance that a random row of the class scores above a random row of another.

    Area under the ROC curve: P(score⁺ > score⁻) + ½·P(score⁺ = score⁻). 0.5 is guessing, 1 is
    perfect; how rare the class is does not matter. With more than two columns the mean over the
    classes, each against the rest, that have rows both in and out; NaN where there is none.

    Args:
        truth: class codes, from 0; class 1 is the positive one of two.
        score: anything that grows with the belief in class 1, or one column per class.
        weight: how much each row counts; a stack of them gives one value for each.

    Returns:
        Between 0 and 1.

    Source: Hanley and McNeil, The meaning and use of the area under a ROC curve, 1982.

    Example:
        >>> float(roc_auc(np.array([0, 0, 1, 1]), np.array([0.1, 0.4, 0.35, 0.8])))
        0.75
    """
    check_rows(truth, score, weight)
    weight = all_rows(truth, weight)
    if (positive := positive_scores(score)) is not None:
        return binary_roc_auc(truth == 1, positive, weight)
    return _macro([binary_roc_auc(truth == c, one, weight) for c, one in enumerate(score.T)])


def average_precision(truth: Codes, score: Scores, weight: Weights | None = None) -> Value:
    """Precision averaged over the recall levels: the summary of the precision-recall curve.

    Sum over thresholds of (recall_k - recall_{k-1})·precision_k. Guessing scores the share of
    positive rows, so it shows what finding a rare class is worth. Arguments and several classes
    as `roc_auc`.

    Example:
        >>> round(float(average_precision(np.array([0, 0, 1, 1]),
        ...                               np.array([0.1, 0.4, 0.35, 0.8]))), 3)
        0.833
    """
    check_rows(truth, score, weight)
    weight = all_rows(truth, weight)
    if (positive := positive_scores(score)) is not None:
        return binary_average_precision(truth == 1, positive, weight)
    columns = enumerate(score.T)
    return _macro([binary_average_precision(truth == c, one, weight) for c, one in columns])


def positive_scores(score: Scores) -> Float[np.ndarray, " rows"] | None:
    """The column that speaks for class 1; None when there are more than two classes."""
    if score.ndim == 1:
        return score
    return score[:, 1] if score.shape[1] == 2 else None


def _macro(per_class: list[Value]) -> Value:
    values = np.stack([np.asarray(value) for value in per_class], axis=-1)
    return mean_where(values, ~np.isnan(values))


def binary_roc_auc(
    positive: Bool[np.ndarray, " rows"],
    score: Float[np.ndarray, " rows"],
    weight: Float[np.ndarray, "*resamples rows"],
) -> Value:
    """ROC AUC of one class against the rest; NaN where one side has no weight."""
    if not len(score) or np.isnan(score).any():
        return np.full(weight.shape[:-1], np.nan)[()]
    inside, total = _by_score(np.argsort(score), positive, score, weight)
    outside = total - inside
    below = np.cumsum(outside, axis=-1)
    won = dot(inside, below) - 0.5 * dot(inside, outside)
    return divide(won, inside.sum(-1) * below[..., -1])


def binary_average_precision(
    positive: Bool[np.ndarray, " rows"],
    score: Float[np.ndarray, " rows"],
    weight: Float[np.ndarray, "*resamples rows"],
) -> Value:
    """Average precision of one class against the rest; NaN where the class has no weight."""
    if not len(score) or np.isnan(score).any():
        return np.full(weight.shape[:-1], np.nan)[()]
    inside, total = _by_score(np.argsort(-score), positive, score, weight)
    found = np.cumsum(inside, axis=-1)
    asked = np.maximum(np.cumsum(total, axis=-1), np.finfo(np.float64).tiny)
    return divide(dot(inside, found / asked), found[..., -1])


def _by_score(
    order: np.ndarray, positive: np.ndarray, score: np.ndarray, weight: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Weight inside the class, and in all, for each distinct score in the given order."""
    ordered = score[order]
    total = np.take(weight, order, axis=-1)
    inside = total * positive[order].astype(np.float64)
    first = np.flatnonzero(np.concatenate(([True], ordered[1:] != ordered[:-1])))
    if len(first) < len(ordered):
        inside = np.add.reduceat(inside, first, axis=-1)
        total = np.add.reduceat(total, first, axis=-1)
    return inside, total
