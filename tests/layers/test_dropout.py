"""Dropout: exact expectation, honest randomness in every byte, the gradient's mask."""

import pytest
import torch
from scipy.stats import binomtest, chisquare

from fathom.base.errors import RecipeError
from fathom.layers.dropout import Dropout, dropout, dropped_levels, random_bytes

TYPES = [torch.float32, torch.bfloat16, torch.float16, torch.float64]


@pytest.fixture(autouse=True)
def _seeded():
    torch.manual_seed(7)


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("p", [0.003, 0.1, 0.5, 0.78, 0.997])
def test_the_share_dropped_and_the_scale_are_exact(p, dtype):
    num = 500_009
    answer = dropout(torch.ones(num, dtype=dtype), p)
    share = dropped_levels(p) / 256
    num_dropped = int((answer == 0).sum())
    assert binomtest(num_dropped, num, share).pvalue > 1e-4
    assert abs(share - p) <= 0.5 / 256 or share in (1 / 256, 255 / 256)
    kept = answer[answer != 0].unique()
    assert torch.equal(kept, torch.tensor([1 / (1 - share)], dtype=dtype))


def test_the_expectation_is_the_input():
    x = torch.tensor([1.0, -2.0, 30.0, 0.25, 5.0])
    mean = dropout(x.expand(100_003, 5), 0.3).double().mean(0)
    torch.testing.assert_close(mean, x.double(), rtol=0.01, atol=0)


def test_every_byte_of_a_word_is_uniform():
    # PyTorch's random_ without bounds leaves every eighth byte below 128.
    drawn = random_bytes(torch.empty(8 * 20_011)).view(-1, 8)
    for place in range(8):
        assert chisquare(torch.bincount(drawn[:, place].long(), minlength=256)).pvalue > 1e-4


def test_neighbours_are_independent():
    dropped = (dropout(torch.ones(300_007), 0.5) == 0).float()
    for distance in (1, 2, 7, 8, 64):
        pairs = (dropped[:-distance] * dropped[distance:]).mean().item()
        assert pairs == pytest.approx(0.25, abs=0.004)


@pytest.mark.parametrize("dtype", TYPES)
def test_the_gradient_has_the_same_mask(dtype):
    x = torch.randn(7, 11, 13).to(dtype).requires_grad_()
    answer = dropout(x, 0.3)
    incoming = torch.randn(7, 11, 13).to(dtype)
    answer.backward(incoming)
    mask = (answer != 0).to(dtype)
    scale = 256 / (256 - dropped_levels(0.3))
    assert x.grad is not None
    assert torch.equal(x.grad == 0, answer == 0)
    torch.testing.assert_close(answer.detach(), x.detach() * mask * scale)
    torch.testing.assert_close(x.grad, incoming * mask * scale)


def test_the_global_generator_decides():
    x = torch.ones(1009)
    torch.manual_seed(1)
    first, after = dropout(x, 0.5), dropout(x, 0.5)
    torch.manual_seed(1)
    again = dropout(x, 0.5)
    assert torch.equal(first, again)
    assert not torch.equal(first, after)


def test_evaluation_and_zero_leave_the_input_alone():
    x = torch.randn(5, 7)
    before = torch.random.get_rng_state()
    assert Dropout(0.5).eval()(x) is x
    assert Dropout(0.0)(x) is x
    assert torch.equal(torch.random.get_rng_state(), before)


def test_one_drops_everything():
    x = torch.tensor([1.0, float("inf"), float("nan")], requires_grad=True)
    answer = Dropout(1.0)(x)
    answer.sum().backward()
    assert answer.tolist() == [0.0, 0.0, 0.0]
    assert x.grad is not None
    assert x.grad.tolist() == [0.0, 0.0, 0.0]


@pytest.mark.parametrize("p", [1e-9, 1 - 1e-9])
def test_a_tiny_wish_is_not_rounded_away(p):
    assert 0 < dropped_levels(p) < 256


def test_other_memory_layouts_keep_theirs():
    pictures = torch.ones(3, 5, 7, 11).contiguous(memory_format=torch.channels_last)
    answer = dropout(pictures, 0.5)
    assert answer.stride() == pictures.stride()
    assert 0.4 < (answer == 0).float().mean() < 0.6
    turned = torch.ones(7, 5).T
    assert dropout(turned, 0.5).shape == (5, 7)
    sliced = torch.ones(101, 10)[:, ::2]
    assert 0.4 < (dropout(sliced, 0.5) == 0).float().mean() < 0.6
    assert dropout(torch.ones(0, 3), 0.5).shape == (0, 3)


def test_the_input_is_not_changed():
    x = torch.ones(101)
    dropout(x, 0.5)
    assert torch.equal(x, torch.ones(101))


@pytest.mark.parametrize("p", [-0.1, 1.1, float("nan")])
def test_a_share_outside_is_refused(p):
    with pytest.raises(RecipeError, match="share to drop must lie between 0 and 1"):
        Dropout(p)
