"""After a loss that stayed NaN or infinite: which step broke, and what broke first in it."""

from collections.abc import Iterable

import torch
from torch import Tensor

from fathom.base.errors import TrainingError
from fathom.base.tensors import Batch, Field
from fathom.training.learner import Learner, Step
from fathom.training.loop import Batches

# Hardly any network is trained with more.
_HUGE_RATE = 1.0


def broken_down(learner: Learner, batches: Batches, step: Step) -> TrainingError:
    """The error that ends a training whose loss stayed NaN or infinite.

    Args:
        learner: stands at the last good state.
        batches: stand there too.
        step: after which it was noticed.
    """
    good = learner.step
    try:
        fault = find_fault(learner, batches, step.number - good)
    except TrainingError as error:
        fault = error.what
    return TrainingError(
        "The loss became NaN or infinite and stayed so through three roll-backs.",
        where=f"between step {good} and {step.number}",
        expected="a finite loss and finite gradients",
        got=f"at a learning rate of {step.learning_rate:.2g} still not finite"
        + (f"; first, in {fault}" if fault else ""),
        do=_lower(learner.plan.optimizer.learning_rate)
        + "Look for infinite or huge values in inputs or target (fathom look) and for "
        "settings far beyond their usual size, check a loss or layer of your own for divisions "
        "and logarithms of zero." + " The weights of the last good check are kept." * bool(good),
    )


def _lower(rate: float) -> str:
    """Advice where the learning rate itself is the likely cause."""
    if rate <= _HUGE_RATE:
        return ""
    return "Lower the learning rate: hardly any network is trained with more than 1. "


def find_fault(learner: Learner, batches: Batches, most: int) -> str:
    """Take steps again, looking after each, and say in words what was not finite first.

    The network is broken afterwards, as it was before.

    Args:
        learner: stands at the last good state.
        batches: stand there too.
        most: after how many steps to give up.

    Returns:
        One sentence, or "" where nothing was found.
    """
    learner.wake()
    for batch, _ in zip(batches, range(most), strict=False):
        step = learner.take(batch)
        fault = _fault(learner, batch, step)
        if fault:
            return f"step {step.number}: {fault}"
    return ""


def _fault(learner: Learner, batch: Batch, step: Step) -> str:
    for kind, fields in (("input", batch.inputs), ("target", batch.targets)):
        for name, field in fields.items():
            rows = _odd_rows(field)
            if len(rows):
                shown = ", ".join(str(row) for row in batch.example[rows].tolist()[:3])
                return f"the {kind} '{name}' is NaN or infinite in {len(rows)} examples ({shown})"
    parts = _odd(step.parts.items())
    if parts:
        return f"the part '{parts[0]}' of the loss, though inputs and targets are finite"
    gradients = _odd(learner.gradients().items())
    if gradients:
        return f"the gradient of '{gradients[0]}', though the loss is finite"
    weights = _odd(learner.network.named_parameters())
    if weights:
        return f"the weights '{weights[0]}' after the step, though its gradients are finite"
    return ""


def _odd(named: Iterable[tuple[str, Tensor]]) -> list[str]:
    return [name for name, tensor in named if not bool(torch.isfinite(tensor).all())]


def _odd_rows(field: Field) -> Tensor:
    """Examples with a number that is not finite, where the mask says that there is one."""
    if not field.data.is_floating_point():
        return torch.zeros(0, dtype=torch.long)
    odd = ~torch.isfinite(field.data)
    present = field.present()
    if present is not None:
        odd &= present.reshape(*present.shape, *[1] * (odd.ndim - present.ndim))
    return odd.flatten(1).any(1).nonzero()[:, 0] if odd.ndim > 1 else odd.nonzero()[:, 0]
