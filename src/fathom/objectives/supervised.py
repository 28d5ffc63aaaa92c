"""Learning from given answers: with our networks of several heads, or with any module."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from fathom.base.errors import RecipeError
from fathom.base.tensors import Batch, Loss
from fathom.objectives.objective import Objective, Phase


class Supervised(Objective):
    """Each head compares its output with its target; the losses add up.

    The network must be called with (inputs, teacher) and have `heads`, as `models.Network` does.

    Args:
        l1: how much the sum of absolute weights counts; drives useless weights to exactly zero.
    """

    def __init__(self, l1: float = 0.0) -> None:
        super().__init__()
        self.l1 = l1

    def loss(self, network: nn.Module, batch: Batch, phase: Phase) -> Loss:
        outputs = network(batch.inputs, batch.targets)
        parts: dict[str, tuple[Tensor, Tensor]] = {}
        for name, head in network.heads.items():  # pyright: ignore[reportCallIssue,reportAttributeAccessIssue]
            found = head.loss(outputs[name], batch.targets[name], batch.weight)
            parts[name] = found.parts["loss"]
        if self.l1:
            parts["l1"] = self._penalty(network, batch)
        return Loss(parts)

    def _penalty(self, network: nn.Module, batch: Batch) -> tuple[Tensor, Tensor]:
        size = sum(p.abs().sum() for n, p in network.named_parameters() if p.ndim > 1)
        count = batch.weight.sum()
        return self.l1 * torch.as_tensor(size) * count, count

    def after_step(self, network: nn.Module, step: int) -> None:
        """Nothing to keep."""


class PlainLoss(Objective):
    """Learning with any module and any loss function, for one's own networks.

    Args:
        function: takes (module(x), y) and gives a scalar mean, or one loss per example.

    Example:
        >>> objective = PlainLoss(nn.functional.mse_loss)
    """

    def __init__(self, function: Callable[[Tensor, Tensor], Tensor]) -> None:
        super().__init__()
        self.function = function

    def loss(self, network: nn.Module, batch: Batch, phase: Phase) -> Loss:
        output = network(*[field.data for field in batch.inputs.values()])
        target = next(iter(batch.targets.values())).data
        found = self.function(output, target)
        weight = batch.weight
        if found.ndim == 0:
            return Loss({"loss": (found * len(batch), found.new_tensor(float(len(batch))))})
        if found.shape[0] != len(batch):
            raise RecipeError(
                "The loss function gives neither a scalar nor one loss per example.",
                where="the objective",
                expected=f"shape [] or [{len(batch)}, …]",
                got=f"shape {list(found.shape)}",
                do="Reduce the other axes in the loss function.",
            )
        per_example = found.flatten(1).mean(1) if found.ndim > 1 else found
        return Loss({"loss": ((per_example * weight).sum(), weight.sum())})

    def after_step(self, network: nn.Module, step: int) -> None:
        """Nothing to keep."""
