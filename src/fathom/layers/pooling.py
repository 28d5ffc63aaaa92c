"""From the places of a picture to one number for each channel."""

import torch
from jaxtyping import Float
from torch import Tensor


def maximum_of_places(x: Float[Tensor, "batch d height width"]) -> Float[Tensor, "batch d"]:
    """The greatest value of each channel.

    The gradient goes in equal shares to all places that have it. In compiled programs it goes to
    the first of them: these compare values before they are rounded to bf16 with a maximum that is
    rounded, so that none may be equal, and a share of none is NaN.

    Example:
        >>> maximum_of_places(torch.arange(8.0).view(1, 2, 2, 2))
        tensor([[3., 7.]])
    """
    if torch.compiler.is_compiling():
        return x.flatten(2).max(2).values
    return x.amax((2, 3))
