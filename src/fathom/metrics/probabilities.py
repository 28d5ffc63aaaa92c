"""Metrics of probabilities: are they right about how often they are right?"""

import numpy as np
from jaxtyping import Float, Int

from fathom.metrics.ranking import positive_scores
from fathom.metrics.weights import Value, all_rows, check_rows, divide, mean_over_rows, sums_by_code

Codes = Int[np.ndarray, " rows"]
Probabilities = Float[np.ndarray, "rows classes"]
Weights = Float[np.ndarray, "*resamples rows"]


def log_loss(truth: Codes, probability: Probabilities, weight: Weights | None = None) -> Value:
    """Mean of -log(probability given to the true class), in nats; nought at best.

    A proper score: nothing but the true probabilities makes it smallest. A confident mistake
    costs much; a probability of nought is read as the smallest step of its number type.

    Args:
        truth: class codes, from 0.
        probability: one column per class.
        weight: how much each row counts; a stack of them gives one value for each.

    Source: Good, Rational decisions, 1952.

    Example:
        >>> round(float(log_loss(np.array([0, 1]), np.array([[0.5, 0.5], [0.5, 0.5]]))), 4)
        0.6931
    """
    check_rows(truth, probability, weight)
    smallest = np.finfo(probability.dtype).eps
    given = probability[np.arange(len(truth)), truth].astype(np.float64)
    return mean_over_rows(-np.log(np.clip(given, smallest, 1 - smallest)), weight)


def brier_score(truth: Codes, probability: Probabilities, weight: Weights | None = None) -> Value:
    """Mean squared distance between the probabilities and what happened; nought at best.

    Two classes: mean((p₁ - y)²), from 0 to 1. More: mean over rows of the sum over classes, from
    0 to 2. A proper score, milder to confident mistakes than `log_loss`.

    Source: Brier, Verification of forecasts expressed in terms of probability, 1950.

    Example:
        >>> float(brier_score(np.array([0, 1]), np.array([[0.5, 0.5], [0.5, 0.5]])))
        0.25
    """
    check_rows(truth, probability, weight)
    happened = np.eye(probability.shape[1])[truth]
    squares = ((probability - happened) ** 2).sum(axis=1)
    return mean_over_rows(squares / 2 if probability.shape[1] == 2 else squares, weight)


def confidence(
    truth: Codes, probability: Probabilities
) -> tuple[Float[np.ndarray, " rows"], Float[np.ndarray, " rows"]]:
    """What each row claims, and whether it came true.

    Two classes: the probability of class 1, and whether the row is of class 1. More: the highest
    probability, and whether that class is the true one.
    """
    positive = positive_scores(probability)
    if positive is not None:
        return positive.astype(np.float64), (truth == 1).astype(np.float64)
    claimed = probability.max(axis=1).astype(np.float64)
    return claimed, (probability.argmax(axis=1) == truth).astype(np.float64)


def bin_codes(
    claimed: Float[np.ndarray, " rows"], num_bins: int, *, adaptive: bool
) -> Int[np.ndarray, " rows"]:
    """The bin of each claim: equally wide bins, or (adaptive) bins with equally many rows."""
    if adaptive and len(claimed):
        edges = np.quantile(claimed, np.linspace(0, 1, num_bins + 1)[1:-1])
    else:
        edges = np.linspace(0, 1, num_bins + 1)[1:-1]
    return np.searchsorted(edges, claimed, side="left")


def expected_calibration_error(
    truth: Codes,
    probability: Probabilities,
    weight: Weights | None = None,
    *,
    num_bins: int = 15,
    adaptive: bool = False,
) -> Value:
    """How far claimed probabilities are from observed shares, on average over bins.

    sum over bins of (share of rows)·|mean claim - observed share|. It is never below nought, so
    chance alone makes it a little too large on few rows; read it beside the reliability curve.

    Args:
        truth: class codes, from 0.
        probability: one column per class; what is claimed is told under `confidence`.
        weight: how much each row counts.
        num_bins: how many bins.
        adaptive: bins with equally many rows in place of equally wide ones.

    Source: Guo et al., On calibration of modern neural networks, 2017; adaptive bins: Nguyen and
    O'Connor, Posterior calibration and exploratory analysis for NLP models, 2015.

    Example:
        >>> sure = np.array([[0.0, 1.0], [0.0, 1.0]])
        >>> float(expected_calibration_error(np.array([0, 1]), sure))
        0.5
    """
    check_rows(truth, probability, weight)
    weight = all_rows(truth, weight)
    claimed, happened = confidence(truth, probability)
    code = bin_codes(claimed, num_bins, adaptive=adaptive)
    gap = np.abs(sums_by_code(code, weight * (claimed - happened), num_bins))
    return divide(gap.sum(-1), weight.sum(-1))
