"""Clipping of gradients by name: no single batch may throw the weights far away.

| word | limits | when |
|---|---|---|
| none | nothing | large batches, calm losses |
| norm | the length of all gradients together, direction kept | the plain choice |
| value | each number by itself, direction changed | when single entries explode |

Nothing here waits for the device: norms and flags stay tensors, to be read when the loop reads
anyway.
"""

# PyTorch offers its fast operations on lists of tensors under private names only.
# pyright: reportPrivateImportUsage=false

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from fathom.base.errors import RecipeError, listed, nearest


@dataclass(frozen=True, kw_only=True)
class ClippingPlan:
    """How gradients are limited before a step.

    Attributes:
        name: a word of `CLIPPINGS`.
        most: the largest norm, or the largest size of one number; 1 if not given.

    Raises:
        RecipeError: an unknown name, a limit that is not above 0, or a limit with "none".

    Source: Pascanu, Mikolov, Bengio, "On the difficulty of training recurrent neural networks",
        2013.

    Example:
        >>> ClippingPlan(name="norm", most=0.5).limit()
        0.5
    """

    name: str = "norm"
    most: float | None = None

    def __post_init__(self) -> None:
        if self.name not in CLIPPINGS:
            raise RecipeError(
                f"There is no clipping '{self.name}'.",
                expected=f"one of {listed(CLIPPINGS)}",
                got=f"'{self.name}'",
                do=nearest(str(self.name).lower(), CLIPPINGS) or "Choose one of the words above.",
            )
        if self.most is None:
            return
        if self.name == "none":
            raise RecipeError(
                "The clipping 'none' does not use the option 'most'.",
                expected="'most' with 'norm', 'value' only",
                got=f"most = {self.most}",
                do="Leave 'most' out, or choose 'norm'.",
            )
        if not 0 < self.most < math.inf:
            raise RecipeError(
                "The option 'most' of the clipping is out of its range.",
                expected="a number above 0",
                got=str(self.most),
                do="Choose another 'most', or the clipping 'none'.",
            )

    def limit(self) -> float:
        """The limit, the usual value filled in."""
        return 1.0 if self.most is None else self.most


def clip_gradients(gradients: Iterable[Tensor], plan: ClippingPlan) -> Float[Tensor, ""]:
    """Clip gradients in place by a plan.

    Args:
        gradients: of all parameters that are stepped together, on one device.
        plan: which clipping.

    Returns:
        Their norm before clipping, fp32, on their device; NaN or infinite where they are.

    Example:
        >>> gradient = torch.tensor([3.0, 4.0])
        >>> clip_gradients([gradient], ClippingPlan(name="norm")), gradient
        (tensor(5.), tensor([0.6000, 0.8000]))
    """
    tensors = list(gradients)
    norm = global_norm(tensors)
    CLIPPINGS[plan.name].clip(tensors, norm, plan.limit())
    return norm


def global_norm(tensors: Iterable[Tensor]) -> Float[Tensor, ""]:
    """The Euclidean length of all numbers of all tensors together, fp32 or better.

        norm = √ Σ x²

    Args:
        tensors: on one device; none at all gives 0.

    Example:
        >>> global_norm([torch.tensor([3.0]), torch.tensor([[4.0]])])
        tensor(5.)
    """
    norms = _norms(tensors, 2.0)
    return torch.linalg.vector_norm(torch.stack(norms)) if norms else torch.zeros(())


def all_finite(tensors: Iterable[Tensor]) -> Bool[Tensor, ""]:
    """Whether no number of any tensor is NaN or infinite, as a tensor on their device.

    It looks at the largest size of a number instead of the norm, whose squares could overflow
    where the numbers themselves are finite.

    Example:
        >>> all_finite([torch.ones(2)]), all_finite([torch.ones(2), torch.tensor([float("nan")])])
        (tensor(True), tensor(False))
    """
    largest = _norms((tensor for tensor in tensors if tensor.numel()), math.inf)
    return torch.stack(largest).isfinite().all() if largest else torch.tensor(True)


def clip_by_norm(tensors: list[Tensor], norm: Float[Tensor, ""], most: float) -> None:
    """Shorten all tensors in place by one factor, so that together they are at most so long.

        x ← x · min(1, most / norm)

    Args:
        tensors: changed in place.
        norm: their global norm.
        most: the largest norm allowed.
    """
    if tensors:
        torch._foreach_mul_(tensors, (most / norm).clamp_max(1.0))


def clip_by_value(tensors: list[Tensor], most: float) -> None:
    """Bring every number in place into [−most, most]; NaN stays NaN.

    Args:
        tensors: changed in place.
        most: the largest size allowed.
    """
    if tensors:
        torch._foreach_clamp_min_(tensors, -most)
        torch._foreach_clamp_max_(tensors, most)


def _norms(tensors: Iterable[Tensor], order: float) -> list[Tensor]:
    """The norm of each tensor, in fp32 where the tensor is coarser."""
    by_type: dict[torch.dtype, list[Tensor]] = {}
    for tensor in tensors:
        by_type.setdefault(tensor.dtype, []).append(tensor.detach())
    return [
        norm.to(torch.promote_types(dtype, torch.float32))
        for dtype, group in by_type.items()
        for norm in torch._foreach_norm(
            group, order, dtype=torch.promote_types(dtype, torch.float32)
        )
    ]


@dataclass(frozen=True)
class NamedClipping:
    """One clipping of the course.

    Attributes:
        clip: changes the gradients in place, given them, their norm and the limit.
        sentence: what it does and when to use it, for a newcomer.
    """

    clip: Callable[[list[Tensor], Tensor, float], None]
    sentence: str


CLIPPINGS: dict[str, NamedClipping] = {
    "none": NamedClipping(
        lambda tensors, norm, most: None, "Nothing; for large batches and calm losses."
    ),
    "norm": NamedClipping(
        clip_by_norm, "Shortens all gradients together and keeps their direction; the plain choice."
    ),
    "value": NamedClipping(
        lambda tensors, norm, most: clip_by_value(tensors, most),
        "Cuts each number by itself; when single entries explode.",
    ),
}
