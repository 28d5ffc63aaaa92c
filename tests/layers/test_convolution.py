"""Convolutions with pictures laid side by side give what plain ones give."""

import copy

import pytest
import torch
from torch import Tensor, nn

from fathom.layers import convolution
from fathom.layers.convolution import Convolution, pictures_apart, side_by_side


def gradients(layer: nn.Module, x: Tensor, weight: Tensor) -> list[Tensor]:
    """Of the pictures and of each parameter, and the answer, as bf16 training has them."""
    x = x.clone().requires_grad_()
    with torch.autocast("cpu", torch.bfloat16):
        answer = layer(x)
    (answer.float() * weight).sum().backward()
    assert x.grad is not None
    found = [answer.detach(), x.grad, *(one.grad for one in layer.parameters())]
    return [one.float() for one in found if one is not None]


@pytest.mark.parametrize("num", [1, 2, 5, 8, 9])
@pytest.mark.parametrize(("height", "width"), [(7, 7), (3, 3), (1, 1), (4, 9), (15, 15)])
@pytest.mark.parametrize(("side", "bias"), [(3, False), (5, True), (1, True)])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_the_same_gradients(
    num: int, height: int, width: int, side: int, bias: bool, layout: torch.memory_format
) -> None:
    torch.manual_seed(num)
    layer = Convolution(16, 32, side, padding=side // 2, bias=bias)
    layer.weight.data = layer.weight.data.contiguous(memory_format=layout)
    x = torch.randn(num, 16, height, width).contiguous(memory_format=layout)
    weight = torch.randn(num, 32, height, width)
    found = gradients(copy.deepcopy(layer), x, weight)
    pictures_apart(layer)
    expected = gradients(layer, x, weight)
    assert len(found) == len(expected) == 3 + bias
    for one, other in zip(found, expected, strict=True):
        scale = other.abs().max()
        assert (one - other).abs().max() <= 0.02 * scale


def test_short_rows_are_laid_side_by_side(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[int, int]] = []

    def noted(x: Tensor, together: int, gap: int) -> Tensor:
        seen.append((together, gap))
        return side_by_side(x, together, gap)

    monkeypatch.setattr(convolution, "side_by_side", noted)
    layer = Convolution(4, 4, 3, padding=1)
    gradients(layer, torch.randn(9, 4, 7, 7), torch.ones(()))
    assert seen == [(4, 1), (4, 1)]


@pytest.mark.parametrize(
    "layer",
    [
        Convolution(4, 4, 3),
        Convolution(4, 4, 3, padding=1, stride=2),
        Convolution(4, 4, 3, padding=1, groups=2),
        Convolution(4, 4, 3, padding=2, dilation=2),
        Convolution(4, 4, 3, padding="same"),
        Convolution(4, 4, 3, padding=1, padding_mode="circular"),
    ],
    ids=repr,
)
def test_other_convolutions_are_left_alone(layer: nn.Conv2d) -> None:
    x = torch.randn(5, 4, 7, 7)
    found = gradients(copy.deepcopy(layer), x, torch.ones(()))
    pictures_apart(layer)
    expected = gradients(layer, x, torch.ones(()))
    assert all(map(torch.equal, found, expected))


def test_full_precision_is_left_alone() -> None:
    layer, plain = Convolution(4, 4, 3, padding=1), nn.Conv2d(4, 4, 3, padding=1)
    plain.load_state_dict(layer.state_dict())
    x = torch.randn(5, 4, 7, 7)
    for one in (layer, plain):
        one(x).square().sum().backward()
    assert torch.equal(layer.weight.grad, plain.weight.grad)  # pyright: ignore[reportArgumentType]


def test_gradients_have_gradients() -> None:
    layer = Convolution(3, 3, 3, padding=1).bfloat16()
    x = torch.randn(4, 3, 5, 5, dtype=torch.bfloat16, requires_grad=True)
    (first,) = torch.autograd.grad(layer(x).square().sum(), x, create_graph=True)
    first.square().sum().backward()
    assert layer.weight.grad is not None
    assert layer.weight.grad.abs().sum() > 0
