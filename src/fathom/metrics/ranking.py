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
    """ROC AUC of one class against the rest; NaN where one side has no weight.

    Counted over the rows of the class alone: the pairs that each wins among all rows, less those
    among themselves, of which exactly half are won.
    """
    if not len(score) or np.isnan(score).any():
        return np.full(weight.shape[:-1], np.nan)[()]
    inside, before, through = _by_score(np.argsort(score), positive, score, weight)
    held = inside.sum(-1)
    outside = dot(weight, (~positive).astype(np.float64))
    won = (dot(inside, before + through) - held**2) / 2
    return np.clip(divide(won, held * outside), 0.0, 1.0)


def binary_average_precision(
    positive: Bool[np.ndarray, " rows"],
    score: Float[np.ndarray, " rows"],
    weight: Float[np.ndarray, "*resamples rows"],
) -> Value:
    """Average precision of one class against the rest; NaN where the class has no weight."""
    if not len(score) or np.isnan(score).any():
        return np.full(weight.shape[:-1], np.nan)[()]
    inside, _, through = _by_score(np.argsort(-score), positive, score, weight)
    found = np.cumsum(inside, axis=-1)
    asked = np.maximum(through, np.finfo(np.float64).tiny)
    return divide(dot(inside, found / asked), inside.sum(-1))


def _by_score(
    order: np.ndarray, positive: np.ndarray, score: np.ndarray, weight: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """For each distinct score that a row of the class has, in the given order, three weights.

    Returns:
        That of the class at this score; that of all rows before it; and before it or at it. Rows
        between two such scores are added up at once: of ten classes each holds a tenth of the
        rows, and only those are looked at one by one.
    """
    ordered, total = score[order], np.take(weight, order, axis=-1)
    starts = np.flatnonzero(np.concatenate(([True], ordered[1:] != ordered[:-1])))
    places = np.flatnonzero(positive[order])
    run = np.searchsorted(starts, places, side="right") - 1
    first_of_run = np.flatnonzero(np.concatenate((places[:1] >= 0, run[1:] != run[:-1])))
    inside = np.take(total, places, axis=-1)
    if len(first_of_run) < len(places):
        inside = np.add.reduceat(inside, first_of_run, axis=-1)
    held = run[first_of_run]
    first, after = starts[held], np.append(starts[1:], len(ordered))[held]
    edges = np.unique(np.concatenate(([0], first, after[after < len(ordered)])))
    reached = np.zeros((*weight.shape[:-1], len(edges) + 1))
    np.cumsum(np.add.reduceat(total, edges, axis=-1), axis=-1, out=reached[..., 1:])
    before = np.take(reached, np.searchsorted(edges, first), axis=-1)
    return inside, before, np.take(reached, np.searchsorted(edges, after), axis=-1)
