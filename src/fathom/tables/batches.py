"""Batches from tensors that stay where they are used: gathered by index, never loaded."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import torch
from jaxtyping import Float, Int
from torch import Tensor

from fathom.base.errors import RunError
from fathom.base.seeds import torch_generator
from fathom.base.tensors import Batch, Field, Stored, taken
from fathom.tables.augment import Augmentation
from fathom.tables.mixing import Mixing


class Examples(Protocol):
    """Units of learning of one split: rows, windows of a series, stretches of a book.

    Windows are cut when a batch is asked for: written out they would take as many times the
    memory as the window is long.
    """

    @property
    def weight(self) -> Float[Tensor, " examples"]:
        """How much each example counts."""
        ...

    @property
    def cluster(self) -> Int[Tensor, " examples"] | None:
        """Which patient, series or article each belongs to; None = each is its own."""
        ...

    def __len__(self) -> int: ...

    def batch(self, index: Int[Tensor, " batch"], step: int = 0, epoch: int = 0) -> Batch:
        """Some of them as a batch, for a step of an epoch of the training."""
        ...

    def to(self, device: torch.device) -> "Examples": ...


def in_order(examples: Examples, size: int) -> Iterator[Batch]:
    """All of them, front to back, for checking and answering."""
    for index in torch.arange(len(examples), device=examples.weight.device).split(size):
        yield examples.batch(index)


@dataclass(frozen=True)
class RowExamples:
    """Rows of a table, encoded once.

    Attributes:
        inputs: input name -> field with a row per example.
        targets: head name -> field with a row per example; empty when there are none.
        weight: how much each example counts.
        cluster: which group each belongs to; None = each is its own.
        augment: input name -> how its pictures are changed at every step; for training only.
        seed: where these changes are drawn from.
        mixing: how whole examples are mixed with one another at every step; for training only.
    """

    inputs: Mapping[str, Field | Stored]
    targets: dict[str, Field]
    weight: Float[Tensor, " examples"]
    cluster: Int[Tensor, " examples"] | None = None
    augment: Mapping[str, Augmentation] = field(default_factory=dict[str, Augmentation])
    seed: int = 0
    mixing: Mixing = field(default_factory=Mixing)

    def __len__(self) -> int:
        return len(self.weight)

    def batch(self, index: Int[Tensor, " batch"], step: int = 0, epoch: int = 0) -> Batch:
        """Some of them as a batch, for a step of an epoch of the training."""
        inputs = {name: field.rows(index) for name, field in self.inputs.items()}
        for name, change in self.augment.items():
            pixels = change.apply(inputs[name].data, index, self.seed, step, epoch)
            inputs[name] = Field(pixels, inputs[name].mask)
        targets = {name: field.rows(index) for name, field in self.targets.items()}
        batch = Batch(inputs, targets, taken(self.weight, index), index, step)
        return self.mixing.apply(batch, self.seed)

    def to(self, device: torch.device) -> "RowExamples":
        return RowExamples(
            {name: field.to(device) for name, field in self.inputs.items()},
            {name: field.to(device) for name, field in self.targets.items()},
            self.weight.to(device),
            None if self.cluster is None else self.cluster.to(device),
            self.augment,
            self.seed,
            self.mixing,
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
        >>> batches = ResidentBatches(RowExamples({"x": Field(torch.arange(5))}, {}, weight), 2, 0)
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

    def __len__(self) -> int:
        """Batches in an epoch."""
        return self.num_batches

    def __iter__(self) -> Iterator[Batch]:
        while True:
            epoch, place = divmod(self.position, self.num_batches)
            parts = self._order(epoch).tensor_split(self.num_batches)
            for index in parts[place:]:
                self.position += 1
                yield self.examples.batch(index, self.position - 1, epoch)

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
        """The present position, and what the orders follow from."""
        return {"position": self.position, **self._order_follows_from()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take up a position.

        Raises:
            RunError: it is a position among other examples, or in another order.
        """
        mine = self._order_follows_from()
        found = {name: state.get(name) for name in mine}
        if found != mine:
            raise RunError(
                "The position belongs to other batches.",
                where="the batches of the checkpoint",
                expected=", ".join(f"{name} = {value}" for name, value in mine.items()),
                got=", ".join(f"{name} = {value}" for name, value in found.items()),
                do="Resume with the examples, batch size and seed that the run was started with.",
            )
        self.position = state["position"]

    def _order_follows_from(self) -> dict[str, int]:
        size = len(self.examples)
        return {"num_examples": size, "batch_size": self.batch_size, "seed": self.seed}
