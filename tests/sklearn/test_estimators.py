"""The estimators against scikit-learn's own battery of checks, and what that does not ask."""

import pickle
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from fathom.base.errors import DataError, RecipeError, RunError
from fathom.sklearn import FathomClassifier, FathomRegressor

TINY: dict[str, Any] = {
    "split.folds": 0,
    "network.members": 2,
    "network.width": 32,
    "prepare.num_pairs": 0,
    "training.batch_size": 32,
    "training.checks": 2,
    "training.optimizer": "adamw",
}
NOT_FOR_BATCHES = {
    "check_sample_weight_equivalence_on_dense_data": "A row of weight two is one row in one "
    "batch, a repeated row stands in two batches, and which rows choose the best step is drawn: "
    "training in mini-batches is equal in the mean only.",
}


def classifier(**parameters: Any) -> FathomClassifier:
    return FathomClassifier(**{"size": "small", "epochs": 20, "settings": TINY, **parameters})


def regressor(**parameters: Any) -> FathomRegressor:
    return FathomRegressor(**{"size": "small", "epochs": 20, "settings": TINY, **parameters})


def expected(estimator: object) -> dict[str, str]:
    return NOT_FOR_BATCHES


@parametrize_with_checks(
    [classifier(epochs=4, learning_rate=0.01), regressor(epochs=4, learning_rate=0.01)],
    expected_failed_checks=expected,
    xfail_strict=True,
)
def test_scikit_learn_check(estimator: Any, check: Any) -> None:
    check(estimator)


def mixed(num_rows: int = 211) -> tuple[pd.DataFrame, np.ndarray]:
    """Classes that need both a word and a number; both are missing in some rows."""
    rng = np.random.default_rng(7)
    colour = rng.choice(["red", "blue", "green"], num_rows).astype(object)
    length = rng.normal(size=num_rows)
    label = np.where((colour == "red") ^ (length > 0), "yes", "no")
    colour[::17], length[::13] = None, np.nan
    return pd.DataFrame({"colour": colour, "length": length}), label


def in_polars(frame: pd.DataFrame) -> pl.DataFrame:
    colour = [None if cell is np.nan else cell for cell in frame["colour"].astype(object)]
    cells = {"colour": colour, "length": frame["length"].to_numpy()}
    return pl.DataFrame(cells, nan_to_null=True)


def blobs(num_rows: int = 101) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(3)
    label = rng.integers(0, 3, num_rows)
    return rng.normal(size=(num_rows, 2)) + 4 * label[:, None], label


@pytest.mark.parametrize("make", [lambda frame: frame, in_polars], ids=["pandas", "polars"])
def test_frames_of_words_and_missing_cells_are_learned(make: Any) -> None:
    frame, label = mixed()
    rows = make(frame)
    model = classifier(learning_rate=0.01).fit(rows, label)
    assert model.score(rows, label) > 0.85  # no column alone gets beyond 0.72
    assert model.feature_names_in_.tolist() == ["colour", "length"]
    kinds = {column.name: column.kind.name for column in model.model_.preparation.inputs}
    assert kinds == {"colour": "category", "length": "number"}


def test_both_frames_and_an_array_of_objects_give_the_same_answers() -> None:
    frame, label = mixed(61)
    objects = np.column_stack([frame["colour"], frame["length"].astype(object)])
    answers = [
        classifier(epochs=2).fit(rows, label).predict_proba(rows)
        for rows in (frame, in_polars(frame), objects)
    ]
    np.testing.assert_array_equal(answers[0], answers[1])
    np.testing.assert_array_equal(answers[0], answers[2])


def test_words_of_an_array_do_not_change_their_kind_when_asked_alone() -> None:
    cells = np.array([["1"], ["2"], ["x"]] * 20, dtype=object)
    label = np.array([0, 1, 1] * 20)
    model = classifier(epochs=40, learning_rate=0.01).fit(cells, label)
    assert model.predict(cells[:2]).tolist() == [0, 1]


def test_columns_of_an_array_are_numbers_unless_said_otherwise() -> None:
    X, label = blobs()
    whole = np.column_stack([np.arange(101), label, X[:, 0] > 0])
    plain = classifier(epochs=1).fit(whole, label).model_.preparation.inputs
    assert [(c.name, c.kind.name) for c in plain] == [(f"x{n}", "number") for n in range(3)]
    by_place = classifier(epochs=1, kinds={1: "category"}).fit(whole, label)
    by_name = classifier(epochs=1, kinds={"x1": "category"}).fit(whole, label)
    for model in (by_place, by_name):
        assert model.model_.preparation.inputs[1].kind.name == "category"


def test_columns_of_one_name_are_told_apart_by_their_places() -> None:
    X, label = blobs()
    twice = pd.DataFrame(np.column_stack([X, X[:, 0]]), columns=["a", "b", "a"])
    by_name = classifier(epochs=2).fit(twice, label)
    assert [column.name for column in by_name.model_.preparation.inputs] == ["x0", "x1", "x2"]
    assert not hasattr(by_name, "feature_names_in_")
    plain = classifier(epochs=2).fit(twice.to_numpy(), label)
    np.testing.assert_array_equal(by_name.predict_proba(twice), plain.predict_proba(twice))


@pytest.mark.parametrize(
    "labels",
    [
        np.array([7, -2, 400], dtype=np.int16),
        np.array([0.5, 1.0, 2.0]) * 2,
        np.array(["NA", "?", "b"], dtype=object),
        np.array(["1", "01", "1.0"]),
    ],
    ids=["ints", "floats", "markers", "numerals"],
)
def test_classes_come_back_as_they_were_given(labels: np.ndarray) -> None:
    X, codes = blobs()
    y = labels[codes]
    model = classifier(learning_rate=0.01).fit(X, y)
    assert model.classes_.tolist() == sorted(labels.tolist())
    assert model.predict(X).dtype == y.dtype
    assert (model.predict(X) == y).mean() > 0.9


def test_truth_values_stay_truth_values() -> None:
    X, codes = blobs()
    assert classifier(epochs=1).fit(X, codes > 0).predict(X).dtype == np.bool_


def test_probabilities_sum_to_one_and_the_likeliest_is_predicted() -> None:
    X, label = blobs()
    model = classifier(epochs=3).fit(X, label)
    chance = model.predict_proba(X)
    assert chance.shape == (101, 3)
    np.testing.assert_allclose(chance.sum(axis=1), 1, rtol=1e-12)
    np.testing.assert_array_equal(model.predict(X), model.classes_[chance.argmax(axis=1)])


def test_a_rare_class_does_not_move_the_threshold() -> None:
    X, label = blobs(199)
    y = np.where((label == 2) & (np.arange(199) % 5 == 0), "rare", "often")
    model = classifier(epochs=3).fit(X, y)
    np.testing.assert_array_equal(model.predict(X) == "rare", model.predict_proba(X)[:, 1] > 0.5)


def test_a_class_with_no_weight_gets_no_chance() -> None:
    X, label = blobs()
    model = classifier(epochs=2).fit(X, label, sample_weight=(label != 1).astype(float))
    assert model.classes_.tolist() == [0, 1, 2]
    assert (model.predict_proba(X)[:, 1] == 0).all()


def test_weights_decide_between_contradicting_rows() -> None:
    X = np.repeat(np.linspace(0, 1, 53), 2)[:, None]
    y = np.tile([0.0, 1.0], 53)
    heavy = regressor().fit(X, y, sample_weight=np.where(y == 1, 9.0, 1.0))
    light = regressor().fit(X, y)
    # The weighted mean is 0.9, the plain one 0.5.
    assert heavy.predict(X).mean() == pytest.approx(0.9, abs=0.1)
    assert light.predict(X).mean() == pytest.approx(0.5, abs=0.1)


def test_rows_without_weight_are_as_if_they_were_not_there() -> None:
    X, _ = blobs()
    keep = np.arange(101) % 3 != 0
    there = regressor(epochs=2).fit(np.where(keep[:, None], X, 1e6), X[:, 1], keep.astype(float))
    gone = regressor(epochs=2).fit(X[keep], X[keep, 1], np.ones(keep.sum()))
    np.testing.assert_array_equal(there.predict(X), gone.predict(X))


def test_cross_validation_in_a_pipeline() -> None:
    X, label = blobs()
    model = make_pipeline(StandardScaler(), classifier(learning_rate=0.01))
    assert cross_val_score(model, X, label, cv=3).min() > 0.85


def test_a_column_transformer_may_stand_before_it() -> None:
    frame, label = mixed(61)
    scaled = ColumnTransformer([("n", StandardScaler(), ["length"])], remainder="passthrough")
    model = make_pipeline(scaled, classifier(epochs=2)).fit(frame, label)
    assert model.predict(frame).shape == (61,)


def test_grid_search_finds_the_learning_rate_that_learns() -> None:
    rng = np.random.default_rng(5)
    X = rng.normal(size=(97, 2))
    grid = {"learning_rate": [1e-7, np.float64(1e-2)]}
    search = GridSearchCV(regressor(epochs=30), grid, cv=2).fit(X, 3 * X[:, 0] - 5)
    assert search.best_params_ == {"learning_rate": 1e-2}
    assert search.best_estimator_.score(X, 3 * X[:, 0] - 5) > 0.5


def test_the_seed_decides_alone() -> None:
    X, label = blobs()
    answers = [
        classifier(epochs=2, random_state=seed).fit(X, label).predict_proba(X)
        for seed in (None, 0, np.int64(0), 1, np.random.RandomState(1), np.random.RandomState(1))
    ]
    np.testing.assert_array_equal(answers[0], answers[1])
    np.testing.assert_array_equal(answers[0], answers[2])
    np.testing.assert_array_equal(answers[4], answers[5])
    assert (answers[0] != answers[3]).any()


def test_several_folds_are_averaged_and_counted() -> None:
    X, label = blobs()
    model = classifier(epochs=2, settings=TINY | {"split.folds": 3}).fit(X, label)
    assert len(model.model_.parts) == 3
    assert model.n_iter_ == 6  # 67 or 68 rows in batches of 32, twice


def test_a_clone_is_unfitted_and_keeps_the_parameters() -> None:
    X, label = blobs()
    model = classifier(epochs=1, kinds={0: "number"}).fit(X, label)
    copy: Any = clone(model)
    assert copy.get_params() == model.get_params()
    with pytest.raises(NotFittedError):
        copy.predict(X)


def test_a_pickle_holds_files_and_answers_the_same() -> None:
    frame, label = mixed(61)
    model = classifier(epochs=2).fit(frame, label)
    state = model.__getstate__()
    assert sorted(state["model_"]) == ["model.safetensors", "preparation.json"]
    assert b"torch" not in pickle.dumps(model)
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(again.predict_proba(frame), model.predict_proba(frame))


def test_a_pickle_without_its_weights_says_so() -> None:
    X, label = blobs()
    state = classifier(epochs=1).fit(X, label).__getstate__()
    del state["model_"]["model.safetensors"]
    with pytest.raises(RunError, match="cannot be read"):
        classifier().__setstate__(state)


def test_names_of_ours_give_way_to_columns() -> None:
    X, _ = blobs()
    frame = pd.DataFrame(X, columns=["y", "weight"])
    model = regressor(epochs=1).fit(frame, X[:, 0], sample_weight=np.arange(101))
    assert [column.name for column in model.model_.preparation.inputs] == ["y", "weight"]
    assert model.model_.targets[0].name == "y_"


@pytest.mark.parametrize(
    ("parameters", "text"),
    [
        ({"settings": {"seed": 3}}, r"do: +Say it as FathomClassifier\(random_state=…\)"),
        ({"settings": {"evaluate.baselines": True}}, "'evaluate.baselines' has no effect"),
        ({"settings": {"split.test_share": 0.5}}, "'split.test_share' has no effect"),
        ({"settings": {"network.wdith": 3}}, "There is no setting 'network.wdith'"),
        ({"kinds": {2: "category"}}, r"expected: a name, or a position from 0 to 1\n  got: +2"),
        ({"kinds": {"z": "category"}}, "There is no column 'z' to be the kind"),
        ({"size": "huge"}, "'size' cannot be 'huge'"),
    ],
)
def test_wishes_that_cannot_be_are_refused(parameters: dict[str, Any], text: str) -> None:
    X, label = blobs()
    with pytest.raises(RecipeError, match=text):
        classifier(**parameters).fit(X, label)


def test_one_class_is_refused_also_where_the_other_has_no_weight() -> None:
    X, label = blobs()
    with pytest.raises(DataError, match=r"one class only\.\n.*\n.*\n  got: +'1'"):
        classifier().fit(X, label, sample_weight=label == 1)


def test_a_training_cut_short_warns() -> None:
    X, label = blobs(301)
    short = {"settings": TINY | {"training.checks": 20}, "learning_rate": 1e-3}
    with pytest.warns(ConvergenceWarning, match="still falling when the training ended"):
        classifier(epochs=2, **short).fit(X, label)
    classifier(epochs=60, settings=TINY | {"training.checks": 20}).fit(X, label)


def test_a_constant_number_is_refused() -> None:
    X, _ = blobs()
    with pytest.raises(DataError, match="The target does not vary"):
        regressor().fit(X, np.ones(101))


def test_numbers_whose_squares_are_infinite_are_refused() -> None:
    X, _ = blobs()
    with pytest.raises(DataError, match=r"too large to compute with\.\n.*\n.*\n  got: +9\.9e\+199"):
        regressor().fit(X, np.linspace(0, 1e200, 101))


def test_other_columns_than_in_training_are_refused() -> None:
    frame, label = mixed(61)
    model = classifier(epochs=1).fit(frame, label)
    with pytest.raises(ValueError, match="should match those that were passed during fit"):
        model.predict(frame[["length", "colour"]])
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        classifier().fit(frame, label[:-1])


def test_a_column_that_gives_the_target_away_is_learned_from_unless_said() -> None:
    _, label = blobs(151)
    told = np.where(label > 0, "p", "q")
    frame = pd.DataFrame({"told": told, "length": np.random.default_rng(0).normal(size=151)})
    kept = classifier(epochs=1).fit(frame, label > 0)
    dropped = classifier(epochs=1, settings=TINY | {"prepare.drop_leaks": True})
    dropped.fit(frame, label > 0)
    names = [[c.name for c in m.model_.preparation.inputs] for m in (kept, dropped)]
    assert names == [["told", "length"], ["length"]]


@pytest.mark.parametrize(
    "y",
    [
        np.array(["2020-01-01", "2021-01-01"] * 9, dtype="datetime64[D]"),
        np.arange(18).astype("timedelta64[h]"),
        pd.Series(pd.to_datetime(["2020-01-01", "2021-01-01"] * 9, utc=True)),
    ],
    ids=["dates", "lengths", "zone"],
)
def test_a_regressor_refuses_dates(y: Any) -> None:
    with pytest.raises(ValueError, match="y holds dates or lengths of time") as caught:
        regressor().fit(np.arange(18.0)[:, None], y)
    assert isinstance(caught.value, DataError)
    assert caught.value.do == "Turn them into numbers, such as days since a date."


def test_huge_sample_weights_are_refused() -> None:
    weight = np.ones(18)
    weight[4] = 1e300
    with pytest.raises(ValueError, match="row weights are too large") as caught:
        regressor().fit(np.arange(18.0)[:, None], np.arange(18.0), sample_weight=weight)
    assert isinstance(caught.value, DataError)
    assert caught.value.where == "sample_weight, row 5"
