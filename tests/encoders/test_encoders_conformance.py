"""Every encoder: its width, its gradients, signs of what is missing, rows one by one."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from torch import Tensor

from fathom.base.tensors import Field
from fathom.encoders.categories import CategoriesEncoder
from fathom.encoders.encoder import Encoder
from fathom.encoders.numbers import NumbersEncoder, Projection
from fathom.encoders.plain import PlainEncoder

NUM, COLUMNS, DIM = 13, 5, 3
EDGES = [np.linspace(-2, 2, bins + 1) for bins in (2, 3, 5, 7, 11)]
CODES = (3, 5, 2, 7, 11)
MISSING = (True, False, False, True, True)
TURNS = (
    Projection(0, 2, 0.6, 0.8, (-1.0, 0.0, 1.0)),
    Projection(1, 4, -0.8, 0.6, (-2.0, 2.0)),
)


@dataclass(frozen=True)
class Case:
    """An encoder with a field for it.

    Attributes:
        make: from a generator to the encoder.
        data: of the field.
        num_signs: how many columns get a sign where they are missing.
    """

    make: Callable[[torch.Generator], Encoder]
    data: Tensor
    num_signs: int


_NUMBERS = torch.from_numpy(np.random.default_rng(0).normal(size=(NUM, COLUMNS))).float()
_CODES = torch.stack([torch.arange(NUM) % num for num in CODES], dim=1)

CASES = {
    "numbers": Case(lambda g: NumbersEncoder(EDGES, MISSING, (), DIM, g), _NUMBERS, 3),
    "numbers_turned": Case(lambda g: NumbersEncoder(EDGES, MISSING, TURNS, DIM, g), _NUMBERS, 3),
    "numbers_plain": Case(lambda g: NumbersEncoder(EDGES, MISSING, TURNS, 0, g), _NUMBERS, 3),
    "numbers_whole": Case(
        lambda g: NumbersEncoder(EDGES, [False] * COLUMNS, (), DIM, g), _NUMBERS, 0
    ),
    "categories": Case(lambda g: CategoriesEncoder(CODES, DIM, g), _CODES, 0),
    "plain": Case(lambda g: PlainEncoder(COLUMNS, MISSING), _NUMBERS, 3),
    "plain_whole": Case(lambda g: PlainEncoder(COLUMNS, [False] * COLUMNS), _NUMBERS, 0),
}
ALL = pytest.mark.parametrize("name", CASES)


def _encoder(name: str, seed: int = 0) -> Encoder:
    return CASES[name].make(torch.Generator().manual_seed(seed))


def _mask() -> Tensor:
    return (torch.arange(NUM * COLUMNS).reshape(NUM, COLUMNS) * 7) % 5 != 0


@ALL
def test_features_are_vectors_of_the_published_width(name: str) -> None:
    encoder = _encoder(name)
    features = encoder(Field(CASES[name].data, _mask()))
    assert features.form == "vector"
    assert features.members is None
    assert features.tensor.shape == (NUM, encoder.dim_out)


@ALL
def test_rows_are_encoded_one_by_one(name: str) -> None:
    encoder, field = _encoder(name), Field(CASES[name].data, _mask())
    whole = encoder(field).tensor
    order = torch.tensor([11, 2, 2, 7])
    assert torch.allclose(encoder(field.rows(order)).tensor, whole[order], atol=1e-6)


@ALL
def test_the_gradient_reaches_every_parameter(name: str) -> None:
    encoder = _encoder(name)
    if not list(encoder.parameters()):
        assert name in ("numbers_plain", "plain", "plain_whole")
        return
    encoder(Field(CASES[name].data, _mask())).tensor.square().sum().backward()
    for key, parameter in encoder.named_parameters():
        assert parameter.grad is not None, key
        assert bool(parameter.grad.any()), key


@ALL
def test_signs_say_what_is_missing(name: str) -> None:
    encoder, data = _encoder(name), CASES[name].data
    all_there = encoder(Field(data)).tensor
    assert torch.equal(all_there, encoder(Field(data, torch.ones_like(_mask()))).tensor)
    gaps = encoder(Field(data, _mask())).tensor
    num_signs = CASES[name].num_signs
    if num_signs:
        signed = [column for column in range(COLUMNS) if MISSING[column]]
        assert torch.equal(gaps[:, -num_signs:], (~_mask()[:, signed]).float())
        assert not bool(all_there[:, -num_signs:].any())
    assert torch.equal(
        gaps[:, : gaps.shape[1] - num_signs], all_there[:, : gaps.shape[1] - num_signs]
    )


@ALL
def test_the_same_seed_gives_the_same_weights(name: str) -> None:
    one, two = (_encoder(name).state_dict() for _ in range(2))
    assert one.keys() == two.keys()
    assert all(torch.equal(one[key], two[key]) for key in one)


@pytest.mark.parametrize("name", ["numbers", "numbers_turned", "categories"])
def test_another_seed_gives_others(name: str) -> None:
    one, two = (dict(_encoder(name, seed).named_parameters()) for seed in (0, 1))
    assert not all(torch.equal(one[key], two[key]) for key in one)


@pytest.mark.parametrize("name", ["numbers", "numbers_turned", "categories"])
def test_one_batch_is_learned_by_heart(name: str) -> None:
    encoder, field = _encoder(name), Field(CASES[name].data)
    truth = torch.arange(NUM).float()
    last = torch.nn.Linear(encoder.dim_out, 1)
    optimizer = torch.optim.Adam([*encoder.parameters(), *last.parameters()], lr=0.05)
    losses: list[float] = []
    for _ in range(200):
        optimizer.zero_grad()
        loss = (last(encoder(field).tensor)[:, 0] - truth).square().mean()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.05 * float(truth.var())


def test_turned_axes_are_weighted_sums_of_two_columns() -> None:
    field = Field(CASES["numbers_plain"].data)
    vector = _encoder("numbers_plain")(field).tensor
    x = field.data
    expected = torch.stack([0.6 * x[:, 0] + 0.8 * x[:, 2], -0.8 * x[:, 1] + 0.6 * x[:, 4]], dim=1)
    assert torch.allclose(vector[:, COLUMNS : COLUMNS + 2], expected, atol=1e-6)
    assert torch.equal(vector[:, :COLUMNS], x)


def test_columns_of_categories_have_vectors_of_their_own() -> None:
    encoder = _encoder("categories")
    zeros = encoder(Field(torch.zeros(1, COLUMNS, dtype=torch.long))).tensor.reshape(COLUMNS, DIM)
    assert len({tuple(row.tolist()) for row in zeros}) == COLUMNS
