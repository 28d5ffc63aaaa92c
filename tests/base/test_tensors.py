"""Fields, batches and losses: cut, put together again, added up."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from fathom.base.tensors import Batch, Features, Field, Loss, added, stacked

NUM, POSITIONS, WIDTH = 13, 5, 3


def _field() -> Field:
    generator = torch.Generator().manual_seed(0)
    data = torch.randn(NUM, POSITIONS, WIDTH, generator=generator)
    mask = torch.rand(NUM, POSITIONS, generator=generator) < 0.6
    lengths = torch.randint(0, POSITIONS + 1, (NUM,), generator=generator)
    return Field(data, mask, lengths)


def _loss(numbers: list[tuple[float, float]]) -> Loss:
    pairs = torch.tensor(numbers, dtype=torch.float64)
    return Loss({f"part_{place}": (pair[0], pair[1]) for place, pair in enumerate(pairs)})


def test_rows_of_a_field_take_mask_and_lengths_along() -> None:
    field, index = _field(), torch.tensor([7, 0, 7])
    some = field.rows(index)
    assert some.mask is not None
    assert some.lengths is not None
    assert field.mask is not None
    assert field.lengths is not None
    assert torch.equal(some.data, field.data[index])
    assert torch.equal(some.mask, field.mask[index])
    assert torch.equal(some.lengths, field.lengths[index])
    assert len(some) == 3


@pytest.mark.parametrize("mask_axes", [0, 1, 2, 3])
def test_present_joins_mask_and_lengths(mask_axes: int) -> None:
    field = _field()
    assert field.lengths is not None
    mask = torch.rand(field.data.shape[:mask_axes]) < 0.5 if mask_axes else None
    found = Field(field.data, mask, field.lengths).present()
    assert found is not None
    for row in range(NUM):
        for position in range(POSITIONS):
            used = position < int(field.lengths[row])
            if mask_axes == 3:
                assert mask is not None
                assert torch.equal(found[row, position], mask[row, position] & used)
                continue
            if mask_axes == 1:
                assert mask is not None
                used = used and bool(mask[row])
            if mask_axes == 2:
                assert mask is not None
                used = used and bool(mask[row, position])
            assert bool(found[row, position]) == used


def test_stacked_undoes_rows() -> None:
    field = _field()
    again = stacked([field.rows(slice(0, 2)), field.rows(slice(2, 7)), field.rows(slice(7, NUM))])
    assert torch.equal(again.data, field.data)
    assert torch.equal(again.mask, field.mask)  # pyright: ignore[reportArgumentType]
    assert torch.equal(again.lengths, field.lengths)  # pyright: ignore[reportArgumentType]


def test_stacked_fills_up_ragged_fields_and_says_where() -> None:
    short = Field(torch.ones(2, 3, WIDTH), torch.tensor([True, False]))
    long = Field(torch.ones(5, 7, WIDTH))
    both = stacked([short, long])
    assert both.data.shape == (7, 7, WIDTH)
    assert both.mask is not None
    assert both.mask.sum(1).tolist() == [3, 0, 7, 7, 7, 7, 7]
    assert float(both.data[:2, 3:].abs().sum()) == 0
    with_lengths = [
        Field(field.data, None, torch.full((len(field),), 2)) for field in (short, long)
    ]
    assert stacked(with_lengths).mask is None
    assert stacked(with_lengths).lengths.tolist() == [2] * 7  # pyright: ignore[reportOptionalMemberAccess]


def test_a_batch_is_cut_in_all_its_parts() -> None:
    field = _field()
    batch = Batch({"x": field}, {"y": field}, torch.rand(NUM), torch.arange(NUM) * 10, step=4)
    some = batch.rows(slice(3, 8))
    assert len(some) == len(some.inputs["x"]) == len(some.targets["y"]) == 5
    assert some.example.tolist() == [30, 40, 50, 60, 70]
    assert some.step == 4
    assert torch.equal(batch.to(torch.device("cpu")).inputs["x"].data, field.data)


def test_a_pyramid_has_no_single_tensor() -> None:
    with pytest.raises(AssertionError, match="several maps"):
        _ = Features("pyramid", (torch.ones(1), torch.ones(1))).tensor


numbers = st.floats(-1e6, 1e6)
pairs = st.lists(st.tuples(numbers, st.floats(0.1, 1e3)), min_size=2, max_size=2)


@given(st.lists(pairs, min_size=1, max_size=7), st.randoms(use_true_random=False))
def test_losses_add_up_however_they_are_grouped(batches: list[list[tuple[float, float]]], draw):
    losses = [_loss(batch) for batch in batches]
    forward = sum(losses, Loss({}))
    draw.shuffle(losses)
    other = sum(losses, Loss({}))
    for place in range(2):
        total = sum(batch[place][0] for batch in batches)
        count = sum(batch[place][1] for batch in batches)
        found, number = forward.parts[f"part_{place}"]
        assert float(found) == pytest.approx(total, abs=1e-6)
        assert float(number) == pytest.approx(count)
        assert float(other.parts[f"part_{place}"][0]) == pytest.approx(total, abs=1e-6)


@given(st.lists(pairs, min_size=1, max_size=5))
def test_pieces_divided_by_the_counts_of_all_give_the_mean_of_all(batches) -> None:
    whole = sum((_loss(batch) for batch in batches), Loss({}))
    shares = [added(list(_loss(batch).means(whole.counts()).values())) for batch in batches]
    assert float(sum(shares)) == pytest.approx(float(whole.mean()), rel=1e-9, abs=1e-9)


def test_losses_of_different_parts_keep_both() -> None:
    one, two = torch.ones(()), torch.full((), 2.0)
    both = Loss({"a": (two, one)}) + Loss({"b": (one, two)})
    assert float(both.mean()) == 2.5


def test_nothing_to_learn_from_is_a_loss_of_zero() -> None:
    assert float(Loss({}).mean()) == 0
    assert float(Loss({"loss": (torch.zeros(()), torch.zeros(()))}).mean()) == 0
