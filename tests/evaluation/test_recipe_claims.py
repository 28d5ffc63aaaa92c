"""Claims about a recipe: seeds and rows both vary."""

import numpy as np
import pytest

from fathom.base.errors import DataError
from fathom.evaluation.compare import compare
from fathom.evaluation.recipe import compare_recipe
from fathom.evaluation.replicates import Resampling
from fathom.evaluation.rows import Rows
from fathom.metrics.catalogue import METRICS
from fathom.metrics.record import Answer

RMSE = METRICS["regression"]["rmse"]
PLAN = Resampling(draws=300)


def models(rng: np.random.Generator, quality: np.ndarray, num_rows: int) -> list[Answer]:
    return [Answer(number=size * rng.normal(size=num_rows)) for size in quality]


def test_one_lucky_seed_makes_no_recipe() -> None:
    rng = np.random.default_rng(0)
    rows = Rows(task="regression", truth=np.zeros(500))
    answers = models(rng, np.array([0.7, 0.8, 1.2]), 500)
    baseline = Answer(number=rng.normal(size=500))
    assert compare(rows, answers[0], baseline, RMSE, PLAN).better is True
    found = compare_recipe(rows, answers, ("linear", baseline), RMSE, PLAN)
    assert found.comparison.better is None
    assert found.seed_error > found.row_error
    assert found.scores == pytest.approx([0.7, 0.8, 1.2], abs=0.1)


def test_an_even_recipe_is_seen() -> None:
    rng = np.random.default_rng(1)
    rows = Rows(task="regression", truth=np.zeros(500))
    answers = models(rng, np.array([0.70, 0.72, 0.71]), 500)
    found = compare_recipe(
        rows, answers, ("linear", Answer(number=rng.normal(size=500))), RMSE, PLAN
    )
    assert found.comparison.better is True
    assert found.comparison.against == "linear"
    assert found.to_dict()["scores"] == found.scores.tolist()


def test_recipes_as_good_as_the_baseline_are_seldom_called_better() -> None:
    claims = 0
    for trial in range(120):
        rng = np.random.default_rng(trial)
        rows = Rows(task="regression", truth=np.zeros(200))
        # The recipe is as good as the baseline on average over seeds, which vary more than rows.
        answers = models(rng, 1 + 0.25 * rng.normal(size=4), 200)
        found = compare_recipe(rows, answers, ("b", models(rng, np.ones(1), 200)[0]), RMSE, PLAN)
        claims += found.comparison.better is True
    # With a true rate of 2.5 % more than 9 of 120 happen about once in a thousand.
    assert claims <= 9


def test_one_seed_is_refused() -> None:
    rows = Rows(task="regression", truth=np.zeros(20))
    answer = Answer(number=np.ones(20))
    with pytest.raises(DataError, match="needs models of several seeds"):
        compare_recipe(rows, [answer], ("b", answer), RMSE)


def test_models_without_any_difference_say_nothing() -> None:
    rows = Rows(task="regression", truth=np.zeros(20))
    answer = Answer(number=np.ones(20))
    found = compare_recipe(rows, [answer, answer], ("b", answer), RMSE, PLAN)
    assert found.comparison.better is None
    assert found.comparison.reason == "neither rows nor seeds vary"


def test_a_metric_that_cannot_be_had_is_told() -> None:
    rows = Rows(task="regression", truth=np.zeros(20))
    answer = Answer(number=np.full(20, np.nan))
    with pytest.raises(DataError, match="The recipe cannot be scored by rmse"):
        compare_recipe(rows, [answer, answer], ("b", answer), RMSE)
