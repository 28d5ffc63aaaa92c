"""Calibration rows with weights and in groups: quantiles by naive loops, coverage by trials."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fathom.base.errors import DataError
from fathom.evaluation.conformal import conformal_quantile, fit_residual_band
from fathom.evaluation.counting import Counting
from fathom.evaluation.cross_conformal import cross_interval, cross_sets

TRIALS = 300


def naive_quantile(scores: np.ndarray, counting: Counting, miss: float) -> float:
    """The smallest score that has, with those below, the share that is needed."""
    for score in sorted(scores):
        if counting.share[scores <= score].sum() >= (1 - miss) * (1 + 1 / counting.units) - 1e-9:
            return score
    return max(scores)


WEIGHTS = st.lists(st.sampled_from([0.5, 1.0, 2.0, 3.0]), min_size=29, max_size=41)


@given(WEIGHTS, st.integers(0, 99))
def test_the_weighted_quantile_by_a_naive_loop(weights: list[float], seed: int) -> None:
    draw = np.random.default_rng(seed)
    scores = draw.integers(0, 17, len(weights)).astype(float)
    counting = Counting.of(len(weights), np.array(weights), draw.integers(0, 19, len(weights)))
    if counting.units >= 9:
        assert conformal_quantile(scores, 0.1, counting) == naive_quantile(scores, counting, 0.1)


def test_equal_weights_change_nothing() -> None:
    draw = np.random.default_rng(0)
    scores, fold = draw.exponential(size=53), np.arange(53) % 5
    new = draw.normal(size=(5, 11))
    each = Counting.of(53, np.full(53, 0.3), np.arange(53))
    assert conformal_quantile(scores, 0.1, each) == conformal_quantile(scores, 0.1)
    unlike = Counting(each.share, each.units * (1 + 1e-7))  # the long way, to the same end
    assert not unlike.alike
    np.testing.assert_allclose(
        cross_interval(scores, fold, new, 0.1, unlike), cross_interval(scores, fold, new, 0.1)
    )
    classes = draw.random((5, 11, 3))
    unlike = Counting.of(53, np.full(53, 0.3))
    np.testing.assert_array_equal(
        cross_sets(scores, fold, classes, 0.1, unlike), cross_sets(scores, fold, classes, 0.1)
    )


def test_weighted_cross_sets_by_a_naive_loop() -> None:
    draw = np.random.default_rng(1)
    scores, fold = draw.random(41), draw.integers(0, 3, 41)
    new = draw.random((3, 7, 5))
    counting = Counting.of(41, draw.choice([1.0, 4.0], 41))
    found = cross_sets(scores, fold, new, 0.2, counting)
    for row in range(7):
        least = new.mean(axis=0)[row].argmin()
        for label in range(5):
            share = sum(
                s
                for s, score, k in zip(counting.share, scores, fold, strict=True)
                if score >= new[k, row, label]
            )
            inside = (1 / counting.units + share) / (1 + 1 / counting.units) > 0.2 + 1e-9
            assert found[row, label] == (inside or label == least)


def test_weighted_rows_are_covered_by_weight() -> None:
    """Heavy rows are uncertain ones here: by plain counting their truths are missed too often."""
    draw = np.random.default_rng(2)
    covered = {"weighted": 0.0, "plain": 0.0}
    for _ in range(TRIALS):
        weight = draw.choice([1.0, 9.0], 131)
        truth = draw.normal(size=131) * weight
        new_weight = draw.choice([1.0, 9.0], 200)
        new = draw.normal(size=200) * new_weight
        for name, counting in (("weighted", Counting.of(131, weight)), ("plain", None)):
            band = fit_residual_band(truth, np.zeros(131), 0.1, counting=counting)
            covered[name] += np.average(np.abs(new) <= band.reach, weights=new_weight) / TRIALS
    assert covered["weighted"] == pytest.approx(0.905, abs=0.015)
    assert covered["plain"] < 0.85


def test_rows_of_new_groups_are_covered() -> None:
    """Rows of a group err together: of few groups, plain counting promises too much."""
    draw = np.random.default_rng(3)
    covered = {"groups": 0.0, "plain": 0.0}
    for _ in range(TRIALS):
        group = np.repeat(np.arange(11), 23)
        truth = draw.normal(size=11)[group] + 0.1 * draw.normal(size=len(group))
        new = draw.normal(size=100) + 0.1 * draw.normal(size=100)
        for name, cluster in (("groups", group), ("plain", None)):
            counting = Counting.of(len(group), cluster=cluster)
            reach = fit_residual_band(truth, np.zeros(len(group)), 0.1, counting=counting).reach
            covered[name] += (np.abs(new) <= reach).mean() / TRIALS
    assert covered["groups"] > 0.9
    assert covered["plain"] < 0.88


def test_few_groups_promise_nothing() -> None:
    group = np.repeat(np.arange(8), 100)
    with pytest.raises(DataError) as caught:
        fit_residual_band(np.zeros(800), np.zeros(800), counting=Counting.of(800, cluster=group))
    assert caught.value.what == "Too few calibration groups to promise 90 % coverage."
    assert caught.value.expected == "9 groups or more that chose nothing else"
    assert caught.value.got == "8, which is what 800 rows are worth"


def test_rows_without_weight_promise_nothing() -> None:
    with pytest.raises(DataError, match="Too few calibration rows"):
        conformal_quantile(np.zeros(99), 0.1, Counting.of(99, np.zeros(99)))
