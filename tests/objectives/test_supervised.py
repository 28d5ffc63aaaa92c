"""Heads beside their targets: parts of every head, the penalty, phases in turn."""

import pytest
import torch
from torch import Tensor, nn

from fathom.base.tensors import Batch, Features, Field, Loss
from fathom.encoders.plain import PlainEncoder
from fathom.heads.head import Answer, AnswerSettings, Head
from fathom.models.network import Network, SideBySide
from fathom.objectives.objective import Objective, Phase
from fathom.objectives.supervised import Supervised

NUM, WIDTH = 11, 5


class _TwoParts(Head[Tensor]):
    """A head with a loss and a part of its own."""

    needs = frozenset({"vector"})

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.layer = nn.Linear(WIDTH, 1)

    def forward(self, features: Features, teacher: Field | None = None) -> Tensor:
        return self.layer(features.tensor)[:, 0]

    def loss(self, output: Tensor, target: Field, weight: Tensor) -> Loss:
        error = (output - target.data) * weight
        return Loss(
            {"loss": (error.square().sum(), weight.sum()), "bias": (error.sum(), weight.sum())}
        )

    def answer(self, output: Tensor, settings: AnswerSettings) -> Answer:
        return Answer(value=output.numpy())


def _network() -> Network:
    encoder = PlainEncoder(WIDTH, [False] * WIDTH)
    heads = {"target_0": _TwoParts(), "target_1": _TwoParts()}
    return Network({"flags": encoder}, SideBySide(nn.Identity()), heads)


def _batch() -> Batch:
    generator = torch.Generator().manual_seed(0)
    targets = {f"target_{k}": Field(torch.randn(NUM, generator=generator)) for k in range(2)}
    x = torch.randn(NUM, WIDTH, generator=generator)
    return Batch({"flags": Field(x)}, targets, torch.ones(NUM), torch.arange(NUM))


def test_every_part_of_every_head_is_kept() -> None:
    network, batch = _network(), _batch()
    loss = Supervised().loss(network, batch, Phase())
    assert list(loss.parts) == ["target_0", "target_0.bias", "target_1", "target_1.bias"]
    outputs = network(batch.inputs)
    for name, target in batch.targets.items():
        error = outputs[name] - target.data
        total, count = loss.parts[name]
        assert torch.allclose(total / count, error.square().mean())
        total, count = loss.parts[f"{name}.bias"]
        assert torch.allclose(total / count, error.mean())


def test_the_penalty_is_the_sum_of_absolute_weights() -> None:
    network, batch = _network(), _batch()
    total, count = Supervised(l1=0.5).loss(network, batch, Phase()).parts["l1"]
    size = sum(float(p.detach().abs().sum()) for p in network.parameters() if p.ndim > 1)
    assert float((total / count).detach()) == pytest.approx(0.5 * size)


class _Turns(Objective):
    phases = (Phase("judge", every=3), Phase("maker", every=2))

    def loss(self, network: nn.Module, batch: Batch, phase: Phase) -> Loss:
        return Loss({})

    def after_step(self, network: nn.Module, step: int) -> None: ...


def test_phases_take_turns() -> None:
    assert [_Turns().phase_at(step).name[0] for step in range(11)] == list("jjjmmjjjmmj")
