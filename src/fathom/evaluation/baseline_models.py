"""The learned baselines: linear models and boosted trees, both from scikit-learn."""

from collections.abc import Callable
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from fathom.base.errors import DataError
from fathom.base.seeds import derive, numpy_generator
from fathom.evaluation.baseline_records import (
    BaselineData,
    BaselinePlan,
    Fit,
    Labelled,
    Predict,
)
from fathom.metrics.numbers import rmse
from fathom.metrics.probabilities import log_loss
from fathom.metrics.record import Answer

_STRENGTHS = (0.01, 0.1, 1.0, 10.0, 100.0, 1000.0)
_NUM_FOLDS = 3
_MOST_ROWS_TO_CHOOSE = 20_000
_MOST_CATEGORIES = 100
_MOST_TREE_CATEGORIES = 254  # scikit-learn's trees take codes below 255

Estimator = Any  # scikit-learn's estimators share no base class that a type checker knows
Make = Callable[[], Estimator]


def fit_linear(train: Labelled, plan: BaselinePlan) -> Fit:
    """Ridge or logistic regression; its strength chosen by 3-fold cross-validation on `train`.

    Numbers: median for missing ones with a flag, then standardised. Categories: one column each,
    the rarest together beyond 100.
    """
    _check_columns(train)
    strength = _chosen_strength(train, plan)
    return lambda data: _fitted(data, plan, lambda: _linear(data.data, plan, strength))


def fit_boosted_trees(train: Labelled, plan: BaselinePlan) -> Fit:
    """scikit-learn's HistGradientBoosting as it stands, with its own early stopping.

    It takes 254 categories per column; rarer ones than these count as missing.
    """
    _check_columns(train)

    def fit(data: Labelled) -> Predict:
        common = [_common_codes(column) for column in data.data.categories.T]
        ready = Labelled(data=_ranked(data.data, common), truth=data.truth, weight=data.weight)
        predict = _fitted(ready, plan, lambda: _trees(ready, plan, len(common)))
        return lambda asked: predict(_ranked(asked, common))

    return fit


def _check_columns(train: Labelled) -> None:
    if train.data.num_columns == 0:
        raise DataError("There is no column of numbers or categories to learn from.")


def _columns(data: BaselineData) -> Float[np.ndarray, "rows columns"]:
    return np.concatenate([data.numbers, data.categories.astype(np.float64)], axis=1)


def _fitted(data: Labelled, plan: BaselinePlan, make: Make) -> Predict:
    """Fit one estimator (or one per label) and wrap its predictions as answers."""
    columns = _columns(data.data)
    if plan.task == "regression":
        model = _fit_one(make(), columns, data.truth, data.weight)
        return lambda asked: Answer(number=model.predict(_columns(asked)))
    if plan.task == "multilabel":
        each = [_positive(make, columns, truth, data.weight) for truth in data.truth.T]
        return lambda asked: Answer.of_sets(np.stack([one(_columns(asked)) for one in each], 1))
    classes = np.unique(data.truth)
    if len(classes) < 2:
        raise DataError("all rows to learn from are of one class")
    model = _fit_one(make(), columns, data.truth, data.weight)

    def predict(asked: BaselineData) -> Answer:
        probability = np.zeros((len(asked), plan.num_classes))
        probability[:, classes] = model.predict_proba(_columns(asked))
        return Answer.of_classes(probability)

    return predict


def _positive(
    make: Make,
    columns: np.ndarray,
    truth: Int[np.ndarray, " rows"],
    weight: np.ndarray | None,
) -> Callable[[np.ndarray], np.ndarray]:
    """The probability of one label; constant where the rows all agree."""
    if len(np.unique(truth)) < 2:
        return lambda asked: np.full(len(asked), float(truth[0]))
    model = _fit_one(make(), columns, truth, weight)
    return lambda asked: model.predict_proba(asked)[:, 1]


def _fit_one(
    model: Estimator, columns: np.ndarray, truth: np.ndarray, weight: np.ndarray | None
) -> Estimator:
    return model.fit(columns, truth, model__sample_weight=weight)


def _linear(data: BaselineData, plan: BaselinePlan, strength: float) -> Estimator:
    from sklearn.compose import ColumnTransformer
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression, Ridge
    from sklearn.pipeline import Pipeline, make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    num_numbers = data.numbers.shape[1]
    numbers = make_pipeline(
        SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True),
        StandardScaler(),
    )
    categories = OneHotEncoder(
        handle_unknown="infrequent_if_exist", max_categories=_MOST_CATEGORIES
    )
    columns = ColumnTransformer(
        [
            ("numbers", numbers, list(range(num_numbers))),
            ("categories", categories, list(range(num_numbers, data.num_columns))),
        ]
    )
    if plan.task == "regression":
        model = Ridge(alpha=strength)
    else:
        model = LogisticRegression(C=1 / strength, max_iter=500)
    return Pipeline([("columns", columns), ("model", model)])


def _chosen_strength(train: Labelled, plan: BaselinePlan) -> float:
    """The strength with the best score over folds that keep clusters whole."""
    if plan.task == "multilabel":
        return 1.0
    generator = numpy_generator(plan.seed, "baseline", "strength")
    chosen = np.sort(generator.permutation(len(train.truth))[:_MOST_ROWS_TO_CHOOSE])
    rows = train.at(chosen)
    units = np.unique(rows.cluster, return_inverse=True)[1] if rows.cluster is not None else None
    units = np.arange(len(chosen)) if units is None else units
    fold = (generator.permutation(int(units.max()) + 1) % _NUM_FOLDS)[units]
    scores = [_score(rows, plan, fold, strength) for strength in _STRENGTHS]
    return _STRENGTHS[int(np.nanargmin(scores))] if np.isfinite(scores).any() else 1.0


def _score(
    rows: Labelled, plan: BaselinePlan, fold: Int[np.ndarray, " rows"], strength: float
) -> float:
    """Mean over folds of the loss on the rows left out; a fold that cannot be fitted is skipped."""
    losses: list[float] = []
    for place in range(_NUM_FOLDS):
        inside = rows.at(np.flatnonzero(fold != place))
        outside = rows.at(np.flatnonzero(fold == place))
        too_few = plan.task != "regression" and len(np.unique(inside.truth)) < 2
        if too_few or not len(outside.truth) or not len(inside.truth):
            continue
        data = inside.data
        answer = _fitted(inside, plan, lambda data=data: _linear(data, plan, strength))(
            outside.data
        )
        if answer.number is not None:
            losses.append(float(rmse(outside.truth, answer.number, outside.weight)))
        elif answer.probability is not None:
            losses.append(float(log_loss(outside.truth, answer.probability, outside.weight)))
    return float(np.mean(losses)) if losses else float("nan")


def _trees(data: Labelled, plan: BaselinePlan, num_categories: int) -> Estimator:
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
    from sklearn.pipeline import Pipeline

    num_columns = data.data.num_columns
    options: dict[str, Any] = {
        "categorical_features": list(range(num_columns - num_categories, num_columns)) or None,
        "random_state": derive(plan.seed, "baseline", "trees") % (1 << 32),
    }
    if plan.task == "regression":
        return Pipeline([("model", HistGradientBoostingRegressor(**options))])
    # scikit-learn's early stopping splits by class and stops with an error at a class of one row.
    counts = np.bincount(data.truth.ravel())
    if plan.task != "multilabel" and (counts[counts > 0] < 2).any():
        options["early_stopping"] = False
    return Pipeline([("model", HistGradientBoostingClassifier(**options))])


def _common_codes(column: Int[np.ndarray, " rows"]) -> Int[np.ndarray, " codes"]:
    """The codes that trees can take, the commonest first."""
    codes, counts = np.unique(column[column >= 0], return_counts=True)
    return codes[np.argsort(-counts, kind="stable")][:_MOST_TREE_CATEGORIES]


def _ranked(data: BaselineData, common: list[np.ndarray]) -> BaselineData:
    """Category codes as ranks of frequency among the numbers; other codes as missing."""
    ranks = [_rank(column, codes) for column, codes in zip(data.categories.T, common, strict=True)]
    return BaselineData(
        numbers=np.column_stack([data.numbers, *ranks]),
        categories=np.empty((len(data), 0), dtype=np.int64),
    )


def _rank(
    column: Int[np.ndarray, " rows"], codes: Int[np.ndarray, " codes"]
) -> Float[np.ndarray, " rows"]:
    table = np.full(max(int(column.max(initial=0)), int(codes.max(initial=0))) + 1, np.nan)
    table[codes] = np.arange(len(codes))
    return np.where(column >= 0, table[np.maximum(column, 0)], np.nan)
