"""Scikit-learn estimators: the networks of `fathom.train` behind fit and predict."""

import sys
import warnings
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any, Self

import numpy as np
import polars as pl
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import Tags, check_random_state
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import (
    _check_sample_weight,
    check_consistent_length,
    check_is_fitted,
    validate_data,
)

from fathom.base.errors import DataError, RecipeError, listed
from fathom.heads.head import Answer
from fathom.models.model import Model, class_names
from fathom.tables.read import read
from fathom.tables.schema import check_weights
from fathom.workflow.in_memory import learn_in_memory, model_from_bytes, model_to_bytes
from fathom.workflow.material import FEWEST_ROWS
from fathom.workflow.recipe import Recipe

# The settings that parameters of the estimators say.
_PARAMETERS = {
    "size": "size",
    "training.epochs": "epochs",
    "training.learning_rate": "learning_rate",
    "network.name": "network",
    "seed": "random_state",
}
# Settings of reading, testing and reporting: nothing of that happens here.
_NO_EFFECT = (
    "data",
    "target",
    "test",
    "validation",
    "names",
    "delimiter",
    "encoding",
    "weight",
    "time",
    "split.test_share",
    "evaluate.metric",
    # Predictions are the likelier class, as scikit-learn expects; it has its own threshold tuner.
    "evaluate.threshold",
    "evaluate.coverage",
    "evaluate.baselines",
    "evaluate.importance",
    # Nothing is looked for in the rows, but where prepare.drop_leaks asks for it.
    "look",
    "report",
)


class _FathomEstimator(BaseEstimator):
    """What both estimators share: parameters, tables, training, pickling."""

    model_: Model
    feature_names_in_: np.ndarray
    n_features_in_: int
    n_iter_: int

    def __init__(
        self,
        size: str = "medium",
        *,
        epochs: float | None = None,
        learning_rate: float | None = None,
        network: str | None = None,
        kinds: Mapping[str | int, str] | None = None,
        settings: Mapping[str, Any] | None = None,
        random_state: Any = None,
    ) -> None:
        self.size = size
        self.epochs = epochs
        self.learning_rate = learning_rate
        self.network = network
        self.kinds = kinds
        self.settings = settings
        self.random_state = random_state

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags

    def __getstate__(self) -> dict[str, Any]:
        """The model goes into a pickle as the bytes of its two files, not as live networks."""
        state = dict(self.__dict__)
        if "model_" in state:
            state["model_"] = model_to_bytes(state["model_"])
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        if "model_" in state:
            self.model_ = model_from_bytes(state["model_"])

    def _learn(self, X: Any, target: pl.Series, kind: str, weight: np.ndarray | None) -> None:
        """Train on validated targets; the model's only target has a name of ours."""
        inputs, kinds = self._inputs(X, reset=True)
        check_consistent_length(inputs, target)
        taken = list(inputs.columns)
        name = _free("y", taken)
        recipe = self._recipe(kinds | {name: kind}).with_said({"target": [name]}, {})
        data = inputs.with_columns(target.alias(name))
        if weight is not None:
            said = _free("weight", [*taken, name])
            recipe = recipe.with_said({"weight": said}, {})
            # Rows that count nothing must not shape kinds, bins or splits either.
            data = data.with_columns(pl.Series(said, weight)).filter(pl.col(said) > 0)
        learned = learn_in_memory(recipe, data)
        self.model_ = learned.model
        self.n_iter_ = max(part.steps for part in learned.trained)
        if learned.still_falling:
            warnings.warn(learned.still_falling, ConvergenceWarning, stacklevel=3)

    def _answer(self, X: Any) -> Answer:
        """What the trained model says of rows that are checked against those of fit."""
        check_is_fitted(self)
        inputs, _ = self._inputs(X, reset=False)
        table = read(inputs)
        return self.model_.answer(table)[self.model_.targets[0].name]

    def _inputs(self, X: Any, *, reset: bool) -> tuple[pl.DataFrame, dict[str, str]]:
        """The columns of X under their names, and the kinds that are said of them."""
        if _is_frame(X):
            X = _by_position(X)
            validate_data(self, X, reset=reset, skip_check_array=True)
            frame, kinds = read(X).frame, {}
        else:
            array: Any = validate_data(
                self,
                X,
                reset=reset,
                dtype=None,
                ensure_all_finite="allow-nan",
                ensure_min_samples=FEWEST_ROWS if reset else 1,
            )
            frame = _frame_of(array)
            kinds = _numbers(array) if reset else {}
        frame.columns = self._names()
        kinds = {frame.columns[place]: kind for place, kind in kinds.items()}
        return frame, kinds | (self._said_kinds(frame.columns) if reset else {})

    def _names(self) -> list[str]:
        """The columns' own names where they have unique ones, else x0, x1, …"""
        names = [str(name) for name in getattr(self, "feature_names_in_", ())]
        if len(set(names)) == self.n_features_in_:
            return names
        return [f"x{place}" for place in range(self.n_features_in_)]

    def _said_kinds(self, names: list[str]) -> dict[str, str]:
        """`kinds` by name; positions count from 0 as everywhere in NumPy.

        Raises:
            RecipeError: a position beyond the last column.
        """
        found: dict[str, str] = {}
        for key, kind in (self.kinds or {}).items():
            if isinstance(key, int | np.integer) and not 0 <= key < len(names):
                raise RecipeError(
                    "A kind was said of a column that does not exist.",
                    where="kinds",
                    expected=f"a name, or a position from 0 to {len(names) - 1}",
                    got=str(key),
                    do="Count the columns from 0.",
                )
            found[names[key] if isinstance(key, int | np.integer) else str(key)] = kind
        return found

    def _recipe(self, kinds: Mapping[str, str]) -> Recipe:
        """Parameters and settings as a recipe.

        Raises:
            RecipeError: a setting has no effect here, is a parameter, or does not exist.
        """
        settings = dict(self.settings or {})
        for key in settings:
            _check_setting(key, type(self).__name__)
        said = {
            "size": self.size,
            "training.epochs": self.epochs,
            "training.learning_rate": self.learning_rate,
            "network.name": self.network,
            "seed": self._seed(),
        }
        given = {**said, **settings}
        return Recipe.of(
            {key: v.item() if isinstance(v, np.generic) else v for key, v in given.items()}, kinds
        )

    def _seed(self) -> int | None:
        if self.random_state is None:
            return None
        if isinstance(self.random_state, int | np.integer):
            return int(self.random_state)
        return int(check_random_state(self.random_state).randint(2**31 - 1))


class FathomClassifier(ClassifierMixin, _FathomEstimator):
    """The network of `fathom.train` as a scikit-learn classifier.

    It learns from all rows that `fit` is given: none is tested, nothing is written. Some rows (or
    each in its turn, where there are fewer than 1,500) choose the best step and the temperature
    that makes the probabilities honest, as in `fathom.train`.

    Args:
        size: the one dial, "small", "medium" or "large".
        epochs: how often each row is seen at most; None = goes with the size.
        learning_rate: length of a step; None = fathom's own.
        network: "ensemble", "mlp" or "linear"; None = "ensemble".
        kinds: kinds of columns, by name or by position from 0: "number", "category", "flag",
            "date", "set", "ignored". What is not said is recognised in a frame; in an array,
            columns of numbers are numbers.
        settings: any other setting of a recipe, such as {"split.folds": 0}.
        random_state: where all randomness starts; None = 0, so that a fit can be repeated.

    Attributes:
        model_: the trained model.
        classes_: the classes, sorted, in the type that y had.
        n_features_in_: columns seen in fit.
        feature_names_in_: their names, where they have names.
        n_iter_: steps taken, by the longest of the folds.

    Example:
        >>> X = np.linspace(0, 1, 80).reshape(40, 2)
        >>> y = np.where(X[:, 0] > 0.5, "high", "low")
        >>> model = FathomClassifier("small", epochs=150, settings={"split.folds": 0}).fit(X, y)
        >>> [str(name) for name in model.predict([[0.1, 0.1], [0.9, 0.9]])]
        ['low', 'high']
    """

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train.

        Args:
            X: rows by columns: an array, or a pandas or polars frame; cells may be missing.
            y: a class per row, of any type.
            sample_weight: how much each row counts; rows of weight zero are left out.

        Raises:
            ValueError: what scikit-learn asks for; FathomError is one, with what to do.
        """
        y = validate_data(self, X="no_validation", y=y)
        check_classification_targets(y)
        classes, codes = np.unique(y, return_inverse=True)
        weight = _weights(sample_weight, y)
        _check_classes(classes, codes if weight is None else codes[weight > 0])
        words = np.array([_word(code) for code in range(len(classes))], dtype=object)
        self._learn(X, pl.Series("y", words[codes], dtype=pl.String), "category", weight)
        self.classes_ = classes
        return self

    def predict_proba(self, X: Any) -> np.ndarray:
        """Probabilities [rows, classes], in the order of `classes_`; each row sums to 1."""
        probability = self._answer(X).probability
        assert probability is not None, "categories are answered by probabilities"
        names = {word: place for place, word in enumerate(class_names(self.model_.targets[0]))}
        found = np.zeros((len(probability), len(self.classes_)))
        for code in range(len(self.classes_)):
            # A class that only held rows show was never learned.
            if _word(code) in names:
                found[:, code] = probability[:, names[_word(code)]]
        return found / found.sum(axis=1, keepdims=True)

    def predict(self, X: Any) -> np.ndarray:
        """The likeliest class of each row."""
        likeliest = self.predict_proba(X).argmax(axis=1)
        return self.classes_[likeliest]


class FathomRegressor(RegressorMixin, _FathomEstimator):
    """The network of `fathom.train` as a scikit-learn regressor.

    It learns from all rows that `fit` is given: none is tested, nothing is written. Some rows (or
    each in its turn, where there are fewer than 1,500) choose the best step, as in
    `fathom.train`.

    Args:
        size: the one dial, "small", "medium" or "large".
        epochs: how often each row is seen at most; None = goes with the size.
        learning_rate: length of a step; None = fathom's own.
        network: "ensemble", "mlp" or "linear"; None = "ensemble".
        kinds: kinds of columns, by name or by position from 0: "number", "category", "flag",
            "date", "set", "ignored". What is not said is recognised in a frame; in an array,
            columns of numbers are numbers.
        settings: any other setting of a recipe, such as {"loss.number": "huber"}.
        random_state: where all randomness starts; None = 0, so that a fit can be repeated.

    Attributes:
        model_: the trained model.
        n_features_in_: columns seen in fit.
        feature_names_in_: their names, where they have names.
        n_iter_: steps taken, by the longest of the folds.

    Example:
        >>> X = np.linspace(0, 1, 80).reshape(40, 2)
        >>> model = FathomRegressor("small", epochs=40, learning_rate=0.01)
        >>> bool(model.fit(X, 3 * X[:, 0]).score(X, 3 * X[:, 0]) > 0.9)
        True
    """

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train.

        Args:
            X: rows by columns: an array, or a pandas or polars frame; cells may be missing.
            y: a number per row.
            sample_weight: how much each row counts; rows of weight zero are left out.

        Raises:
            ValueError: what scikit-learn asks for; FathomError is one, with what to do.
        """
        _check_amounts(np.asarray(y))
        y = validate_data(self, X="no_validation", y=y, y_numeric=True)
        weight = _weights(sample_weight, y)
        self._learn(X, pl.Series("y", y.astype(np.float64)), "number", weight)
        return self

    def predict(self, X: Any) -> np.ndarray:
        """The number of each row, float64."""
        value = self._answer(X).value
        assert value is not None, "numbers are answered by values"
        return value


def _weights(sample_weight: Any, y: np.ndarray) -> np.ndarray | None:
    if sample_weight is None:
        return None
    weight = _check_sample_weight(sample_weight, y, ensure_non_negative=True)
    check_weights(weight, "sample_weight")
    return weight


def _check_amounts(y: np.ndarray) -> None:
    """Dates and lengths of time have numbers inside that nobody means.

    Raises:
        DataError: y holds dates or lengths of time.
    """
    dated = y.dtype.kind == "O" and any(isinstance(cell, date | timedelta) for cell in y.ravel())
    if dated or y.dtype.kind in "Mm":
        raise DataError(
            "A regressor learns numbers, but y holds dates or lengths of time.",
            where="y",
            expected="numbers",
            got=type(y.ravel()[0]).__name__ if dated else f"the type {y.dtype}",
            do="Turn them into numbers, such as days since a date.",
        )


def _word(code: int) -> str:
    """A class as the network's target names it: a word that no reading takes for a number."""
    return f"class {code}"


def _check_classes(classes: np.ndarray, codes: np.ndarray) -> None:
    """There must be two classes to be told apart.

    Raises:
        DataError: there is one class only.
    """
    if len(set(codes.tolist())) > 1:
        return
    raise DataError(
        "A classifier needs at least two classes, but y holds one class only.",
        where="y, rows of weight zero left out",
        expected="two different classes",
        got=listed(classes[np.unique(codes)]),
        do="Bring rows of every class.",
    )


def _check_setting(key: str, estimator: str) -> None:
    """A setting must have an effect, and one place only where it is said.

    Raises:
        RecipeError: otherwise.
    """
    if key in _PARAMETERS:
        raise RecipeError(
            f"'{key}' is a parameter of the estimator.",
            where="settings",
            expected="settings that are no parameters",
            got=f"'{key}'",
            do=f"Say it as {estimator}({_PARAMETERS[key]}=…).",
        )
    if key in _NO_EFFECT:
        raise RecipeError(
            f"The setting '{key}' has no effect in a scikit-learn estimator.",
            where="settings",
            expected="settings of splitting, preparing, networks, losses and training",
            got=f"'{key}'",
            do="Leave it out, or use fathom.train.",
        )


def _is_frame(X: object) -> bool:
    """Whether columns have types of their own, which a NumPy array would lose."""
    pandas = sys.modules.get("pandas")
    return isinstance(X, pl.DataFrame) or (pandas is not None and isinstance(X, pandas.DataFrame))


def _by_position(X: Any) -> Any:
    """A frame in which names repeat, as only those of pandas can, with its columns numbered."""
    if X.shape[1] == len(set(X.columns)):
        return X
    return X.set_axis(range(X.shape[1]), axis=1)


def _frame_of(array: np.ndarray) -> pl.DataFrame:
    """An array as a frame; truth values become 0 and 1, as scikit-learn reads them."""
    cells = array.astype(np.float64) if array.dtype.kind == "b" else array
    return read({f"x{place}": cells[:, place] for place in range(cells.shape[1])}).frame


def _numbers(array: np.ndarray) -> dict[int, str]:
    """Which columns of an array are numbers: all, or of objects those that can be."""
    return {place: "number" for place in range(array.shape[1]) if _is_number(array[:, place])}


def _is_number(cells: np.ndarray) -> bool:
    if cells.dtype.kind in "biuf":
        return True
    if cells.dtype.kind != "O":
        return False
    try:
        np.array([np.nan if cell is None else cell for cell in cells.tolist()], dtype=np.float64)
    except ValueError:
        return False
    return True


def _free(name: str, taken: list[str]) -> str:
    """The name, with lines under it until no column has it."""
    while name in taken:
        name += "_"
    return name
