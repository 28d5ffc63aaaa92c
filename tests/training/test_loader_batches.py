"""Loaders of others: orders that follow from (seed, epoch), positions that can be taken up."""

import random
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.utils.data import (
    DataLoader,
    Dataset,
    IterableDataset,
    RandomSampler,
    SubsetRandomSampler,
    TensorDataset,
    WeightedRandomSampler,
)

from fathom.base.errors import RecipeError, RunError
from fathom.base.tensors import Batch, Field
from fathom.training.loader import LoaderBatches, as_batch, one_epoch

NUM, BATCH = 53, 11


class _Blurred(Dataset[tuple[Tensor, Tensor]]):
    """Rows with noise from all three global generators."""

    def __len__(self) -> int:
        return NUM

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        noise = torch.rand(1) + float(np.random.random()) + random.random()
        return noise, torch.tensor(index)


def _own(generator: torch.Generator | None) -> dict[str, Any]:
    return {"shuffle": True, "generator": generator}


LOADERS = {
    "shuffled": lambda: DataLoader(_Blurred(), BATCH, shuffle=True),
    "own generator": lambda: DataLoader(_Blurred(), BATCH, **_own(torch.Generator())),
    "replaced": lambda: DataLoader(
        _Blurred(), BATCH, sampler=RandomSampler(_Blurred(), replacement=True)
    ),
    "subset": lambda: DataLoader(
        _Blurred(), BATCH, sampler=SubsetRandomSampler(range(7, 47), torch.Generator())
    ),
    "weighted": lambda: DataLoader(
        _Blurred(), BATCH, sampler=WeightedRandomSampler([1.0] * NUM, 47)
    ),
    "list": lambda: [(torch.ones(3) * k, torch.ones(3) * k) for k in range(5)],
}
ALL = pytest.mark.parametrize("name", LOADERS)


def _taken(batches: LoaderBatches, num: int) -> list[tuple[list[float], list[float]]]:
    stream, found = iter(batches), []
    for _ in range(num):
        batch = next(stream)
        torch.rand(3)  # whatever the training draws in between must not matter
        random.random()
        found.append(
            (
                batch.inputs["input_0"].data.flatten().tolist(),
                batch.targets["target_0"].data.tolist(),
            )
        )
    return found


@ALL
@pytest.mark.parametrize("position", [0, 2, 5, 13])
def test_what_follows_a_position_does_not_depend_on_how_one_came_there(
    name: str, position: int
) -> None:
    whole = _taken(LoaderBatches(LOADERS[name]()), position + 7)
    first = LoaderBatches(LOADERS[name]())
    _taken(first, position)
    resumed = LoaderBatches(LOADERS[name]())
    resumed.load_state_dict(first.state_dict())
    assert _taken(resumed, 7) == whole[position:]


@ALL
def test_orders_follow_from_seed_and_epoch(name: str) -> None:
    one = LoaderBatches(LOADERS[name](), seed=0)
    first, second = _taken(one, len(one)), _taken(one, len(one))
    other = _taken(LoaderBatches(LOADERS[name](), seed=1), len(one))
    if name == "list":
        assert first == second == other
    else:
        assert first != second
        assert first != other


def test_every_example_comes_once_an_epoch() -> None:
    batches = LoaderBatches(LOADERS["shuffled"]())
    for _ in range(2):
        seen = [index for _, indices in _taken(batches, len(batches)) for index in indices]
        assert sorted(seen) == list(range(NUM))


def test_workers_draw_the_same_again() -> None:
    def make() -> LoaderBatches:
        return LoaderBatches(DataLoader(_Blurred(), 29, shuffle=True, num_workers=1))

    whole, first = _taken(make(), 3), make()
    _taken(first, 1)
    resumed = make()
    resumed.load_state_dict(first.state_dict())
    assert _taken(resumed, 2) == whole[1:]


def test_workers_that_live_on_are_refused() -> None:
    loader = DataLoader(_Blurred(), num_workers=1, persistent_workers=True)
    with pytest.raises(RecipeError, match="live on from epoch to epoch") as caught:
        LoaderBatches(loader)
    assert "persistent_workers" in caught.value.do


def test_the_last_batch_of_an_epoch_is_the_beginning_of_the_next() -> None:
    batches = LoaderBatches(LOADERS["shuffled"]())
    _taken(batches, 5)
    assert batches.state_dict() == {"epoch": 1, "place": 0, "step": 5, "seed": 0, "length": 5}


def test_steps_are_numbered_on() -> None:
    stream = iter(LoaderBatches(LOADERS["list"]()))
    assert [next(stream).step for _ in range(7)] == list(range(7))


def test_a_position_in_another_loader_is_refused() -> None:
    state = LoaderBatches(LOADERS["shuffled"]()).state_dict()
    with pytest.raises(RunError, match="belongs to another loader") as caught:
        LoaderBatches(LOADERS["weighted"]()).load_state_dict({**state, "seed": 7})
    assert caught.value.expected == "5 batches an epoch, seed 7"
    assert caught.value.got == "5 batches an epoch, seed 0"


class _Stream(IterableDataset[tuple[Tensor, Tensor]]):
    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        for k in range(7):
            yield torch.ones(2) * k, torch.ones(()) * k


def test_a_loader_without_a_length_serves_and_says_so() -> None:
    batches = LoaderBatches(DataLoader(_Stream(), 3))
    assert [len(x) for x, _ in _taken(batches, 5)] == [6, 6, 2, 6, 6]
    assert batches.state_dict()["epoch"] == 1
    with pytest.raises(RecipeError, match="does not say how many batches") as caught:
        len(batches)
    assert "num_steps" in caught.value.do
    resumed = LoaderBatches(DataLoader(_Stream(), 3))
    resumed.load_state_dict(batches.state_dict())
    assert _taken(resumed, 1)[0][1] == [6.0]


def test_a_loader_that_is_empty_is_told() -> None:
    with pytest.raises(RecipeError, match="The loader gave no batch"):
        next(iter(LoaderBatches([])))


def test_several_inputs_and_ready_batches() -> None:
    batch = as_batch([torch.zeros(5, 2), torch.ones(5, 3), torch.zeros(5)], 4)
    assert list(batch.inputs) == ["input_0", "input_1"]
    assert batch.weight.tolist() == [1.0] * 5
    assert batch.example.tolist() == list(range(5))
    assert batch.step == 4
    ready = Batch({"x": Field(torch.ones(3))}, {}, torch.ones(3), torch.arange(3))
    assert as_batch(ready) is ready


@pytest.mark.parametrize(
    ("item", "got"),
    [
        (torch.zeros(5), "Tensor of shape [5]"),
        ({"x": torch.zeros(5)}, "dict of dict"),
        ((torch.zeros(5), [1, 2, 3, 4, 5]), "tuple of shape [5], list"),
        ((torch.zeros(5), torch.zeros(3)), "tuple of shape [5], shape [3]"),
        ((torch.zeros(5), torch.tensor(1.0)), "tuple of shape [5], shape []"),
    ],
)
def test_what_is_no_batch_is_told(item: Any, got: str) -> None:
    with pytest.raises(RecipeError, match="not a batch of inputs and target") as caught:
        as_batch(item)
    assert caught.value.got == got
    assert "convert" in caught.value.do


def test_another_form_is_converted() -> None:
    def convert(item: dict[str, Tensor], step: int) -> Batch:
        return as_batch((item["x"], item["y"]), step)

    loader = [{"x": torch.ones(3, 2), "y": torch.zeros(3)}]
    batch = next(iter(LoaderBatches(loader, convert=convert)))
    assert batch.inputs["input_0"].data.shape == (3, 2)


def test_one_epoch_is_a_function_of_seed_and_stream() -> None:
    def draw(*stream: object) -> list[list[int]]:
        return [y.tolist() for _, y in one_epoch(LOADERS["shuffled"](), 0, *stream)]

    assert draw("a", 1) == draw("a", 1)
    assert draw("a", 1) != draw("a", 2)
    plain = DataLoader(TensorDataset(torch.arange(7)), 3)
    assert [x.tolist() for (x,) in one_epoch(plain, 0)] == [[0, 1, 2], [3, 4, 5], [6]]
