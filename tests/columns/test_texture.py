"""Means and products of pixels by displacement, against plain loops."""

import numpy as np
import pytest

from fathom.columns.texture import REACH, Moments, texture_of

PIXELS = np.random.default_rng(0).integers(0, 255, (5, 3, 11, 13), dtype=np.uint8)


def test_products_are_those_of_a_plain_loop() -> None:
    values = PIXELS.astype(np.float64) - 128
    found = texture_of(values)
    for down, right in ((0, 0), (1, -2), (3, 3), (-2, 1)):
        pairs = [
            (values[n, 0, i, j], values[n, 2, i + down, j + right])
            for n in range(5)
            for i in range(11)
            for j in range(13)
            if 0 <= i + down < 11 and 0 <= j + right < 13
        ]
        expected = np.mean([a * b for a, b in pairs])
        assert found[0, 2, REACH + down, REACH + right] == pytest.approx(expected)


def test_parts_merge_into_the_whole_and_give_mean_and_variance() -> None:
    merged = Moments.of(PIXELS[:2]).merge(Moments.of(PIXELS[2:]))
    mean, texture = merged.summary(3)
    assert mean == pytest.approx(PIXELS.mean((0, 2, 3)))
    variance = texture[range(3), range(3), REACH, REACH]
    assert variance == pytest.approx(PIXELS.var((0, 2, 3)), rel=1e-5)
    assert texture == pytest.approx(Moments.of(PIXELS).summary(3)[1], abs=1e-2)


def test_grey_pictures_stand_for_every_colour() -> None:
    grey = Moments.of(PIXELS[:, :1])
    mean, texture = grey.summary(1)
    assert texture.shape == (1, 1, 7, 7)
    assert mean == pytest.approx([PIXELS[:, 0].mean()])
    assert Moments().merge(grey).summary(3)[0] == pytest.approx([PIXELS[:, 0].mean()] * 3)


def test_narrow_pictures() -> None:
    assert texture_of(np.ones((2, 1, 2, 1)))[0, 0].sum() == 3.0
    assert Moments.of(PIXELS[:0]).num == 0
