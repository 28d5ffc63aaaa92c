"""Clipping against PyTorch's own and NumPy, and flags for what is not finite."""

import math

import numpy as np
import pytest
import torch
from torch import nn

from fathom.base.errors import RecipeError
from fathom.training.clipping import (
    CLIPPINGS,
    ClippingPlan,
    all_finite,
    clip_gradients,
    global_norm,
)


@pytest.fixture
def gradients() -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    return [torch.randn(shape, generator=generator) for shape in [(3, 5), (7,), (2, 3, 5), ()]]


def _flat(tensors: list[torch.Tensor]) -> np.ndarray:
    return np.concatenate([tensor.double().numpy().ravel() for tensor in tensors])


def test_the_norm_is_that_of_all_numbers_in_a_row(gradients):
    assert global_norm(gradients).item() == pytest.approx(np.linalg.norm(_flat(gradients)))


@pytest.mark.parametrize("most", [0.5, 3.0, 100.0])
def test_norm_clips_as_pytorch_does(gradients, most):
    parameters = [nn.Parameter(torch.zeros(tensor.shape)) for tensor in gradients]
    for parameter, gradient in zip(parameters, gradients, strict=True):
        parameter.grad = gradient.clone()
    expected = nn.utils.clip_grad_norm_(parameters, most)
    norm = clip_gradients(gradients, ClippingPlan(name="norm", most=most))
    torch.testing.assert_close(norm, expected)
    for parameter, gradient in zip(parameters, gradients, strict=True):
        torch.testing.assert_close(gradient, parameter.grad)


def test_short_gradients_keep_their_bits(gradients):
    kept = [gradient.clone() for gradient in gradients]
    clip_gradients(gradients, ClippingPlan(name="norm", most=100.0))
    assert all(map(torch.equal, gradients, kept))
    zeros = [torch.zeros(3)]
    assert clip_gradients(zeros, ClippingPlan()).item() == 0
    assert zeros[0].tolist() == [0, 0, 0]


def test_value_clips_each_number(gradients):
    expected = [np.clip(gradient.numpy(), -0.3, 0.3) for gradient in gradients]
    before = global_norm(gradients)
    norm = clip_gradients(gradients, ClippingPlan(name="value", most=0.3))
    torch.testing.assert_close(norm, before)
    for gradient, wanted in zip(gradients, expected, strict=True):
        np.testing.assert_array_equal(gradient.numpy(), wanted)


def test_none_changes_nothing_and_still_measures(gradients):
    kept = [gradient.clone() for gradient in gradients]
    norm = clip_gradients(gradients, ClippingPlan(name="none"))
    assert norm.item() == pytest.approx(np.linalg.norm(_flat(kept)))
    assert all(map(torch.equal, gradients, kept))


def test_mixed_types_and_none_at_all():
    tensors = [torch.full((101,), 0.125, dtype=torch.bfloat16), torch.ones(3)]
    norm = global_norm(tensors)
    assert norm.dtype == torch.float32
    assert norm.item() == pytest.approx(math.sqrt(101 * 0.125**2 + 3), rel=1e-6)
    clip_gradients(tensors, ClippingPlan(most=0.5))
    assert tensors[0].dtype == torch.bfloat16
    assert global_norm(tensors).item() == pytest.approx(0.5, rel=0.01)
    assert global_norm([]).item() == 0
    assert global_norm([torch.ones(2, dtype=torch.float64)]).dtype == torch.float64
    for name in CLIPPINGS:
        assert clip_gradients([], ClippingPlan(name=name)).item() == 0


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_one_bad_number_among_many_is_found(bad, dtype):
    tensors = [torch.zeros(11, dtype=dtype), torch.ones(3, 7, dtype=dtype)]
    assert all_finite(tensors).item() is True
    tensors[1][2, 5] = bad
    assert all_finite(tensors).item() is False
    assert not global_norm(tensors).isfinite()


def test_finite_numbers_whose_squares_are_not_are_finite():
    tensors = [torch.full((3,), 1e30)]
    assert global_norm(tensors).isinf()
    assert all_finite(tensors)
    assert all_finite([])
    assert all_finite([torch.zeros(0), torch.ones(1)])


def test_nan_stays_to_be_seen():
    for name in ("norm", "value"):
        tensors = [torch.tensor([math.nan, 5.0])]
        norm = clip_gradients(tensors, ClippingPlan(name=name))
        assert norm.isnan()
        assert tensors[0][0].isnan()


def test_nothing_is_read_back_to_the_host(gradients):
    # Meta tensors have no content: reading one would raise.
    ghosts = [gradient.to("meta") for gradient in gradients]
    for name in CLIPPINGS:
        assert clip_gradients(ghosts, ClippingPlan(name=name)).device.type == "meta"
    assert all_finite(ghosts).device.type == "meta"


def test_messages():
    with pytest.raises(RecipeError, match="Did you mean 'norm'") as caught:
        ClippingPlan(name="nrom")
    assert caught.value.what == "There is no clipping 'nrom'."
    with pytest.raises(RecipeError, match="'none' does not use the option 'most'"):
        ClippingPlan(name="none", most=1.0)
    for most in (0.0, -1.0, math.inf, math.nan):
        with pytest.raises(RecipeError, match="'most' of the clipping is out of its range"):
            ClippingPlan(most=most)
