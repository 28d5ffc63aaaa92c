"""Losses for numbers: how far off is each prediction?

| word | grows with the error | leads to | when |
|---|---|---|---|
| mean_squared_error | squared | the mean | errors are like a normal's |
| mean_absolute_error | straight | the median | outliers in the target |
| huber | squared near 0, then straight | between both | some outliers |
| quantile | straight, steeper on one side | the quantile asked for | intervals, stock-keeping |

The names are the field's; the mean over examples is taken by the caller, not here.
"""

from collections.abc import Sequence

import torch
from jaxtyping import Float, Shaped
from torch import Tensor

from fathom.base.errors import RecipeError
from fathom.losses.inputs import check_above_zero, check_shapes, precise


def mean_squared_error(
    prediction: Float[Tensor, "*shape"], target: Shaped[Tensor, "*#shape"]
) -> Float[Tensor, "*shape"]:
    """The squared error of each prediction; the constant that minimises its mean is the mean.

        loss = (prediction − target)²

    Args:
        prediction: any shape, e.g. [batch] or [batch, members].
        target: the same shape, or one that broadcasts to it ([batch, 1]).

    Returns:
        One loss per prediction, fp32.

    Raises:
        FathomError: the shapes do not agree.

    Example:
        >>> mean_squared_error(torch.tensor([1.0, 2.0]), torch.tensor([1.0, 5.0]))
        tensor([0., 9.])
    """
    return _error(prediction, target).square()


def mean_absolute_error(
    prediction: Float[Tensor, "*shape"], target: Shaped[Tensor, "*#shape"]
) -> Float[Tensor, "*shape"]:
    """The size of each error; the constant that minimises its mean is the median.

        loss = |prediction − target|

    Args:
        prediction: any shape.
        target: the same shape, or one that broadcasts to it.

    Returns:
        One loss per prediction, fp32.

    Raises:
        FathomError: the shapes do not agree.

    Example:
        >>> mean_absolute_error(torch.tensor([1.0, 2.0]), torch.tensor([1.0, 5.0]))
        tensor([0., 3.])
    """
    return _error(prediction, target).abs()


def huber(
    prediction: Float[Tensor, "*shape"],
    target: Shaped[Tensor, "*#shape"],
    delta: float = 1.0,
) -> Float[Tensor, "*shape"]:
    """Squared for small errors, straight for large ones, so that outliers pull less.

        loss = ½ e²              where |e| ≤ δ
               δ (|e| − ½ δ)     elsewhere,      e = prediction − target

    Args:
        prediction: any shape.
        target: the same shape, or one that broadcasts to it.
        delta: where squared turns into straight, in the target's unit; above 0. With a
            standardised target 1 is one standard deviation.

    Returns:
        One loss per prediction, fp32.

    Raises:
        FathomError: the shapes do not agree.
        RecipeError: delta is not above 0.

    Source: Huber, "Robust Estimation of a Location Parameter", 1964.

    Example:
        >>> huber(torch.tensor([0.5, 5.0]), torch.tensor([0.0, 0.0]))
        tensor([0.1250, 4.5000])
    """
    check_above_zero("delta", delta)
    size = _error(prediction, target).abs()
    near = size.clamp_max(delta)
    return near * (size - 0.5 * near)


def quantile(
    prediction: Float[Tensor, "*shape levels"],
    target: Shaped[Tensor, "*#shape"],
    levels: Sequence[float] = (0.5,),
) -> Float[Tensor, "*shape"]:
    """The pinball loss: its mean is least where the share `level` of the targets lies below.

        loss = mean over levels τ of  max(τ e, (τ − 1) e),   e = target − prediction

    Args:
        prediction: the last axis has one prediction for each level.
        target: without that axis.
        levels: each strictly between 0 and 1; (0.05, 0.5, 0.95) gives a median and a 90 %
            interval. (0.5,) is half the mean absolute error.

    Returns:
        One loss per example, the mean over the levels, fp32.

    Raises:
        FathomError: the shapes do not agree.
        RecipeError: a level is not strictly between 0 and 1, or their number is not that of the
            predictions.

    Source: Koenker and Bassett, "Regression Quantiles", 1978.

    Example:
        >>> quantile(torch.tensor([[0.0, 0.0]]), torch.tensor([10.0]), levels=(0.5, 0.9))
        tensor([7.])
    """
    if not levels or not all(0 < level < 1 for level in levels):
        raise RecipeError(
            "The levels of quantiles must lie strictly between 0 and 1.",
            expected="such as 0.05, 0.5, 0.95",
            got=", ".join(str(level) for level in levels) or "none",
            do="Write 5 % as 0.05.",
        )
    if prediction.shape[-1] != len(levels):
        raise RecipeError(
            "There must be one prediction for each level.",
            expected=f"{len(levels)} on the last axis of the predictions",
            got=str(prediction.shape[-1]),
            do="Widen the last layer, or give as many levels as it has outputs.",
        )
    check_shapes(prediction.shape[:-1], target.shape)
    error = precise(target).unsqueeze(-1) - precise(prediction)
    level = torch.tensor(levels, dtype=error.dtype, device=error.device)
    return torch.maximum(level * error, (level - 1) * error).mean(-1)


def _error(prediction: Tensor, target: Tensor) -> Tensor:
    check_shapes(prediction.shape, target.shape)
    return precise(prediction) - precise(target)
