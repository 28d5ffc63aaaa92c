"""Networks for pictures: shapes, gradients, seeds, and one batch by heart."""

import numpy as np
import pytest
import torch
from torch import nn

from fathom.base.seeds import torch_generator
from fathom.base.tensors import Field
from fathom.encoders.image import ImageEncoder, one_view
from fathom.nets.convnext import ConvNext, ConvNextShape
from fathom.nets.convolution import FastResidual, Flat, LearnedPatches, LeNet, ResidualShape
from fathom.nets.quick import Quick, QuickShape
from fathom.nets.vit import Vit, VitShape


def residual(channels: int, height: int, width: int, seed: int = 0) -> FastResidual:
    generator = torch_generator(seed, "net")
    patches = LearnedPatches(channels, 4, generator)
    return FastResidual(patches, ResidualShape(widths=(8, 16)), generator)


def quick(channels: int, height: int, width: int, seed: int = 0) -> Quick:
    generator = torch_generator(seed, "net")
    patches = LearnedPatches(channels, 4, generator)
    return Quick(patches, QuickShape(widths=(8, 16)), generator)


def lenet(channels: int, height: int, width: int, seed: int = 0) -> LeNet:
    return LeNet(channels, height, width, torch_generator(seed, "net"))


def convnext(channels: int, height: int, width: int, seed: int = 0) -> ConvNext:
    shape = ConvNextShape(widths=(8, 16), depths=(1, 2))
    return ConvNext(channels, height, width, shape, torch_generator(seed, "net"))


def vit(channels: int, height: int, width: int, seed: int = 0) -> Vit:
    shape = VitShape(dim=24, depth=2)
    return Vit(channels, height, width, shape, torch_generator(seed, "net"))


NETS = {"residual": residual, "quick": quick, "lenet": lenet, "convnext": convnext, "vit": vit}


@pytest.mark.parametrize("name", NETS)
@pytest.mark.parametrize(("channels", "height", "width"), [(1, 28, 28), (3, 32, 32), (3, 19, 23)])
def test_a_vector_for_each_picture(name: str, channels: int, height: int, width: int) -> None:
    net = NETS[name](channels, height, width)
    assert net(torch.zeros(5, channels, height, width)).shape == (5, net.dim_out)


@pytest.mark.parametrize("name", NETS)
def test_gradients_reach_every_weight(name: str) -> None:
    net = NETS[name](3, 16, 16)
    net(torch.randn(7, 3, 16, 16, generator=torch_generator(1, "x"))).square().sum().backward()
    for label, weight in net.named_parameters():
        if not weight.requires_grad:  # scales of norms that stay at 1
            continue
        assert weight.grad is not None, label
        assert weight.grad.abs().sum() > 0, label


@pytest.mark.parametrize("name", NETS)
def test_the_seed_decides_alone(name: str) -> None:
    one, two, other = (NETS[name](1, 16, 16, seed).state_dict() for seed in (0, 0, 1))
    assert all(torch.equal(one[key], two[key]) for key in one)
    assert any(not torch.equal(one[key], other[key]) for key in one)


@pytest.mark.parametrize("name", NETS)
def test_one_batch_can_be_learned_by_heart(name: str) -> None:
    net = NETS[name](1, 16, 16)
    head = nn.Linear(net.dim_out, 4)
    x = torch.randn(24, 1, 16, 16, generator=torch_generator(2, "x"))
    y = torch.arange(24) % 4
    rate = 3e-2 if name == "quick" else 3e-3  # whose answers begin near to each other
    optimizer = torch.optim.Adam([*net.parameters(), *head.parameters()], lr=rate)
    for _ in range(80):
        loss = nn.functional.cross_entropy(head(net(x)), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert nn.functional.cross_entropy(head(net(x)), y).item() < 0.05


def test_the_encoder_scales_pixels_and_marks_missing_pictures() -> None:
    net = nn.Sequential(nn.Flatten())
    net.dim_out = 12  # pyright: ignore[reportAttributeAccessIssue]
    encoder = ImageEncoder(net, (0.5, 0.25, 0.0), (0.5, 0.25, 1.0), missing=True)
    pixels = torch.full((2, 3, 2, 2), 255, dtype=torch.uint8)
    found = encoder(Field(pixels, torch.tensor([True, False]))).tensor
    assert found.shape == (2, 13)
    assert found[0].tolist() == pytest.approx([1.0] * 4 + [3.0] * 4 + [1.0] * 4 + [0.0])
    assert found[1].tolist() == [0.0] * 12 + [1.0]


def test_without_a_sign_a_picture_that_is_not_there_tells_nothing() -> None:
    net = nn.Sequential(nn.Flatten())
    net.dim_out = 12  # pyright: ignore[reportAttributeAccessIssue]
    encoder = ImageEncoder(net, (0.5, 0.5, 0.5), (1.0, 1.0, 1.0), missing=False)
    pixels = torch.zeros((2, 3, 2, 2), dtype=torch.uint8)
    found = encoder(Field(pixels, torch.tensor([True, False]))).tensor
    assert found[0].tolist() == [-0.5] * 12
    assert found[1].tolist() == [0.0] * 12


def test_an_answer_sees_both_sides_and_training_one() -> None:
    net = nn.Sequential(nn.Flatten())
    net.dim_out = 3  # pyright: ignore[reportAttributeAccessIssue]
    encoder = ImageEncoder(net, (0.0,), (1 / 255,), missing=False, both_sides=True)
    field = Field(torch.tensor([[[[1, 5, 9]]]], dtype=torch.uint8))
    assert encoder(field).tensor.tolist() == [[1.0, 5.0, 9.0]]
    assert encoder.eval()(field).tensor.tolist() == [[5.0, 5.0, 5.0]]


@pytest.mark.parametrize("both_sides", [False, True])
def test_an_answer_sees_pictures_moved_along_the_diagonal(both_sides: bool) -> None:
    net = nn.Sequential(nn.Flatten())
    net.dim_out = 9  # pyright: ignore[reportAttributeAccessIssue]
    settings = {"missing": False, "both_sides": both_sides, "nudged": True}
    encoder = ImageEncoder(net, (0.0,), (1 / 255,), **settings)
    rows = np.array([[10, 20, 30], [40, 50, 60], [70, 80, 90]], dtype=np.uint8)
    field = Field(torch.from_numpy(rows)[None, None])
    assert torch.equal(encoder(field).tensor, torch.from_numpy(rows).float().reshape(1, 9))
    wide = np.pad(rows.astype(float), 1, mode="edge")
    by_hand = rows / 2 + wide[:3, :3] / 4 + wide[2:, 2:] / 4
    if both_sides:
        # A view is moved, then mirrored: up and left becomes up and right.
        other = rows[:, ::-1] / 2 + wide[:3, :3][:, ::-1] / 4 + wide[2:, 2:][:, ::-1] / 4
        by_hand = (by_hand + other) / 2
    assert encoder.eval()(field).tensor.numpy().reshape(3, 3) == pytest.approx(by_hand)


def test_one_view_is_enough_to_compare_steps() -> None:
    net = nn.Sequential(nn.Flatten())
    net.dim_out = 4  # pyright: ignore[reportAttributeAccessIssue]
    views = {"missing": False, "both_sides": True, "nudged": True}
    encoder = ImageEncoder(net, (0.0,), (1 / 255,), **views).eval()
    whole = nn.ModuleDict({"picture": encoder})
    field = Field(torch.tensor([[[[1, 5], [9, 3]]]], dtype=torch.uint8))
    answer = encoder(field).tensor
    with one_view(whole):
        assert encoder(field).tensor.tolist() == [[1.0, 5.0, 9.0, 3.0]]
    assert torch.equal(encoder(field).tensor, answer)
    assert answer.tolist() != [[1.0, 5.0, 9.0, 3.0]]


@pytest.mark.parametrize(("height", "width"), [(8, 8), (4, 9), (8, 64)])
def test_a_quick_network_reads_pictures_of_few_pixels(height: int, width: int) -> None:
    generator = torch_generator(0, "net")
    shape = QuickShape(widths=(8, 8, 8, 8, 8))
    net = Quick(LearnedPatches(1, 4, generator), shape, generator)
    assert net(torch.zeros(3, 1, height, width)).shape == (3, 8)


def test_a_quick_network_begins_by_passing_on_what_it_sees() -> None:
    first = quick(3, 16, 16).stages[0][0]
    x = torch.randn(2, 4, 6, 6, generator=torch_generator(0, "x"))
    assert torch.allclose(first(x)[:, :4], x)


def test_flat_pictures_are_their_pixels() -> None:
    pictures = torch.randn(4, 3, 5, 7, generator=torch_generator(0, "x"))
    net = Flat(3, 5, 7)
    assert net.dim_out == 105
    assert torch.equal(net(pictures), pictures.reshape(4, 105))
    last = pictures.contiguous(memory_format=torch.channels_last)
    assert torch.equal(net(last), net(pictures))
