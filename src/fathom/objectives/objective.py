"""The contract of an objective: phases, a loss for each, and what happens after a step."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

from torch import nn

from fathom.base.tensors import Batch, Loss


def every_parameter(name: str) -> bool:
    """The filter of a phase that trains the whole network."""
    return bool(name)


@dataclass(frozen=True)
class Phase:
    """One kind of step.

    Attributes:
        name: e.g. "all", "discriminator", "generator".
        trains: which parameters it moves, by their name in the network; the others stand still.
        every: how many steps in a row are of this phase before the next phase's turn.
    """

    name: str = "all"
    trains: Callable[[str], bool] = every_parameter
    every: int = 1


class Objective(nn.Module, ABC):
    """How a network learns. What it must remember lies in its `state_dict`.

    Attributes:
        phases: the kinds of steps, taken in turn; one for most objectives, two for a GAN.
        splittable: whether a batch may be split and its losses added up. Not so where examples
            of a batch are compared with each other (contrastive losses, batch statistics).
        unlabelled: whether it learns from inputs alone, so that a loader may yield no target.
    """

    phases: tuple[Phase, ...] = (Phase(),)
    splittable: bool = True
    unlabelled: bool = False

    @abstractmethod
    def loss(self, network: nn.Module, batch: Batch, phase: Phase) -> Loss:
        """The loss of one batch in one phase, as sums and counts."""

    @abstractmethod
    def after_step(self, network: nn.Module, step: int) -> None:
        """Called when the optimiser has stepped: moving averages, queues; often nothing."""

    def phase_at(self, step: int) -> Phase:
        """Whose turn it is."""
        place = step % sum(phase.every for phase in self.phases)
        for phase in self.phases:
            if place < phase.every:
                return phase
            place -= phase.every
        raise AssertionError("the phases cover every place of a round")
