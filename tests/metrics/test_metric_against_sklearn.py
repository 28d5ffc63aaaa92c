"""Every metric that scikit-learn has, against scikit-learn: weights, ties, absent classes."""

from typing import Any

import numpy as np
import pytest
import sklearn.metrics

from fathom.metrics import labels, numbers, probabilities, ranking, sets

reference: Any = sklearn.metrics  # its stubs know fewer arguments than it has

NUM_ROWS = 101
rng = np.random.default_rng(0)
WEIGHTS = [None, rng.random(NUM_ROWS), rng.integers(1, 5, NUM_ROWS).astype(float)]
with_weights = pytest.mark.parametrize("weight", WEIGHTS, ids=["alike", "real", "whole"])

TRUE_NUMBERS = rng.normal(10, 2, NUM_ROWS)
NUMBERS = TRUE_NUMBERS + rng.normal(0, 1, NUM_ROWS)
FIVE = rng.choice(5, NUM_ROWS, p=[0.5, 0.3, 0.1, 0.06, 0.04])
GIVEN = np.where(rng.random(NUM_ROWS) < 0.6, np.minimum(FIVE, 3), rng.choice(4, NUM_ROWS))
TWO = (rng.random(NUM_ROWS) < 0.3).astype(int)
SCORE = (TWO + rng.normal(0, 1, NUM_ROWS)).round(1)  # rounded for ties
CALLED = (SCORE > 0.5).astype(int)
PROBABILITY = rng.dirichlet(np.ones(5), NUM_ROWS).round(2)
PROBABILITY /= PROBABILITY.sum(axis=1, keepdims=True)
PAIR = np.stack([1 - PROBABILITY[:, 0], PROBABILITY[:, 0]], axis=1)
SETS = (rng.random((NUM_ROWS, 3)) < 0.4).astype(int)
GIVEN_SETS = np.where(rng.random(SETS.shape) < 0.8, SETS, 1 - SETS)


@with_weights
def test_numbers(weight: np.ndarray | None) -> None:
    pairs = [
        (numbers.rmse, reference.root_mean_squared_error),
        (numbers.mae, reference.mean_absolute_error),
        (numbers.mape, reference.mean_absolute_percentage_error),
        (numbers.r2, reference.r2_score),
    ]
    for ours, theirs in pairs:
        expected = theirs(TRUE_NUMBERS, NUMBERS, sample_weight=weight)
        assert ours(TRUE_NUMBERS, NUMBERS, weight) == pytest.approx(expected)


@with_weights
@pytest.mark.parametrize("level", [0.05, 0.5, 0.9])
def test_pinball(weight: np.ndarray | None, level: float) -> None:
    expected = reference.mean_pinball_loss(TRUE_NUMBERS, NUMBERS, sample_weight=weight, alpha=level)
    assert numbers.pinball(TRUE_NUMBERS, NUMBERS, weight, level=level) == pytest.approx(expected)


@pytest.mark.parametrize("num_rows", [100, 101])
def test_the_median_error_is_the_usual_median(num_rows: int) -> None:
    truth, given = TRUE_NUMBERS[:num_rows], NUMBERS[:num_rows]
    expected = reference.median_absolute_error(truth, given)
    assert numbers.median_absolute_error(truth, given) == pytest.approx(expected)


@with_weights
def test_two_classes(weight: np.ndarray | None) -> None:
    pairs = [
        (labels.precision, reference.precision_score),
        (labels.recall, reference.recall_score),
        (labels.f1, reference.f1_score),
        (labels.matthews_corrcoef, reference.matthews_corrcoef),
        (labels.balanced_accuracy, reference.balanced_accuracy_score),
        (labels.accuracy, reference.accuracy_score),
    ]
    for ours, theirs in pairs:
        expected = theirs(TWO, CALLED, sample_weight=weight)
        assert ours(TWO, CALLED, weight) == pytest.approx(expected)


@with_weights
def test_five_classes_of_which_one_is_never_given(weight: np.ndarray | None) -> None:
    assert 4 in FIVE
    assert 4 not in GIVEN
    for ours, theirs in [
        (labels.precision, reference.precision_score),
        (labels.recall, reference.recall_score),
        (labels.f1, reference.f1_score),
    ]:
        for average, name in [("macro", "macro"), ("weighted", "weighted"), ("none", None)]:
            expected = theirs(FIVE, GIVEN, sample_weight=weight, average=name, zero_division=0)
            assert ours(FIVE, GIVEN, weight, average=average) == pytest.approx(expected)
    for ours, theirs in [
        (labels.matthews_corrcoef, reference.matthews_corrcoef),
        (labels.balanced_accuracy, reference.balanced_accuracy_score),
        (labels.confusion_matrix, reference.confusion_matrix),
    ]:
        expected = theirs(FIVE, GIVEN, sample_weight=weight)
        assert ours(FIVE, GIVEN, weight) == pytest.approx(expected)


def test_macro_leaves_out_classes_that_nobody_mentions() -> None:
    truth, given = np.array([0, 0, 3, 3]), np.array([0, 3, 3, 3])
    expected = reference.f1_score(truth, given, average="macro")
    assert labels.f1(truth, given, average="macro") == pytest.approx(expected)


def test_many_classes_take_the_other_way_of_counting() -> None:
    truth, given = rng.integers(0, 53, 997), rng.integers(0, 53, 997)
    given[:500] = truth[:500]
    expected = reference.f1_score(truth, given, average="macro")
    assert labels.f1(truth, given, average="macro") == pytest.approx(expected)


@with_weights
def test_ranking_with_ties(weight: np.ndarray | None) -> None:
    for ours, theirs in [
        (ranking.roc_auc, reference.roc_auc_score),
        (ranking.average_precision, reference.average_precision_score),
    ]:
        expected = theirs(TWO, SCORE, sample_weight=weight)
        assert ours(TWO, SCORE, weight) == pytest.approx(expected)


@with_weights
def test_several_classes_are_ranked_one_against_the_rest(weight: np.ndarray | None) -> None:
    expected = reference.roc_auc_score(
        FIVE, PROBABILITY, sample_weight=weight, multi_class="ovr", average="macro"
    )
    assert ranking.roc_auc(FIVE, PROBABILITY, weight) == pytest.approx(expected)
    one_hot = np.eye(5)[FIVE]
    expected = reference.average_precision_score(one_hot, PROBABILITY, sample_weight=weight)
    assert ranking.average_precision(FIVE, PROBABILITY, weight) == pytest.approx(expected)


@with_weights
def test_probabilities(weight: np.ndarray | None) -> None:
    for truth, probability in [(FIVE, PROBABILITY), (TWO, PAIR)]:
        classes = list(range(probability.shape[1]))
        expected = reference.log_loss(truth, probability, sample_weight=weight, labels=classes)
        assert probabilities.log_loss(truth, probability, weight) == pytest.approx(expected)
        expected = reference.brier_score_loss(
            truth, probability, sample_weight=weight, labels=classes
        )
        assert probabilities.brier_score(truth, probability, weight) == pytest.approx(expected)


@with_weights
def test_sets(weight: np.ndarray | None) -> None:
    for average in ("micro", "macro"):
        expected = reference.f1_score(SETS, GIVEN_SETS, sample_weight=weight, average=average)
        assert sets.set_f1(SETS, GIVEN_SETS, weight, average=average) == pytest.approx(expected)
    expected = reference.accuracy_score(SETS, GIVEN_SETS, sample_weight=weight)
    assert sets.subset_accuracy(SETS, GIVEN_SETS, weight) == pytest.approx(expected)
    expected = reference.average_precision_score(SETS, PROBABILITY[:, :3], sample_weight=weight)
    assert sets.set_average_precision(SETS, PROBABILITY[:, :3], weight) == pytest.approx(expected)
