"""Whitened patches: every pattern varies equally, whatever the pictures are like."""

import numpy as np
import pytest
import torch
from torch.nn.functional import avg_pool2d

from fathom.columns.texture import texture_of
from fathom.layers.whitening import Patches, PatchWhitening, patch_covariance


def smooth(channels: int, side: int = 24, num: int = 60) -> torch.Tensor:
    """Pictures of mean 0 whose neighbouring pixels are alike."""
    noise = torch.randn(num, channels, side + 4, side + 4, generator=torch.manual_seed(0))
    found = avg_pool2d(noise, 5, stride=1)
    return found / found.std()


@pytest.mark.parametrize(("channels", "patches"), [(1, Patches(side=3)), (3, Patches(side=2))])
def test_patterns_have_variance_one_and_nothing_in_common(channels: int, patches: Patches) -> None:
    pictures = smooth(channels, num=300)
    layer = PatchWhitening(texture_of(pictures.numpy()), patches)
    found = layer(pictures).transpose(0, 1).flatten(1)
    half = layer.dim_out // 2
    assert layer.dim_out == 2 * channels * patches.side**2
    assert torch.equal(found[:half], -found[half:])
    # The least of them are held down, lest they be nothing but noise.
    assert torch.cov(found[:half]).numpy() == pytest.approx(np.eye(half), abs=0.12)


def test_the_covariance_of_patches_is_that_of_their_pixels() -> None:
    pictures = smooth(2, side=40, num=400).double()
    patches = pictures.unfold(2, 2, 1).unfold(3, 2, 1).permute(0, 2, 3, 1, 4, 5).reshape(-1, 8)
    expected = (patches.T @ patches / len(patches)).numpy()
    found = patch_covariance(texture_of(pictures.numpy()), 2)
    assert found == pytest.approx(expected, abs=0.01)


@pytest.mark.parametrize(
    ("size", "expected"),
    [((3, 28, 40), (2, 1)), ((1, 28, 28), (3, 1)), ((3, 64, 64), (2, 2)), ((3, 104, 160), (4, 4))],
)
def test_larger_pictures_are_cut_into_patches(
    size: tuple[int, int, int], expected: tuple[int, int]
) -> None:
    found = Patches.suited(*size)
    assert (found.side, found.stride) == expected


def test_nothing_in_it_learns_and_the_weights_are_kept() -> None:
    layer = PatchWhitening(texture_of(smooth(1).numpy()), Patches())
    assert list(layer.parameters()) == []
    assert set(layer.state_dict()) == {"weight"}
