"""Averages of weights against their closed forms in fp64, and their resumption."""

import numpy as np
import pytest
import torch

from fathom.base.errors import RecipeError, RunError
from fathom.training.averaging import AVERAGES, AveragingPlan, WeightAverage, build_average

NUM = 23


@pytest.fixture
def path() -> list[dict[str, torch.Tensor]]:
    """The weights before the first step and after each one."""
    generator = torch.Generator().manual_seed(0)
    return [
        {
            "matrix": torch.randn(3, 5, generator=generator),
            "bias": torch.randn(7, generator=generator),
        }
        for _ in range(NUM + 1)
    ]


def _averaged(plan: AveragingPlan, path: list[dict[str, torch.Tensor]]) -> WeightAverage:
    average = build_average(path[0], plan, NUM)
    for step in range(1, NUM + 1):
        average.update(path[step], step)
    return average


def _stacked(path: list[dict[str, torch.Tensor]], name: str) -> np.ndarray:
    return np.stack([weights[name].double().numpy() for weights in path[1:]])


@pytest.mark.parametrize(
    ("plan", "decay"),
    [
        (AveragingPlan(name="ema", decay=0.9), 0.9),
        (AveragingPlan(name="ema", half_life=5), 0.5 ** (1 / 5)),
        (AveragingPlan(name="ema"), 0.999),
        (AveragingPlan(name="ema", decay=0.0), 0.0),
    ],
)
def test_ema_is_the_fading_mean_of_all_steps(plan, decay, path):
    shares = decay ** np.arange(NUM - 1, -1, -1)
    averaged = _averaged(plan, path).tensors()
    for name, value in averaged.items():
        expected = np.tensordot(shares / shares.sum(), _stacked(path, name), 1)
        np.testing.assert_allclose(value.numpy(), expected, rtol=1e-5, atol=1e-6)


def test_half_life_is_when_a_step_counts_half():
    average = build_average({"w": torch.zeros(1)}, AveragingPlan(half_life=7), 150)
    average.update({"w": torch.ones(1)}, 1)
    left = {1: 1.0}
    for step in range(2, 151):
        average.update({"w": torch.zeros(1)}, step)
        left[step] = average.tensors()["w"].item()
    assert left[107] == pytest.approx(left[100] / 2, rel=1e-4)


@pytest.mark.parametrize(("share", "count"), [(0.25, 6), (1.0, NUM), (0.001, 1)])
def test_tail_is_the_plain_mean_of_the_last_steps(share, count, path):
    averaged = _averaged(AveragingPlan(name="tail", tail_share=share), path).tensors()
    for name, value in averaged.items():
        expected = _stacked(path, name)[-count:].mean(0)
        np.testing.assert_allclose(value.numpy(), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", AVERAGES)
def test_the_first_step_is_taken_whole(name, path):
    average = build_average(path[0], AveragingPlan(name=name), NUM)
    average.update(path[1], 1)
    for key, value in average.tensors().items():
        assert torch.equal(value, path[1][key])


def test_none_is_the_last_weights(path):
    for key, value in _averaged(AveragingPlan(name="none"), path).tensors().items():
        assert torch.equal(value, path[-1][key])


def test_weights_that_do_not_move_are_their_own_average():
    weights = {"w": torch.randn(11)}
    for plan in (AveragingPlan(decay=0.9), AveragingPlan(name="tail", tail_share=1.0)):
        average = build_average(weights, plan, NUM)
        for step in range(1, NUM + 1):
            average.update(weights, step)
        assert torch.equal(average.tensors()["w"], weights["w"])


def test_infinite_weights_before_the_tail_leave_no_trace():
    average = build_average({"w": torch.zeros(1)}, AveragingPlan(name="tail", tail_share=0.5), 4)
    for step, value in enumerate([float("nan"), float("inf"), 1.0, 3.0], start=1):
        average.update({"w": torch.tensor([value])}, step)
    assert average.tensors()["w"].item() == 2.0


def test_bf16_weights_are_averaged_in_fp32():
    # In bf16 the small moves of the average would all be rounded away.
    weights = {"w": torch.full((5,), 256.0, dtype=torch.bfloat16)}
    average = build_average(weights, AveragingPlan(decay=0.999), 500)
    average.update(weights, 1)
    for step in range(2, 501):
        average.update({"w": torch.full((5,), 258.0, dtype=torch.bfloat16)}, step)
    assert average.state_dict()["w"].dtype == torch.float32
    assert 257.9 < average.state_dict()["w"][0].item() < 258
    assert average.tensors()["w"].dtype == torch.bfloat16


def test_counters_are_taken_as_they_are():
    average = build_average({"count": torch.tensor(0)}, AveragingPlan(), 5)
    for step in range(1, 6):
        average.update({"count": torch.tensor(step)}, step)
    assert average.tensors()["count"].item() == 5


def test_the_weights_themselves_are_never_touched(path):
    kept = [{name: value.clone() for name, value in weights.items()} for weights in path]
    _averaged(AveragingPlan(decay=0.5), path)
    for weights, before in zip(path, kept, strict=True):
        assert all(torch.equal(weights[name], before[name]) for name in weights)


def test_applied_lends_the_average_and_gives_back_the_same_bits(path):
    average = _averaged(AveragingPlan(decay=0.5), path)
    network = {name: value.clone().requires_grad_() for name, value in path[-1].items()}
    with torch.inference_mode(), average.applied(network):
        for name, value in average.tensors().items():
            assert torch.equal(network[name], value)
    assert all(torch.equal(network[name], path[-1][name]) for name in network)
    assert all(tensor.requires_grad and tensor.grad_fn is None for tensor in network.values())
    with pytest.raises(ZeroDivisionError), average.applied(network):
        _ = 1 / 0
    assert all(torch.equal(network[name], path[-1][name]) for name in network)


@pytest.mark.parametrize("name", AVERAGES)
def test_a_resumed_average_goes_on_with_the_same_bits(name, path):
    plan = AveragingPlan(name=name)
    whole = _averaged(plan, path)
    first = build_average(path[0], plan, NUM)
    for step in range(1, 20):
        first.update(path[step], step)
    stored = {key: value.clone() for key, value in first.state_dict().items()}
    second = build_average(path[0], plan, NUM)
    second.load_state_dict(stored)
    for step in range(20, NUM + 1):
        second.update(path[step], step)
    for key, value in whole.tensors().items():
        assert torch.equal(second.tensors()[key], value)
    assert all(torch.equal(stored[key], first.state_dict()[key]) for key in stored)


def test_a_state_of_another_network_is_refused(path):
    average = build_average(path[0], AveragingPlan(), NUM)
    for state in ({"matrix": path[0]["matrix"]}, {**path[0], "bias": torch.zeros(2)}):
        with pytest.raises(RunError, match="averaged weights do not fit") as caught:
            average.load_state_dict(state)
        assert caught.value.got == "differences in 'bias'"


def test_messages():
    with pytest.raises(RecipeError, match="Did you mean 'tail'") as caught:
        AveragingPlan(name="tails")
    assert caught.value.what == "There is no average of weights 'tails'."
    with pytest.raises(RecipeError, match="'tail' does not use the option 'decay'"):
        AveragingPlan(name="tail", decay=0.9)
    with pytest.raises(RecipeError, match="'ema' does not use the option 'tail_share'"):
        AveragingPlan(tail_share=0.1)
    with pytest.raises(RecipeError, match="both 'decay' and 'half_life'"):
        AveragingPlan(decay=0.9, half_life=5)
    with pytest.raises(RecipeError, match="'decay' of the average is out of its range"):
        AveragingPlan(decay=1.0)
    with pytest.raises(RecipeError, match="'half_life' of the average is out of its range"):
        AveragingPlan(half_life=0)
    with pytest.raises(RecipeError, match="'tail_share' of the average is out of its range"):
        AveragingPlan(name="tail", tail_share=0.0)
