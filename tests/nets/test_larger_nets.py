"""The networks for larger pictures: sizes of every kind, parts, types, memory."""

import math

import pytest
import torch
from torch import Tensor, nn

from fathom.base.seeds import torch_generator
from fathom.nets.convnext import ConvNext, ConvNextBlock, ConvNextShape, suited_stride
from fathom.nets.convolution import PictureNet
from fathom.nets.vit import (
    Attention,
    PatchVectors,
    Vit,
    VitBlock,
    VitShape,
    patches_of,
    suited_side,
    waves,
)

SIZES = [(8, 8), (9, 31), (12, 14), (28, 28), (33, 64), (97, 97), (128, 96), (8, 160)]


def make(name: str, channels: int, height: int, width: int) -> PictureNet:
    generator = torch_generator(0, "net")
    if name == "vit":
        return Vit(channels, height, width, VitShape(dim=24, depth=2), generator)
    shape = ConvNextShape(widths=(8, 12, 20), depths=(1, 1, 2))
    return ConvNext(channels, height, width, shape, generator)


def drawn(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch_generator(seed, "x"))


BOTH = pytest.mark.parametrize("name", ["convnext", "vit"])


@BOTH
@pytest.mark.parametrize(("height", "width"), SIZES)
def test_every_size_has_places_left_and_no_pixel_is_lost(
    name: str, height: int, width: int
) -> None:
    net, places = make(name, 3, height, width), []
    last = net.stages[-1] if isinstance(net, ConvNext) else net.blocks[-1]
    handle = last.register_forward_hook(lambda module, given, found: places.append(found.shape))
    x = drawn(2, 3, height, width).requires_grad_()
    found = net(x)
    handle.remove()
    assert found.shape == (2, net.dim_out)
    assert places[0][2] >= 2
    assert places[0][3] >= 2
    (slope,) = torch.autograd.grad(found.square().sum(), x)
    assert bool((slope.abs().sum((0, 1)) > 0).all())


@BOTH
def test_a_picture_of_one_pixel_is_read(name: str) -> None:
    assert bool(make(name, 1, 1, 1)(torch.zeros(2, 1, 1, 1)).isfinite().all())


@BOTH
def test_its_layers_hold_every_weight_once(name: str) -> None:
    net = make(name, 3, 16, 16)
    for key, _ in net.named_parameters():
        assert sum(key.startswith(f"{layer}.") for layer in net.layers) == 1, key
    assert net.layers[0] == ("stem" if name == "convnext" else "patches")


@BOTH
def test_half_precision_differs_by_rounding_only(name: str) -> None:
    net, x = make(name, 1, 28, 28), drawn(8, 1, 28, 28)
    exact = net(x)
    with torch.autocast("cpu", torch.bfloat16):
        found = net(x)
    torch.testing.assert_close(found.float(), exact, rtol=0.1, atol=0.05)
    found.float().square().sum().backward()
    assert all(bool(one.grad.isfinite().all()) for one in net.parameters() if one.grad is not None)


@BOTH
def test_channels_last_in_memory_change_nothing_and_stay(name: str) -> None:
    net, x = make(name, 3, 20, 20).double(), drawn(2, 3, 20, 20).double()
    expected, kept = net(x), []
    part = net.stages[0] if isinstance(net, ConvNext) else net.blocks[0]
    part.register_forward_hook(
        lambda module, given, found: kept.append(
            found.is_contiguous(memory_format=torch.channels_last)
        )
    )
    net.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
    found = net(x.contiguous(memory_format=torch.channels_last))
    torch.testing.assert_close(found, expected)
    assert kept == [True]


@BOTH
def test_its_weights_are_all_that_a_file_must_hold(name: str) -> None:
    net, other = make(name, 1, 13, 17), make(name, 1, 13, 17)
    with torch.no_grad():
        for weight in other.parameters():
            weight.add_(1.0)
    other.load_state_dict(net.state_dict())
    x = drawn(2, 1, 13, 17)
    assert torch.equal(net(x), other(x))


# --- convnext


def test_the_stem_cuts_small_pictures_into_small_steps() -> None:
    assert [suited_stride(side, 200) for side in (8, 15, 16, 63, 64, 200)] == [1, 1, 2, 2, 4, 4]


def test_a_block_looks_around_in_each_channel_by_itself() -> None:
    shape = ConvNextShape(side=5)
    block = ConvNextBlock(6, shape, torch_generator(0, "block"))
    assert block.around.weight.shape == (6, 1, 5, 5)
    x = drawn(1, 6, 9, 9).requires_grad_()
    (slope,) = torch.autograd.grad(block.around(x)[0, 2, 4, 4], x)
    assert (slope[0].abs().sum((1, 2)) > 0).tolist() == [False, False, True, False, False, False]
    with torch.no_grad():
        block.scale.zero_()
    assert torch.equal(block(x), x), "what it finds is added"


# --- vit


@pytest.mark.parametrize(("height", "width"), [*SIZES[:-1], (64, 64), (8, 160), (224, 224)])
def test_there_are_about_fifty_to_two_hundred_patches(height: int, width: int) -> None:
    number = math.prod(patches_of(height, width, suited_side(height, width)))
    assert 48 <= number <= 200


@pytest.mark.parametrize("side", [suited_side(n, m) for n in (5, 31) for m in (3, 300)])
def test_odd_sizes_have_patches(side: int) -> None:
    assert side >= 1


def test_attention_equals_the_formula_written_out() -> None:
    layer, x = Attention(6, 2, torch_generator(0, "attention")), drawn(1, 5, 6)
    query, key, value = (one(x)[0] for one in (layer.query, layer.key, layer.value))
    heads = []
    for part in (slice(0, 3), slice(3, 6)):
        weight = (query[:, part] @ key[:, part].T / math.sqrt(3)).softmax(1)
        heads.append(weight @ value[:, part])
    expected = layer.mix(torch.cat(heads, 1))
    torch.testing.assert_close(layer(x)[0], expected)


def test_positions_tell_places_apart_and_neighbours_are_alike() -> None:
    found = waves(16, 5, 7).flatten(1).T
    distance = torch.cdist(found, found)
    assert float((distance + 9 * torch.eye(35)).min()) > 0.3
    assert float(distance[0, 1]) < float(distance[0, 3]) < float(distance[0, 34])
    assert waves(3, 2, 2).abs().sum() == 0, "too short for waves"


def test_where_a_patch_lies_changes_what_it_says() -> None:
    net = PatchVectors(1, 14, 14, 8, torch_generator(0, "patches"))
    found = net(torch.zeros(1, 1, 14, 14))[0].flatten(1).T
    assert len(found.unique(dim=0)) == 49


def test_margins_lie_on_both_sides() -> None:
    net = PatchVectors(1, 31, 30, 8, torch_generator(0, "patches"))
    assert net.convolution.kernel_size == (3, 3)
    assert net.margin == (0, 0, 1, 1)


@pytest.mark.parametrize(("dim", "heads"), [(192, 6), (24, 1), (196, 4), (37, 1)])
def test_heads_divide_the_vector(dim: int, heads: int) -> None:
    assert VitShape(dim=dim).num_heads == heads


def test_nothing_is_dropped_unless_it_is_said() -> None:
    generator = torch_generator(0, "block")
    assert isinstance(VitBlock(VitShape(dim=8), generator).dropout, nn.Identity)
    block, x = VitBlock(VitShape(dim=8, dropout=0.5), generator), drawn(2, 8, 3, 3)
    assert not torch.equal(block(x), block(x))
    assert torch.equal(block.eval()(x), block(x))
