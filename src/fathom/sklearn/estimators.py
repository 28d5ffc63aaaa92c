"""Scikit-learn estimators: the networks of `fathom.train` behind fit and predict."""

import sys
from collections.abc import Mapping
from typing import Any, Self

import numpy as np
import polars as pl
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.utils import Tags, check_random_state
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import (
    _check_sample_weight,  # pyright: ignore[reportPrivateUsage]
    check_consistent_length,
    check_is_fitted,
    column_or_1d,
    validate_data,
)

from fathom.base.errors import DataError, RecipeError, listed
from fathom.heads.head import Answer
from fathom.models.model import class_names
from fathom.tables.read import read
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
    "evaluate.coverage",
    "evaluate.baselines",
    "evaluate.importance",
)


class _FathomEstimator(BaseEstimator):
    """What both estimators share: parameters, tables, training, pickling."""

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
        """The model as the bytes of its files, so that a pickle holds no network object."""
        state = dict(self.__dict__)
        if "model_" in state:
            state["model_"] = model_to_bytes(state["model_"])
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        files = state.get("model_")
        self.__dict__.update(state)
        if files is not None:
            self.model_ = model_from_bytes(files)

    def _learn(self, frame: pl.DataFrame, kinds: dict[str, str], target: np.ndarray) -> None:
        """Train on a frame of inputs and weights; `kinds` holds the target's last."""
        name = next(reversed(kinds))
        data = frame.with_columns(pl.Series(name, target))
        recipe = self._recipe({"target": [name]}, kinds)
        if _WEIGHT in frame.columns:
            recipe = recipe.with_said({"weight": _WEIGHT}, {})
        learned = learn_in_memory(recipe, data)
        self.model_ = learned.model
        self.n_iter_ = max(part.steps for part in learned.trained)
