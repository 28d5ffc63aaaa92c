"""What all networks for pictures that another package builds have in common."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager

import torch


class ForeignShape(ABC):
    """What a network from elsewhere looks like, whoever builds it."""

    @property
    @abstractmethod
    def multiple(self) -> int:
        """Sides that are a multiple of it are seen whole; 0 = it knows only one size."""

    @property
    @abstractmethod
    def num_layers(self) -> int:
        """How many layers a picture goes through, one after the other; 0 = a few."""


@contextmanager
def drawn_from(generator: torch.Generator) -> Iterator[None]:
    """Packages draw from the state that everything shares: here it follows from a generator."""
    seed = int(torch.randint(2**31, (1,), generator=generator))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        yield
