"""Penalties against NumPy, and the step that they lead to."""

import numpy as np
import pytest
import torch

from fathom.losses.penalty import l1_penalty, l2_penalty


@pytest.fixture
def parameters():
    generator = torch.Generator().manual_seed(0)
    return [torch.randn(shape, generator=generator) for shape in [(3, 5), (7,), (2, 3, 5)]]


def test_equal_the_sums_over_all_numbers(parameters):
    together = np.concatenate([parameter.numpy().ravel() for parameter in parameters])
    assert l1_penalty(parameters).item() == pytest.approx(np.abs(together).sum(), rel=1e-5)
    assert l2_penalty(parameters).item() == pytest.approx((together**2).sum(), rel=1e-5)


def test_gradients_are_the_sign_and_twice_the_weight(parameters):
    for parameter in parameters:
        parameter.requires_grad_()
    for gradient, parameter in zip(
        torch.autograd.grad(l1_penalty(parameters), parameters), parameters, strict=True
    ):
        assert torch.equal(gradient, parameter.sign())
    for gradient, parameter in zip(
        torch.autograd.grad(l2_penalty(parameters), parameters), parameters, strict=True
    ):
        torch.testing.assert_close(gradient, 2 * parameter.detach())


def test_many_small_bf16_weights_do_not_get_lost():
    weights = torch.full((4001,), 0.125, dtype=torch.bfloat16)
    assert l1_penalty([weights]).item() == 4001 * 0.125
    assert l2_penalty([weights]).item() == 4001 * 0.125**2


def test_no_weights_have_no_penalty():
    assert l1_penalty([]).item() == 0
    assert l2_penalty(iter([])).item() == 0
