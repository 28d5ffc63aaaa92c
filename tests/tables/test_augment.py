"""Changes of pictures: by hand, one by one, the same however a batch is split."""

import pytest
import torch

from fathom.tables.augment import Augmentation

PIXELS = torch.arange(7 * 3 * 5 * 11, dtype=torch.int64).remainder(251).to(torch.uint8)
PIXELS = PIXELS.reshape(7, 3, 5, 11)
EXAMPLE = torch.arange(7) * 13


def test_nothing_said_changes_nothing() -> None:
    assert Augmentation().apply(PIXELS, EXAMPLE, 0, 1) is PIXELS
    assert not Augmentation()


def test_a_flip_mirrors_about_half_of_them() -> None:
    pixels = PIXELS.repeat(100, 1, 1, 1)
    found = Augmentation(flip=True).apply(pixels, torch.arange(700), 0, 1)
    same = (found == pixels).flatten(1).all(1)
    mirrored = (found == pixels.flip(3)).flatten(1).all(1)
    assert bool((same | mirrored).all())
    assert 0.4 < mirrored.float().mean() < 0.6


def test_a_shift_moves_each_by_whole_pixels_and_repeats_the_edge() -> None:
    found = Augmentation(shift=2).apply(PIXELS, EXAMPLE, 0, 3)
    padded = torch.nn.functional.pad(PIXELS.float(), (2, 2, 2, 2), mode="replicate").to(torch.uint8)
    for one, whole in zip(found, padded, strict=True):
        windows = [whole[:, i : i + 5, j : j + 11] for i in range(5) for j in range(5)]
        assert any(torch.equal(one, window) for window in windows)
    assert not torch.equal(found, PIXELS)


def test_a_hole_is_a_square_that_may_reach_over_the_edge() -> None:
    pixels = torch.full((300, 3, 9, 9), 7, dtype=torch.uint8)
    found = Augmentation(cutout=4).apply(pixels, torch.arange(300), 0, 1)
    empty = (found == 0).all(1)
    assert bool(((found == 0).any(1) == empty).all())
    sizes = empty.flatten(1).sum(1)
    assert int(sizes.max()) == 16
    assert int(sizes.min()) < 16


@pytest.mark.parametrize(
    "plan", [Augmentation(flip=True, shift=2, cutout=3), Augmentation(shift=1)]
)
def test_what_is_drawn_belongs_to_example_seed_and_step(plan: Augmentation) -> None:
    whole = plan.apply(PIXELS, EXAMPLE, 4, 9)
    assert torch.equal(whole[2:5], plan.apply(PIXELS[2:5], EXAMPLE[2:5], 4, 9))
    assert not torch.equal(whole, plan.apply(PIXELS, EXAMPLE, 4, 10))
    assert not torch.equal(whole, plan.apply(PIXELS, EXAMPLE, 5, 9))
