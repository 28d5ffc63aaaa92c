"""Batches from resident examples: every example once an epoch, positions that can be taken up."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from fathom.base.errors import RunError
from fathom.base.tensors import Batch, Field
from fathom.tables.batches import Examples, ResidentBatches, RowExamples, in_order


def _examples(num: int) -> RowExamples:
    data = torch.arange(num * 3).reshape(num, 3).float()
    target = Field(torch.arange(num), torch.arange(num) % 2 == 0)
    return RowExamples({"x": Field(data)}, {"y": target}, torch.arange(num) + 1.0)


def _taken(batches: ResidentBatches, num: int) -> list[list[int]]:
    stream = iter(batches)
    return [next(stream).example.tolist() for _ in range(num)]


sizes = st.tuples(st.integers(1, 97), st.integers(1, 41), st.integers(0, 5))


@given(sizes)
def test_an_epoch_has_every_example_once_in_batches_of_nearly_one_size(size) -> None:
    num, batch_size, seed = size
    batches = ResidentBatches(_examples(num), batch_size, seed)
    for _ in range(2):
        epoch = _taken(batches, len(batches))
        assert sorted(example for batch in epoch for example in batch) == list(range(num))
        lengths = [len(batch) for batch in epoch]
        assert max(lengths) <= batch_size
        assert max(lengths) - min(lengths) <= 1
        assert min(lengths) >= 1


@given(sizes, st.integers(0, 30))
def test_what_follows_a_position_does_not_depend_on_how_one_came_there(size, position) -> None:
    num, batch_size, seed = size
    whole = _taken(ResidentBatches(_examples(num), batch_size, seed), position + 9)
    other = ResidentBatches(_examples(num), batch_size, seed)
    _taken(other, position)
    resumed = ResidentBatches(_examples(num), batch_size, seed)
    resumed.load_state_dict(other.state_dict())
    assert _taken(resumed, 9) == whole[position:]
    assert _taken(other, 9) == whole[position:]


def test_orders_differ_between_epochs_and_seeds() -> None:
    batches = ResidentBatches(_examples(53), 53, 0)
    one, two = _taken(batches, 2)
    assert one != two
    assert _taken(ResidentBatches(_examples(53), 53, 1), 1)[0] != one


def test_a_batch_carries_its_rows_weights_and_step() -> None:
    examples = _examples(17)
    batch = list(zip(range(3), ResidentBatches(examples, 5, 3), strict=False))[2][1]
    index = batch.example
    assert torch.equal(batch.inputs["x"].data, examples.inputs["x"].data[index])
    assert torch.equal(batch.targets["y"].data, index)
    assert torch.equal(batch.weight, index + 1.0)
    assert batch.step == 2


def test_balanced_sampling_draws_by_chance_and_again_alike() -> None:
    chance = torch.tensor([8.0, *[1.0] * 8])
    drawn = torch.tensor(_taken(ResidentBatches(_examples(9), 9, 0, chance), 1001)).flatten()
    share = float((drawn == 0).float().mean())
    # A half, with a standard deviation of 0.5 / sqrt(9009).
    assert share == pytest.approx(0.5, abs=0.025)
    again = ResidentBatches(_examples(9), 9, 0, chance)
    assert _taken(again, 1)[0] == drawn[:9].tolist()


@pytest.mark.parametrize(("num", "batch_size", "seed"), [(18, 5, 0), (17, 6, 0), (17, 5, 1)])
def test_a_position_among_other_batches_is_refused(num: int, batch_size: int, seed: int) -> None:
    state = ResidentBatches(_examples(num), batch_size, seed).state_dict()
    with pytest.raises(RunError, match="belongs to other batches") as caught:
        ResidentBatches(_examples(17), 5, 0).load_state_dict(state)
    assert "seed = 0" in caught.value.expected
    assert f"num_examples = {num}" in caught.value.got


def test_in_order_goes_front_to_back() -> None:
    examples = _examples(17)
    assert [batch.example.tolist() for batch in in_order(examples, 7)] == [
        list(range(7)),
        list(range(7, 14)),
        list(range(14, 17)),
    ]
    assert next(iter(in_order(_examples(0), 7))).example.tolist() == []


def test_examples_move_with_all_they_have() -> None:
    rows = _examples(5)
    moved = RowExamples(rows.inputs, rows.targets, rows.weight, torch.arange(5)).to(
        torch.device("cpu")
    )
    assert torch.equal(moved.inputs["x"].data, rows.inputs["x"].data)
    assert moved.cluster is not None
    assert moved.cluster.tolist() == [0, 1, 2, 3, 4]


class _Windows:
    """Stretches of one series, cut when they are asked for: examples that are not rows."""

    def __init__(self, series: Tensor, width: int) -> None:
        self.series, self.width = series, width
        num = len(series) - width
        self.weight, self.cluster = torch.ones(num), torch.zeros(num, dtype=torch.long)

    def __len__(self) -> int:
        return len(self.weight)

    def batch(self, index: Tensor, step: int = 0, epoch: int = 0) -> Batch:
        cut = self.series[index[:, None] + torch.arange(self.width)]
        return Batch({"x": Field(cut)}, {}, self.weight[index], index, step)

    def to(self, device: torch.device) -> "_Windows":
        return self


def test_windows_of_a_series_are_examples_too() -> None:
    windows: Examples = _Windows(torch.arange(31.0), 11)
    batch = next(iter(ResidentBatches(windows, 7, 0)))
    assert batch.inputs["x"].data.shape == (7, 11)
    assert torch.equal(batch.inputs["x"].data[:, 0], batch.example.float())
    assert sum(len(part) for part in in_order(windows, 3)) == 20
