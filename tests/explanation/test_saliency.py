"""Saliency against what is known: linear networks, differences, the class-activation map."""

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter
from torch import Tensor, nn

from fathom.explanation.filters import first_filters, stage_maps, strongest
from fathom.explanation.saliency import evidence, maps_of, saliency, smoothed
from fathom.layers.initialise import initialise
from fathom.layers.whitening import Patches, PatchWhitening
from fathom.nets.convnext import ConvNext, ConvNextShape
from fathom.nets.convolution import FastResidual, LearnedPatches, LeNet, ResidualShape
from fathom.nets.vit import Vit, VitShape


def drawn(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


class Linear(nn.Module):
    """The weighted sum of all pixels."""

    def __init__(self, weight: Tensor) -> None:
        super().__init__()
        self.weight = nn.Parameter(weight)

    def forward(self, x: Tensor) -> Tensor:
        return (x * self.weight).sum((1, 2, 3))


def test_of_a_linear_network_it_is_the_size_of_the_weights() -> None:
    net = Linear(drawn(3, 5, 7))
    found = saliency(lambda x: net(x)[0], drawn(1, 3, 5, 7, seed=1), net)
    assert torch.equal(found.pixels, net.weight.abs().amax(0))
    assert found.places is None, "it has no map of features"


def residual(channels: int = 1) -> FastResidual:
    generator = torch.Generator().manual_seed(3)
    patches = LearnedPatches(channels, 4, generator)
    return FastResidual(patches, ResidualShape(widths=(8, 16)), generator).eval()


def test_gradients_are_the_limit_of_differences() -> None:
    net, x = residual().double(), drawn(1, 1, 8, 8).double()
    weight = drawn(net.dim_out).double()

    def score(pixels: Tensor) -> Tensor:
        return (net(pixels) * weight).sum()

    def exact(pixels: Tensor) -> Tensor:
        with torch.no_grad():
            return score(pixels)

    # The gradient itself is of 32 bits, since pixels are.
    found = saliency(lambda pixels: score(pixels.double()), x, net).pixels
    for row, column in ((0, 0), (3, 4), (7, 2)):
        step = torch.zeros_like(x)
        step[0, 0, row, column] = 1e-5
        slope = (exact(x.float().double() + step) - exact(x.float().double() - step)) / 2e-5
        assert float(found[row, column]) == pytest.approx(abs(float(slope)), rel=1e-3, abs=1e-6)


class Averaged(nn.Module):
    """A convolution whose maps are averaged, then a linear layer: what Zhou et al. had."""

    def __init__(self) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(5)
        self.convolution = nn.Conv2d(1, 4, 3, padding=1)
        self.layer = nn.Linear(4, 2)
        with torch.no_grad():
            for one in self.parameters():
                one.normal_(generator=generator)

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(torch.relu(self.convolution(x)).mean((2, 3)))


def test_with_averaged_maps_it_is_the_class_activation_map() -> None:
    net, x = Averaged(), drawn(1, 1, 6, 5)
    found = saliency(lambda pixels: net(pixels)[0, 1], x, net).places
    with torch.no_grad():
        # The last map is that before the bend: where it is below nought, the slope is nought.
        maps = torch.relu(net.convolution(x))[0]
    expected = (net.layer.weight[1, :, None, None] * maps).sum(0) / 30
    assert found is not None
    torch.testing.assert_close(found, expected.detach())


def test_places_add_up_to_the_score() -> None:
    """Maxima and means are linear in the map, so the parts of all places make the whole."""
    net, x = residual(3), drawn(1, 3, 16, 16)
    head = nn.Linear(net.dim_out, 3)
    found = saliency(lambda pixels: head(net(pixels))[0, 2], x, net).places
    assert found is not None
    assert found.shape == (4, 4)
    with torch.no_grad():
        score = head(net(x))[0, 2] - head.bias[2]
    assert float(found.sum()) == pytest.approx(float(score), rel=1e-4)


def test_both_sides_add_up_where_they_are_in_the_picture() -> None:
    """The answer of an encoder that sees the mirror image too is the mean of both."""
    net, x = residual(3), drawn(1, 3, 16, 16)
    head = nn.Linear(net.dim_out, 1, bias=False)

    def both(pixels: Tensor) -> Tensor:
        return head((net(pixels) + net(pixels.flip(3))) / 2)[0, 0]

    found = saliency(both, x, net, mirrored=True)
    once = saliency(lambda pixels: head(net(pixels))[0, 0], x, net)
    other = saliency(lambda pixels: head(net(pixels))[0, 0], x.flip(3), net)
    assert found.places is not None
    assert once.places is not None
    assert other.places is not None
    torch.testing.assert_close(found.places, (once.places + other.places.flip(1)) / 2)
    with torch.no_grad():
        assert float(found.places.sum()) == pytest.approx(float(both(x)), rel=1e-4)
    mirror = saliency(both, x.flip(3), net, mirrored=True)
    torch.testing.assert_close(mirror.pixels, found.pixels.flip(1))
    assert mirror.places is not None
    torch.testing.assert_close(mirror.places, found.places.flip(1))


def with_corner(num: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Noise; where the class is 1, the upper left is brighter. Nothing else tells it."""
    x = torch.randn(num, 1, 12, 12, generator=generator)
    y = torch.randint(2, (num,), generator=generator)
    x[:, :, :4, :4] += 3.0 * y[:, None, None, None]
    return x, y


def test_a_class_that_depends_on_a_corner_is_seen_in_that_corner() -> None:
    generator = torch.Generator().manual_seed(7)
    net = LeNet(1, 12, 12, generator)
    head = nn.Linear(net.dim_out, 2)
    initialise(head, "default", generator)
    optimizer = torch.optim.AdamW([*net.parameters(), *head.parameters()], 3e-3, weight_decay=0.3)
    for _ in range(150):
        x, y = with_corner(64, generator)
        optimizer.zero_grad()
        nn.functional.cross_entropy(head(net(x)), y).backward()
        optimizer.step()
    x, y = with_corner(64, generator)
    assert float((head(net(x)).argmax(1) == y).float().mean()) > 0.95
    bright = x[y == 1][:20]
    found = [saliency(lambda one: head(net(one))[0, 1], one[None], net) for one in bright]
    pixels = torch.stack([one.pixels for one in found]).mean(0)
    assert float(pixels[:4, :4].mean() / pixels[6:, 6:].mean()) > 3
    places = torch.stack([one.places for one in found if one.places is not None]).mean(0)
    for_it = places.clamp_min(0)
    assert for_it.shape == (3, 3)
    assert float(for_it[:2, :2].sum() / for_it.sum()) > 0.9, "places that see the corner"


def test_nothing_is_left_behind_in_the_network() -> None:
    net = residual()
    saliency(lambda pixels: net(pixels).sum(), drawn(1, 1, 8, 8), net)
    assert all(one.grad is None for one in net.parameters())
    assert not any(one._forward_hooks for one in net.modules())


def test_hooks_are_taken_off_after_an_error() -> None:
    net = residual()
    with pytest.raises(ZeroDivisionError), maps_of(net):
        _ = 1 // 0
    assert not any(one._forward_hooks for one in net.modules())


def test_a_score_that_does_not_depend_on_the_picture() -> None:
    net = residual()
    constant = torch.zeros((), requires_grad=True)
    found = saliency(
        lambda pixels: constant + 0 * net(pixels).detach().sum(), drawn(1, 1, 8, 8), net
    )
    assert float(found.pixels.sum()) == 0
    assert found.places is None


def test_smoothing_is_that_of_scipy() -> None:
    plane = drawn(9, 13).abs()
    ours = smoothed(plane, 1.5).numpy()
    theirs = gaussian_filter(plane.numpy(), 1.5, mode="nearest", radius=4)
    np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-6)


def test_evidence_is_a_sum_over_channels() -> None:
    one, other = drawn(3, 2, 2), drawn(3, 2, 2, seed=1)
    expected = sum(one[c] * other[c] for c in range(3))
    torch.testing.assert_close(evidence(one, other), expected)


# --- what a network is made of


def test_filters_are_the_weights_of_the_first_layer() -> None:
    net = LeNet(3, 16, 16, torch.Generator())
    found = first_filters(net)
    assert found is not None
    assert torch.equal(found.weight, net.first.weight)
    assert found.learned
    still = np.zeros((1, 1, 7, 7))
    still[0, 0, 3, 3] = 1.0
    whitening = PatchWhitening(still, Patches(side=2))
    found = first_filters(nn.Sequential(whitening, nn.Conv2d(8, 2, 3)))
    assert found is not None
    assert torch.equal(found.weight, whitening.weight)
    assert not found.learned
    assert first_filters(nn.Linear(2, 2)) is None


def test_stages_are_the_parts_that_the_network_is_written_in() -> None:
    net, x = residual(), drawn(1, 1, 16, 16)
    found = stage_maps(net, lambda: net(x))
    assert [name for name, _ in found] == ["patches", "stages.0", "stages.1"]
    with torch.no_grad():
        last = net.stages[1](net.stages[0](torch.relu(net.patches(x))))[0]
    assert torch.equal(found[-1][1], last)
    twice = stage_maps(net, lambda: (net(x), net(x.flip(3))))
    assert [name for name, _ in twice] == [name for name, _ in found]
    assert torch.equal(twice[-1][1], last), "of the picture itself, not of its mirror image"
    classic = LeNet(1, 16, 16, torch.Generator())
    names = [name for name, _ in stage_maps(classic, lambda: classic(x))]
    assert names == ["first", "pool", "second", "pool"]


def larger(name: str) -> ConvNext | Vit:
    generator = torch.Generator().manual_seed(0)
    if name == "vit":
        return Vit(1, 16, 14, VitShape(dim=12, depth=2), generator).eval()
    shape = ConvNextShape(widths=(8, 12), depths=(1, 2))
    return ConvNext(1, 16, 14, shape, generator).eval()


@pytest.mark.parametrize(
    ("name", "stages"),
    [("convnext", ["stem", "stages.0", "stages.1"]), ("vit", ["patches", "blocks.0", "blocks.1",
                                                           "norm"])],
)  # fmt: skip
def test_larger_networks_have_maps_by_stage(name: str, stages: list[str]) -> None:
    net, x = larger(name), drawn(1, 1, 16, 14)
    found = stage_maps(net, lambda: net(x))
    assert [stage for stage, _ in found] == stages
    layers = {one for one in net.layers if one in stages}
    assert layers == set(stages)
    filters = first_filters(net)
    assert filters is not None
    assert filters.weight.shape[1] == 1
    assert filters.learned


def test_places_of_a_transformer_say_all_that_it_answers() -> None:
    """Its last map is averaged and then weighed: what places add is the whole score."""
    net, x = larger("vit"), drawn(1, 1, 16, 14)
    weight = drawn(net.dim_out, seed=5)
    found = saliency(lambda pixels: (net(pixels) @ weight)[0], x, net)
    assert found.places is not None
    assert found.places.shape == (8, 7)
    torch.testing.assert_close(found.places.sum(), (net(x) @ weight)[0].detach())


def test_a_convnext_has_places_too() -> None:
    net, x = larger("convnext"), drawn(1, 1, 16, 14)
    found = saliency(lambda pixels: net(pixels)[0, 0], x, net)
    assert found.places is not None
    assert found.places.shape == (8, 7)
    assert bool(found.places.any())


def test_the_strongest_channels_vary_most() -> None:
    maps = drawn(5, 4, 4) * torch.tensor([1.0, 9, 3, 0, 2])[:, None, None]
    assert torch.equal(strongest(maps, 3), maps[[1, 2, 4]])
