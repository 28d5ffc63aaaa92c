"""Dropout that is cheap on a processor too.

PyTorch's own dropout draws one slow random number per element on a CPU. Here one random 64-bit
integer serves eight elements, a byte each.
"""

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from fathom.base.errors import RecipeError

_LEVELS = 256


class Dropout(nn.Module):
    """In training, set a share p of the elements to 0 and enlarge the others to make up for it.

    A network that cannot rely on any single unit learns by heart less easily.

        y = x · mask / keep,   mask ~ Bernoulli(keep),   keep = 1 − p

    On a CPU p is rounded to the nearest of 1/256, 2/256, …, 255/256 (0 and 1 stay what they
    are), and the kept elements are divided by the exact share that is kept, so the expectation
    of y is exactly x. On other devices PyTorch's own dropout is used, with p as it stands.
    Randomness comes from PyTorch's global generator. Nothing happens in evaluation.

    Args:
        p: the share to drop, from 0 to 1. Usual: 0.1 to 0.3 for tables and transformers, 0.5 for
            wide layers.

    Raises:
        RecipeError: p is not between 0 and 1.

    Source: Srivastava et al., "Dropout", 2014.

    Example:
        >>> Dropout(0.5).eval()(torch.ones(3))
        tensor([1., 1., 1.])
        >>> sorted(set(Dropout(0.5)(torch.ones(1000)).tolist()))
        [0.0, 2.0]
    """

    def __init__(self, p: float) -> None:
        super().__init__()
        if not 0 <= p <= 1:
            raise RecipeError(
                "The share to drop must lie between 0 and 1.",
                expected="a number from 0 to 1",
                got=str(p),
                do="Usual are 0.1 to 0.5; 0 turns dropout off.",
            )
        self.p = p

    def forward(self, x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        return dropout(x, self.p) if self.training else x

    def extra_repr(self) -> str:
        return f"p={self.p}"


def dropout(x: Float[Tensor, "*shape"], p: float) -> Float[Tensor, "*shape"]:
    """Dropout as it is in training; see `Dropout`.

    Args:
        x: any floating tensor.
        p: the share to drop, from 0 to 1.
    """
    if p == 0:
        return x
    if x.device.type != "cpu":
        return F.dropout(x, p)
    num_dropped = dropped_levels(p)
    # PyTorch's operator behind relu's gradient keeps x where the byte is above a bound: one pass,
    # and its own gradient is the same mask. Whole numbers up to 256 are exact in every type.
    kept = torch.ops.aten.threshold_backward.default(
        x, random_bytes(x).to(x.dtype), num_dropped - 1
    )
    return kept.mul_(_LEVELS / max(_LEVELS - num_dropped, 1))


def dropped_levels(p: float) -> int:
    """How many of a byte's 256 values mean "drop"; all or none only where p says so.

    Example:
        >>> [dropped_levels(p) for p in (0.0, 0.0001, 0.1, 0.5, 0.9999, 1.0)]
        [0, 1, 26, 128, 255, 256]
    """
    if p in (0, 1):
        return int(p) * _LEVELS
    return min(max(round(p * _LEVELS), 1), _LEVELS - 1)


def random_bytes(x: Tensor) -> Tensor:
    """One random byte per element of `x`, laid out in memory as `x` is."""
    num_words = -(-x.numel() // 8)
    # The bounds are spelt out: without them PyTorch leaves the sign bit 0, and with it the upper
    # half of every eighth byte.
    words = torch.randint(-(2**63), 2**63 - 1, (num_words,), dtype=torch.int64, device=x.device)
    drawn = words.view(torch.uint8)[: x.numel()]
    if x.is_contiguous():
        return drawn.view(x.shape)
    return drawn.as_strided(x.shape, torch.empty_like(x, dtype=torch.uint8).stride())
