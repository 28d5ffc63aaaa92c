"""What every loss does first: agree on shapes, and compute in fp32."""

import torch
from jaxtyping import Float, Shaped
from torch import Tensor

from fathom.base.errors import FathomError, RecipeError


def precise(values: Shaped[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """The values in fp32, or in fp64 where they are.

    Example:
        >>> precise(torch.ones(2, dtype=torch.bfloat16)).dtype
        torch.float32
    """
    return values.to(torch.promote_types(values.dtype, torch.float32))


def check_shapes(prediction: torch.Size, target: torch.Size) -> None:
    """Refuse targets that would spread the predictions over more elements than there are.

    Without this, predictions [batch, 1] and targets [batch] would silently give
    [batch, batch] losses.

    Raises:
        FathomError: the target's shape does not broadcast to the prediction's.
    """
    try:
        fits = prediction == target or torch.broadcast_shapes(prediction, target) == prediction
    except RuntimeError:
        fits = False
    if not fits:
        raise FathomError(
            "The shapes of predictions and targets do not agree.",
            expected=f"targets of shape {list(prediction)}, or one that broadcasts to it",
            got=f"targets of shape {list(target)}",
            do="Add or take away an axis: `unsqueeze(-1)`, `squeeze(-1)`.",
        )


def check_share(option: str, value: float) -> None:
    """Refuse a share outside [0, 1].

    Raises:
        RecipeError: the value is not a share.
    """
    if not 0 <= value <= 1:
        raise RecipeError(
            f"The option '{option}' must lie between 0 and 1.",
            expected="a number from 0 to 1",
            got=str(value),
            do=f"Choose another '{option}'; 0 turns it off.",
        )


def check_above_zero(option: str, value: float) -> None:
    """Refuse a number that is not above 0.

    Raises:
        RecipeError: the value is 0, negative or not a number.
    """
    if not value > 0:
        raise RecipeError(
            f"The option '{option}' must be above 0.",
            expected="a number above 0",
            got=str(value),
            do=f"Choose another '{option}', or leave it out.",
        )
