"""Muon for convolutions: their filters as one matrix, a row for each.

PyTorch's own Muon takes matrices alone. A convolution is one as well: it multiplies patches, laid
out as vectors, by the matrix of its filters.
"""

from collections.abc import Callable, Iterable
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from fathom.base.precision import best_precision

# The polynomial a·x + b·x³ + c·x⁵, five times over, brings every x between 0.01 and 1 near to 1.
_A, _B, _C, _TIMES = 3.4445, -4.7750, 2.0315, 5


class ConvolutionMuon(torch.optim.Optimizer):
    """Steps that are equally long in all directions of a convolution's matrix.

    m ← μ·m + (1 − μ)·g; the step is the orthogonal matrix nearest to (1 − μ)·g + μ·m, times
    0.2·√(the longer side), so that an entry moves as far as one of adamw does.

    Args:
        params: groups of parameters with three axes or more, the first of which counts filters.
        lr: learning rate.
        momentum: μ.
        nesterov: False = the step is that of m alone.
        weight_decay: share of the weights, times lr, that is taken away at each step.
        hold_norm: filters keep the length that they began with, and a step is 10·lr as long as
            they are. Behind a norm only the direction of filters counts; so the rate alone says
            how far they turn, whatever the length they began with.

    Source: Jordan, "Muon: an optimizer for hidden layers", 2024, and for `hold_norm` the same
        author's CIFAR-10 speed record; the length of a step: Liu et al., "Muon is scalable for LLM
        training", arXiv 2502.16982.

    Example:
        >>> layer = torch.nn.Conv2d(2, 4, 3, bias=False)
        >>> optimizer = ConvolutionMuon([{"params": [layer.weight]}], lr=0.1)
        >>> layer(torch.ones(1, 2, 5, 5)).sum().backward()
        >>> optimizer.step()
    """

    def __init__(
        self,
        params: Iterable[dict[str, Any]],
        lr: float = 1e-3,
        momentum: float = 0.95,
        nesterov: bool = True,
        weight_decay: float = 0.0,
        hold_norm: bool = False,
    ) -> None:
        known = {"lr": lr, "momentum": momentum, "nesterov": nesterov, "weight_decay": weight_decay}
        super().__init__(params, {**known, "hold_norm": hold_norm})

    @torch.no_grad()
    def step(  # pyright: ignore[reportIncompatibleMethodOverride]
        self, closure: Callable[[], float] | None = None
    ) -> None:
        assert closure is None, "the loop has computed the gradients"
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None:
                    self._move(parameter, group)

    def _move(self, parameter: Tensor, group: dict[str, Any]) -> None:
        gradient, state = parameter.grad, self.state[parameter]
        assert gradient is not None, "only parameters with a gradient move"
        if "momentum_buffer" not in state:
            state["momentum_buffer"] = torch.zeros_like(gradient)
        memory = state["momentum_buffer"].lerp_(gradient, 1 - group["momentum"])
        wanted = gradient.lerp(memory, group["momentum"]) if group["nesterov"] else memory
        matrix = wanted.flatten(1)
        step = orthogonal(matrix).reshape(parameter.shape)
        if group["hold_norm"]:
            length = parameter.norm()
            parameter.addcmul_(step, length / step.norm().clamp(min=1e-12), value=-10 * group["lr"])
            parameter.mul_(length / parameter.norm().clamp(min=1e-12))
            return
        parameter.mul_(1 - group["lr"] * group["weight_decay"])
        parameter.add_(step, alpha=-group["lr"] * 0.2 * max(matrix.shape) ** 0.5)


def orthogonal(matrix: Float[Tensor, "rows columns"]) -> Float[Tensor, "rows columns"]:
    """U·Vᵀ, roughly, for a matrix U·S·Vᵀ: singular values between 0.7 and 1.2.

    In bf16 where the machine multiplies it quickly, which is exact enough.
    """
    tall = matrix.shape[0] > matrix.shape[1]
    x = matrix.T if tall else matrix
    half = best_precision(matrix.device)[0] == "bf16"
    x = x.to(torch.bfloat16 if half else torch.float32)
    x = x / x.norm().clamp(min=1e-7)
    for _ in range(_TIMES):
        square = x @ x.T
        x = _A * x + (_B * square + _C * (square @ square)) @ x
    return (x.T if tall else x).to(matrix.dtype)
