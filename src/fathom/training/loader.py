"""Batches from a loader of others: any `DataLoader`, or any iterable that can begin anew."""

from collections.abc import Callable, Iterable, Iterator, Sized
from functools import partial
from itertools import count
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import DataLoader, RandomSampler, SubsetRandomSampler, WeightedRandomSampler
from torch.utils.data.distributed import DistributedSampler

from fathom.base.errors import RecipeError, RunError
from fathom.base.seeds import derive, seed_everything
from fathom.base.tensors import Batch, Field
from fathom.training.loop import Batches

Convert = Callable[[Any, int], Batch]


def as_batch(item: Any, step: int = 0, *, unlabelled: bool = False) -> Batch:
    """What a loader yields as a batch: (x, y), or (x1, x2, …, y) for a module of several inputs.

    Inputs are named "input_0", …, the target "target_0". Each example counts 1 and is known by
    its place in the batch, since a loader does not tell more.

    Args:
        item: tensors with an axis of examples, the target last; or a `Batch` already.
        step: which step it is for.
        unlabelled: whether a single tensor, or a tuple of one, is an input without a target.

    Raises:
        RecipeError: it is something else, or has no examples.

    Example:
        >>> batch = as_batch((torch.zeros(5, 3), torch.zeros(5)))
        >>> list(batch.inputs), list(batch.targets), len(batch)
        (['input_0'], ['target_0'], 5)
    """
    if isinstance(item, Batch):
        return item
    parts = list(item) if isinstance(item, tuple | list) else [item]
    sizes = {len(p) if isinstance(p, Tensor) and p.ndim else type(p).__name__ for p in parts}
    fewest = 1 if unlabelled else 2
    if len(parts) < fewest or len(sizes) > 1 or not all(isinstance(size, int) for size in sizes):
        raise RecipeError(
            "The loader gives something that is not a batch of inputs and target.",
            expected="x, or (x, y): tensors with the same number of examples"
            if unlabelled
            else "(x, y), or (x1, x2, …, y): tensors with the same number of examples",
            got=f"{type(item).__name__} of {', '.join(map(_shown, parts))}",
            do="Let the loader yield tuples, or pass LoaderBatches(loader, convert=…) with a "
            "function that makes a `Batch` of what it yields.",
        )
    if sizes == {0}:
        raise RecipeError(
            "The loader gives an empty batch.",
            expected="at least one example in each batch",
            got=f"{type(item).__name__} of {', '.join(map(_shown, parts))}",
            do="Leave empty batches out of the loader.",
        )
    inputs = parts if len(parts) == 1 else parts[:-1]
    return Batch(
        {f"input_{place}": Field(part) for place, part in enumerate(inputs)},
        {} if len(parts) == 1 else {"target_0": Field(parts[-1])},
        torch.ones(len(parts[0])),
        torch.arange(len(parts[0])),
        step,
    )


def _shown(part: Any) -> str:
    if isinstance(part, Tensor):
        return f"shape {list(part.shape)}"
    return type(part).__name__


def one_epoch(loader: Iterable[Any], seed: int, *stream: object) -> Iterator[Any]:
    """What a loader yields from front to back; its randomness is a function of (seed, stream).

    The order and what samplers, data sets and augmentations draw from the global generators of
    PyTorch, NumPy and Python, or from the loader's own, come out the same each time. (Worker
    processes draw the same as long as their number stays.)

    Args:
        loader: a `DataLoader` or anything that can be iterated more than once.
        seed: of the training.
        stream: names of the use and the moment, such as "order", epoch.
    """
    if isinstance(loader, DataLoader):
        _seed_loader(loader, derive(seed, *stream))
    seed_everything(seed, *stream)
    iterator = iter(loader)
    for place in count():
        # For each by itself, so that what happens between two of them leaves no trace.
        seed_everything(seed, *stream, place)
        try:
            item = next(iterator)
        except StopIteration:
            return
        yield item


def _seed_loader(loader: DataLoader[Any], key: int) -> None:
    """Generators that belong to the loader carry a state from epoch to epoch: begin anew."""
    sampler = loader.sampler
    generators = [loader.generator]
    if isinstance(sampler, RandomSampler | SubsetRandomSampler | WeightedRandomSampler):
        generators.append(sampler.generator)
    for generator in generators:
        if generator is not None:
            generator.manual_seed(key)
    if isinstance(sampler, DistributedSampler):
        sampler.set_epoch(key % (1 << 31))


class LoaderBatches:
    """Endless batches from a loader, whose order is a function of (seed, epoch).

    To resume, the loader is run through up to the position, and what comes before is let go.

    Args:
        loader: a `DataLoader`, or anything that can be iterated more than once.
        seed: where the orders come from.
        convert: makes a batch of what the loader yields and of the step's number.

    Raises:
        RecipeError: its workers live on from epoch to epoch, with random states that nobody can
            put back; or, as it is iterated, no batch came.

    Example:
        >>> pairs = [(torch.zeros(5, 3), torch.zeros(5)), (torch.ones(2, 3), torch.ones(2))]
        >>> batches = LoaderBatches(pairs)
        >>> stream = iter(batches)
        >>> [len(next(stream)) for _ in range(3)], batches.state_dict()["epoch"]
        ([5, 2, 5], 1)
    """

    def __init__(self, loader: Iterable[Any], seed: int = 0, convert: Convert = as_batch) -> None:
        if isinstance(loader, DataLoader) and loader.persistent_workers:
            raise RecipeError(
                "The loader's worker processes live on from epoch to epoch.",
                where="DataLoader(persistent_workers=True)",
                expected="workers that begin each epoch anew, so that a resumed training draws "
                "what the interrupted one would have drawn",
                got="persistent_workers = True",
                do="Leave persistent_workers out.",
            )
        self.loader, self.seed, self.convert = loader, seed, convert
        self.epoch, self.place, self.step = 0, 0, 0

    def __len__(self) -> int:
        """Batches in an epoch.

        Raises:
            RecipeError: the loader does not say.
        """
        length = _length(self.loader)
        if length is not None:
            return length
        if isinstance(self.loader, Iterator):
            raise _only_once(self.loader)
        raise RecipeError(
            "The loader does not say how many batches an epoch has.",
            expected="a loader with a length",
            got=type(self.loader).__name__,
            do="Say the number of steps: plan=TrainingPlan(num_steps=…).",
        )

    def __iter__(self) -> Iterator[Batch]:
        length = _length(self.loader)
        while True:
            epoch, skip, place = self.epoch, self.place, -1
            for place, item in enumerate(one_epoch(self.loader, self.seed, "order", epoch)):
                if place < skip:
                    continue
                last = place + 1 == length
                self.epoch, self.place = (epoch + 1, 0) if last else (epoch, place + 1)
                self.step += 1
                yield self.convert(item, self.step - 1)
            if place < 0:
                raise _only_once(self.loader) if self.step else _no_batch(self.loader)
            self.epoch, self.place = epoch + 1, 0

    def state_dict(self) -> dict[str, Any]:
        """The present position, and what the orders follow from."""
        position = {"epoch": self.epoch, "place": self.place, "step": self.step}
        return {**position, "seed": self.seed, "length": _length(self.loader)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take up a position.

        Raises:
            RunError: the loader is of another length, or the seed is another, or the position is
                none.
        """
        if not all(type(state[name]) is int for name in ("epoch", "place", "step")):
            raise RunError(
                "The position of the batches is damaged.",
                expected="whole numbers for epoch, place and step",
                got=", ".join(f"{name} = {value}" for name, value in state.items()),
                do="Train anew, in a new folder.",
            )
        if (state["seed"], state["length"]) != (self.seed, _length(self.loader)):
            raise RunError(
                "The position belongs to another loader.",
                expected=f"{state['length']} batches an epoch, seed {state['seed']}",
                got=f"{_length(self.loader)} batches an epoch, seed {self.seed}",
                do="Resume with the data, batch size and seed that the run was started with.",
            )
        self.epoch, self.place, self.step = state["epoch"], state["place"], state["step"]


def _length(loader: Iterable[Any]) -> int | None:
    """Batches in an epoch, where the loader says it."""
    try:
        return len(loader) if isinstance(loader, Sized) else None
    except TypeError:
        return None  # a DataLoader of an endless data set has a __len__ that fails


def _no_batch(loader: Any) -> RecipeError:
    """What is told of a loader that has nothing to learn from."""
    cut = isinstance(loader, DataLoader) and loader.drop_last
    return RecipeError(
        "The loader gave no batch.",
        where="data",
        expected="a loader of (x, y) that gives at least one batch",
        got=f"a {type(loader).__name__} without any",
        do="Leave drop_last out or choose a smaller batch_size, if it has examples at all."
        if cut
        else "See whether the data are there, and pass a loader or a list of batches.",
    )


def _only_once(loader: Any) -> RecipeError:
    """What is told of batches that are gone when the first epoch is over."""
    return RecipeError(
        "An iterator can be gone through only once.",
        where="data",
        expected="a loader that begins anew in each epoch, and where a training is resumed",
        got=type(loader).__name__,
        do="Pass the DataLoader or the list itself, not iter(…) of it or a generator; of one "
        "without end, say the number of steps: plan=TrainingPlan(num_steps=…).",
    )


def batches_of(data: Batches | Iterable[Any], seed: int, *, unlabelled: bool = False) -> Batches:
    """Batches of ours as they are; any other loader or iterable as `LoaderBatches`.

    Args:
        data: whatever yields batches.
        seed: where their order comes from.
        unlabelled: whether a loader may yield inputs alone.

    Raises:
        RecipeError: its length is 0.
    """
    # Some loaders of others have a state of their own as well, but do not yield our batches.
    if isinstance(data, Batches) and not isinstance(data, DataLoader):
        return data
    if _length(data) == 0:
        raise _no_batch(data)
    return LoaderBatches(data, seed, partial(as_batch, unlabelled=unlabelled))
