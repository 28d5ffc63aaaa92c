"""The losses by name, each with the tasks it fits.

| word | regression | binary | multiclass | multilabel |
|---|---|---|---|---|
| mean_squared_error | the plain choice | | | |
| mean_absolute_error | outliers | | | |
| huber | some outliers | | | |
| quantile | intervals | | | |
| binary_cross_entropy | | the plain choice | | the plain choice |
| binary_focal | | very few yes | | very few yes |
| cross_entropy | | with two outputs | the plain choice | |
| focal | | with two outputs | most examples easy | |
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from torch import Tensor

from fathom.base.errors import RecipeError, listed, nearest
from fathom.losses.classification import (
    binary_cross_entropy,
    binary_focal,
    cross_entropy,
    focal,
)
from fathom.losses.regression import huber, mean_absolute_error, mean_squared_error, quantile

LossTask = Literal["regression", "binary", "multiclass", "multilabel"]


@dataclass(frozen=True)
class NamedLoss:
    """One loss of the course.

    Attributes:
        function: (prediction or logits, target, its options) -> one loss per example.
        tasks: what it fits.
        sentence: what it does and when to use it, for a newcomer.
    """

    function: Callable[..., Tensor]
    tasks: tuple[LossTask, ...]
    sentence: str


LOSSES: dict[str, NamedLoss] = {
    "mean_squared_error": NamedLoss(
        mean_squared_error,
        ("regression",),
        "The squared error; the plain choice for numbers, leads to the mean.",
    ),
    "mean_absolute_error": NamedLoss(
        mean_absolute_error,
        ("regression",),
        "The size of the error; when the target has outliers, leads to the median.",
    ),
    "huber": NamedLoss(
        huber,
        ("regression",),
        "Squared for small errors and straight for large ones; when there are some outliers.",
    ),
    "quantile": NamedLoss(
        quantile,
        ("regression",),
        "The pinball loss; for a quantile instead of a mean, two of them make an interval.",
    ),
    "binary_cross_entropy": NamedLoss(
        binary_cross_entropy,
        ("binary", "multilabel"),
        "How surprised the network is by each yes or no; the plain choice for two classes.",
    ),
    "binary_focal": NamedLoss(
        binary_focal,
        ("binary", "multilabel"),
        "The same with easy examples faded out; when yes is very rare.",
    ),
    "cross_entropy": NamedLoss(
        cross_entropy,
        ("binary", "multiclass"),
        "How surprised the network is by the class; the plain choice for several classes.",
    ),
    "focal": NamedLoss(
        focal,
        ("binary", "multiclass"),
        "The same with easy examples faded out; when most examples are easy.",
    ),
}


def named_loss(name: str, task: LossTask | None = None) -> NamedLoss:
    """The loss of that name.

    Args:
        name: a word of `LOSSES`; the table at the top of this file says what each is for.
        task: what it must fit; None = any.

    Raises:
        RecipeError: there is no loss of that name, or it does not fit the task.

    Example:
        >>> named_loss("huber").sentence
        'Squared for small errors and straight for large ones; when there are some outliers.'
    """
    fitting = [word for word, loss in LOSSES.items() if task is None or task in loss.tasks]
    if name not in LOSSES:
        raise RecipeError(
            f"There is no loss '{name}'.",
            expected=f"one of {listed(fitting, most=20)}",
            got=f"'{name}'",
            do=nearest(str(name).lower(), fitting) or "Choose one of the words above.",
        )
    if name not in fitting:
        raise RecipeError(
            f"The loss '{name}' does not fit the task '{task}'.",
            expected=f"one of {listed(fitting, most=20)}",
            got=f"'{name}', which fits {listed(LOSSES[name].tasks)}",
            do="Choose one of the words above.",
        )
    return LOSSES[name]
