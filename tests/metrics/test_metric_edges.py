"""Where metrics cannot be had, or are easily computed wrong."""

import numpy as np
import pytest

from fathom.base.errors import DataError, RecipeError
from fathom.metrics.catalogue import METRICS, PRIMARY, metric_named
from fathom.metrics.labels import ClassCounts, accuracy, balanced_accuracy, f1, matthews_corrcoef
from fathom.metrics.numbers import interval_coverage, mape, r2, rmse
from fathom.metrics.probabilities import expected_calibration_error, log_loss
from fathom.metrics.ranking import average_precision, roc_auc
from fathom.metrics.record import Answer
from fathom.metrics.sets import set_average_precision
from fathom.metrics.weights import sums_by_code, weighted_median

BINARY = METRICS["binary"]
REGRESSION = METRICS["regression"]


@pytest.mark.parametrize("name", ["roc_auc", "matthews_corrcoef"])
def test_one_class_only_is_told(name: str) -> None:
    answer = Answer.of_classes(np.random.default_rng(0).dirichlet([1, 1], 13))
    for code in (0, 1):
        truth = np.full(13, code)
        assert BINARY[name].why_absent(truth, answer) == "all rows are of one class"
        assert np.isnan(BINARY[name].value(truth, answer))


@pytest.mark.parametrize("name", ["average_precision", "recall"])
def test_no_positive_row_is_told(name: str) -> None:
    answer = Answer.of_classes(np.random.default_rng(0).dirichlet([1, 1], 13))
    reason = BINARY[name].why_absent(np.zeros(13, dtype=int), answer)
    assert reason == "no row has the positive class"


def test_rows_without_weight_do_not_bring_a_class_in() -> None:
    truth = np.array([0, 0, 0, 1])
    answer = Answer.of_classes(np.random.default_rng(0).dirichlet([1, 1], 4))
    weight = np.array([1.0, 1.0, 1.0, 0.0])
    assert BINARY["roc_auc"].why_absent(truth, answer, weight) == "all rows are of one class"


def test_a_missing_part_is_told() -> None:
    reason = REGRESSION["interval_coverage"].why_absent(np.ones(3), Answer(number=np.ones(3)))
    assert reason == "there is no interval among the answers"


def test_a_constant_target_has_no_r2() -> None:
    truth = np.full(7, 0.1)
    assert np.isnan(r2(truth, np.arange(7.0)))
    reason = REGRESSION["r2"].why_absent(truth, Answer(number=np.arange(7.0)))
    assert reason == "the true values are all the same"


def test_r2_survives_large_numbers() -> None:
    truth = 1e9 + np.arange(11.0)
    assert r2(truth, truth + 1) == pytest.approx(1 - 11 / 110)


def test_percentages_need_targets_away_from_nought() -> None:
    truth = np.array([100.0, 120.0, 0.5, 90.0, 0.0])
    answer = Answer(number=truth + 1)
    told = "2 true values are so near nought that a percentage says nothing"
    assert REGRESSION["mape"].why_absent(truth, answer) == told
    assert np.isinf(mape(truth, truth + 1))


def test_a_constant_answer_is_no_better_than_chance() -> None:
    truth = np.repeat([0, 1], [19, 11])
    assert roc_auc(truth, np.full(30, 0.3)) == 0.5
    assert average_precision(truth, np.full(30, 0.3)) == pytest.approx(11 / 30)
    assert matthews_corrcoef(truth, np.zeros(30, dtype=int)) == 0.0


def test_ranking_against_a_naive_count_of_pairs() -> None:
    rng = np.random.default_rng(5)
    truth, score = rng.integers(0, 2, 41), rng.integers(0, 9, 41).astype(float)
    weight = rng.random(41)
    won = total = 0.0
    for i in np.flatnonzero(truth == 1):
        for j in np.flatnonzero(truth == 0):
            total += weight[i] * weight[j]
            won += weight[i] * weight[j] * ((score[i] > score[j]) + 0.5 * (score[i] == score[j]))
    assert roc_auc(truth, score, weight) == pytest.approx(won / total)


def test_scores_that_are_not_numbers_are_not_ranked() -> None:
    truth, score = np.array([0, 1, 1]), np.array([0.1, np.nan, 0.3])
    assert np.isnan(roc_auc(truth, score))
    assert np.isnan(average_precision(truth, score))


def test_absent_classes_are_left_out_of_the_average() -> None:
    truth = np.array([0, 0, 1, 1])
    probability = np.array([[0.8, 0.1, 0.1], [0.5, 0.4, 0.1], [0.1, 0.8, 0.1], [0.6, 0.3, 0.1]])
    first, second = roc_auc(1 - truth, probability[:, 0]), roc_auc(truth, probability[:, 1])
    assert roc_auc(truth, probability) == pytest.approx((first + second) / 2)


def test_a_class_that_is_only_given_is_not_there_to_be_found() -> None:
    truth, label = np.array([0, 0, 1, 1]), np.array([0, 0, 1, 2])
    assert balanced_accuracy(truth, label) == pytest.approx((1 + 0.5) / 2)


def test_a_label_that_no_row_carries_is_left_out() -> None:
    truth = np.array([[1, 0], [0, 0], [1, 0]])
    probability = np.array([[0.9, 0.5], [0.1, 0.5], [0.8, 0.5]])
    assert set_average_precision(truth, probability) == 1.0


def test_certainty_in_a_mistake_is_finite_and_dear() -> None:
    sure = np.array([[1.0, 0.0]])
    assert log_loss(np.array([1]), sure) == pytest.approx(-np.log(np.finfo(np.float64).eps))
    narrow = sure.astype(np.float32)
    assert log_loss(np.array([1]), narrow) == pytest.approx(-np.log(np.finfo(np.float32).eps))


def test_a_resample_without_a_class_gives_nan_there_only() -> None:
    truth, score = np.array([0, 0, 1]), np.array([0.1, 0.3, 0.2])
    stack = np.array([[1.0, 1.0, 1.0], [1.0, 1.0, 0.0], [0.0, 0.0, 0.0]])
    assert roc_auc(truth, score, stack) == pytest.approx([0.5, np.nan, np.nan], nan_ok=True)


def test_calibration_error_by_hand() -> None:
    claimed = np.array([0.1, 0.1, 0.9, 0.9])
    pair = np.stack([1 - claimed, claimed], axis=1)
    # In the lower bin 0.1 is claimed and half come true, in the upper 0.9 and all do.
    value = expected_calibration_error(np.array([0, 1, 1, 1]), pair)
    assert value == pytest.approx((0.4 + 0.1) / 2)


def test_calibration_error_of_true_probabilities_goes_to_nought() -> None:
    rng = np.random.default_rng(0)
    claimed = rng.random(40_000)
    truth = (rng.random(40_000) < claimed).astype(int)
    pair = np.stack([1 - claimed, claimed], axis=1)
    for adaptive in (False, True):
        assert expected_calibration_error(truth, pair, adaptive=adaptive) < 0.01
        shifted = np.clip(pair + np.array([-0.1, 0.1]), 0, 1)
        assert expected_calibration_error(truth, shifted, adaptive=adaptive) > 0.08


def test_several_classes_are_judged_by_the_highest_probability() -> None:
    probability = np.array([[0.7, 0.2, 0.1]] * 10)
    truth = np.array([0] * 7 + [1] * 3)
    assert expected_calibration_error(truth, probability) == pytest.approx(0.0, abs=1e-12)


def test_bounds_belong_to_the_interval() -> None:
    interval = np.array([[0.0, 1.0]] * 3)
    assert interval_coverage(np.array([0.0, 1.0, 1.1]), interval) == pytest.approx(2 / 3)


def test_the_weighted_median_by_hand() -> None:
    values = np.array([5.0, 1.0, 3.0])
    assert weighted_median(values, np.array([1.0, 1.0, 1.0])) == 3.0
    assert weighted_median(values, np.array([2.0, 1.0, 1.0])) == 4.0
    assert np.isnan(weighted_median(values, np.zeros(3)))


@pytest.mark.parametrize("num_codes", [3, 23])
def test_sums_by_code_against_a_loop(num_codes: int) -> None:
    rng = np.random.default_rng(num_codes)
    code, weight = rng.integers(0, num_codes, 43), rng.random((2, 5, 43))
    expected = np.zeros((2, 5, num_codes))
    for row, place in enumerate(code):
        expected[..., place] += weight[..., row]
    assert sums_by_code(code, weight, num_codes) == pytest.approx(expected)


def test_a_class_without_rows_has_no_f1_of_its_own() -> None:
    per_class = f1(np.array([0, 2]), np.array([0, 2]), average="none")
    assert per_class == pytest.approx([1.0, np.nan, 1.0], nan_ok=True)
    counts = ClassCounts(np.zeros(2), np.array([3.0, 0.0]), np.array([3.0, 0.0]))
    assert counts.seen.tolist() == [True, False]


def test_lengths_that_differ_are_told() -> None:
    with pytest.raises(DataError, match="Truth and answers do not have the same number of rows"):
        rmse(np.ones(3), np.ones(4))
    with pytest.raises(DataError, match=r"The weights do not fit the rows.*\n.*3 weights"):
        rmse(np.ones(3), np.ones(3), np.ones(2))


@pytest.mark.parametrize("bad", [-1.0, np.nan])
def test_weights_must_be_sizes(bad: float) -> None:
    with pytest.raises(DataError, match="A row's weight is negative or not a number"):
        accuracy(np.array([0, 1]), np.array([0, 1]), np.array([1.0, bad]))


def test_an_unknown_metric_names_the_nearest() -> None:
    with pytest.raises(RecipeError, match="Did you mean 'roc_auc'") as caught:
        metric_named("binary", "roc_auk")
    assert caught.value.what == "There is no metric 'roc_auk' for binary."


def test_each_task_has_a_primary_metric_with_a_direction_and_an_interval() -> None:
    for task in METRICS:
        primary = metric_named(task)
        assert primary.name == PRIMARY[task]
        assert primary.headline
        assert primary.greater_is_better is not None


def test_a_threshold_decides_the_label() -> None:
    pair = np.array([[0.7, 0.3], [0.2, 0.8]])
    assert np.asarray(Answer.of_classes(pair).label).tolist() == [0, 1]
    assert np.asarray(Answer.of_classes(pair, threshold=0.3).label).tolist() == [1, 1]
    assert np.asarray(Answer.of_sets(np.array([[0.5, 0.4]])).label).tolist() == [[1, 0]]
