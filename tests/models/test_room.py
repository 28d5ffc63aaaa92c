"""A network larger than memory is refused before its weights are drawn."""

import pytest
import torch
from torch import nn

from fathom.base.errors import RecipeError
from fathom.layers.members import MemberLinear
from fathom.models import room


@pytest.fixture(autouse=True)
def _two_megabytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "available_memory", lambda: 2_000_000)


def test_what_does_not_fit_is_refused_with_its_size() -> None:
    with pytest.raises(RecipeError) as told, room.weights_fit():
        nn.Sequential(*[nn.Linear(100, 1000) for _ in range(6)])
    assert str(told.value).startswith("The network does not fit into memory.")
    assert told.value.where == "network"
    assert told.value.got == "0.0 GB or more for its weights"


def test_training_holds_each_weight_twice_at_least() -> None:
    with room.weights_fit():
        nn.Linear(300, 1000)
    told = pytest.raises(RecipeError, match="what training keeps beside them")
    with told, room.weights_fit(copies=2):
        nn.Linear(300, 1000)


def test_it_is_told_before_the_weights_are_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    generator = torch.Generator().manual_seed(0)
    before = generator.get_state()
    with pytest.raises(RecipeError), room.weights_fit():
        MemberLinear(10, 1000, 1000, generator)
    assert torch.equal(generator.get_state(), before)


def test_outside_of_the_block_nothing_is_refused() -> None:
    with room.weights_fit():
        pass
    assert nn.Linear(1000, 1000).weight.shape == (1000, 1000)
