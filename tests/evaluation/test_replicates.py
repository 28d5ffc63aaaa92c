"""Resamples: drawn by rows or clusters, the same for all answers, repeatable."""

import numpy as np
import pytest

from fathom.evaluation.replicates import (
    Replicates,
    Resampling,
    drawn_counts,
    left_out_counts,
    replicate,
)
from fathom.evaluation.rows import Rows
from fathom.metrics.catalogue import METRICS
from fathom.metrics.record import Answer

REGRESSION = METRICS["regression"]
RMSE, MAE = REGRESSION["rmse"], REGRESSION["mae"]


def problem(num_rows: int = 53, seed: int = 0) -> tuple[Rows, Answer]:
    rng = np.random.default_rng(seed)
    truth = rng.normal(size=num_rows)
    return Rows(task="regression", truth=truth), Answer(number=truth + rng.normal(size=num_rows))


def test_each_draw_takes_as_many_units_as_there_are() -> None:
    counts = np.concatenate(list(drawn_counts(31, 17, 5, np.random.default_rng(0))))
    assert counts.shape == (17, 31)
    assert (counts.sum(axis=1) == 31).all()


def test_draws_are_uniform() -> None:
    counts = np.concatenate(list(drawn_counts(7, 3000, 100, np.random.default_rng(0))))
    assert counts.mean(axis=0) == pytest.approx(np.ones(7), abs=0.08)
    assert counts.var(axis=0) == pytest.approx(np.full(7, 6 / 7), abs=0.1)


def test_every_unit_is_left_out_once() -> None:
    counts = np.concatenate(list(left_out_counts(13, 4, np.random.default_rng(0))))
    assert (counts == 1 - np.eye(13)).all()
    many = np.concatenate(list(left_out_counts(1009, 16, np.random.default_rng(0))))
    assert many.shape == (200, 1009)
    assert ((1 - many).sum(axis=0) == 1).all()


def test_a_draw_is_the_score_of_the_drawn_rows() -> None:
    rows, answer = problem()
    found = replicate(rows, {"a": answer}, [RMSE], Resampling(draws=1000))["a"]["rmse"]
    error = rows.truth - np.asarray(answer.number)
    assert found.value == pytest.approx(np.sqrt(np.mean(error**2)))
    left = [np.sqrt(np.mean(np.delete(error, place) ** 2)) for place in range(len(error))]
    assert found.left_out == pytest.approx(left)
    theory = np.std(error**2) / np.sqrt(len(error)) / (2 * found.value)
    assert found.standard_error() == pytest.approx(theory, rel=0.15)


def test_all_answers_and_metrics_see_the_same_draws() -> None:
    rows, answer = problem()
    shifted = Answer(number=np.asarray(answer.number) + 0.0)
    both = replicate(rows, {"a": answer, "b": shifted}, [RMSE, MAE])
    assert (both["a"]["rmse"].draws == both["b"]["rmse"].draws).all()
    alone = replicate(rows, {"b": shifted}, [MAE])
    assert both["b"]["mae"].draws == pytest.approx(alone["b"]["mae"].draws)


def test_the_seed_decides() -> None:
    rows, answer = problem()
    one, two, other = (
        replicate(rows, {"a": answer}, [RMSE], Resampling(seed=seed))["a"]["rmse"].draws
        for seed in (5, 5, 6)
    )
    assert (one == two).all()
    assert not (one == other).any()


def test_clusters_stand_or_fall_together() -> None:
    rng = np.random.default_rng(0)
    cluster = np.repeat(np.array([f"patient {i}" for i in range(41)]), 10)
    shared = rng.normal(size=41)
    answer = Answer(number=np.repeat(shared, 10))
    apart = Rows(task="regression", truth=np.zeros(410))
    together = Rows(task="regression", truth=np.zeros(410), cluster=cluster)
    by_row = replicate(apart, {"a": answer}, [MAE])["a"]["mae"]
    by_cluster = replicate(together, {"a": answer}, [MAE])["a"]["mae"]
    assert by_cluster.value == by_row.value
    ratio = by_cluster.standard_error() / by_row.standard_error()
    assert ratio == pytest.approx(np.sqrt(10), rel=0.15)
    assert len(by_cluster.left_out) == 41


def test_weights_count_within_a_draw() -> None:
    rows, answer = problem()
    weight = np.random.default_rng(1).random(len(rows))
    weighted = Rows(task="regression", truth=rows.truth, weight=weight)
    found = replicate(weighted, {"a": answer}, [RMSE])["a"]["rmse"]
    square = (rows.truth - np.asarray(answer.number)) ** 2
    assert found.value == pytest.approx(np.sqrt(np.average(square, weights=weight)))
    left = [
        np.sqrt(np.average(np.delete(square, place), weights=np.delete(weight, place)))
        for place in range(len(rows))
    ]
    assert found.left_out == pytest.approx(left)


def test_metrics_that_cannot_be_had_are_left_out() -> None:
    rows, answer = problem()
    found = replicate(rows, {"a": answer}, list(REGRESSION.values()), Resampling(draws=30))
    assert set(found["a"]) == {"rmse", "mae", "median_absolute_error", "r2"}
    assert replicate(rows, {"a": Answer()}, [RMSE]) == {"a": {}}


def test_degrees_of_freedom_count_the_rows_that_matter() -> None:
    rng = np.random.default_rng(0)
    normal = Replicates(0.0, np.zeros(2), rng.normal(size=400))
    assert normal.degrees_of_freedom() == pytest.approx(399, rel=0.15)
    few = np.zeros(400)
    few[:5] = [1, -1, 1, -1, 1]
    assert Replicates(0.0, np.zeros(2), few).degrees_of_freedom() == pytest.approx(10, rel=0.05)


@pytest.mark.parametrize("scale", [1e-100, 1e-60, 1.0, 1e60])
def test_degrees_of_freedom_do_not_depend_on_the_score_s_scale(scale: float) -> None:
    """A perfect model's log loss is so near 0 that plain fourth powers vanish."""
    pulls = np.random.default_rng(0).normal(size=400)
    degrees = Replicates(0.0, np.zeros(2), scale * pulls).degrees_of_freedom()
    assert degrees == pytest.approx(Replicates(0.0, np.zeros(2), pulls).degrees_of_freedom())


def test_fewer_draws_for_very_many_rows() -> None:
    plan = Resampling(draws=1000)
    assert [plan.draws_for(n) for n in (100, 16_000, 40_000, 10**7)] == [1000, 1000, 500, 250]
    assert Resampling(draws=100).draws_for(10**7) == 100
