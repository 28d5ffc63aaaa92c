"""Intervals: they hold the true value as often as they say, and refuse when they cannot."""

from collections.abc import Callable

import numpy as np
import pytest
from scipy.special import ndtr
from scipy.stats import binomtest, t

from fathom.evaluation.intervals import (
    Interval,
    above_mae,
    exact_share,
    interval_of,
    score_interval,
    widened_tail,
)
from fathom.evaluation.replicates import Replicates, Resampling
from fathom.evaluation.rows import Rows
from fathom.evaluation.score import About, build_score
from fathom.metrics.catalogue import METRICS
from fathom.metrics.record import Answer, Metric

BINARY, REGRESSION = METRICS["binary"], METRICS["regression"]
Make = Callable[[np.random.Generator], tuple[Rows, Answer]]


def ranked(num_rows: int, share: float, shift: float) -> Make:
    def make(rng: np.random.Generator) -> tuple[Rows, Answer]:
        truth = (rng.random(num_rows) < share).astype(int)
        score = ndtr(rng.normal(size=num_rows) + shift * truth)
        return Rows(task="binary", truth=truth), Answer.of_classes(np.stack([1 - score, score], 1))

    return make


def right(num_rows: int, share: float) -> Make:
    def make(rng: np.random.Generator) -> tuple[Rows, Answer]:
        label = (rng.random(num_rows) < share).astype(int)
        return Rows(task="binary", truth=np.ones(num_rows, dtype=int)), Answer(label=label)

    return make


def normal_errors(num_rows: int) -> Make:
    def make(rng: np.random.Generator) -> tuple[Rows, Answer]:
        return Rows(task="regression", truth=np.zeros(num_rows)), Answer(
            number=rng.normal(size=num_rows)
        )

    return make


def clustered_errors(num_clusters: int) -> Make:
    def make(rng: np.random.Generator) -> tuple[Rows, Answer]:
        cluster = np.repeat(np.arange(num_clusters), rng.integers(1, 6, num_clusters))
        error = rng.normal(size=num_clusters)[cluster] + 0.5 * rng.normal(size=len(cluster))
        rows = Rows(task="regression", truth=np.zeros(len(cluster)), cluster=cluster)
        return rows, Answer(number=error)

    return make


def coverage(make: Make, metric: Metric, true: float, trials: int) -> float:
    """How often the interval holds the true value, of those that are given."""
    held, given = 0, 0
    for seed in range(trials):
        found = score_interval(
            *make(np.random.default_rng(seed)), metric, Resampling(draws=300, seed=seed)
        )
        if found.low is not None and found.high is not None:
            given += 1
            held += found.low <= true <= found.high
    assert given > 0.8 * trials
    return held / given


CASES = {
    "auc": (ranked(60, 0.3, 1.5), BINARY["roc_auc"], float(ndtr(1.5 / np.sqrt(2)))),
    "accuracy": (right(50, 0.9), BINARY["accuracy"], 0.9),
    "accuracy near one": (right(40, 0.98), BINARY["accuracy"], 0.98),
    "rmse": (normal_errors(40), REGRESSION["rmse"], 1.0),
    "rmse by cluster": (clustered_errors(40), REGRESSION["rmse"], float(np.sqrt(1.25))),
}


@pytest.mark.parametrize("case", CASES)
def test_intervals_hold_the_true_value(case: str) -> None:
    make, metric, true = CASES[case]
    # 80 trials at 95 % go below 0.88 about twice in a thousand, and the seeds are fixed.
    assert coverage(make, metric, true, 80) >= 0.88


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_intervals_hold_the_true_value_closely(case: str) -> None:
    make, metric, true = CASES[case]
    assert 0.925 <= coverage(make, metric, true, 1000) <= 0.995


def test_rows_of_a_cluster_taken_apart_would_be_too_sure() -> None:
    """The cluster bootstrap earns its keep: without it the truth is missed far too often."""

    def torn(rng: np.random.Generator) -> tuple[Rows, Answer]:
        rows, answer = clustered_errors(40)(rng)
        return Rows(task="regression", truth=rows.truth), answer

    assert coverage(torn, REGRESSION["rmse"], float(np.sqrt(1.25)), 80) < 0.85


def test_close_to_the_textbook_interval_of_a_mean() -> None:
    rng = np.random.default_rng(0)
    error = np.abs(rng.normal(5, 1, 397))
    found = score_interval(
        Rows(task="regression", truth=np.zeros(397)),
        Answer(number=error),
        REGRESSION["mae"],
        Resampling(draws=4000),
    )
    low, high = t.interval(0.95, 396, error.mean(), error.std(ddof=1) / np.sqrt(397))
    assert (found.low, found.high) == (pytest.approx(low, abs=0.01), pytest.approx(high, abs=0.01))


def test_the_widened_tail_gives_back_student_for_normal_draws() -> None:
    from scipy.special import ndtri

    n = 11
    spread = np.sqrt((n - 1) / n)  # what the bootstrap's standard error is short by
    assert -ndtri(widened_tail(n - 1.0)) * spread == pytest.approx(t.ppf(0.975, n - 1))


@pytest.mark.parametrize(("hits", "n"), [(0, 13), (13, 13), (7, 13), (99, 101)])
def test_exact_shares_against_scipy(hits: int, n: int) -> None:
    expected = binomtest(hits, n).proportion_ci(0.95, method="exact")
    assert exact_share(hits / n, n) == pytest.approx((expected.low, expected.high))


def test_no_mistake_is_not_certainty() -> None:
    truth = np.tile([0, 1], 20)
    perfect = Answer.of_classes(np.eye(2)[truth])
    rows = Rows(task="binary", truth=truth)
    share = score_interval(rows, perfect, BINARY["accuracy"])
    assert (share.low, share.high) == (pytest.approx(0.025 ** (1 / 40)), 1.0)
    ranking = score_interval(rows, perfect, BINARY["roc_auc"])
    assert (ranking.value, ranking.low) == (1.0, None)
    assert ranking.reason == "no mistake was seen, so resampling cannot tell how rare"


def test_a_constant_answer_is_certain_to_rank_nothing() -> None:
    truth = np.tile([0, 1, 1], 20)
    found = score_interval(
        Rows(task="binary", truth=truth),
        Answer.of_classes(np.full((60, 2), 0.5)),
        BINARY["roc_auc"],
    )
    assert found == Interval(0.5, 0.5, 0.5)


@pytest.mark.parametrize(("rows_or_clusters", "cluster"), [("rows", False), ("clusters", True)])
def test_too_few_to_say(rows_or_clusters: str, cluster: bool) -> None:
    num = 90 if cluster else 9
    rows = Rows(
        task="regression",
        truth=np.zeros(num),
        cluster=np.arange(num) % 9 if cluster else None,
    )
    answer = Answer(number=np.random.default_rng(0).normal(size=num))
    found = score_interval(rows, answer, REGRESSION["rmse"])
    assert found.reason == f"only 9 {rows_or_clusters}: too few for an interval"
    assert (found.low, found.high) == (None, None)


def test_a_class_that_is_often_not_drawn_is_told() -> None:
    truth = np.zeros(40, dtype=int)
    truth[0] = 1
    score = np.random.default_rng(0).random(40)
    answer = Answer.of_classes(np.stack([1 - score, score], axis=1))
    found = score_interval(Rows(task="binary", truth=truth), answer, BINARY["roc_auc"])
    assert found.reason == "in many resamples the score does not exist"


def test_an_absent_metric_keeps_its_reason() -> None:
    rows = Rows(task="binary", truth=np.ones(30, dtype=int))
    found = score_interval(rows, Answer.of_classes(np.full((30, 2), 0.5)), BINARY["roc_auc"])
    assert np.isnan(found.value)
    assert found.reason == "all rows are of one class"


def test_ends_stay_in_the_span() -> None:
    pulls = np.zeros(60)
    pulls[0] = 1.0  # everything hangs on one row
    draws = np.random.default_rng(0).choice([0.9, 1.0], 500)
    found = interval_of(Replicates(0.95, draws, pulls), BINARY["f1"], 60)
    assert found.low is not None
    assert found.high is not None
    assert 0.0 <= found.low < 0.9
    assert found.high == 1.0


def wild_errors(num_rows: int) -> Make:
    """One error in fifty is twenty times as large as the others."""

    def make(rng: np.random.Generator) -> tuple[Rows, Answer]:
        error = rng.normal(size=num_rows) * np.where(rng.random(num_rows) < 0.02, 20, 1)
        return Rows(task="regression", truth=np.zeros(num_rows)), Answer(number=error)

    return make


def test_the_lower_end_of_a_skew_error_stays_away_from_nought() -> None:
    """Where few rows carry all, symmetric ends went down to 0 as soon as they went far up."""
    ends: list[float] = []
    for seed in range(40):
        rows, answer = wild_errors(100)(np.random.default_rng(seed))
        found = score_interval(rows, answer, REGRESSION["rmse"], Resampling(draws=300, seed=seed))
        assert found.low is not None
        ends.append(found.low / found.value)
    assert min(ends) > 0.01
    assert max(ends) < 1


def test_rmse_is_never_said_to_be_below_mae() -> None:
    """It cannot be, on any rows; the intervals are made apart."""
    raised = 0
    for seed in range(40):
        rows, answer = wild_errors(60)(np.random.default_rng(seed))
        plan = Resampling(draws=300, seed=seed)
        alone = score_interval(rows, answer, REGRESSION["rmse"], plan)
        score = build_score(rows, answer, {}, About(target="y"), plan=plan)
        rmse, mae = score.metrics["rmse"], score.metrics["mae"]
        assert rmse.low is not None
        assert mae.low is not None
        assert alone.low is not None
        assert rmse.low == max(alone.low, mae.low)
        assert (rmse.value, rmse.high) == (alone.value, alone.high)
        raised += rmse.low > alone.low
    assert raised > 2


def test_without_both_there_is_nothing_to_raise() -> None:
    for scores in (
        {"rmse": Interval(5.0, 1.0, 9.0)},
        {"mae": Interval(3.0, 2.0, 4.0), "rmse": Interval(5.0, reason="few")},
        {"mae": Interval(3.0, reason="few"), "rmse": Interval(5.0, 1.0, 9.0)},
        {"accuracy": Interval(0.5, 0.4, 0.6)},
    ):
        assert above_mae(scores) == scores
