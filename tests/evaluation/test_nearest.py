"""The nearest rows as a baseline: against plain loops, with weights, gaps and every task."""

import numpy as np
import pytest

from fathom.evaluation import nearest_model
from fathom.evaluation.baseline_records import BaselineData, BaselinePlan, Labelled
from fathom.evaluation.baselines import Baseline, run_baselines

RNG = np.random.default_rng(0)
PIXELS = RNG.uniform(0, 255, (90, 12))


def data(rows: slice) -> BaselineData:
    numbers = PIXELS[rows]
    return BaselineData(numbers=numbers, categories=np.zeros((len(numbers), 0), dtype=np.int64))


def nearest(place: int, known: int = 60) -> list[int]:
    away = ((PIXELS[:known].astype(np.float32) - PIXELS[place].astype(np.float32)) ** 2).sum(1)
    return np.argsort(away, kind="stable")[:10].tolist()


def answers(task: str, truth: np.ndarray, weight: np.ndarray | None = None) -> Baseline:
    num = 0 if task == "regression" else 3
    plan = BaselinePlan(task=task, num_classes=num, threads=1)  # pyright: ignore[reportArgumentType]
    whole = Labelled(data=data(slice(0, 80)), truth=truth, weight=weight)
    train, held = whole.at(np.arange(60)), whole.at(np.arange(60, 80))
    (found,) = run_baselines(train, held, data(slice(80, 90)), plan, ["nearest"])
    assert found.absent == ""
    return found


def test_classes_are_voted_for_with_one_vote_for_what_is_usual() -> None:
    truth = RNG.integers(0, 3, 80)
    weight = RNG.uniform(0.5, 2, 80)
    found = answers("multiclass", truth, weight)
    usual = np.bincount(truth[:60], weights=weight[:60]) / weight[:60].sum()
    near = nearest(64)
    votes = np.bincount(truth[near], weights=weight[near], minlength=3)
    mean = weight[:60].mean()
    expected = (votes + usual * mean) / (weight[near].sum() + mean)
    assert found.validation.probability[4] == pytest.approx(expected)
    assert found.validation.probability.min() > 0


def test_numbers_are_the_mean_of_the_nearest() -> None:
    truth = RNG.normal(size=80)
    found = answers("regression", truth)
    assert found.validation.number[7] == pytest.approx(truth[nearest(67)].mean())


def test_sets_are_voted_for_label_by_label() -> None:
    truth = RNG.integers(0, 2, (80, 3))
    found = answers("multilabel", truth)
    usual = truth[:60].mean(0)
    expected = (truth[nearest(60)].sum(0) + usual) / 11
    assert found.validation.probability[0] == pytest.approx(expected)


def test_pictures_that_are_missing_count_as_the_mean() -> None:
    numbers = PIXELS.copy()
    numbers[3] = np.nan
    whole = BaselineData(numbers=numbers, categories=np.zeros((90, 0), dtype=np.int64))
    plan = BaselinePlan(task="regression", threads=1)
    train = Labelled(data=whole.at(np.arange(60)), truth=np.arange(60.0))
    (found,) = run_baselines(train, train, whole.at(np.arange(80, 90)), plan, ["nearest"])
    assert found.test is not None
    assert np.isfinite(found.test.number).all()  # pyright: ignore[reportArgumentType]


def test_a_search_too_long_is_cut_and_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nearest_model, "_MOST_ROWS", 30)
    found = answers("regression", RNG.normal(size=80))
    assert found.limits == "on 30 of 60 rows"


def test_without_numbers_it_is_absent() -> None:
    empty = BaselineData(numbers=np.zeros((9, 0)), categories=np.zeros((9, 1), dtype=np.int64))
    train = Labelled(data=empty, truth=np.arange(9.0))
    plan = BaselinePlan(task="regression", threads=1)
    (found,) = run_baselines(train, train, empty, plan, ["nearest"])
    assert found.absent == (
        "could not be fitted: There is no column of numbers to measure distances by."
    )
