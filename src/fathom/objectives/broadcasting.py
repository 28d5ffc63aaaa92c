"""Outputs and targets of different shapes, which a loss function compares all with all unasked."""

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from fathom.base.errors import TrainingError

_LOSSES = {"mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss", "poisson_nll_loss"}
_SIGNS = {"sub", "subtract", "rsub", "__rsub__", "mul", "multiply", "div", "divide"}


class Compared(TorchFunctionMode):
    """Watches a loss function while it is called: what it does with output and target themselves.

    Their shapes alone do not tell: a function that takes `output[:, 0]`, or reads two columns as
    mean and spread, is right to be given others than the target's.

    Args:
        output: what the network gave.
        targets: what it is compared with; class numbers are left alone.

    Raises:
        TrainingError: a number for each example became one for each pair of examples.

    Example:
        >>> column, row = torch.zeros(64, 1), torch.zeros(64)
        >>> with Compared(column, [row]):
        ...     _ = (column[:, 0] - row).square().mean()
        >>> try:
        ...     with Compared(column, [row]):
        ...         _ = (column - row).square().mean()
        ... except TrainingError as error:
        ...     print(error.got)
        output [64, 1], target [64]
    """

    def __init__(self, output: Any, targets: Iterable[Tensor]) -> None:
        super().__init__()
        self.outputs, self.targets = [output], list(targets)

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Iterable[type],
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        named = kwargs or {}
        given = [item for item in (*args, *named.values()) if isinstance(item, Tensor)]
        if func.__name__ in _LOSSES | _SIGNS:
            self._look(func.__name__, given)
        found = func(*args, **named)
        self._follow(given, found)
        return found

    def _look(self, name: str, given: list[Tensor]) -> None:
        for output in _among(given, self.outputs):
            for target in _among(given, self.targets):
                if _odd(output, target, strict=name in _LOSSES):
                    raise _told(output, target)

    def _follow(self, given: list[Tensor], found: Any) -> None:
        """What is made of one of them alone, number by number, stands for it: y.float()."""
        if len(given) != 1 or not isinstance(found, Tensor) or found.shape != given[0].shape:
            return
        for held in (self.outputs, self.targets):
            if _among(given, held):
                held.append(found)


def _among(given: list[Tensor], held: list[Any]) -> list[Tensor]:
    return [item for item in given if any(item is one for one in held)]


def _odd(output: Tensor, target: Tensor, strict: bool) -> bool:
    """Whether the shapes differ to no good; a difference or product may widen one of the two."""
    floats = output.is_floating_point() and target.is_floating_point()
    if not floats or output.shape == target.shape:
        return False
    try:
        size = torch.broadcast_shapes(output.shape, target.shape).numel()
    except RuntimeError:
        return output.numel() == target.numel()
    return strict or size > max(output.numel(), target.numel())


def _told(output: Tensor, target: Tensor) -> TrainingError:
    wanted = list(output.shape)
    return TrainingError(
        "Output and target have different shapes, and would be compared all with all.",
        where="the objective",
        expected=f"a target of shape {wanted}, as the output has",
        got=f"output {wanted}, target {list(target.shape)}",
        do="Reshape one of them, say the target with y.reshape(output.shape) or y[:, None], or "
        "the output with output[:, 0].",
    )
