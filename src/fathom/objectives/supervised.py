"""Learning from given answers: with our networks of several heads, or with any module."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from fathom.base.errors import RecipeError
from fathom.base.tensors import Batch, Loss
from fathom.objectives.broadcasting import Compared
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
            found = _compared(head, outputs[name], name, batch)
            for part, pair in found.parts.items():
                parts[name if part == "loss" else f"{name}.{part}"] = pair
        if self.l1:
            parts["l1"] = self._penalty(network, batch)
        return Loss(parts)

    def _penalty(self, network: nn.Module, batch: Batch) -> tuple[Tensor, Tensor]:
        size = sum(p.abs().sum() for n, p in network.named_parameters() if p.ndim > 1)
        count = batch.weight.sum()
        return self.l1 * torch.as_tensor(size) * count, count

    def after_step(self, network: nn.Module, step: int) -> None:
        """Nothing to keep."""


def _compared(head: Any, output: Any, name: str, batch: Batch) -> Loss:
    """The loss of one head; of mixed examples, by their shares, that of both targets.

    Cross-entropy is the same for soft targets and for shares of losses, and shares of losses serve
    numbers and sets too. A target that is absent counts nothing, its partner's what it has.
    """
    mixed = batch.mixed
    if mixed is None:
        return head.loss(output, batch.targets[name], batch.weight)
    own = head.loss(output, batch.targets[name], batch.weight * mixed.share)
    return own + head.loss(output, mixed.targets[name], mixed.weight * (1 - mixed.share))


class PlainLoss(Objective):
    """Learning with any module and any loss function, for one's own networks.

    The module is called with all inputs in their order, the function with what comes out and all
    targets. A function that gives one loss per example is the better one: its rows can be
    weighted. A scalar is taken as the mean over the examples of the batch, whatever the function
    divided by (`ignore_index` of a cross-entropy divides by fewer).

    Args:
        function: takes (module(x), y) and gives a scalar mean, or one loss per example; a module
            such as `nn.CrossEntropyLoss()` will do, and its own weights are trained too.

    Raises:
        RecipeError: neither a scalar nor one loss per example came out, or a scalar although the
            examples have weights.
        TrainingError: the function compares output and target of different shapes, by which one
            number for each example becomes one for each pair of them.

    Example:
        >>> from fathom.base.tensors import Field
        >>> batch = Batch({"x": Field(torch.ones(3, 2))}, {"y": Field(torch.zeros(3, 1))},
        ...               torch.ones(3), torch.arange(3))
        >>> layer = nn.Linear(2, 1)
        >>> loss = PlainLoss(nn.functional.mse_loss).loss(layer, batch, Phase())
        >>> torch.equal(loss.mean(), layer(torch.ones(3, 2)).square().mean())
        True
    """

    def __init__(self, function: Callable[..., Tensor]) -> None:
        super().__init__()
        self.function = function
        self._weights_seen = False
        self._shapes_seen: set[bool] = set()

    def loss(self, network: nn.Module, batch: Batch, phase: Phase) -> Loss:
        output = network(*[field.data for field in batch.inputs.values()])
        targets = [field.data for field in batch.targets.values()]
        found = self._compare(output, targets, network.training)
        # The sum of many losses is too long for bf16.
        found = found.to(torch.promote_types(found.dtype, torch.float32))
        if found.ndim == 0:
            self._refuse_weights(batch)
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
        return Loss({"loss": ((per_example * batch.weight).sum(), batch.weight.sum())})

    def _compare(self, output: Any, targets: list[Tensor], training: bool) -> Tensor:
        """Call the function; first in training and first in validation with an eye on shapes."""
        if training in self._shapes_seen:
            found = self.function(output, *targets)
        else:
            with Compared(output, targets):
                found = self.function(output, *targets)
            self._shapes_seen.add(training)
        if not isinstance(found, Tensor):
            raise RecipeError(
                "The loss function gives no tensor.",
                where="the objective",
                expected="a tensor: a scalar, or one loss per example",
                got="None" if found is None else f"a {type(found).__name__}",
                do="Let it return the loss as PyTorch computes it, without .item() or float(…).",
            )
        return found

    def _refuse_weights(self, batch: Batch) -> None:
        """Once, since looking at a tensor of the device makes everybody wait."""
        if self._weights_seen:
            return
        self._weights_seen = True
        if not bool((batch.weight == 1).all()):
            raise RecipeError(
                "The examples have weights, but the loss function has averaged them away.",
                where="the objective",
                expected="one loss per example, shape " + f"[{len(batch)}]",
                got="a scalar",
                do='Pass a loss function with reduction="none", or leave the weights out.',
            )

    def after_step(self, network: nn.Module, step: int) -> None:
        """Nothing to keep."""
