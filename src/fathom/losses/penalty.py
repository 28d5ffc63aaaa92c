"""Penalties on the weights themselves, added to the loss: prefer small, or few.

| word | formula | leads to |
|---|---|---|
| l1_penalty | Σ abs(w) | many weights exactly 0 |
| l2_penalty | Σ w² | all weights small; for plain gradient descent the same as weight decay |
"""

from collections.abc import Iterable

import torch
from jaxtyping import Float
from torch import Tensor

from fathom.losses.inputs import precise


def l1_penalty(parameters: Iterable[Tensor]) -> Float[Tensor, ""]:
    """The sum of the sizes of all weights, fp32; the caller multiplies it by its strength.

    Args:
        parameters: usually the weight matrices, without biases and gains. None at all gives 0.

    Source: Tibshirani, "Regression Shrinkage and Selection via the Lasso", 1996.

    Example:
        >>> l1_penalty([torch.tensor([1.0, -2.0]), torch.tensor([[3.0]])])
        tensor(6.)
    """
    return _total([precise(parameter).abs().sum() for parameter in parameters])


def l2_penalty(parameters: Iterable[Tensor]) -> Float[Tensor, ""]:
    """The sum of the squares of all weights, fp32; the caller multiplies it by its strength.

    With plain gradient descent, strength λ acts like a weight decay of 2 λ.

    Args:
        parameters: usually the weight matrices, without biases and gains. None at all gives 0.

    Source: Hoerl and Kennard, "Ridge Regression", 1970.

    Example:
        >>> l2_penalty([torch.tensor([1.0, -2.0]), torch.tensor([[3.0]])])
        tensor(14.)
    """
    return _total([precise(parameter).square().sum() for parameter in parameters])


def _total(sums: list[Tensor]) -> Tensor:
    return torch.stack(sums).sum() if sums else torch.zeros(())
