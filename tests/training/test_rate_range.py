"""The learning-rate range test: the burst where theory puts it, and nothing left behind."""

import math
import random
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from fathom.base.errors import RecipeError, TrainingError
from fathom.base.tensors import Batch, Loss
from fathom.objectives.objective import Objective, Phase
from fathom.training import OptimizerPlan, RateRange, TrainingPlan, learning_rate_range
from fathom.training.rate_range import _Running, _smoothers, judge, most_allowed

mse = nn.functional.mse_loss
SGD = TrainingPlan(
    num_steps=3, clip_norm=None, optimizer=OptimizerPlan(name="sgd", learning_rate=0.1)
)
RATES = np.geomspace(1e-6, 10, 100)


def _signs(scale: float, noise: float = 0.3) -> list[tuple[Tensor, Tensor]]:
    """Batches of x = ±scale: the curvature of the mean squared error is 2·scale² in each."""
    draw = torch.Generator().manual_seed(0)
    x = scale * torch.where(torch.rand(211, 1, generator=draw) > 0.5, 1.0, -1.0)
    y = 3 * x / scale + noise * torch.randn(211, 1, generator=draw)
    return [(x[place::7], y[place::7]) for place in range(7)]


def _weight(start: float = 0.0) -> nn.Linear:
    layer = nn.Linear(1, 1, bias=False)
    nn.init.constant_(layer.weight, start)
    return layer


def _falls(noise: float, seed: int = 0) -> list[float]:
    """Losses that fall by half around a rate of 0.001 and rise from 1 on."""
    power = np.log10(RATES)
    level = 1 - 0.5 / (1 + np.exp(-3 * (power + 3))) + np.where(power > 0, 10 * power, 0)
    return (level * (1 + noise * np.random.default_rng(seed).standard_normal(100))).tolist()


@pytest.mark.parametrize("scale", [0.7, 1.0, 3.0, 11.0])
def test_sgd_bursts_at_two_over_the_curvature(scale: float) -> None:
    """Steps on a parabola of curvature L shrink the error below a rate of 2/L and grow it above."""
    limit = 2 / (2 * scale**2)
    found = learning_rate_range(_weight(), _signs(scale), mse, plan=SGD)
    assert found.burst_at is not None
    assert limit < found.burst_at < 4 * limit
    assert found.ended == "the loss had grown to more than four times its best value"
    assert found.suggested is not None
    assert limit / 100 < found.suggested < limit
    assert found.before_minimum is not None
    assert limit / 100 < found.before_minimum < limit


def test_the_steps_are_those_of_the_optimiser_itself() -> None:
    """Against a loop of PyTorch's own: same losses at rates in equal ratios."""
    pairs = _signs(1.0)
    found = learning_rate_range(
        _weight(0.5), pairs, mse, plan=SGD, low=1e-3, high=0.1, num_steps=23
    )
    weight = torch.tensor([[0.5]], requires_grad=True)
    for step, (rate, loss) in enumerate(zip(found.rates, found.losses, strict=True)):
        assert rate == pytest.approx(1e-3 * 100 ** (step / 22))
        x, y = pairs[step % 7]
        value = (x @ weight - y).square().mean()
        assert loss == pytest.approx(value.item(), rel=1e-5)
        (slope,) = torch.autograd.grad(value, weight)
        weight = (weight - rate * slope).detach().requires_grad_()
    assert len(found.rates) == 23
    assert found.ended == "the highest rate was reached"


def test_the_optimiser_and_its_options_are_those_of_the_plan() -> None:
    def losses(**options: Any) -> tuple[float, ...]:
        plan = TrainingPlan(num_steps=3, **options)
        return learning_rate_range(_weight(), _signs(1.0), mse, plan=plan).losses

    usual = losses()
    assert usual == losses()
    assert usual == losses(optimizer=OptimizerPlan(learning_rate=77.0))
    assert usual != losses(optimizer=OptimizerPlan(name="sgd"))
    assert usual != losses(optimizer=OptimizerPlan(betas=(0.5, 0.9)))
    assert usual[0] == losses(seed=5)[0]


class _Everything(nn.Module):
    """Weights, buffers of both sorts, dropout, a part asleep, a state that is no tensor."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.first = nn.Linear(3, 7)
        self.norm = nn.BatchNorm1d(7)
        self.drop = nn.Dropout(0.2)
        self.last = nn.Linear(7, 1)
        self.still = nn.Parameter(torch.ones(2), requires_grad=False)
        self.calls: list[int] = []
        self.register_buffer("unsaved", torch.zeros(3), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        self.calls.append(1)
        with torch.no_grad():
            self.unsaved += 1
            self.still += 1
        return self.last(self.drop(self.norm(torch.relu(self.first(x)))))

    def get_extra_state(self) -> list[int]:
        return self.calls

    def set_extra_state(self, state: list[int]) -> None:
        self.calls = state


def _state(network: _Everything) -> dict[str, Any]:
    found: dict[str, Any] = {n: p.detach().clone() for n, p in network.named_parameters()}
    found |= {name: buffer.clone() for name, buffer in network.named_buffers()}
    found["modes"] = [part.training for part in network.modules()]
    found["calls"] = list(network.calls)
    found["gradient"] = network.first.weight.grad
    return found


def _same(one: Any, other: Any) -> bool:
    return torch.equal(one, other) if isinstance(one, Tensor) else one == other


def _loader(generator: torch.Generator | None = None) -> DataLoader[Any]:
    draw = torch.Generator().manual_seed(0)
    x = torch.randn(101, 3, generator=draw)
    data = TensorDataset(x, x.sum(1, keepdim=True))
    return DataLoader(data, 13, shuffle=True, generator=generator)


@pytest.mark.parametrize("how", ["fine", "broken", "stopped"])
def test_everything_is_as_before(how: str) -> None:
    network = _Everything()
    network.eval()
    network.norm.train()
    network(torch.ones(2, 3)).sum().backward()
    kept = network.first.weight
    before = _state(network)
    own = torch.Generator().manual_seed(3)
    states = (random.getstate(), torch.get_rng_state(), own.get_state())
    of_numpy = str(np.random.get_state())

    def loss(output: Tensor, target: Tensor) -> Tensor:
        if how != "fine" and len(network.calls) > 30:
            raise {"broken": ValueError, "stopped": KeyboardInterrupt}[how]
        return mse(output, target)

    if how == "fine":
        learning_rate_range(network, _loader(own), loss)
    else:
        with pytest.raises((ValueError, KeyboardInterrupt)):
            learning_rate_range(network, _loader(own), loss)
    after = _state(network)
    assert [name for name in before if not _same(before[name], after[name])] == []
    assert network.first.weight is kept
    assert random.getstate() == states[0]
    assert torch.equal(torch.get_rng_state(), states[1])
    assert torch.equal(own.get_state(), states[2])
    assert str(np.random.get_state()) == of_numpy


def test_batches_of_ones_own_keep_their_position(tiny: Callable[..., Any]) -> None:
    made = tiny()
    stream = iter(made.batches)
    for _ in range(2):
        next(stream)
    found = learning_rate_range(made.network, made.batches, made.objective)
    assert len(found.losses) > 20
    assert made.batches.state_dict()["position"] == 2


def test_what_an_objective_learns_and_remembers_is_put_back() -> None:
    class Scaled(Objective):
        steps: Tensor

        def __init__(self) -> None:
            super().__init__()
            self.scale = nn.Parameter(torch.ones(()))
            self.register_buffer("steps", torch.zeros(()))

        def loss(self, network: nn.Module, batch: Batch, phase: Phase) -> Loss:
            (x,), (y,) = batch.inputs.values(), batch.targets.values()
            loss = (self.scale * network(x.data) - y.data).square()
            return Loss({"loss": (loss.sum(), batch.weight.sum())})

        def after_step(self, network: nn.Module, step: int) -> None:
            self.steps += 1

    objective = Scaled()
    learning_rate_range(_weight(1.0), _signs(1.0), objective, plan=SGD)
    assert objective.scale.item() == 1.0
    assert objective.steps.item() == 0.0


class _Breaks(nn.Module):
    """NaN as soon as the weight has gone far."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = _weight()

    def forward(self, x: Tensor) -> Tensor:
        far = bool(self.layer.weight.abs().max() > 4)
        return self.layer(x) * (math.nan if far else 1.0)


def test_a_loss_that_breaks_ends_the_test() -> None:
    found = learning_rate_range(_Breaks(), _signs(1.0), mse, plan=SGD)
    assert found.ended == "the loss was not finite any more"
    assert math.isnan(found.losses[-1])
    assert math.isnan(found.smoothed[-1])
    assert all(map(math.isfinite, (*found.losses[:-1], *found.smoothed[:-1])))
    assert found.burst_at is not None
    assert 1 < found.burst_at < found.rates[-1]
    assert found.suggested is not None
    assert found.suggested < 1


def test_a_loss_that_was_never_finite_is_told() -> None:
    pairs = [(x * math.nan, y) for x, y in _signs(1.0)]
    with pytest.raises(TrainingError) as caught:
        learning_rate_range(_weight(), pairs, mse)
    assert str(caught.value) == (
        "The loss is not finite before the first step, so no rate can be at fault.\n"
        "  where:    Linear\n"
        "  expected: a finite loss on the first batch\n"
        "  got:      nan\n"
        "  do:       Look for NaN or infinite values in inputs and targets, and for divisions and "
        "logarithms of zero in the loss."
    )


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"low": 0.0}, "The rates of a range test are out of their range.\n  expected: 0 < low"),
        ({"low": 2.0, "high": 1.0}, "got:      low = 2, high = 1\n"),
        ({"high": math.inf}, "got:      low = 1e-06, high = inf\n"),
        ({"num_steps": 19}, "A range test has too few steps.\n  expected: num_steps of 20 or more"),
    ],
)
def test_a_range_that_makes_no_sense_is_told(options: dict[str, Any], words: str) -> None:
    with pytest.raises(RecipeError) as caught:
        learning_rate_range(_weight(), _signs(1.0), mse, **options)
    assert words in str(caught.value)


def test_several_phases_are_refused() -> None:
    class Two(Objective):
        phases = (Phase("one"), Phase("two"))

        def loss(self, network: nn.Module, batch: Batch, phase: Phase) -> Loss:
            return Loss({})

        def after_step(self, network: nn.Module, step: int) -> None:
            pass

    with pytest.raises(RecipeError) as caught:
        learning_rate_range(_weight(), _signs(1.0), Two())
    assert "A range test needs an objective of a single phase.\n  where:    Two" in str(
        caught.value
    )
    assert "got:      2 phases" in str(caught.value)


def test_a_source_that_comes_to_its_end_is_told() -> None:
    class Once:
        pairs = iter(_signs(1.0))

        def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
            return self.pairs

    with pytest.raises(RecipeError, match="An iterator can be gone through only once"):
        learning_rate_range(_weight(), Once(), mse)


@pytest.mark.parametrize("noise", [0.0, 0.02, 0.05])
def test_the_suggestion_is_where_the_curve_is_steepest(noise: float) -> None:
    """A logistic fall around 0.001: its steepest place is known; the lowest is at 1."""
    for seed in range(5):
        found = judge(RATES.tolist(), _falls(noise, seed), "it rose", 100)
        assert found.suggested == pytest.approx(1e-3, rel=0.15 if noise == 0 else 1.2)
        assert found.reason.startswith("there the loss falls steepest on its way from ")


def test_noise_alone_suggests_nothing() -> None:
    found = 0
    for seed in range(100):
        losses = 1 + 0.1 * np.random.default_rng(seed).standard_normal(100)
        found += judge(RATES.tolist(), losses.tolist(), "it ended", 100).suggested is not None
    assert found < 10
    risen = judge(RATES.tolist(), np.linspace(1, 2, 100).tolist(), "it ended", 100)
    assert risen.suggested is None
    assert risen.as_text().startswith(
        "No learning rate can be suggested: the loss never fell by more than the noise between "
        "batches; more steps may tell."
    )


def test_smoothing_is_without_bias() -> None:
    """A straight line stays as it is, to its very ends, and its slope is found everywhere."""
    heights, slopes = _smoothers(17, 3.0)
    line = 5 - 0.25 * np.arange(17)
    np.testing.assert_allclose(heights @ line, line, atol=1e-12)
    np.testing.assert_allclose(slopes @ line, -0.25, atol=1e-12)
    assert [part.tolist() for part in _smoothers(1, 3.0)] == [[[1.0]], [[0.0]]]


def test_the_running_average_is_without_bias() -> None:
    running = _Running()
    for _ in range(3):
        running.add(7.0)
        assert running.average == pytest.approx(7.0)
    assert running.allowed == math.inf
    for _ in range(9):
        running.add(7.0)
    assert running.allowed == pytest.approx(28.0)


def test_losses_below_nought_do_not_stop_the_test_at_once() -> None:
    def shifted(output: Tensor, target: Tensor) -> Tensor:
        return mse(output, target) - 20

    found = learning_rate_range(_weight(), _signs(1.0), shifted, plan=SGD)
    assert found.burst_at is not None
    assert 1 < found.burst_at < 8
    assert most_allowed(0.0, 0.0) == 0.0


def test_one_huge_loss_does_not_spoil_the_curve() -> None:
    losses = _falls(0.0)
    calm = judge(RATES.tolist(), losses, "it rose", 100)
    huge = judge(RATES.tolist(), [*losses[:-1], 1e30], "it rose", 100)
    assert huge.suggested == calm.suggested
    assert max(huge.smoothed) < 100


def test_the_record_is_plain() -> None:
    found = RateRange((0.1, 0.2), (2.0, 1.0), (2.0, 1.0), 0.1, "it falls", 0.02, None, "so")
    assert found.to_dict()["rates"] == (0.1, 0.2)
    assert repr(found) == (
        "RateRange of 2 steps\nSuggested learning rate: 0.1; it falls.\n"
        "A second opinion: 0.02, a tenth of where the loss is lowest.\nThe test ended: so."
    )
