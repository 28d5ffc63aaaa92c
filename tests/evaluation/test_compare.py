"""Paired comparisons: honest on noise, sure of real gains, corrected when there are several."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fathom.base.errors import DataError
from fathom.evaluation.compare import Comparison, compare, corrected, holm
from fathom.evaluation.paired import delong_test, paired_t_test
from fathom.evaluation.replicates import Resampling
from fathom.evaluation.rows import Rows
from fathom.metrics.catalogue import METRICS
from fathom.metrics.record import Answer, Metric

BINARY, REGRESSION = METRICS["binary"], METRICS["regression"]
Make = Callable[[np.random.Generator], tuple[Rows, Answer, Answer]]


def of_score(score: np.ndarray) -> Answer:
    return Answer.of_classes(np.stack([1 - score, score], axis=1))


def noise_against_constant(num_rows: int, share: float) -> Make:
    def make(rng: np.random.Generator) -> tuple[Rows, Answer, Answer]:
        truth = (rng.random(num_rows) < share).astype(int)
        rows = Rows(task="binary", truth=truth)
        return rows, of_score(rng.random(num_rows)), of_score(np.full(num_rows, share))

    return make


def equally_good(num_rows: int) -> Make:
    def make(rng: np.random.Generator) -> tuple[Rows, Answer, Answer]:
        shared = rng.normal(size=num_rows)
        ours, theirs = (Answer(number=shared + 0.5 * rng.normal(size=num_rows)) for _ in range(2))
        return Rows(task="regression", truth=np.zeros(num_rows)), ours, theirs

    return make


def rarely_apart(num_rows: int) -> Make:
    def make(rng: np.random.Generator) -> tuple[Rows, Answer, Answer]:
        luck = rng.random(num_rows)
        ours, theirs = (luck > 0.05).astype(int), ((luck < 0.05) | (luck > 0.1)).astype(int)
        rows = Rows(task="binary", truth=np.ones(num_rows, dtype=int))
        return rows, Answer(label=ours), Answer(label=theirs)

    return make


def claims(make: Make, metric: Metric, trials: int) -> tuple[int, int]:
    """How often ours is called better, and worse."""
    told = [
        compare(*make(np.random.default_rng(seed)), metric, Resampling(draws=300, seed=seed)).better
        for seed in range(trials)
    ]
    return told.count(True), told.count(False)


NULLS = {
    "noise, rare class": (noise_against_constant(150, 0.1), BINARY["roc_auc"]),
    "noise, balanced": (noise_against_constant(60, 0.5), BINARY["roc_auc"]),
    "equal regressions": (equally_good(50), REGRESSION["rmse"]),
}


@pytest.mark.parametrize("case", NULLS)
def test_noise_is_seldom_called_better(case: str) -> None:
    # With a true rate of 2.5 % more than 8 of 100 happen about once in a thousand.
    better, worse = claims(*NULLS[case], trials=100)
    assert better <= 8
    assert worse <= 8


@pytest.mark.slow
@pytest.mark.parametrize("case", [*NULLS, "few disagreements"])
def test_noise_is_called_better_no_more_often_than_it_may(case: str) -> None:
    make, metric = {**NULLS, "few disagreements": (rarely_apart(60), BINARY["accuracy"])}[case]
    better, worse = claims(make, metric, trials=1500)
    # 2.5 % and two standard errors of 1500 trials, and half a percent that few rows may cost
    assert better / 1500 <= 0.025 + 0.008 + 0.005
    assert worse / 1500 <= 0.025 + 0.008 + 0.005


def test_real_gains_are_seen() -> None:
    rng = np.random.default_rng(0)
    rows = Rows(task="regression", truth=np.zeros(200))
    good, bad = Answer(number=rng.normal(size=200)), Answer(number=1.5 * rng.normal(size=200))
    found = compare(rows, good, bad, REGRESSION["rmse"])
    assert found.better is True
    assert found.high is not None
    assert found.high < 0
    assert compare(rows, bad, good, REGRESSION["rmse"]).better is False


def test_what_both_have_in_common_cancels() -> None:
    """Paired: a small gain on every row is seen through errors that are much larger."""
    rng = np.random.default_rng(0)
    error = 10 * rng.normal(size=100)
    rows = Rows(task="regression", truth=np.zeros(100))
    found = compare(rows, Answer(number=0.99 * error), Answer(number=error), REGRESSION["rmse"])
    assert found.better is True
    assert found.p_value is not None
    assert found.p_value < 1e-6


def test_an_answer_is_not_better_than_itself() -> None:
    rng = np.random.default_rng(0)
    rows, ours, _ = noise_against_constant(80, 0.5)(rng)
    found = compare(rows, ours, ours, BINARY["roc_auc"])
    assert (found.difference, found.better, found.p_value) == (0.0, None, 1.0)


def test_swapping_the_two_turns_the_signs() -> None:
    rows, ours, theirs = equally_good(70)(np.random.default_rng(3))
    forth = compare(rows, ours, theirs, REGRESSION["mae"])
    back = compare(rows, theirs, ours, REGRESSION["mae"])
    assert forth.difference == -back.difference
    assert forth.low == pytest.approx(-np.asarray(back.high))
    assert forth.p_value == pytest.approx(back.p_value)


def test_p_values_agree_with_delong() -> None:
    for seed in range(6):
        rng = np.random.default_rng(seed)
        truth = rng.integers(0, 2, 300)
        base = truth + rng.normal(size=300)
        first, second = base + 0.3 * rng.normal(size=300), base + 0.8 * rng.normal(size=300)
        ours, theirs = (of_score(1 / (1 + np.exp(-score))) for score in (first, second))
        rows = Rows(task="binary", truth=truth)
        found = compare(rows, ours, theirs, BINARY["roc_auc"], Resampling(draws=4000))
        test = delong_test(truth, first, second)
        assert found.difference == pytest.approx(test.difference)
        assert found.p_value == pytest.approx(test.p_value, abs=0.03, rel=0.3)


def test_p_values_agree_with_student() -> None:
    for seed in range(6):
        rows, ours, theirs = equally_good(200)(np.random.default_rng(seed))
        found = compare(rows, ours, theirs, REGRESSION["rmse"], Resampling(draws=4000))
        test = paired_t_test(np.asarray(ours.number), np.asarray(theirs.number))
        assert found.p_value == pytest.approx(test.p_value, abs=0.03)


def test_clusters_make_claims_harder() -> None:
    rng = np.random.default_rng(1)
    cluster = np.repeat(np.arange(15), 20)
    gain = np.repeat(rng.normal(0.1, 0.5, 15), 20)
    ours, theirs = Answer(number=np.full(300, 2.0) - gain), Answer(number=np.full(300, 2.0))
    apart = Rows(task="regression", truth=np.zeros(300))
    together = Rows(task="regression", truth=np.zeros(300), cluster=cluster)
    by_row = compare(apart, ours, theirs, REGRESSION["mae"])
    by_cluster = compare(together, ours, theirs, REGRESSION["mae"])
    assert by_row.difference == pytest.approx(by_cluster.difference)
    assert by_row.better is not None
    assert by_cluster.better is None


@pytest.mark.parametrize(
    ("truth", "reason"),
    [
        (np.tile([0, 1, 0], 3), "only 9 rows, too few to compare"),
        (
            np.repeat([0, 1], [60, 9]),
            "only 9 rows of the rarer class, too few to compare",
        ),
    ],
)
def test_no_claim_from_too_few_rows(truth: np.ndarray, reason: str) -> None:
    rows = Rows(task="binary", truth=truth)
    perfect, guess = Answer.of_classes(np.eye(2)[truth]), of_score(np.full(len(truth), 0.5))
    found = compare(rows, perfect, guess, BINARY["roc_auc"])
    assert (found.better, found.low, found.p_value) == (None, None, None)
    assert found.reason == reason
    assert found.wording == f"roc_auc 1 against 0.5: not told apart from the other ({reason})."


def test_a_metric_that_cannot_be_had_is_told() -> None:
    rows = Rows(task="binary", truth=np.ones(20, dtype=int))
    half = of_score(np.full(20, 0.5))
    with pytest.raises(DataError, match="Two answers cannot be compared by roc_auc") as caught:
        compare(rows, half, half, BINARY["roc_auc"])
    assert caught.value.got == "all rows are of one class"


def test_the_wording_holds_the_figures() -> None:
    said = Comparison(
        metric="rmse",
        against="linear",
        ours=44102.3,
        theirs=46870.0,
        low=-3600.0,
        high=-1900.0,
        p_value=0.0021,
        better=True,
    )
    assert said.wording == (
        "rmse 44,102 against 46,870: better than linear (difference -2,768, 95 % interval -3,600 "
        "to -1,900, p = 0.0021)."
    )
    assert said.to_dict()["difference"] == pytest.approx(-2767.7)
    several = replace(said, corrected=True, together=4)
    assert several.evidence == (
        "difference -2,768, 95 % interval -3,600 to -1,900 for this line alone, p = 0.0021 "
        "corrected for 4 such lines"
    )
    assert several.to_dict()["together"] == 4
    assert replace(said, corrected=True).evidence == said.evidence, "one needs no correction"


@given(st.lists(st.floats(0, 1), min_size=1, max_size=9))
def test_holm_against_its_definition(p_values: list[float]) -> None:
    """Step down by hand: reject the smallest while p ≤ level / (number left)."""
    adjusted = holm(p_values)
    level = 0.05
    rejected: set[int] = set()
    for step, place in enumerate(np.argsort(p_values, kind="stable")):
        if p_values[place] * (len(p_values) - step) > level:
            break
        rejected.add(int(place))
    assert {i for i, p in enumerate(adjusted) if p <= level} == rejected
    assert all(p <= q for p, q in zip(p_values, adjusted, strict=True))


def test_claims_that_fail_the_correction_are_withdrawn() -> None:
    def claim(metric: str, p_value: float | None) -> Comparison:
        better = None if p_value is None else True
        return Comparison(
            metric=metric, against="x", ours=1, theirs=0, p_value=p_value, better=better
        )

    told = corrected([claim("a", 0.03), claim("b", None), claim("c", 0.001), claim("d", 0.04)])
    assert [item.better for item in told] == [None, None, True, None]
    assert [item.p_value for item in told] == [
        pytest.approx(0.06),
        None,
        pytest.approx(0.003),
        pytest.approx(0.06),
    ]
    assert [item.corrected for item in told] == [True, False, True, True]
    assert [item.together for item in told] == [3, 1, 3, 3]
