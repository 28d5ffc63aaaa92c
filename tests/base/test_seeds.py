"""Randomness as a function of names: the same again, and different for different names."""

import random

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from fathom.base.seeds import (
    derive,
    numpy_generator,
    seed_everything,
    seed_global,
    torch_generator,
    uniform,
)

names = st.lists(st.one_of(st.integers(), st.text(max_size=5)), max_size=3)


@given(st.integers(0, 2**40), names)
def test_a_seed_is_63_bits_and_the_same_again(seed: int, stream: list[object]) -> None:
    found = derive(seed, *stream)
    assert 0 <= found < 2**63
    assert found == derive(seed, *stream)
    assert found != derive(seed + 1, *stream)
    assert found != derive(seed, *stream, "more")


def test_names_are_not_run_together() -> None:
    assert len({derive(1, 2, 3), derive(1, 23), derive(12, 3), derive(1, "2", "3", "")}) == 4


def test_generators_of_one_stream_draw_alike() -> None:
    one, two, other = (torch_generator(0, "a", k) for k in (1, 1, 2))
    drawn = torch.rand(7, generator=one)
    assert torch.equal(drawn, torch.rand(7, generator=two))
    assert not torch.equal(drawn, torch.rand(7, generator=other))
    assert numpy_generator(0, "a").random() == numpy_generator(0, "a").random()


def _draw() -> tuple[float, float, float]:
    return torch.rand(1).item(), float(np.random.random()), random.random()


def test_global_generators_are_seeded() -> None:
    seed_everything(5, "x")
    first = _draw()
    seed_everything(5, "x")
    assert _draw() == first
    seed_everything(5, "y")
    assert not set(_draw()) & set(first)
    seed_global(5, "x")
    assert torch.rand(1).item() == first[0]
    torch.manual_seed(derive(5, "x"))
    assert torch.rand(1).item() == first[0]


@given(st.integers(0, 2**62), st.lists(st.integers(0, 2**40), min_size=1, max_size=9))
def test_uniform_numbers_belong_to_the_example(seed: int, examples: list[int]) -> None:
    index = torch.tensor(examples)
    whole = uniform(seed, "noise", 3, example=index, num=5)
    for place in range(len(examples)):
        alone = uniform(seed, "noise", 3, example=index[place : place + 1], num=5)
        assert torch.equal(whole[place : place + 1], alone)
    assert float(whole.min()) > 0
    assert float(whole.max()) < 1


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_uniform_numbers_are_uniform_and_unrelated(seed: int) -> None:
    drawn = uniform(seed, "noise", example=torch.arange(10_007), num=3).double()
    # Of n uniform numbers the mean has a standard deviation of sqrt(1 / 12 n).
    assert float((drawn.mean(0) - 0.5).abs().max()) < 5 / (12 * len(drawn)) ** 0.5
    counts = torch.histc(drawn[:, 0], bins=20, min=0, max=1)
    assert float(((counts - len(drawn) / 20) ** 2).sum() / (len(drawn) / 20)) < 45
    shifted = torch.stack([drawn[:-1, 0], drawn[1:, 0], drawn[:-1, 1]])
    related = torch.corrcoef(shifted) - torch.eye(3)
    assert float(related.abs().max()) < 0.05
    other = uniform(seed, "noise", 1, example=torch.arange(10_007), num=1)[:, 0].double()
    assert abs(float(torch.corrcoef(torch.stack([drawn[:, 0], other]))[0, 1])) < 0.05
