"""Thresholds: the best one by brute force, and ½ unless there is a reason."""

import numpy as np
import pytest

from fathom.base.errors import RecipeError
from fathom.evaluation.threshold import THRESHOLD_METRICS, choose_threshold
from fathom.metrics.catalogue import METRICS


def problem(share: float, num_rows: int = 397, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    truth = (rng.random(num_rows) < share).astype(int)
    score = 1 / (1 + np.exp(-(1.5 * truth + rng.normal(size=num_rows) - 2)))
    return truth, score.round(3)


@pytest.mark.parametrize("metric", THRESHOLD_METRICS)
@pytest.mark.parametrize("weighted", [False, True])
def test_no_threshold_is_better(metric: str, weighted: bool) -> None:
    truth, score = problem(0.3)
    weight = np.random.default_rng(1).random(len(truth)) if weighted else None
    found = choose_threshold(truth, score, weight, metric)

    def value(threshold: float) -> float:
        called = (score >= threshold).astype(int)
        return float(METRICS["binary"][metric].compute(truth, called, weight))

    best = max(value(cut) for cut in np.unique(score))
    assert value(found.value) == pytest.approx(best)
    assert found.metric == metric
    assert f"for {metric}" in found.reason or f"validation {metric}" in found.reason


def test_half_stays_when_classes_are_balanced() -> None:
    truth = np.tile([0, 1, 0, 0], 50)
    found = choose_threshold(truth, np.where(truth == 1, 0.3, 0.1))
    assert found.value == 0.5
    assert found.metric is None
    assert found.reason == "½: the classes are not far from balanced (rarer one 25 %)"


def test_strong_imbalance_moves_it() -> None:
    found = choose_threshold(*problem(0.1, 997))
    assert found.value < 0.4
    assert found.metric == "balanced_accuracy"
    assert "in place of" in found.reason


def test_few_rare_rows_cannot_place_it() -> None:
    found = choose_threshold(*problem(0.03), metric="f1")
    assert found.value == 0.5
    assert "validation rows of the rarer class, 25 are needed" in found.reason


def test_half_stays_when_nothing_beats_it() -> None:
    truth = np.tile([0, 1], 50)
    found = choose_threshold(truth, np.where(truth == 1, 0.9, 0.1), metric="f1")
    assert found.value == 0.5
    assert found.reason == "½: no threshold has a better validation f1"


def test_of_equal_thresholds_the_one_nearest_to_half() -> None:
    truth = np.repeat([0, 0, 1, 0, 1], 40)
    score = np.repeat([0.0, 0.3, 0.3, 0.6, 0.9], 40)
    found = choose_threshold(truth, score, metric="accuracy")
    assert found.value == pytest.approx(0.75)


def test_a_constant_score_has_no_threshold() -> None:
    truth = np.repeat([0, 1], [300, 40])
    assert choose_threshold(truth, np.full(340, 0.3)).value == 0.5


def test_an_unknown_metric_names_the_nearest() -> None:
    with pytest.raises(RecipeError, match="A threshold cannot be chosen for 'balanced_acuracy'"):
        choose_threshold(*problem(0.4), metric="balanced_acuracy")
