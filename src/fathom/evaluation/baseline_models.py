"""The learned baselines: linear models and boosted trees, both from scikit-learn."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int, Shaped

from fathom.base.errors import DataError
from fathom.base.seeds import derive, numpy_generator
from fathom.evaluation.baseline_records import BaselineData, BaselinePlan, Fit, Labelled, Predict
from fathom.evaluation.tree_effort import Effort, columns_for, effort_for, some_rows
from fathom.metrics.numbers import rmse
from fathom.metrics.probabilities import log_loss
from fathom.metrics.record import Answer

_STRENGTHS = (0.01, 0.1, 1.0, 10.0, 100.0, 1000.0)
_STRENGTH_OF_SETS = 1.0  # choosing one for each of many labels would take too long
_NUM_FOLDS = 3
_MOST_ROWS_TO_CHOOSE = 20_000
# Rows times columns times classes: what a step of a linear fit multiplies. Hundreds of such steps
# take a few seconds.
_MOST_PRODUCTS, _MOST_PRODUCTS_TO_CHOOSE = 25_000_000, 2_500_000
_HUGE = 1e100  # the square of a larger number is none
_MOST_CATEGORIES = 100
_MOST_TREE_CATEGORIES = 254  # scikit-learn's trees take codes below 255

Columns = Float[np.ndarray, "rows columns"]
Estimator = Any  # scikit-learn's estimators share no base class that a type checker knows
Make = Callable[[], Estimator]


def fit_linear(train: Labelled, plan: BaselinePlan) -> Fit:
    """Ridge or logistic regression; its strength chosen by 3-fold cross-validation on `train`.

    Numbers: median for missing ones with a flag, then standardised. Categories: one column each,
    the rarest together beyond 100. Where it would take more than a few seconds, it gets fewer rows.
    """
    _check_columns(train)
    strength = _chosen_strength(train, plan)

    def fit(data: Labelled) -> Predict:
        rows = data.at(some_rows(_most_rows(data, plan, _MOST_PRODUCTS), data, plan.seed))
        prepare = _linear_columns(rows.data).fit(_side_by_side(rows.data))
        columns = prepare.transform(_side_by_side(rows.data))
        answer = _fitted(columns, rows, plan, lambda: _linear(plan, strength))
        return lambda asked: answer(prepare.transform(_side_by_side(asked)))

    return fit


def limits_of_linear(train: Labelled, plan: BaselinePlan) -> str:
    """What was cut from the linear model, in words; "" = nothing."""
    most, num = _most_rows(train, plan, _MOST_PRODUCTS), len(train.truth)
    return f"on {most:,} of {num:,} rows" if most < num else ""


def _most_rows(data: Labelled, plan: BaselinePlan, products: int) -> int:
    several = plan.task == "multilabel" or plan.num_classes > 2
    return products // (data.data.num_columns * (plan.num_classes if several else 1))


def fit_boosted_trees(train: Labelled, plan: BaselinePlan) -> Fit:
    """scikit-learn's HistGradientBoosting as it stands, with its own early stopping.

    It takes 254 categories per column; rarer ones than these count as missing. Where it would
    take more than a few seconds, it gets fewer rounds, rows or columns (`tree_effort`).
    """
    _check_columns(train)
    effort = effort_of_trees(train, plan)

    def fit(data: Labelled) -> Predict:
        rows = data.at(some_rows(effort.num_rows, data, plan.seed))
        columns = TreeColumns.of(rows.data)
        matrix = columns.matrix(rows.data)
        kept = columns_for(effort, matrix, rows.truth)
        categorical = np.flatnonzero(np.isin(kept, columns.categorical() or [])).tolist()
        make = _trees(rows.truth, categorical, effort, plan)
        answer = _fitted(matrix[:, kept], rows, plan, make)
        return lambda asked: answer(columns.matrix(asked)[:, kept])

    return fit


def effort_of_trees(train: Labelled, plan: BaselinePlan) -> Effort:
    """What the boosted trees are given."""
    several = plan.task == "multilabel" or plan.num_classes > 2
    num_trees = plan.num_classes if several else 1
    return effort_for(len(train.truth), train.data.num_columns, num_trees)


def limits_of_trees(train: Labelled, plan: BaselinePlan) -> str:
    """What was cut from the boosted trees, in words; "" = nothing."""
    return effort_of_trees(train, plan).words(len(train.truth), train.data.num_columns)


def _check_columns(train: Labelled) -> None:
    if train.data.num_columns == 0:
        raise DataError("There is no column of numbers or categories to learn from.")


def _side_by_side(data: BaselineData) -> Columns:
    return np.concatenate([data.numbers, data.categories.astype(np.float64)], axis=1)


def _fitted(
    columns: Columns, data: Labelled, plan: BaselinePlan, make: Make
) -> Callable[[Columns], Answer]:
    """Fit one estimator (or one per label) and wrap what it predicts as answers."""
    if plan.task == "regression":
        model = make().fit(columns, data.truth, sample_weight=data.weight)
        return lambda asked: Answer(number=model.predict(asked))
    if plan.task == "multilabel":
        each = [_one_label(columns, truth, data.weight, make) for truth in data.truth.T]
        return lambda asked: Answer.of_sets(np.stack([one(asked) for one in each], axis=1))
    classes = np.unique(data.truth)
    if len(classes) < 2:
        raise DataError("all rows to learn from are of one class")
    model = make().fit(columns, data.truth, sample_weight=data.weight)

    def answer(asked: Columns) -> Answer:
        probability = np.zeros((asked.shape[0], plan.num_classes))
        probability[:, classes] = model.predict_proba(asked)
        return Answer.of_classes(probability)

    return answer


def _one_label(
    columns: Columns,
    truth: Int[np.ndarray, " rows"],
    weight: Float[np.ndarray, " rows"] | None,
    make: Make,
) -> Callable[[Columns], Float[np.ndarray, " rows"]]:
    """The probability of one label; constant where the rows all agree."""
    if len(np.unique(truth)) < 2:
        return lambda asked: np.full(asked.shape[0], float(truth[0]))
    model = make().fit(columns, truth, sample_weight=weight)
    return lambda asked: model.predict_proba(asked)[:, 1]


def _linear(plan: BaselinePlan, strength: float) -> Estimator:
    from sklearn.linear_model import LogisticRegression, Ridge

    if plan.task == "regression":
        return Ridge(alpha=strength)
    return LogisticRegression(C=1 / strength, max_iter=500)


def _linear_columns(data: BaselineData) -> Estimator:
    from sklearn.compose import ColumnTransformer
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

    num_numbers = data.numbers.shape[1]
    numbers = make_pipeline(
        SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True),
        FunctionTransformer(np.clip, kw_args={"a_min": -_HUGE, "a_max": _HUGE}),
        StandardScaler(),
    )
    categories = OneHotEncoder(
        handle_unknown="infrequent_if_exist", max_categories=_MOST_CATEGORIES
    )
    return ColumnTransformer(
        [
            ("numbers", numbers, list(range(num_numbers))),
            ("categories", categories, list(range(num_numbers, data.num_columns))),
        ]
    )


def _chosen_strength(train: Labelled, plan: BaselinePlan) -> float:
    """The strength with the smallest loss over folds."""
    if plan.task == "multilabel":
        return _STRENGTH_OF_SETS
    generator = numpy_generator(plan.seed, "baseline", "strength")
    most = min(_MOST_ROWS_TO_CHOOSE, _most_rows(train, plan, _MOST_PRODUCTS_TO_CHOOSE))
    chosen = np.sort(generator.permutation(len(train.truth))[:most])
    rows = train.at(chosen)
    fold = folds(len(rows.truth), rows.cluster, generator)
    losses = [
        _losses(rows.at(np.flatnonzero(fold != k)), rows.at(np.flatnonzero(fold == k)), plan)
        for k in range(_NUM_FOLDS)
    ]
    used = [loss for loss in losses if loss is not None]
    return _STRENGTHS[int(np.argmin(np.mean(used, axis=0)))] if used else 1.0


def folds(
    num_rows: int, cluster: Shaped[np.ndarray, " rows"] | None, generator: np.random.Generator
) -> Int[np.ndarray, " rows"]:
    """Which of three folds each row is in, by lot; rows of a cluster are in the same."""
    units = np.arange(num_rows)
    if cluster is not None:
        units = np.unique(cluster, return_inverse=True)[1]
    return (generator.permutation(int(units.max()) + 1) % _NUM_FOLDS)[units]


def _losses(inside: Labelled, outside: Labelled, plan: BaselinePlan) -> list[float] | None:
    """The loss outside a fold for each strength; None where the fold cannot be fitted."""
    one_class = plan.task != "regression" and len(np.unique(inside.truth)) < 2
    if one_class or not len(outside.truth) or not len(inside.truth):
        return None
    prepare = _linear_columns(inside.data).fit(_side_by_side(inside.data))
    columns = prepare.transform(_side_by_side(inside.data))
    asked = prepare.transform(_side_by_side(outside.data))
    losses: list[float] = []
    for strength in _STRENGTHS:
        model = _linear(plan, strength)
        answer = _fitted(columns, inside, plan, lambda model=model: model)(asked)
        if answer.number is not None:
            losses.append(float(rmse(outside.truth, answer.number, outside.weight)))
        elif answer.probability is not None:
            losses.append(float(log_loss(outside.truth, answer.probability, outside.weight)))
    return losses


def _trees(
    truth: Shaped[np.ndarray, "rows ..."],
    categorical: list[int],
    effort: Effort,
    plan: BaselinePlan,
) -> Make:
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    options: dict[str, Any] = {
        "categorical_features": categorical or None,
        "max_iter": effort.rounds,
        "learning_rate": effort.learning_rate,
        "max_leaf_nodes": effort.leaves,
        "random_state": derive(plan.seed, "baseline", "trees") % (1 << 32),
    }
    if plan.task == "regression":
        return lambda: HistGradientBoostingRegressor(**options)
    # scikit-learn's early stopping splits by class and stops with an error at a class of one row.
    counts = [np.bincount(one) for one in truth.reshape(len(truth), -1).T]
    if any((count[count > 0] < 2).any() for count in counts):
        options["early_stopping"] = False
    return lambda: HistGradientBoostingClassifier(**options)


@dataclass(frozen=True)
class TreeColumns:
    """How columns are handed to scikit-learn's trees: category codes as ranks of frequency.

    Attributes:
        codes: for each category column the codes that are kept, the commonest first.
        used: for each column, numbers first, whether it has a value at all; the trees stop with
            an error at a column that has none.
        num_numbers: how many of them are numbers.
    """

    codes: tuple[Int[np.ndarray, " codes"], ...]
    used: Bool[np.ndarray, " columns"]
    num_numbers: int

    @classmethod
    def of(cls, data: BaselineData) -> "TreeColumns":
        """From the rows that are learned from.

        Raises:
            DataError: no column has a value.
        """
        codes = tuple(_common_codes(column) for column in data.categories.T)
        filled = [len(kept) > 0 for kept in codes]
        used = np.concatenate([~np.isnan(data.numbers).all(axis=0), np.array(filled, dtype=bool)])
        if not used.any():
            raise DataError("No column has a value to learn from.")
        return cls(codes, used, data.numbers.shape[1])

    def matrix(self, data: BaselineData) -> Columns:
        """Numbers, then ranks of categories; rare, unseen and missing ones as NaN."""
        pairs = zip(data.categories.T, self.codes, strict=True)
        ranks = [ranked(column, codes) for column, codes in pairs]
        return np.column_stack([data.numbers, *ranks])[:, self.used]

    def categorical(self) -> list[int] | None:
        """Places of the categories among the columns that are used."""
        places = np.cumsum(self.used) - 1
        kept = self.used & (np.arange(len(self.used)) >= self.num_numbers)
        return places[kept].tolist() or None


def _common_codes(column: Int[np.ndarray, " rows"]) -> Int[np.ndarray, " codes"]:
    codes, counts = np.unique(column[column >= 0], return_counts=True)
    return codes[np.argsort(-counts, kind="stable")][:_MOST_TREE_CATEGORIES]


def ranked(
    column: Int[np.ndarray, " rows"], codes: Int[np.ndarray, " codes"]
) -> Float[np.ndarray, " rows"]:
    """Each code's place in `codes`, NaN where it has none.

    Example:
        >>> ranked(np.array([5, -1, 0, 2]), np.array([2, 5]))
        array([ 1., nan, nan,  0.])
    """
    table = np.full(max(int(column.max(initial=0)), int(codes.max(initial=0))) + 1, np.nan)
    table[codes] = np.arange(len(codes))
    return np.where(column >= 0, table[np.maximum(column, 0)], np.nan)
