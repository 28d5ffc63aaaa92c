"""Changes of pictures: by hand, one by one, the same however a batch is split."""

import numpy as np
import pytest
import torch
from PIL import Image, ImageEnhance
from scipy.ndimage import affine_transform, gaussian_filter1d

from fathom.base.tensors import Field
from fathom.tables.augment import Augmentation
from fathom.tables.batches import ResidentBatches, RowExamples
from fathom.tables.tones import blurred, mean_grey, relit
from fathom.tables.warp import Maps, warped

PIXELS = torch.arange(7 * 3 * 5 * 11, dtype=torch.int64).remainder(251).to(torch.uint8)
PIXELS = PIXELS.reshape(7, 3, 5, 11)
EXAMPLE = torch.arange(7) * 13
EVERYTHING = Augmentation(
    flip="random", shift=2, cutout=3, rotate=30, scale=0.3, crop=0.5, colour=0.4, blur=0.5
)


def smooth(num: int, channels: int, height: int, width: int) -> torch.Tensor:
    """Pictures of slow waves, so that values between pixels are near to those beside them."""
    draw = torch.Generator().manual_seed(3)
    coarse = torch.rand(num, channels, 4, 4, generator=draw)
    fine = torch.nn.functional.interpolate(coarse, (height, width), mode="bicubic")
    return (20 + 200 * fine.clamp(0, 1)).round().to(torch.uint8)


def test_nothing_said_changes_nothing() -> None:
    assert Augmentation().apply(PIXELS, EXAMPLE, 0, 1) is PIXELS
    assert not Augmentation()


def test_a_flip_mirrors_about_half_of_them() -> None:
    pixels = PIXELS.repeat(100, 1, 1, 1)
    found = Augmentation(flip="random").apply(pixels, torch.arange(700), 0, 1)
    same = (found == pixels).flatten(1).all(1)
    mirrored = (found == pixels.flip(3)).flatten(1).all(1)
    assert bool((same | mirrored).all())
    assert 0.4 < mirrored.float().mean() < 0.6


def test_alternating_flips_turn_with_the_epoch_and_begin_with_either() -> None:
    pixels, example = PIXELS.repeat(100, 1, 1, 1), torch.arange(700)
    plan = Augmentation(flip="alternating")
    epochs = [plan.apply(pixels, example, 0, 10 * e + 3, e) for e in range(3)]
    first = (epochs[0] == pixels.flip(3)).flatten(1).all(1)
    assert 0.4 < first.float().mean() < 0.6
    assert torch.equal(epochs[0], torch.where(first[:, None, None, None], pixels.flip(3), pixels))
    assert torch.equal(epochs[1], epochs[0].flip(3))
    assert torch.equal(epochs[2], epochs[0])
    assert torch.equal(plan.apply(pixels, example, 0, 4, 1), epochs[1])  # whatever the step


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
    "plan",
    [
        Augmentation(flip="random", shift=2, cutout=3),
        Augmentation(flip="alternating"),
        Augmentation(shift=1),
        Augmentation(rotate=20),
        Augmentation(scale=0.4),
        Augmentation(crop=0.4),
        Augmentation(colour=0.5),
        Augmentation(blur=0.5),
        EVERYTHING,
    ],
    ids=str,
)
@pytest.mark.parametrize("shape", [(67, 3, 13, 11), (67, 1, 7, 17), (5, 3, 131, 101)], ids=str)
def test_what_is_drawn_belongs_to_example_seed_and_step(
    plan: Augmentation, shape: tuple[int, ...]
) -> None:
    """To the bit: in pieces, one by one and in another order, in colour and grey, of any size."""
    draw = torch.Generator().manual_seed(1)
    pixels = torch.randint(0, 256, shape, dtype=torch.uint8, generator=draw)
    example = 13 * torch.arange(len(pixels))
    whole = plan.apply(pixels, example, 4, 9, 1)
    assert whole.dtype == torch.uint8
    assert whole.shape == pixels.shape
    for size in (1, 3, len(pixels) // 2):
        parts = zip(pixels.split(size), example.split(size), strict=True)
        assert torch.equal(torch.cat([plan.apply(*part, 4, 9, 1) for part in parts]), whole)
    back = plan.apply(pixels.flip(0), example.flip(0), 4, 9, 1)
    assert torch.equal(back.flip(0), whole)
    assert not torch.equal(whole, plan.apply(pixels, example, 5, 9, 1))
    if plan.flip != "alternating":
        assert not torch.equal(whole, plan.apply(pixels, example, 4, 10, 1))


@pytest.mark.parametrize("channels", [1, 3])
def test_a_change_too_small_to_see_gives_the_picture_itself(channels: int) -> None:
    """And flips and shifts come out as where whole pixels are taken."""
    pixels = PIXELS[:, :channels]
    tiny = {"rotate": 1e-6, "scale": 1e-9, "crop": 1 - 1e-9, "colour": 1e-9, "blur": 1e-9}
    assert torch.equal(Augmentation(**tiny).apply(pixels, EXAMPLE, 0, 1), pixels)
    exact = Augmentation(flip="random", shift=2).apply(pixels, EXAMPLE, 0, 1)
    moved = Augmentation(flip="random", shift=2, rotate=1e-6).apply(pixels, EXAMPLE, 0, 1)
    assert torch.equal(exact, moved)


@pytest.mark.parametrize("quarters", [0, 1, 2, 3])
def test_a_turn_by_quarters_is_that_of_torch(quarters: int) -> None:
    pixels = torch.rand(2, 3, 7, 7)
    one = torch.ones(2)
    maps = Maps.of(one * quarters * torch.pi / 2, one, one, torch.zeros(2, 2))
    assert torch.allclose(warped(pixels, maps), pixels.rot90(quarters, (2, 3)), atol=1e-5)


def test_a_window_is_what_scipy_cuts_out() -> None:
    """A turned, narrowed window aside of the middle, mirrored, in a picture that is no square."""
    pixels = torch.rand(1, 1, 11, 17, generator=torch.Generator().manual_seed(2))
    angle, wide, high, right, down = 0.4, 0.6, 0.8, 1.5, -0.7
    maps = Maps.of(
        *(torch.tensor([value]) for value in (angle, wide, high)), torch.tensor([[right, down]])
    ).mirrored(torch.tensor([True]))
    found = warped(pixels, maps)[0, 0].numpy()
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    turn = turn @ np.diag([high, wide])  # scipy counts down, then right
    middle = np.array([5.0, 8.0])
    offset = middle + np.array([down, right]) - turn @ middle
    mirror = pixels[0, 0].flip(1).numpy()
    wanted = affine_transform(mirror, turn, offset, order=1, mode="nearest")
    assert np.abs(found - wanted).max() < 1e-5


def test_crops_are_of_the_area_that_was_drawn_and_within_the_picture() -> None:
    """A picture whose values say where each pixel lies."""
    side = 64
    place = torch.arange(side, dtype=torch.uint8).expand(500, 1, side, side)
    across = Augmentation(crop=0.3).apply(place.contiguous(), torch.arange(500), 0, 1)
    along = Augmentation(crop=0.3).apply(place.mT.contiguous(), torch.arange(500), 0, 1)
    sides = []
    for found, axis in ((across.float(), 3), (along.float(), 2)):
        ends = found.select(axis, side - 3) - found.select(axis, 2)
        sides.append(ends[:, 0].mean(1) / (side - 5))
    area, form = sides[0] * sides[1], sides[0] / sides[1]
    assert 0.29 < area.min() < 0.33
    assert 0.95 < area.max() < 1.02
    assert area.mean() == pytest.approx(0.65, abs=0.03)
    assert 0.7 < form.min() < 0.85
    assert 1.2 < form.max() < 1.4
    assert max(map(float, (sides[0].max(), sides[1].max()))) < 1.02


def test_a_zoom_is_the_same_both_ways() -> None:
    side = 33
    ramp = (4 * torch.arange(side)).to(torch.uint8).expand(50, 1, side, side)
    both = torch.cat([ramp, ramp.mT], dim=1)
    one, two = Augmentation(scale=0.25).apply(both, torch.arange(50), 0, 1).unbind(1)
    assert torch.equal(one, two.mT)


def test_turns_and_zooms_reach_as_far_as_they_may() -> None:
    """From the slope that a picture with a slope has afterwards."""
    side = 33
    ramp = (4 * torch.arange(side)).to(torch.uint8).expand(400, 1, side, side).contiguous()
    for plan, least, most in (
        (Augmentation(rotate=25), 0.0, np.radians(25)),
        (Augmentation(scale=0.25), 1 / 1.25, 1.25),
    ):
        found = plan.apply(ramp, torch.arange(400), 0, 1).float()[:, 0, 12:21, 12:21]
        across = (found[:, :, -1] - found[:, :, 0]).mean(1) / 8 / 4
        along = (found[:, -1] - found[:, 0]).mean(1) / 8 / 4
        if plan.rotate:
            size, sign = torch.atan2(along, across).abs(), along.sign()
            assert 0.3 < (sign > 0).float().mean() < 0.7
        else:
            size = across
        assert float(size.min()) == pytest.approx(least, abs=0.02)
        assert float(size.max()) == pytest.approx(most, abs=0.02)


@pytest.mark.parametrize("mode", ["RGB", "L"])
@pytest.mark.parametrize("factors", [(1.3, 1, 1), (1, 0.6, 1), (1, 1, 0.3), (1, 0.8, 1.3)])
def test_light_is_that_of_pillow(mode: str, factors: tuple[float, ...]) -> None:
    """Pillow rounds after each change and takes whole means."""
    pixels = smooth(1, len(mode), 24, 31)
    image = Image.fromarray(pixels[0].permute(1, 2, 0).squeeze(-1).numpy())
    assert image.mode == mode
    kinds = (ImageEnhance.Brightness, ImageEnhance.Contrast, ImageEnhance.Color)
    for kind, factor in zip(kinds, factors, strict=True):
        image = kind(image).enhance(factor)
    parts = (torch.tensor([float(factor)]) for factor in factors)
    found = relit(pixels.float(), *parts, mean_grey(pixels)).clamp(0, 255)[0].permute(1, 2, 0)
    wanted = np.asarray(image, dtype=float).reshape(found.shape)
    # The picture is cut off at white in between there; few pixels come to it.
    assert np.mean(np.abs(found.numpy() - wanted) > 3) < 0.02


def test_contrast_and_saturation_leave_the_mean_where_it_is() -> None:
    pixels = smooth(5, 3, 16, 20)
    one = torch.ones(5)
    middle = mean_grey(pixels)
    for bright, contrast, colour in ((1, 0.5, 1), (1, 1.5, 1), (1, 1, 0), (1, 1, 2), (0.7, 1, 1)):
        found = relit(pixels.float(), bright * one, contrast * one, colour * one, middle)
        grey = found.mul(torch.tensor([0.299, 0.587, 0.114]).reshape(3, 1, 1)).sum(1).mean((1, 2))
        assert torch.allclose(grey, bright * middle, atol=0.01)


def test_light_changes_as_far_as_it_may() -> None:
    """Of one tone, a picture has neither contrast nor saturation: only brightness is left."""
    pixels = torch.full((2000, 3, 2, 2), 100, dtype=torch.uint8)
    found = Augmentation(colour=0.2).apply(pixels, torch.arange(2000), 0, 1)
    assert (int(found.min()), int(found.max())) == (80, 120)
    assert found.float().mean() == pytest.approx(100, abs=1)
    assert bool((found == found[:, :1, :1, :1]).all())


def test_brightness_contrast_and_saturation_are_drawn_apart() -> None:
    """From the mean, the spread and the colour of a picture of two tones."""
    pixels = torch.tensor([30, 90, 60, 100, 50, 80], dtype=torch.uint8).reshape(1, 3, 1, 2)
    found = Augmentation(colour=0.5).apply(pixels.repeat(4000, 1, 1, 1), torch.arange(4000), 0, 1)
    grey = (found.float() * torch.tensor([0.299, 0.587, 0.114]).reshape(3, 1, 1)).sum(1)[:, 0]
    bright = grey.mean(1)
    contrast = (grey[:, 0] - grey[:, 1]) / bright
    colour = (found[:, 0, 0, 0].float() - grey[:, 0]) / contrast / bright
    draws = torch.stack([bright, contrast, colour])
    assert float((torch.corrcoef(draws) - torch.eye(3)).abs().max()) < 0.1


@pytest.mark.parametrize("sigma", [0.5, 1.0, 1.5])
def test_blur_is_the_gaussian_of_scipy(sigma: float) -> None:
    values = torch.rand(2, 3, 9, 4, generator=torch.Generator().manual_seed(5))
    found = blurred(values, torch.tensor([sigma, 0.0]))
    wanted = values[0].double().numpy()
    for axis in (1, 2):
        wanted = gaussian_filter1d(wanted, sigma, axis=axis, mode="nearest", radius=2)
    assert np.abs(found[0].numpy() - wanted).max() < 1e-6
    assert torch.equal(found[1], values[1])


def test_as_many_are_blurred_as_the_chance_says() -> None:
    pixels = torch.randint(0, 256, (1000, 1, 8, 8), dtype=torch.uint8)
    found = Augmentation(blur=0.3).apply(pixels, torch.arange(1000), 0, 1)
    same = (found == pixels).flatten(1).all(1)
    assert 0.65 < same.float().mean() < 0.75
    assert float(found.float().std()) < float(pixels.float().std())


def test_one_picture_of_one_pixel_and_none_at_all() -> None:
    pixel = torch.full((1, 3, 1, 1), 9, dtype=torch.uint8)
    plan = Augmentation(flip="random", shift=2, rotate=30, scale=0.3, crop=0.5, blur=1.0)
    assert torch.equal(plan.apply(pixel, torch.tensor([3]), 0, 1), pixel)
    nothing = EVERYTHING.apply(pixel[:0], torch.zeros(0, dtype=torch.int64), 0, 1)
    assert nothing.shape == (0, 3, 1, 1)


def test_batches_of_two_epochs_show_each_picture_from_both_sides() -> None:
    """And a training that is resumed in the second goes on with that."""
    examples = RowExamples(
        {"image_0": Field(PIXELS)},
        {},
        torch.ones(7),
        augment={"image_0": Augmentation(flip="alternating")},
    )

    def seen(batches: ResidentBatches, num: int) -> dict[int, torch.Tensor]:
        taken = [batch for batch, _ in zip(batches, range(num), strict=False)]
        pairs = [
            zip(one.example.tolist(), one.inputs["image_0"].data, strict=True) for one in taken
        ]
        return {who: picture for pair in pairs for who, picture in pair}

    first = seen(ResidentBatches(examples, 3, 0), 3)
    resumed = ResidentBatches(examples, 3, 0)
    resumed.position = 3
    second = seen(resumed, 3)
    assert set(first) == set(second) == set(range(7))
    assert all(torch.equal(first[who], second[who].flip(2)) for who in first)
