"""Classical tests of two sets of answers on the same rows, beside the bootstrap.

Each rests on other assumptions than the bootstrap of `compare`; that they agree is a check on both.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from fathom.base.errors import DataError
from fathom.metrics.weights import check_rows


@dataclass(frozen=True)
class PairedTest:
    """The outcome of a two-sided test of two sets of answers on the same rows.

    Attributes:
        name: the test.
        difference: first less second, in the unit that the test is about.
        p_value: how often chance alone would show a difference as large.
    """

    name: str
    difference: float
    p_value: float


def delong_test(
    truth: Int[np.ndarray, " rows"],
    first: Float[np.ndarray, " rows"],
    second: Float[np.ndarray, " rows"],
) -> PairedTest:
    """Are two ROC AUCs on the same rows different? From the variance of their placements.

    A row's placement is the share of the other side that it beats. The covariance of both
    scores' placements, on each side, gives the variance of the difference of the AUCs.

    Args:
        truth: 1 for the positive class, else 0.
        first: scores of one model.
        second: scores of the other.

    Source: DeLong, DeLong and Clarke-Pearson, Comparing the areas under two or more correlated
    receiver operating characteristic curves, 1988.

    Example:
        >>> truth = np.array([0, 0, 0, 1, 1, 1])
        >>> score = np.array([1.0, 2.0, 3.0, 2.5, 4.0, 5.0])
        >>> delong_test(truth, score, score).p_value
        1.0
    """
    check_rows(truth, first)
    check_rows(truth, second)
    inside, outside = truth == 1, truth != 1
    if min(inside.sum(), outside.sum()) < 2:
        raise DataError(
            "The DeLong test needs two rows of each class.",
            expected="two rows of each class or more",
            got=f"{int(inside.sum())} positive and {int(outside.sum())} other rows",
            do="Score more rows.",
        )
    places = [_placements(score[inside], score[outside]) for score in (first, second)]
    difference = places[0][0].mean() - places[1][0].mean()
    variance = sum(
        np.var(places[0][side] - places[1][side], ddof=1) / len(places[0][side]) for side in (0, 1)
    )
    return PairedTest("DeLong", float(difference), _normal_p(float(difference), float(variance)))


def _placements(inside: np.ndarray, outside: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For each row inside the share of those outside that it beats, and the other way round."""

    def beaten(values: np.ndarray, by: np.ndarray) -> np.ndarray:
        ordered = np.sort(values)
        left, right = (np.searchsorted(ordered, by, side=side) for side in ("left", "right"))
        return (left + right) / (2 * len(values))

    return beaten(outside, inside), beaten(inside, outside)


def _normal_p(difference: float, variance: float) -> float:
    from scipy.special import ndtr

    if variance <= 0:
        return 1.0 if difference == 0 else 0.0
    return float(2 * ndtr(-abs(difference) / np.sqrt(variance)))


def mcnemar_test(
    first_right: Bool[np.ndarray, " rows"], second_right: Bool[np.ndarray, " rows"]
) -> PairedTest:
    """Is one of two classifiers right more often? Exact, from the rows where they disagree.

    Where only one of the two is right it should be either as often as the other: the count is
    binomial with ½.

    Source: McNemar, Note on the sampling error of the difference between correlated proportions
    or percentages, 1947 (the exact form).

    Example:
        >>> mcnemar_test(np.ones(6, dtype=bool), np.zeros(6, dtype=bool)).p_value
        0.03125
    """
    from scipy.stats import binomtest

    check_rows(first_right, second_right)
    only_first = int((first_right & ~second_right).sum())
    only_second = int((second_right & ~first_right).sum())
    difference = (only_first - only_second) / max(len(first_right), 1)
    if only_first + only_second == 0:
        return PairedTest("McNemar", difference, 1.0)
    found = binomtest(only_first, only_first + only_second, 0.5)
    return PairedTest("McNemar", difference, float(found.pvalue))


def paired_t_test(
    first_error: Float[np.ndarray, " rows"], second_error: Float[np.ndarray, " rows"]
) -> PairedTest:
    """Do the mean squared errors differ? Student's test on the differences row by row."""
    from scipy.special import stdtr

    check_rows(first_error, second_error)
    differences = first_error**2 - second_error**2
    num, mean = len(differences), differences.mean()
    spread = differences.std(ddof=1) / np.sqrt(num)
    if spread == 0:
        return PairedTest("paired t", float(mean), 1.0 if mean == 0 else 0.0)
    return PairedTest("paired t", float(mean), float(2 * stdtr(num - 1, -abs(mean) / spread)))


def wilcoxon_test(
    first_error: Float[np.ndarray, " rows"], second_error: Float[np.ndarray, " rows"]
) -> PairedTest:
    """Are the squared errors of one usually smaller? Signed ranks, deaf to a few wild rows.

    Source: Wilcoxon, Individual comparisons by ranking methods, 1945.
    """
    from scipy.stats import wilcoxon

    check_rows(first_error, second_error)
    differences = first_error**2 - second_error**2
    if not differences.any():
        return PairedTest("Wilcoxon", 0.0, 1.0)
    p_value = float(np.asarray(wilcoxon(differences))[1])
    return PairedTest("Wilcoxon", float(np.median(differences)), p_value)
