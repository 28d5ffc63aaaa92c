"""Batches from tensors that stay where they are used: gathered by index, never loaded."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from fathom.base.seeds import torch_generator
from fathom.base.tensors import Batch, Field


@dataclass(frozen=True)
class Examples:
    """All examples of a split, encoded once.

    Attributes:
        inputs: input name -> field with a row per example.
        targets: head name -> field with a row per example; empty when there are none.
        weight: how much each example counts.
    """

    inputs: dict[str, Field]
    targets: dict[str, Field]
    weight: Float[Tensor, " examples"]

    def __len__(self) -> int:
        return len(self.weight)

    def batch(self, index: Int[Tensor, " batch"], step: int = 0) -> Batch:
        """Some of them as a batch."""
        return Batch(
            {name: field.rows(index) for name, field in self.inputs.items()},
            {name: field.rows(index) for name, field in self.targets.items()},
            self.weight[index],
            index,
            step,
        )

    def in_order(self, size: int) -> Iterator[Batch]:
        """All of them, front to back, for checking and answering."""
        for index in torch.arange(len(self), device=self.weight.device).split(size):
            yield self.batch(index)

    def to(self, device: torch.device) -> "Examples":
        return Examples(
            {name: field.to(device) for name, field in self.inputs.items()},
            {name: field.to(device) for name, field in self.targets.items()},
            self.weight.to(device),
        )


class ResidentBatches:
    """Endless shuffled batches of examples that fit in memory.

    The order of an epoch is a function of (seed, epoch), so the position is all there is to
    remember. Every example comes once an epoch; the batches of an epoch differ in size by at most
    one, so that no step learns from a handful of rows.

    Args:
        examples: what to draw from.
        batch_size: examples in a batch, at most all of them.
        seed: where the orders come from.
        chance: draw each epoch with replacement, each example with this relative chance
            (balanced sampling); None = every example once an epoch.

    Example:
        >>> weight = torch.ones(5)
        >>> batches = ResidentBatches(Examples({"x": Field(torch.arange(5))}, {}, weight), 2, 0)
        >>> batches.num_batches
        3
    """

    def __init__(
        self,
        examples: Examples,
        batch_size: int,
        seed: int,
        chance: Float[Tensor, " examples"] | None = None,
    ) -> None:
        self.examples, self.seed, self.chance = examples, seed, chance
        self.batch_size = max(1, min(batch_size, len(examples)))
        self.num_batches = max(1, math.ceil(len(examples) / self.batch_size))
        self.position = 0

    def __iter__(self) -> Iterator[Batch]:
        while True:
            epoch, place = divmod(self.position, self.num_batches)
            parts = self._order(epoch).tensor_split(self.num_batches)
            for index in parts[place:]:
                self.position += 1
                yield self.examples.batch(index, self.position - 1)

    def _order(self, epoch: int) -> Int[Tensor, " examples"]:
        generator = torch_generator(self.seed, "order", epoch)
        if self.chance is not None:
            drawn = torch.multinomial(
                self.chance.cpu().double(), len(self.examples), True, generator=generator
            )
        else:
            drawn = torch.randperm(len(self.examples), generator=generator)
        return drawn.to(self.examples.weight.device)

    def state_dict(self) -> dict[str, Any]:
        """The present position."""
        return {"position": self.position}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take up a position."""
        self.position = state["position"]
