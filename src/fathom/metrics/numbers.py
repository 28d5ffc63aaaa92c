"""Metrics for regression: how far predicted numbers and intervals are from the truth."""

import numpy as np
from jaxtyping import Float

from fathom.metrics.weights import (
    Value,
    all_rows,
    check_rows,
    divide,
    dot,
    mean_over_rows,
    weighted_median,
)

Numbers = Float[np.ndarray, " rows"]
Weights = Float[np.ndarray, "*resamples rows"]


def rmse(truth: Numbers, prediction: Numbers, weight: Weights | None = None) -> Value:
    """Root mean squared error: sqrt(mean((truth - prediction)²)), in the target's unit.

    Large mistakes count more than in proportion.

    Args:
        truth: what was measured.
        prediction: what the model says.
        weight: how much each row counts; a stack of them gives one value for each.

    Returns:
        The error, nought at best.

    Example:
        >>> round(float(rmse(np.array([1.0, 2.0, 3.0]), np.array([1.0, 2.0, 6.0]))), 3)
        1.732
    """
    check_rows(truth, prediction, weight)
    return np.sqrt(mean_over_rows((truth - prediction) ** 2, weight))


def mae(truth: Numbers, prediction: Numbers, weight: Weights | None = None) -> Value:
    """Mean absolute error: mean(|truth - prediction|), in the target's unit.

    Example:
        >>> float(mae(np.array([1.0, 2.0, 3.0]), np.array([1.0, 2.0, 6.0])))
        1.0
    """
    check_rows(truth, prediction, weight)
    return mean_over_rows(np.abs(truth - prediction), weight)


def median_absolute_error(
    truth: Numbers, prediction: Numbers, weight: Weights | None = None
) -> Value:
    """The error that half of the rows stay below, in the target's unit; deaf to a few wild rows.

    Example:
        >>> float(median_absolute_error(np.array([1.0, 2.0, 3.0]), np.array([1.0, 2.5, 60.0])))
        0.5
    """
    check_rows(truth, prediction, weight)
    return weighted_median(np.abs(truth - prediction), all_rows(truth, weight))


def mape(truth: Numbers, prediction: Numbers, weight: Weights | None = None) -> Value:
    """Mean absolute percentage error: mean(|truth - prediction| / |truth|), 0.1 = ten per cent.

    It makes sense only where no true value is near nought (see `near_zero`).

    Example:
        >>> round(float(mape(np.array([10.0, 20.0]), np.array([11.0, 18.0]))), 3)
        0.1
    """
    check_rows(truth, prediction, weight)
    return mean_over_rows(np.asarray(divide(np.abs(truth - prediction), np.abs(truth))), weight)


def near_zero(truth: Numbers) -> np.ndarray:
    """Rows whose true value is so small that a percentage of it says nothing.

    Nearer to nought than a hundredth of the median size.
    """
    size = np.abs(truth)
    return size <= (0.01 * np.median(size) if len(size) else 0.0)


def r2(truth: Numbers, prediction: Numbers, weight: Weights | None = None) -> Value:
    """The share of the target's variance that the predictions explain.

    1 - sum((truth - prediction)²) / sum((truth - mean(truth))²): 1 is perfect, 0 is as good as
    always saying the mean of the scored rows, below 0 is worse than that. NaN where the truth
    does not vary.

    Example:
        >>> float(r2(np.array([1.0, 2.0, 3.0]), np.array([1.0, 2.0, 3.0])))
        1.0
    """
    check_rows(truth, prediction, weight)
    weight = all_rows(truth, weight)
    # Centred first: the variance of large numbers would be lost in rounding.
    centred = truth - truth.mean() if len(truth) else truth
    spread = dot(weight, centred**2) - np.asarray(divide(dot(weight, centred) ** 2, weight.sum(-1)))
    error = dot(weight, (truth - prediction) ** 2)
    tiny = 1e-14 * dot(weight, centred**2)
    return 1.0 - divide(error, np.where(spread > tiny, spread, np.nan))


def pinball(
    truth: Numbers, quantile: Numbers, weight: Weights | None = None, *, level: float
) -> Value:
    """How well predicted quantiles of one level fit, in the target's unit; nought at best.

    mean(max(level·(truth - quantile), (level - 1)·(truth - quantile))): for the 0.9 quantile a
    truth above it costs nine times as much as one below.

    Args:
        truth: what was measured.
        quantile: the predicted quantile.
        weight: how much each row counts.
        level: between 0 and 1; 0.5 gives half of the mean absolute error.

    Example:
        >>> round(float(pinball(np.array([3.0]), np.array([1.0]), level=0.9)), 3)
        1.8
    """
    check_rows(truth, quantile, weight)
    short = truth - quantile
    return mean_over_rows(np.maximum(level * short, (level - 1) * short), weight)


def interval_coverage(
    truth: Numbers, interval: Float[np.ndarray, "rows 2"], weight: Weights | None = None
) -> Value:
    """The share of rows whose true value lies inside their interval, bounds included.

    Example:
        >>> float(interval_coverage(np.array([1.0, 5.0]), np.array([[0.0, 2.0], [0.0, 2.0]])))
        0.5
    """
    check_rows(truth, interval, weight)
    inside = (interval[:, 0] <= truth) & (truth <= interval[:, 1])
    return mean_over_rows(inside.astype(np.float64), weight)


def interval_width(
    truth: Numbers, interval: Float[np.ndarray, "rows 2"], weight: Weights | None = None
) -> Value:
    """The mean width of the intervals, in the target's unit.

    Example:
        >>> float(interval_width(np.array([1.0, 5.0]), np.array([[0.0, 2.0], [0.0, 4.0]])))
        3.0
    """
    check_rows(truth, interval, weight)
    return mean_over_rows(interval[:, 1] - interval[:, 0], weight)
