"""Intervals and sets that hold the truth as often as they say, whatever the model.

From rows that the model did not learn from and that chose nothing else: the size of its mistakes
there, counted so that a new row of the same kind is covered with the stated chance.
"""

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from fathom.base.errors import DataError
from fathom.evaluation.counting import Counting, weighted_places
from fathom.evaluation.intervals import Interval, score_interval
from fathom.evaluation.rows import Rows
from fathom.metrics.catalogue import metric_named
from fathom.metrics.record import Answer
from fathom.metrics.weights import check_rows

Numbers = Float[np.ndarray, " rows"]
Probabilities = Float[np.ndarray, "rows classes"]
Codes = Int[np.ndarray, " rows"]


def rows_needed(miss: float) -> int:
    """The fewest calibration rows for which a chance of missing can be promised.

    Example:
        >>> rows_needed(0.1), rows_needed(0.05)
        (9, 19)
    """
    return math.ceil(1 / miss - 1e-9) - 1


def check_enough(counting: Counting, miss: float) -> None:
    """Stop when a promise cannot be kept.

    Raises:
        DataError: `miss` is not between 0 and 1, or there are too few calibration rows (or
            groups of them, or few carry nearly all the weight).
    """
    if not 0 < miss < 1:
        raise DataError(
            "The chance of missing the truth must lie between 0 and 1.",
            expected="0.1 for intervals that hold nine truths in ten, for example",
            got=f"{miss}",
            do="Choose a number between 0 and 1.",
        )
    if counting.units < rows_needed(miss) - 1e-9:
        unequal = (
            "" if counting.alike else f", which is what {len(counting.share):,} rows are worth"
        )
        raise DataError(
            f"Too few calibration {counting.name} to promise {100 * (1 - miss):g} % coverage.",
            expected=f"{rows_needed(miss)} {counting.name} or more that chose nothing else",
            got=f"{counting}{unequal}",
            do="Keep more rows for calibration, use out-of-fold rows, or promise less coverage.",
        )


def conformal_quantile(scores: Numbers, miss: float, counting: Counting | None = None) -> float:
    """The ceil((n + 1)·(1 - miss))-th smallest score of n calibration rows.

    A new row's score is as likely to take any place among n + 1, so it stays at or below this one
    with a chance of 1 - miss or a little more. With weights or clusters: `Counting`.

    Raises:
        DataError: too few rows for that, or scores that are not numbers.

    Source: Vovk, Gammerman and Shafer, Algorithmic learning in a random world, 2005.

    Example:
        >>> conformal_quantile(np.arange(1.0, 20.0), 0.1)
        18.0
    """
    counting = counting or Counting.of(len(scores))
    check_enough(counting, miss)
    if np.isnan(scores).any():
        raise DataError(
            "Some calibration rows have no answer.",
            got=f"{int(np.isnan(scores).sum())} of {len(scores)} scores are not numbers",
            do="See why the model does not answer there.",
        )
    return float(weighted_places(scores, counting, miss))


@dataclass(frozen=True)
class ResidualBand:
    """Intervals of prediction ± reach, the reach scaled row by row where a scale is known.

    Attributes:
        reach: half of the width, in the target's unit (or in units of the scale).
        miss: the chance of missing the truth that it was made for.
        num_rows: calibration rows.
    """

    reach: float
    miss: float
    num_rows: int

    def interval(
        self, prediction: Numbers, scale: Numbers | None = None
    ) -> Float[np.ndarray, "rows 2"]:
        """Lower and upper bound per row."""
        reach = self.reach * (np.ones(len(prediction)) if scale is None else scale)
        return np.stack([prediction - reach, prediction + reach], axis=1)


def fit_residual_band(
    truth: Numbers,
    prediction: Numbers,
    miss: float = 0.1,
    scale: Numbers | None = None,
    counting: Counting | None = None,
) -> ResidualBand:
    """Split conformal intervals from absolute residuals |truth - prediction| / scale.

    Args:
        truth: calibration rows.
        prediction: the model's numbers for them.
        miss: the chance of missing the truth.
        scale: how uncertain the model is row by row, above nought; None = alike everywhere.
        counting: what each calibration row counts; None = all alike.

    Source: Lei et al., Distribution-free predictive inference for regression, 2018.

    Example:
        >>> truth = np.arange(19.0)
        >>> fit_residual_band(truth, np.zeros(19), miss=0.1).interval(np.array([5.0]))
        array([[-12.,  22.]])
    """
    check_rows(truth, prediction)
    residual = np.abs(truth - prediction)
    if scale is not None:
        check_rows(truth, scale)
        if not (scale > 0).all():
            raise DataError(
                "A row's scale is not above nought.",
                expected="a positive scale for every row",
                got=f"smallest {scale.min()}",
                do="Mend the scale, or leave it out.",
            )
        residual = residual / scale
    return ResidualBand(conformal_quantile(residual, miss, counting), miss, len(truth))


@dataclass(frozen=True)
class QuantileBand:
    """Predicted quantiles moved outwards (or inwards) until they hold what they say.

    Attributes:
        shift: by how much, in the target's unit; negative when they were too wide.
        miss: the chance of missing the truth that it was made for.
        num_rows: calibration rows.
    """

    shift: float
    miss: float
    num_rows: int

    def interval(self, quantiles: Float[np.ndarray, "rows 2"]) -> Float[np.ndarray, "rows 2"]:
        """Lower and upper bound per row; bounds that would cross meet in their middle."""
        moved = quantiles + np.array([-self.shift, self.shift])
        crossed = moved[:, 0] > moved[:, 1]
        moved[crossed] = moved[crossed].mean(axis=1, keepdims=True)
        return moved


def fit_quantile_band(
    truth: Numbers, quantiles: Float[np.ndarray, "rows 2"], miss: float = 0.1
) -> QuantileBand:
    """Conformalised quantile regression: score max(low - truth, truth - high).

    Source: Romano, Patterson and Candès, Conformalized quantile regression, 2019.
    """
    check_rows(truth, quantiles)
    score = np.maximum(quantiles[:, 0] - truth, truth - quantiles[:, 1])
    return QuantileBand(conformal_quantile(score, miss), miss, len(truth))


@dataclass(frozen=True)
class ThresholdSets:
    """Sets of every class that is probable enough (LAC): the smallest sets on average.

    Attributes:
        bound: the largest 1 - probability that still gets in.
        miss: the chance of missing the true class that it was made for.
        num_rows: calibration rows.
    """

    bound: float
    miss: float
    num_rows: int

    def sets(self, probability: Probabilities) -> Bool[np.ndarray, "rows classes"]:
        """True for each class in the set; the most probable class is always in."""
        return with_top(probability, 1 - probability <= self.bound)


def fit_threshold_sets(
    truth: Codes,
    probability: Probabilities,
    miss: float = 0.1,
    counting: Counting | None = None,
) -> ThresholdSets:
    """Sets from the score 1 - probability of the true class.

    Source: Sadinle, Lei and Wasserman, Least ambiguous set-valued classifiers with bounded error
    levels, 2019.
    """
    check_rows(truth, probability)
    score = 1 - probability[np.arange(len(truth)), truth]
    return ThresholdSets(conformal_quantile(score, miss, counting), miss, len(truth))


@dataclass(frozen=True)
class CumulativeSets:
    """Sets of the most probable classes until enough probability is gathered (APS).

    Larger than `ThresholdSets` on average, and larger exactly where the model is unsure.

    Attributes:
        bound: the gathered probability, the class's own included, up to which a class gets in.
        miss: the chance of missing the true class that it was made for.
        num_rows: calibration rows.
    """

    bound: float
    miss: float
    num_rows: int

    def sets(self, probability: Probabilities) -> Bool[np.ndarray, "rows classes"]:
        """True for each class in the set; the most probable class is always in."""
        return with_top(probability, gathered(probability) <= self.bound)


def gathered(probability: Probabilities) -> Probabilities:
    """For each class the probability of all classes at least as probable, itself included.

    Example:
        >>> gathered(np.array([[0.25, 0.5, 0.25]]))
        array([[1. , 0.5, 1. ]])
    """
    order = np.argsort(-probability, axis=1, kind="stable")
    ordered = np.take_along_axis(probability, order, axis=1)
    sums = np.cumsum(ordered, axis=1)
    # Classes of equal probability get in together, or the order of the columns would decide.
    for place in range(probability.shape[1] - 2, -1, -1):
        tied = ordered[:, place] == ordered[:, place + 1]
        sums[tied, place] = sums[tied, place + 1]
    result = np.empty_like(sums)
    np.put_along_axis(result, order, sums, axis=1)
    return result


def with_top(
    probability: Probabilities, sets: Bool[np.ndarray, "rows classes"]
) -> Bool[np.ndarray, "rows classes"]:
    """The sets with the most probable class added, so that none is empty."""
    result = sets.copy()
    result[np.arange(len(result)), probability.argmax(axis=1)] = True
    return result


def fit_cumulative_sets(
    truth: Codes, probability: Probabilities, miss: float = 0.1
) -> CumulativeSets:
    """Sets from the gathered probability up to and including the true class.

    Without the random tie-breaking of the paper: sets are a little larger, and the same every
    time.

    Source: Romano, Sesia and Candès, Classification with valid and adaptive coverage, 2020.
    """
    check_rows(truth, probability)
    score = gathered(probability)[np.arange(len(truth)), truth]
    return CumulativeSets(conformal_quantile(score, miss), miss, len(truth))


def interval_coverage_of(rows: Rows, interval: Float[np.ndarray, "rows 2"]) -> Interval:
    """The share of rows whose truth lies inside, with an interval for that share itself."""
    metric = metric_named("regression", "interval_coverage")
    return score_interval(rows, Answer(interval=interval), metric)


def set_coverage_of(rows: Rows, sets: Bool[np.ndarray, "rows classes"]) -> Interval:
    """The share of rows whose true class is in the set, with an interval for that share itself."""
    inside = sets[np.arange(len(rows)), rows.truth]
    truth = np.ones(len(rows), dtype=np.int64)
    covered = Rows(task="binary", truth=truth, weight=rows.weight, cluster=rows.cluster)
    answer = Answer(label=inside.astype(np.int64))
    return score_interval(covered, answer, metric_named("binary", "accuracy"))
