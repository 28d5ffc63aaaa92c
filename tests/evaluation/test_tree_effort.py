"""Boosted trees as a baseline take a few seconds at most, and say what was cut for it."""

import time

import numpy as np
import pytest

from fathom.evaluation import tree_effort
from fathom.evaluation.baseline_records import BaselineData, BaselinePlan, Labelled
from fathom.evaluation.baselines import Baseline, run_baselines
from fathom.evaluation.rows import Rows
from fathom.evaluation.score import About, build_score
from fathom.evaluation.tree_effort import Effort, columns_for, effort_for, some_rows
from fathom.metrics.record import Answer

SIZES = [
    (200, 10, 1),
    (30_000, 14, 1),
    (1_400, 64, 10),
    (20_000, 784, 10),
    (500_000, 54, 7),
    (3_000_000, 20, 1),
    (5_000, 30, 100),
    (200, 2_000, 1),
]


@pytest.mark.parametrize("size", SIZES)
def test_a_fit_takes_a_few_seconds(size: tuple[int, int, int]) -> None:
    effort = effort_for(*size)
    assert effort.seconds(*size) < 5
    assert bool(effort.words(*size[:2])) == (Effort().seconds(*size) > 4)


def test_nothing_is_cut_where_it_is_quick() -> None:
    for size in SIZES[:2]:
        assert effort_for(*size) == Effort()
        assert effort_for(*size).words(*size[:2]) == ""


def labelled(num_rows: int, num_columns: int, num_classes: int) -> Labelled:
    draw = np.random.default_rng(0)
    numbers = draw.normal(size=(num_rows, num_columns))
    truth = numbers @ draw.normal(size=(num_columns, num_classes))
    data = BaselineData(numbers=numbers, categories=np.zeros((num_rows, 0), dtype=np.int64))
    return Labelled(data=data, truth=truth.argmax(axis=1))


def test_the_cost_is_of_the_size_that_was_counted() -> None:
    rows = labelled(1_009, 31, 5)
    start = time.process_time()
    plan = BaselinePlan(task="multiclass", num_classes=5)
    (found,) = run_baselines(rows, rows.at(np.arange(7)), rows.data, plan, ["boosted_trees"])
    assert found.absent == found.limits == ""
    assert time.process_time() - start < 20 * effort_for(1_009, 31, 5).seconds(1_009, 31, 5) + 2


def test_rare_classes_keep_some_rows() -> None:
    truth = np.repeat([0, 1, 2], [9_000, 60, 7])
    data = BaselineData(numbers=np.zeros((9_067, 1)), categories=np.zeros((9_067, 0), dtype=int))
    rows = some_rows(500, Labelled(data=data, truth=truth), 3)
    assert np.bincount(truth[rows]).tolist()[1:] == [20, 7]
    assert 500 <= len(rows) <= 530
    assert len(np.unique(rows)) == len(rows)
    assert len(some_rows(None, Labelled(data=data, truth=truth), 3)) == 9_067


@pytest.mark.parametrize("task", ["regression", "multiclass", "multilabel"])
def test_the_most_telling_columns_are_kept(task: str) -> None:
    draw = np.random.default_rng(1)
    columns = draw.normal(size=(401, 23))
    columns[::7, 5] = np.nan
    signal = np.nan_to_num(columns[:, 5]) - columns[:, 11]
    truth = {
        "regression": signal,
        "multiclass": np.digitize(signal, [-1, 1]),
        "multilabel": np.stack([columns[:, 5] > 0, columns[:, 11] > 1], axis=1).astype(int),
    }[task]
    assert columns_for(Effort(num_columns=2), columns, truth).tolist() == [5, 11]
    assert columns_for(Effort(), columns, truth).tolist() == list(range(23))


@pytest.fixture
def few_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nearly no time, so that small tables are cut too."""
    monkeypatch.setattr(tree_effort, "_SECONDS", 1e-6)


@pytest.mark.usefixtures("few_seconds")
def test_what_was_cut_is_told_and_it_still_learns() -> None:
    rows = labelled(3_001, 41, 3)
    train, rest = rows.at(np.arange(2_600)), rows.at(np.arange(2_600, 3_001))
    plan = BaselinePlan(task="multiclass", num_classes=3)
    constant, trees = run_baselines(train, rest, rest.data, plan, ["constant", "boosted_trees"])
    assert trees.limits == (
        "on 2,000 of 2,600 rows, on the 30 most telling of 41 columns, in 10 rounds in place of "
        "100, with 8 leaves a tree in place of 31"
    )
    assert accuracy(trees, rest) > accuracy(constant, rest) + 0.2
    (again,) = run_baselines(train, rest, rest.data, plan, ["boosted_trees"])
    assert again.test is not None
    assert trees.test is not None
    np.testing.assert_array_equal(again.test.probability, trees.test.probability)


def accuracy(found: Baseline, rows: Labelled) -> float:
    assert found.test is not None
    return float((found.test.label == rows.truth).mean())


def test_score_and_verdict_say_it() -> None:
    truth = np.arange(31.0)
    rows = Rows(task="regression", truth=truth)
    about = About(target="y", strongest="boosted_trees", limits={"boosted_trees": "on 5 of 9 rows"})
    baselines = {"boosted_trees": Answer(number=truth + np.tile([3.0, -3.0], 16)[:31])}
    near = Answer(number=truth + np.tile([1.0, -1.0], 16)[:31])
    score = build_score(rows, near, baselines, about)
    told = "To take a few seconds only, boosted_trees was fitted on 5 of 9 rows."
    assert told in score.notes
    assert score.verdict.endswith(told)
