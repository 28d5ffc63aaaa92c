"""Means of the training loss since the last check, summed where the tensors are."""

from typing import Any

from torch import Tensor

from fathom.training.learner import Step


class Running:
    """Sums of losses and of their parts by phase; nobody waits for a tensor until asked.

    Example:
        >>> import torch
        >>> running = Running()
        >>> for loss in (1.0, 3.0):
        ...     value = torch.tensor(loss)
        ...     running.add(Step(1, value, 0.1, "all", 7, {"l1": value / 2}))
        >>> running.loss(), running.parts()
        (2.0, {'all': {'l1': 1.0}})
    """

    def __init__(self) -> None:
        self.num_steps = 0
        self._loss: Tensor | None = None
        self._parts: dict[str, dict[str, tuple[Tensor, int]]] = {}

    def add(self, step: Step) -> None:
        """Take in one step."""
        self.num_steps += 1
        self._loss = step.loss if self._loss is None else self._loss + step.loss
        phase = self._parts.setdefault(step.phase, {})
        for name, value in step.parts.items():
            total, count = phase.get(name, (None, 0))
            phase[name] = (value if total is None else total + value, count + 1)

    def loss(self) -> float | None:
        """The mean loss of a step; None before the first."""
        return None if self._loss is None else (self._loss / self.num_steps).item()

    def parts(self) -> dict[str, dict[str, float]]:
        """Phase -> part of the loss -> its mean over the steps that had it."""
        return {
            phase: {name: (total / count).item() for name, (total, count) in parts.items()}
            for phase, parts in self._parts.items()
        }

    def state(self) -> dict[str, Any]:
        """All that was taken in."""
        return {"num_steps": self.num_steps, "loss": self._loss, "parts": self._parts}

    @classmethod
    def of(cls, state: dict[str, Any]) -> "Running":
        """What `state` gave."""
        running = cls()
        running.num_steps = state["num_steps"]
        running._loss, running._parts = state["loss"], state["parts"]
        return running
