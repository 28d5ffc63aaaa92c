"""Conformal answers hold the truth as often as they say, whatever the model."""

import numpy as np
import pytest

from fathom.base.errors import DataError
from fathom.evaluation.conformal import (
    check_enough,
    conformal_quantile,
    fit_cumulative_sets,
    fit_quantile_band,
    fit_residual_band,
    fit_threshold_sets,
    gathered,
    interval_coverage_of,
    rows_needed,
    set_coverage_of,
)
from fathom.evaluation.counting import Counting
from fathom.evaluation.cross_conformal import cross_interval, cross_sets
from fathom.evaluation.rows import Rows

TRIALS = 400


def test_the_quantile_is_the_counted_one() -> None:
    scores = np.random.default_rng(0).permutation(np.arange(1.0, 100.0))
    # ceil(100 · 0.9) = 90, ceil(100 · 0.95) = 95
    assert conformal_quantile(scores, 0.1) == 90
    assert conformal_quantile(scores, 0.05) == 95
    assert conformal_quantile(np.arange(1.0, 10.0), 0.1) == 9


@pytest.mark.parametrize("miss", [0.01, 0.05, 0.1, 0.2, 1 / 3])
def test_one_row_fewer_than_needed_is_refused(miss: float) -> None:
    check_enough(Counting.of(rows_needed(miss)), miss)
    with pytest.raises(DataError, match="Too few calibration rows to promise"):
        check_enough(Counting.of(rows_needed(miss) - 1), miss)


def test_the_refusal_says_how_many() -> None:
    with pytest.raises(DataError) as caught:
        fit_residual_band(np.zeros(18), np.zeros(18), miss=0.05)
    assert caught.value.what == "Too few calibration rows to promise 95 % coverage."
    assert caught.value.expected == "19 rows or more that chose nothing else"
    assert caught.value.got == "18"


@pytest.mark.parametrize("miss", [0.0, 1.0, -0.1, 95.0])
def test_the_chance_of_missing_is_a_share(miss: float) -> None:
    with pytest.raises(DataError, match="must lie between 0 and 1"):
        check_enough(Counting.of(1000), miss)


def test_rows_without_an_answer_are_not_passed_over() -> None:
    with pytest.raises(DataError, match="Some calibration rows have no answer"):
        conformal_quantile(np.array([1.0] * 20 + [np.nan]), 0.1)


def expected_coverage(num_rows: int, miss: float) -> float:
    """Exact for scores without ties: the place of the quantile among n + 1."""
    return np.ceil((num_rows + 1) * (1 - miss) - 1e-9) / (num_rows + 1)


@pytest.mark.parametrize("num_rows", [19, 47])
@pytest.mark.parametrize("miss", [0.1, 0.2])
def test_residual_intervals_cover_exactly_as_counted(num_rows: int, miss: float) -> None:
    rng = np.random.default_rng(0)
    covered = 0.0
    for _ in range(TRIALS):
        truth, new = rng.exponential(size=num_rows), rng.exponential(size=50)
        interval = fit_residual_band(truth, np.full(num_rows, 0.7), miss).interval(np.full(50, 0.7))
        covered += ((interval[:, 0] <= new) & (new <= interval[:, 1])).mean()
    assert covered / TRIALS == pytest.approx(expected_coverage(num_rows, miss), abs=0.015)


def test_a_scale_makes_intervals_wide_where_it_is_uncertain() -> None:
    rng = np.random.default_rng(0)
    scale = rng.choice([0.5, 5.0], 4001)
    truth = scale * rng.normal(size=4001)
    half, rest = slice(0, 2000), slice(2000, None)
    zeros = np.zeros(4001)
    plain = fit_residual_band(truth[half], zeros[half], 0.1).interval(zeros[rest])
    scaled_band = fit_residual_band(truth[half], zeros[half], 0.1, scale[half])
    scaled = scaled_band.interval(zeros[rest], scale[rest])
    for interval, alike in [(plain, False), (scaled, True)]:
        inside = (interval[:, 0] <= truth[rest]) & (truth[rest] <= interval[:, 1])
        assert inside.mean() == pytest.approx(0.9, abs=0.025)
        calm, wild = inside[scale[rest] == 0.5].mean(), inside[scale[rest] == 5.0].mean()
        assert (abs(calm - wild) < 0.04) == alike


def test_a_scale_must_be_positive() -> None:
    with pytest.raises(DataError, match="A row's scale is not above nought"):
        fit_residual_band(np.zeros(20), np.zeros(20), 0.1, np.zeros(20))


@pytest.mark.parametrize("too_wide", [False, True])
def test_quantiles_are_moved_until_they_hold(too_wide: bool) -> None:
    rng = np.random.default_rng(0)
    spread = rng.uniform(0.5, 3, 6001)
    truth = spread * rng.normal(size=6001)
    reach = (3.0 if too_wide else 0.3) * spread
    quantiles = np.stack([-reach, reach], axis=1)
    band = fit_quantile_band(truth[:3000], quantiles[:3000], 0.1)
    assert (band.shift < 0) == too_wide
    interval = band.interval(quantiles[3000:])
    inside = (interval[:, 0] <= truth[3000:]) & (truth[3000:] <= interval[:, 1])
    assert inside.mean() == pytest.approx(0.9, abs=0.02)
    assert (interval[:, 0] <= interval[:, 1]).all()


@pytest.mark.parametrize("fit", [fit_threshold_sets, fit_cumulative_sets])
@pytest.mark.parametrize("sharpen", [0.3, 1.0, 4.0])
def test_sets_hold_the_true_class_even_of_a_wrong_model(fit, sharpen: float) -> None:
    rng = np.random.default_rng(0)
    logits = 1.5 * rng.normal(size=(6001, 5))
    truth = (logits + rng.gumbel(size=logits.shape)).argmax(axis=1)
    raw = np.exp(sharpen * logits)
    probability = raw / raw.sum(axis=1, keepdims=True)
    sets = fit(truth[:3000], probability[:3000], 0.1).sets(probability[3000:])
    inside = sets[np.arange(3001), truth[3000:]]
    assert inside.mean() >= 0.88
    assert inside.mean() <= 0.93
    assert sets.any(axis=1).all()


def test_threshold_sets_are_the_smaller() -> None:
    rng = np.random.default_rng(0)
    logits = 1.5 * rng.normal(size=(3001, 5))
    truth = (logits + rng.gumbel(size=logits.shape)).argmax(axis=1)
    probability = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    sizes = [
        fit(truth, probability, 0.1).sets(probability).sum(axis=1).mean()
        for fit in (fit_threshold_sets, fit_cumulative_sets)
    ]
    assert sizes[0] < sizes[1]


def test_gathered_probability_by_a_naive_loop() -> None:
    rng = np.random.default_rng(0)
    probability = rng.integers(1, 5, (31, 7)).astype(float)
    probability /= probability.sum(axis=1, keepdims=True)
    naive = [[row[row >= cell].sum() for cell in row] for row in probability]
    assert gathered(probability) == pytest.approx(np.array(naive))


def test_measured_coverage_has_an_interval() -> None:
    rng = np.random.default_rng(0)
    truth = rng.normal(size=300)
    interval = np.tile([-1.645, 1.645], (300, 1))
    found = interval_coverage_of(Rows(task="regression", truth=truth), interval)
    assert found.low is not None
    assert found.high is not None
    assert found.low < 0.9 < found.high
    classes = rng.integers(0, 3, 300)
    sets = rng.random((300, 3)) < 0.7
    measured = set_coverage_of(Rows(task="multiclass", truth=classes), sets)
    assert measured.value == pytest.approx(sets[np.arange(300), classes].mean())
    assert measured.low is not None
    assert measured.low < 0.7


def folds_of_means(rng: np.random.Generator, num_rows: int, num_new: int) -> tuple[np.ndarray, ...]:
    """Each fold's model is the mean of the rows outside it."""
    truth, new = rng.normal(size=num_rows), rng.normal(size=num_new)
    fold = np.arange(num_rows) % 5
    means = np.array([truth[fold != place].mean() for place in range(5)])
    return truth, new, fold, means


def test_cross_intervals_cover() -> None:
    rng = np.random.default_rng(0)
    covered = 0.0
    for _ in range(TRIALS):
        truth, new, fold, means = folds_of_means(rng, 30, 20)
        bounds = cross_interval(
            np.abs(truth - means[fold]), fold, np.tile(means[:, None], (1, 20)), 0.1
        )
        covered += ((bounds[:, 0] <= new) & (new <= bounds[:, 1])).mean()
    assert 0.88 <= covered / TRIALS <= 0.94


def test_cross_intervals_by_a_naive_loop() -> None:
    rng = np.random.default_rng(1)
    residual, fold = rng.random(23), rng.integers(0, 3, 23)
    predictions = rng.normal(size=(3, 11))
    bounds = cross_interval(residual, fold, predictions, 0.2)
    for new in range(11):
        lower = sorted(predictions[f, new] - r for f, r in zip(fold, residual, strict=True))
        upper = sorted(predictions[f, new] + r for f, r in zip(fold, residual, strict=True))
        # floor(0.2 · 24) = 4th smallest and ceil(0.8 · 24) = 20th smallest
        assert bounds[new] == pytest.approx([lower[3], upper[19]])


def test_cross_sets_match_a_naive_count() -> None:
    rng = np.random.default_rng(0)
    scores, fold = rng.random(59).round(1), rng.integers(0, 3, 59)  # rounded for ties
    new = rng.random((3, 20, 4)).round(1)
    sets = cross_sets(scores, fold, new, 0.1)
    for row in range(20):
        for label in range(4):
            count = sum(s >= new[f, row, label] for s, f in zip(scores, fold, strict=True))
            top = label == new[:, row].mean(axis=0).argmin()
            assert sets[row, label] == ((1 + count) / 60 > 0.1 or top)


def test_cross_sets_cover() -> None:
    rng = np.random.default_rng(0)
    covered = 0.0
    for _ in range(TRIALS):
        scores, fold = rng.random(41), np.arange(41) % 3
        # The true class is as strange as those of the other rows, and another class is less so.
        new = np.stack([rng.random(20), np.full(20, -1.0)], axis=1)
        covered += cross_sets(scores, fold, np.tile(new, (3, 1, 1)), 0.1)[:, 0].mean()
    assert covered / TRIALS == pytest.approx(expected_coverage(41, 0.1), abs=0.015)


def test_a_fold_without_a_model_is_told() -> None:
    with pytest.raises(DataError, match="A row belongs to a fold that has no model"):
        cross_interval(np.ones(20), np.full(20, 3), np.zeros((3, 1)))
