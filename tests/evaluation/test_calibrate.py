"""Temperature and reliability: never worse on validation, refused on little, right on true odds."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar

from fathom.base.errors import DataError
from fathom.evaluation.calibrate import (
    fit_temperature,
    logits_of,
    reliability_curve,
    tempered_loss,
)
from fathom.metrics.probabilities import log_loss


def drawn(
    num_rows: int, classes: int, sharpen: float, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Truth drawn from softmax(logits), and logits that are too sure by a factor."""
    rng = np.random.default_rng(seed)
    logits = 1.5 * rng.normal(size=(num_rows, classes))
    noise = rng.gumbel(size=logits.shape)
    return (logits + noise).argmax(axis=1), sharpen * logits


@pytest.mark.parametrize("classes", [2, 5])
@pytest.mark.parametrize("sharpen", [0.4, 1.0, 3.0])
def test_the_factor_is_found(classes: int, sharpen: float) -> None:
    truth, logits = drawn(5000, classes, sharpen)
    assert fit_temperature(truth, logits).value == pytest.approx(sharpen, rel=0.12)


@pytest.mark.parametrize("classes", [2, 5])
def test_against_a_general_minimiser(classes: int) -> None:
    truth, logits = drawn(211, classes, 2.0)
    weight = np.random.default_rng(1).random(211)

    def loss(coldness: float) -> float:
        scaled = coldness * logits
        surprise = np.log(np.exp(scaled).sum(axis=1)) - scaled[np.arange(211), truth]
        return float(weight @ surprise / weight.sum())

    best: Any = minimize_scalar(loss, bounds=(0.1, 10), method="bounded", options={"xatol": 1e-9})
    found = fit_temperature(truth, logits, weight)
    assert 1 / found.value == pytest.approx(best.x, rel=1e-4)
    assert (found.before, found.after) == (pytest.approx(loss(1.0)), pytest.approx(best.fun))


@given(st.integers(0, 10_000), st.floats(0.05, 30.0))
@settings(max_examples=40, deadline=None)
def test_validation_log_loss_never_gets_worse(seed: int, sharpen: float) -> None:
    truth, logits = drawn(131, 3, sharpen, seed)
    found = fit_temperature(truth, logits)
    plain = float(log_loss(truth, fit_temperature(truth[:1], logits[:1]).apply(logits)))
    assert float(log_loss(truth, found.apply(logits))) <= plain + 1e-9
    assert 0.1 <= found.value <= 10


def test_the_most_probable_class_stays() -> None:
    truth, logits = drawn(500, 4, 3.0)
    found = fit_temperature(truth, logits)
    assert found.value > 1
    assert (found.apply(logits).argmax(axis=1) == logits.argmax(axis=1)).all()
    assert found.apply(logits).sum(axis=1) == pytest.approx(np.ones(500))


def test_probabilities_serve_as_logits() -> None:
    truth, logits = drawn(500, 3, 2.0)
    probability = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    from_logits, from_both = (
        fit_temperature(truth, logits),
        fit_temperature(truth, logits_of(probability)),
    )
    assert from_both.value == pytest.approx(from_logits.value)
    assert np.isfinite(logits_of(np.array([[0.0, 1.0]]))).all()


def test_all_right_stays_within_the_range_and_is_told() -> None:
    truth = np.tile([0, 1], 100)
    found = fit_temperature(truth, 2.0 * np.eye(2)[truth])
    assert found.value == pytest.approx(0.1)
    assert "not sure enough" in found.reason
    assert "end of the range" in found.reason


@pytest.mark.parametrize(
    ("truth", "told"),
    [
        (np.tile([0, 1], 49), "only 98 validation rows: 100 are needed for a temperature"),
        (
            np.repeat([0, 1], [200, 9]),
            "only 9 validation rows outside the commonest class: 10 are needed for a temperature",
        ),
    ],
)
def test_little_is_refused(truth: np.ndarray, told: str) -> None:
    found = fit_temperature(truth, np.random.default_rng(0).normal(size=(len(truth), 2)))
    assert (found.value, found.reason) == (1.0, told)


def test_logits_must_be_numbers() -> None:
    truth, logits = drawn(200, 2, 1.0)
    logits[7] = np.nan
    with pytest.raises(DataError, match="some logits are not finite numbers") as caught:
        fit_temperature(truth, logits)
    assert caught.value.got == "1 rows without"


def test_being_too_sure_does_not_count_at_the_best_temperature() -> None:
    rng = np.random.default_rng(0)
    truth, logits = rng.integers(0, 3, 40), rng.normal(size=(40, 3))
    logits[np.arange(40), truth] += 1.0
    weight = rng.uniform(0.5, 2, 40)
    least = min(
        log_loss(truth, np.exp(t * logits) / np.exp(t * logits).sum(1, keepdims=True), weight)
        for t in np.geomspace(0.1, 10, 2000)
    )
    assert tempered_loss(truth, 7 * logits, weight) == pytest.approx(least, rel=1e-4)
    assert tempered_loss(truth, logits, weight) == pytest.approx(least, rel=1e-4)


def test_the_reliability_curve_of_true_odds_is_the_diagonal() -> None:
    rng = np.random.default_rng(0)
    claimed = rng.random(20_000)
    truth = (rng.random(20_000) < claimed).astype(int)
    points = reliability_curve(truth, np.stack([1 - claimed, claimed], axis=1))
    assert len(points) == 10
    assert sum(point.num_rows for point in points) == 20_000
    held = [point.low <= point.claimed <= point.high for point in points]
    assert sum(held) >= 8
    for point in points:
        assert point.observed == pytest.approx(point.claimed, abs=0.04)


def test_weights_shift_the_reliability_curve() -> None:
    truth = np.array([0, 1] * 10)
    half = np.full((20, 2), 0.5)
    weight = np.where(truth == 1, 3.0, 1.0)
    (point,) = reliability_curve(truth, half, weight, adaptive=False)
    assert (point.claimed, point.observed) == (pytest.approx(0.5), pytest.approx(0.75))
    (plain,) = reliability_curve(truth, half, adaptive=False)
    assert point.high - point.low != pytest.approx(plain.high - plain.low)
