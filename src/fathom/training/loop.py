"""The visible loop: a generator that takes a step and yields it. Stopping is `break`."""

from collections.abc import Iterator
from typing import Any, Protocol, runtime_checkable

from fathom.base.errors import TrainingError
from fathom.base.tensors import Batch
from fathom.training.learner import Learner, Step


@runtime_checkable
class Batches(Protocol):
    """Where the batches come from: endless, and able to say and to take up its position."""

    def __iter__(self) -> Iterator[Batch]:
        """Batches from the present position on, without end."""
        ...

    def state_dict(self) -> dict[str, Any]:
        """The present position."""
        ...

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take up a position."""
        ...


def steps(learner: Learner, batches: Batches) -> Iterator[Step]:
    """Train step by step until the plan's number of steps is reached.

    Before each forward pass PyTorch's generators are seeded from (seed, step), so that dropout
    and whatever else draws from them is the same in a resumed run.

    Args:
        learner: the network in training; its `step` says where to begin.
        batches: stands at the batch of that step.

    Yields:
        One `Step` for each step taken.

    Raises:
        TrainingError: the batches came to an end, or memory ran out for a single example.

    Example:
        for step in steps(learner, batches):
            if step.number % 100 == 0:
                print(step.number, step.loss.item())
    """
    learner.wake()
    stream = iter(batches)
    while learner.step < learner.plan.num_steps:
        learner.timer.lap("other")
        batch = next(stream, None)
        learner.timer.lap("data")
        if batch is None:
            raise TrainingError(
                "The batches came to an end before the training did.",
                where=f"step {learner.step + 1} of {learner.plan.num_steps}",
                expected="batches without end",
                got=f"none after step {learner.step}",
                do="Begin anew in __iter__ when all examples have come, or pass a DataLoader: fit "
                "goes through it again and again.",
            )
        yield learner.take(batch)
