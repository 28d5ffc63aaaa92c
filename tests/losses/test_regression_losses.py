"""Losses for numbers against closed forms, PyTorch's own, and what they are minimised by."""

import inspect

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from beartype import beartype
from jaxtyping import jaxtyped
from sklearn.metrics import mean_pinball_loss

from fathom.base.errors import FathomError, RecipeError
from fathom.losses.regression import huber, mean_absolute_error, mean_squared_error, quantile

BATCH, MEMBERS = 7, 5
ONE_EACH = [mean_squared_error, mean_absolute_error, huber]


def checked(function):
    """The function with its written shapes checked at each call."""
    return jaxtyped(typechecker=beartype)(inspect.unwrap(function))


def _pair(*shape: int):
    generator = torch.Generator().manual_seed(0)
    return (
        torch.randn(shape, generator=generator) * 2,
        torch.randn(shape, generator=generator) * 2,
    )


@pytest.mark.parametrize("shape", [(BATCH,), (BATCH, MEMBERS), (MEMBERS, BATCH, 3)])
def test_equal_pytorchs_own(shape):
    prediction, target = _pair(*shape)
    pairs = [
        (
            checked(mean_squared_error)(prediction, target),
            F.mse_loss(prediction, target, reduction="none"),
        ),
        (
            checked(mean_absolute_error)(prediction, target),
            F.l1_loss(prediction, target, reduction="none"),
        ),
        (
            checked(huber)(prediction, target, 0.7),
            F.huber_loss(prediction, target, delta=0.7, reduction="none"),
        ),
    ]
    for answer, expected in pairs:
        assert answer.shape == shape
        torch.testing.assert_close(answer, expected)


def test_huber_is_straight_beyond_delta_and_smooth_at_it():
    error = torch.tensor([0.5, 2.0, -2.0, 4.0, -6.0], dtype=torch.float64, requires_grad=True)
    loss = huber(error, torch.zeros(5), delta=2.0)
    assert loss.tolist() == [0.125, 2.0, 2.0, 6.0, 10.0]
    loss.sum().backward()
    assert error.grad is not None
    assert error.grad.tolist() == [0.5, 2.0, -2.0, 2.0, -2.0]


def test_quantile_equals_scikit_learns_pinball_loss():
    levels = (0.05, 0.5, 0.9)
    prediction, target = _pair(BATCH, 3)[0], _pair(BATCH)[1]
    answer = checked(quantile)(prediction, target, levels)
    assert answer.shape == (BATCH,)
    for row in range(BATCH):
        parts = [
            mean_pinball_loss([target[row].item()], [prediction[row, place].item()], alpha=level)
            for place, level in enumerate(levels)
        ]
        assert answer[row].item() == pytest.approx(np.mean(parts), rel=1e-5)


@pytest.mark.parametrize("level", [0.1, 0.5, 0.8])
def test_the_best_constant_of_quantile_is_the_quantile(level):
    target = torch.tensor(np.random.default_rng(0).gumbel(size=401))
    tried = torch.linspace(-3, 6, 1801, dtype=torch.float64)
    spread = tried[:, None].expand(-1, 401)
    mean = quantile(spread.unsqueeze(-1), target, levels=(level,)).mean(1)
    best = tried[mean.argmin()].item()
    assert best == pytest.approx(np.quantile(target, level), abs=0.02)


def test_quantile_at_one_half_is_half_the_absolute_error():
    prediction, target = _pair(BATCH)
    torch.testing.assert_close(
        quantile(prediction.unsqueeze(-1), target), mean_absolute_error(prediction, target) / 2
    )


def test_members_share_a_target_that_broadcasts():
    prediction, target = _pair(BATCH, MEMBERS)
    for function in ONE_EACH:
        together = checked(function)(prediction, target[:, :1])
        for member in range(MEMBERS):
            alone = function(prediction[:, member], target[:, 0])
            torch.testing.assert_close(together[:, member], alone)
    levels = (0.2, 0.7, 0.9)
    several = torch.randn(BATCH, MEMBERS, 3)
    together = checked(quantile)(several, target[:, :1], levels)
    torch.testing.assert_close(together[:, 2], quantile(several[:, 2], target[:, 0], levels))


@pytest.mark.parametrize("function", [*ONE_EACH, quantile])
def test_bf16_inputs_are_computed_in_fp32(function):
    prediction, target = (tensor.bfloat16() for tensor in _pair(BATCH))
    if function is quantile:
        prediction = prediction.unsqueeze(-1)
    answer = function(prediction, target)
    assert answer.dtype == torch.float32
    assert torch.equal(answer, function(prediction.float(), target.float()))


@pytest.mark.parametrize("function", ONE_EACH)
def test_whole_number_targets_will_do(function):
    answer = function(torch.tensor([1.5, 2.0]), torch.tensor([1, 5]))
    assert answer.dtype == torch.float32


@pytest.mark.parametrize("function", ONE_EACH)
def test_the_trap_of_a_missing_axis_is_told(function):
    with pytest.raises(FathomError) as caught:
        inspect.unwrap(function)(torch.zeros(BATCH, 1), torch.zeros(BATCH))
    assert caught.value.what == "The shapes of predictions and targets do not agree."
    assert caught.value.got == "targets of shape [7]"
    assert "unsqueeze" in caught.value.do


def test_shapes_that_cannot_meet_are_told():
    with pytest.raises(FathomError, match="do not agree"):
        inspect.unwrap(mean_squared_error)(torch.zeros(BATCH), torch.zeros(BATCH + 1))


def test_wrong_options_are_told():
    prediction, target = _pair(BATCH)
    with pytest.raises(RecipeError, match="'delta' must be above 0"):
        huber(prediction, target, delta=0.0)
    with pytest.raises(RecipeError, match="strictly between 0 and 1") as caught:
        quantile(prediction.unsqueeze(-1), target, levels=(5.0,))
    assert caught.value.do == "Write 5 % as 0.05."
    with pytest.raises(RecipeError, match="strictly between"):
        quantile(prediction.unsqueeze(-1), target, levels=())
    with pytest.raises(RecipeError, match="one prediction for each level"):
        quantile(prediction.unsqueeze(-1), target, levels=(0.1, 0.9))
