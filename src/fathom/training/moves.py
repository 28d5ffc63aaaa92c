"""The optimisers that are used most, with nothing around the arithmetic.

PyTorch's own come with hooks, checks and imports for whatever somebody may do with them: 0.3 ms a
step and 1.3 s before the first one, as much as a small network takes to learn. The arithmetic is
PyTorch's here as well, and the tests hold both beside each other, bit by bit.
"""

# PyTorch offers its fused operations under private names only.
# pyright: reportPrivateImportUsage=false

from abc import ABC, abstractmethod
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from fathom.base.precision import best_precision

# The polynomial a·x + b·x³ + c·x⁵, five times over, brings every x between 0.01 and 1 near to 1.
_A, _B, _C, _TIMES = 3.4445, -4.7750, 2.0315, 5


class Moves(ABC):
    """Groups of parameters that are moved alike, and what is remembered of each parameter.

    Args:
        groups: each with "params", pairs of a name and a parameter, "lr" and "weight_decay".

    Attributes:
        param_groups: the same with "params" and "param_names", as PyTorch's optimisers have them.
        state: parameter -> quantity -> tensor.
    """

    def __init__(self, groups: list[dict[str, Any]]) -> None:
        self.param_groups = [
            {
                **group,
                "params": [parameter for _, parameter in group["params"]],
                "param_names": [name for name, _ in group["params"]],
            }
            for group in groups
        ]
        self.state: dict[nn.Parameter, dict[str, Tensor]] = {
            parameter: {} for group in self.param_groups for parameter in group["params"]
        }

    @torch.no_grad()
    def step(self) -> None:
        """Move every parameter that has a gradient."""
        for group in self.param_groups:
            moving = [parameter for parameter in group["params"] if parameter.grad is not None]
            for parameter in moving:
                if not self.state[parameter]:
                    self.state[parameter] = self.begin(parameter)
            if moving:
                self.move(moving, group)

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients."""
        assert set_to_none, "gradients are made anew at each step"
        for parameter in self.state:
            parameter.grad = None

    @abstractmethod
    def begin(self, parameter: nn.Parameter) -> dict[str, Tensor]:
        """What is remembered before the first step."""

    @abstractmethod
    def move(self, parameters: list[nn.Parameter], group: dict[str, Any]) -> None:
        """One step of parameters that have gradients."""


class FusedAdam(Moves):
    """Adam, all parameters of a group by one kernel.

    Args:
        groups: see `Moves`.
        betas: how long the gradient and its square are remembered.
        eps: keeps a division from exploding.
        decoupled: whether the decay takes a share of the weight (AdamW) in place of adding to the
            gradient.

    Source: Kingma, Ba, "Adam", 2015; Loshchilov, Hutter, "Decoupled weight decay", 2019.

    Example:
        >>> weight = nn.Parameter(torch.ones(3))
        >>> groups = [{"params": [("w", weight)], "lr": 0.1, "weight_decay": 0.0}]
        >>> optimizer = FusedAdam(groups, (0.9, 0.999), 1e-8, decoupled=True)
        >>> weight.sum().backward()
        >>> optimizer.step()
        >>> [round(value, 4) for value in weight.tolist()]
        [0.9, 0.9, 0.9]
    """

    def __init__(
        self,
        groups: list[dict[str, Any]],
        betas: tuple[float, float],
        eps: float,
        *,
        decoupled: bool,
    ) -> None:
        super().__init__(groups)
        self.betas, self.eps = betas, eps
        self._kernel = torch._fused_adamw_ if decoupled else torch._fused_adam_

    def begin(self, parameter: nn.Parameter) -> dict[str, Tensor]:
        return {
            "step": torch.zeros((), dtype=torch.float32, device=parameter.device),
            "exp_avg": torch.zeros_like(parameter, memory_format=torch.preserve_format),
            "exp_avg_sq": torch.zeros_like(parameter, memory_format=torch.preserve_format),
        }

    def move(self, parameters: list[nn.Parameter], group: dict[str, Any]) -> None:
        by_kind: dict[tuple[torch.device, torch.dtype], list[nn.Parameter]] = {}
        for parameter in parameters:
            by_kind.setdefault((parameter.device, parameter.dtype), []).append(parameter)
        for alike in by_kind.values():
            remembered = [self.state[parameter] for parameter in alike]
            steps = [one["step"] for one in remembered]
            # A list of tensors costs half of what a number does.
            torch._foreach_add_(steps, [torch.ones_like(steps[0])] * len(steps))
            self._kernel(
                [*alike],
                [parameter.grad for parameter in alike if parameter.grad is not None],
                [one["exp_avg"] for one in remembered],
                [one["exp_avg_sq"] for one in remembered],
                [],
                steps,
                lr=group["lr"],
                beta1=self.betas[0],
                beta2=self.betas[1],
                weight_decay=group["weight_decay"],
                eps=self.eps,
                amsgrad=False,
                maximize=False,
            )


class Muon(Moves):
    """Steps that are equally long in all directions of a matrix, or of a convolution's filters.

    m ← μ·m + (1 − μ)·g; the step is the orthogonal matrix nearest to (1 − μ)·g + μ·m, times
    0.2·√(the longer side), so that an entry moves as far as one of adamw does. A convolution is a
    matrix too: it multiplies patches, laid out as vectors, by the matrix of its filters.

    Args:
        groups: see `Moves`; parameters with two axes or more, the first of which counts filters.
        momentum: μ.
        nesterov: False = the step is that of m alone.
        hold_norm: convolutions keep the length that they began with, and a step is 10·lr as long
            as they are. Behind a norm only the direction of filters counts; so the rate alone says
            how far they turn, whatever the length they began with.

    Source: Jordan, "Muon: an optimizer for hidden layers", 2024, and for `hold_norm` the same
        author's CIFAR-10 speed record; the length of a step: Liu et al., "Muon is scalable for LLM
        training", arXiv 2502.16982.

    Example:
        >>> layer = nn.Conv2d(2, 4, 3, bias=False)
        >>> groups = [{"params": [("w", layer.weight)], "lr": 0.1, "weight_decay": 0.0}]
        >>> optimizer = Muon(groups, momentum=0.95)
        >>> layer(torch.ones(1, 2, 5, 5)).sum().backward()
        >>> optimizer.step()
    """

    def __init__(
        self,
        groups: list[dict[str, Any]],
        momentum: float,
        *,
        nesterov: bool = True,
        hold_norm: bool = False,
    ) -> None:
        super().__init__(groups)
        self.momentum, self.nesterov, self.hold_norm = momentum, nesterov, hold_norm

    def begin(self, parameter: nn.Parameter) -> dict[str, Tensor]:
        return {"momentum_buffer": torch.zeros_like(parameter)}

    def move(self, parameters: list[nn.Parameter], group: dict[str, Any]) -> None:
        for parameter in parameters:
            self._move(parameter, group["lr"], group["weight_decay"])

    def _move(self, parameter: nn.Parameter, rate: float, decay: float) -> None:
        gradient = parameter.grad
        assert gradient is not None, "only parameters with a gradient move"
        memory = self.state[parameter]["momentum_buffer"].lerp_(gradient, 1 - self.momentum)
        wanted = gradient.lerp(memory, self.momentum) if self.nesterov else memory
        matrix = wanted.flatten(1)
        step = orthogonal(matrix).reshape(parameter.shape)
        if self.hold_norm and parameter.ndim > 2:
            length = parameter.norm()
            step = step.to(parameter.dtype)
            parameter.addcmul_(step, length / step.norm().clamp(min=1e-12), value=-10 * rate)
            parameter.mul_(length / parameter.norm().clamp(min=1e-12))
            return
        parameter.mul_(1 - rate * decay)
        parameter.add_(step, alpha=-(rate * (0.2 * max(matrix.shape) ** 0.5)))


def orthogonal(matrix: Float[Tensor, "rows columns"]) -> Float[Tensor, "rows columns"]:
    """U·Vᵀ, roughly, for a matrix U·S·Vᵀ: singular values between 0.7 and 1.2.

    In bf16 where the machine multiplies it quickly, which is exact enough.
    """
    tall = matrix.shape[0] > matrix.shape[1]
    half = best_precision(matrix.device)[0] == "bf16"
    x = matrix.to(torch.bfloat16 if half else torch.float32)
    x = x.T if tall else x
    x = x / x.norm().clamp(min=1e-7)
    for _ in range(_TIMES):
        square = x @ x.T
        x = torch.addmm(x, torch.addmm(square, square, square, beta=_B, alpha=_C), x, beta=_A)
    return x.T if tall else x
