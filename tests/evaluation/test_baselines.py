"""Baselines: a fair chance on the same rows, fitted without a look at the test rows."""

import numpy as np
import polars as pl
import pytest

from fathom.base.errors import DataError, RecipeError
from fathom.evaluation import baseline_models
from fathom.evaluation.baseline_models import TreeColumns, folds, ranked
from fathom.evaluation.baseline_records import BaselineData, BaselinePlan, Labelled
from fathom.evaluation.baselines import Baseline, run_baselines, strongest_on_validation
from fathom.evaluation.rows import Rows
from fathom.metrics.catalogue import METRICS, metric_named
from fathom.metrics.record import Answer

CUTS = (300, 400, 500)


def columns(seed: int = 0) -> BaselineData:
    rng = np.random.default_rng(seed)
    numbers = rng.normal(size=(CUTS[-1], 3))
    numbers[rng.random(numbers.shape) < 0.1] = np.nan
    return BaselineData(numbers=numbers, categories=rng.integers(-1, 4, (CUTS[-1], 2)))


def target(task: str, data: BaselineData) -> np.ndarray:
    rng = np.random.default_rng(1)
    signal = np.nan_to_num(data.numbers[:, 0]) + (data.categories[:, 0] == 2)
    noisy = signal + 0.3 * rng.normal(size=len(data))
    if task == "regression":
        return 100 + 20 * noisy
    if task == "multilabel":
        return np.stack([noisy > 0, noisy > 0.8, np.zeros(len(data))], axis=1).astype(int)
    return np.digitize(noisy, [0.3] if task == "binary" else [-0.4, 0.3, 1.0])


def parts(
    data: BaselineData, truth: np.ndarray, weight: np.ndarray | None = None
) -> tuple[Labelled, Labelled, BaselineData]:
    whole = Labelled(data=data, truth=truth, weight=weight)
    train, validation = whole.at(np.arange(CUTS[0])), whole.at(np.arange(CUTS[0], CUTS[1]))
    return train, validation, data.at(np.arange(CUTS[1], CUTS[2]))


TASKS = [("regression", 0), ("binary", 2), ("multiclass", 4), ("multilabel", 3)]


@pytest.mark.parametrize(("task", "num_classes"), TASKS)
def test_each_learns_what_can_be_learned(task, num_classes: int) -> None:
    data = columns()
    truth = target(task, data)
    plan = BaselinePlan(task=task, num_classes=num_classes, threads=1)
    found = run_baselines(*parts(data, truth), plan)
    assert [one.name for one in found] == ["constant", "linear", "boosted_trees"]
    assert [one.absent for one in found] == ["", "", ""]
    metric = metric_named(task)
    sign = 1 if metric.greater_is_better else -1
    values = []
    for one in found:
        assert one.test is not None
        values.append(sign * metric.value(truth[CUTS[1] :], one.test))
    assert values[1] > values[0]
    assert values[2] > values[0]
    if num_classes and task != "multilabel":
        for one in found:
            assert one.test is not None
            assert one.test.probability is not None
            assert one.test.probability.shape == (100, num_classes)
            assert one.test.probability.sum(axis=1) == pytest.approx(np.ones(100))


def test_the_constant_is_what_the_metric_asks_for() -> None:
    data = columns()
    truth = np.random.default_rng(0).exponential(size=CUTS[-1])
    weight = np.random.default_rng(1).random(CUTS[-1])
    seen = slice(0, CUTS[1])
    for metric, expected in [
        ("rmse", np.average(truth[seen], weights=weight[seen])),
        ("mae", None),
    ]:
        plan = BaselinePlan(task="regression", metric=metric)
        (found,) = run_baselines(*parts(data, truth, weight), plan, ["constant"])
        assert found.test is not None
        number = np.asarray(found.test.number)[0]
        if expected is not None:
            assert number == pytest.approx(expected)
        else:
            below = weight[seen][truth[seen] <= number].sum() / weight[seen].sum()
            assert below == pytest.approx(0.5, abs=0.01)


def test_the_constant_gives_class_frequencies() -> None:
    data = columns()
    truth = np.arange(CUTS[-1]) % 5 // 4  # one in five
    plan = BaselinePlan(task="multiclass", num_classes=3)
    (found,) = run_baselines(*parts(data, truth), plan, ["constant"])
    assert found.test is not None
    assert np.asarray(found.test.probability)[0] == pytest.approx([0.8, 0.2, 0.0])


@pytest.mark.parametrize("name", ["linear", "boosted_trees"])
def test_validation_answers_come_from_training_rows_alone(name: str) -> None:
    data = columns()
    truth = target("regression", data)
    changed = truth.copy()
    changed[CUTS[0] :] = -1e6
    plan = BaselinePlan(task="regression", threads=1)
    (before,), (after,) = (run_baselines(*parts(data, y), plan, [name]) for y in (truth, changed))
    assert before.validation is not None
    assert after.validation is not None
    assert np.asarray(before.validation.number) == pytest.approx(after.validation.number)
    assert before.test is not None
    assert after.test is not None
    assert np.asarray(before.test.number).mean() > np.asarray(after.test.number).mean() + 1000


@pytest.mark.parametrize("name", ["constant", "linear", "boosted_trees"])
def test_rows_without_weight_are_not_learned_from(name: str) -> None:
    data = columns()
    truth = target("regression", data)
    lies = np.arange(CUTS[-1]) % 3 == 0
    weight = np.where(lies, 0.0, 1.0)
    plan = BaselinePlan(task="regression", threads=1)
    clean, lied = (
        run_baselines(*parts(data, y, weight), plan, [name])[0].test
        for y in (truth, np.where(lies, truth + 1e4, truth))
    )
    assert clean is not None
    assert lied is not None
    assert np.asarray(clean.number) == pytest.approx(np.asarray(lied.number), rel=0.2)


def test_the_same_seed_gives_the_same_answers() -> None:
    data = columns()
    truth = target("binary", data)
    plan = BaselinePlan(task="binary", num_classes=2, seed=7, threads=1)
    names = ["linear", "boosted_trees"]
    one, two = (run_baselines(*parts(data, truth), plan, names) for _ in range(2))
    for first, second in zip(one, two, strict=True):
        assert first.test is not None
        assert second.test is not None
        assert (np.asarray(first.test.probability) == second.test.probability).all()


def test_one_class_is_a_stated_absence() -> None:
    data = columns()
    plan = BaselinePlan(task="binary", num_classes=2, threads=1)
    constant, linear, trees = run_baselines(*parts(data, np.zeros(CUTS[-1], dtype=int)), plan)
    assert constant.test is not None
    assert linear.absent == "could not be fitted: all rows to learn from are of one class"
    assert trees.absent == linear.absent
    assert trees.test is None


def test_no_columns_is_a_stated_absence() -> None:
    empty = BaselineData(
        numbers=np.empty((CUTS[-1], 0)), categories=np.empty((CUTS[-1], 0), dtype=int)
    )
    truth = np.random.default_rng(0).normal(size=CUTS[-1])
    found = run_baselines(*parts(empty, truth), BaselinePlan(task="regression"))
    assert found[0].test is not None
    told = "could not be fitted: There is no column of numbers or categories to learn from."
    assert [one.absent for one in found[1:]] == [told, told]


def test_what_a_library_refuses_is_a_stated_absence() -> None:
    data = columns()
    truth = target("regression", data)
    data.numbers[0, 0] = np.inf
    found = run_baselines(*parts(data, truth), BaselinePlan(task="regression"), ["linear"])
    assert found[0].absent.startswith("could not be fitted: ")
    assert "infinity" in found[0].absent


def test_columns_without_a_value_and_classes_without_a_row() -> None:
    data = columns()
    data.numbers[:, 1] = np.nan
    truth = np.where(target("binary", data) == 1, 4, 1)
    plan = BaselinePlan(task="multiclass", num_classes=6, threads=1)
    for one in run_baselines(*parts(data, truth), plan):
        assert one.absent == ""
        assert one.test is not None
        probability = np.asarray(one.test.probability)
        assert probability[:, [0, 2, 3, 5]] == pytest.approx(0.0)


def test_new_and_very_many_categories_are_no_obstacle() -> None:
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 400, (CUTS[-1], 1))
    codes[CUTS[1] :] += 300
    data = BaselineData(numbers=rng.normal(size=(CUTS[-1], 1)), categories=codes)
    truth = data.numbers[:, 0] + 0.1 * rng.normal(size=CUTS[-1])
    found = run_baselines(*parts(data, truth), BaselinePlan(task="regression", threads=1))
    assert [one.absent for one in found] == ["", "", ""]


def test_ranks_of_categories() -> None:
    column, codes = np.array([5, -1, 0, 9, 2]), np.array([2, 5])
    assert ranked(column, codes) == pytest.approx([1, np.nan, np.nan, np.nan, 0], nan_ok=True)


def test_columns_without_a_value_are_no_tree_columns() -> None:
    numbers = np.array([[1.0, np.nan], [2.0, np.nan]])
    categories = np.array([[-1, 7], [-1, 3]])
    columns = TreeColumns.of(BaselineData(numbers=numbers, categories=categories))
    assert columns.used.tolist() == [True, False, False, True]
    assert columns.categorical() == [1]
    later = BaselineData(numbers=numbers + 1, categories=np.array([[0, 7], [0, 9]]))
    assert columns.matrix(later) == pytest.approx(np.array([[2, 1], [3, np.nan]]), nan_ok=True)
    with pytest.raises(DataError, match="No column has a value"):
        TreeColumns.of(BaselineData(numbers=numbers[:, 1:], categories=categories[:, :1]))


def test_folds_keep_clusters_whole() -> None:
    cluster = np.array([f"patient {i % 23}" for i in range(301)])
    fold = folds(301, cluster, np.random.default_rng(0))
    assert set(fold) == {0, 1, 2}
    for one in np.unique(cluster):
        assert len(set(fold[cluster == one])) == 1
    sizes = np.bincount(folds(301, None, np.random.default_rng(0)))
    assert sizes.tolist() == [101, 100, 100]


def test_the_strongest_is_chosen_on_validation_rows() -> None:
    truth = np.arange(20.0)
    rows = Rows(task="regression", truth=truth)
    close, far = Answer(number=truth + 1), Answer(number=truth + 5)
    found = [
        Baseline(name="far", validation=far, test=close),
        Baseline(name="close", validation=close, test=far),
        Baseline(name="as close", validation=close, test=far),
        Baseline(name="absent", absent="could not be fitted"),
        Baseline(name="broken", validation=Answer(number=np.full(20, np.nan))),
    ]
    assert strongest_on_validation(found, rows, METRICS["regression"]["rmse"]) == "close"
    assert strongest_on_validation(found, rows, METRICS["regression"]["r2"]) == "close"
    assert strongest_on_validation(found[3:], rows, METRICS["regression"]["rmse"]) is None


def test_an_unknown_baseline_names_the_nearest() -> None:
    data = columns()
    with pytest.raises(RecipeError, match="There is no baseline 'boosted_tree'") as caught:
        run_baselines(
            *parts(data, target("regression", data)),
            BaselinePlan(task="regression"),
            ["boosted_tree"],
        )
    assert caught.value.do == "Did you mean 'boosted_trees'?"


def test_columns_must_have_the_same_rows() -> None:
    with pytest.raises(DataError, match="Numbers and categories do not have the same rows"):
        BaselineData(numbers=np.zeros((3, 1)), categories=np.zeros((4, 1), dtype=int))


def test_a_linear_model_of_very_much_gets_fewer_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    data = columns()
    train, validation, asked = parts(data, target("multiclass", data))
    plan = BaselinePlan(task="multiclass", num_classes=4)
    (whole,) = run_baselines(train, validation, asked, plan, ["linear"])
    assert whole.limits == ""
    monkeypatch.setattr(baseline_models, "_MOST_PRODUCTS", 120 * 5 * 4)
    (cut,) = run_baselines(train, validation, asked, plan, ["linear"])
    assert cut.limits == "on 120 of 300 rows"
    assert cut.test is not None
    assert whole.test is not None
    assert not np.array_equal(cut.test.probability, whole.test.probability)


def test_real_houses(data_dir) -> None:
    frame = pl.read_csv(data_dir / "california_housing" / "housing.csv").sample(1200, seed=0)
    numbers = frame.drop("median_house_value", "ocean_proximity").cast(pl.Float64).to_numpy()
    codes = frame["ocean_proximity"].rank("dense").to_numpy().astype(int)[:, None] - 1
    whole = Labelled(
        data=BaselineData(numbers=numbers.astype(float), categories=codes),
        truth=frame["median_house_value"].to_numpy().astype(float),
    )
    train, validation, test = (
        whole.at(np.arange(a, b)) for a, b in [(0, 700), (700, 900), (900, 1200)]
    )
    found = run_baselines(train, validation, test.data, BaselinePlan(task="regression", threads=1))
    r2 = METRICS["regression"]["r2"]
    values = [r2.value(test.truth, one.test) for one in found if one.test is not None]
    assert values[0] == pytest.approx(0, abs=0.02)
    assert 0.5 < values[1] < 0.75
    assert 0.6 < values[2] < 0.85


def test_numbers_whose_square_is_none_take_no_baseline_away() -> None:
    data = columns()
    data.numbers[::5, 2] = 1e300
    truth = target("regression", data)
    found = run_baselines(*parts(data, truth), BaselinePlan(task="regression", threads=1))
    assert [one.absent for one in found] == ["", "", ""]
    metric = metric_named("regression")
    scores = [metric.value(truth[CUTS[1] :], one.test) for one in found if one.test is not None]
    assert scores[1] < scores[0], "the linear one learns from the other columns"
