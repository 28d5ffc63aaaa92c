"""Near copies are found among pictures that merely resemble each other, and only they."""

import io

import numpy as np
import pytest
from PIL import Image

from fathom.columns.likeness import Likenesses, copies, near_pairs

NONE_BROKEN = np.zeros(60, dtype=bool)


def photographs(num: int, seed: int = 0) -> list[Image.Image]:
    """Smooth random scenes of 61 × 83 pixels."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 255, (num, 7, 9, 3), dtype=np.uint8)
    return [Image.fromarray(one).resize((83, 61), Image.Resampling.BICUBIC) for one in coarse]


def saved(image: Image.Image, form: str = "PNG", **settings: int) -> bytes:
    stream = io.BytesIO()
    image.save(stream, form, **settings)
    return stream.getvalue()


def pairs_of(extra: list[Image.Image], **settings: int) -> list[list[int]]:
    cells = [saved(image) for image in photographs(60)]
    cells += [saved(image, "JPEG", **settings) for image in extra]
    return near_pairs(Likenesses.of(cells)).tolist()


def test_saved_again_resized_or_brightened_is_a_copy() -> None:
    first, second, third, *_ = photographs(60)
    brighter = Image.fromarray((np.asarray(third) * 0.8 + 40).astype(np.uint8))
    found = pairs_of([first, second.resize((41, 30)), brighter], quality=50)
    assert found == [[0, 60], [1, 61], [2, 62]]


def test_mirrored_turned_and_inverted_ones_are_others() -> None:
    first, second, third, *_ = photographs(60)
    mirrored = first.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    inverted = Image.fromarray(255 - np.asarray(third))
    assert pairs_of([mirrored, second.rotate(180), inverted]) == []


@pytest.mark.parametrize("strength", [0.15, 0.3])
def test_pictures_of_one_scene_are_no_copies(strength: float) -> None:
    """Portraits from one camera are alike, all of them: what is usual there is no copy."""
    rng = np.random.default_rng(1)
    scene = rng.uniform(0, 255, (1, 16, 16))
    small = (1 - strength) * scene + strength * rng.uniform(0, 255, (60, 16, 16))
    assert len(near_pairs(Likenesses.from_small(small, NONE_BROKEN))) == 0
    again = Likenesses.from_small(np.concatenate([small, small[4:5] * 0.9]), np.zeros(61, bool))
    assert near_pairs(again).tolist() == [[4, 60]]


def test_a_collection_in_which_each_stands_twice() -> None:
    rng = np.random.default_rng(2)
    small = rng.uniform(0, 255, (30, 16, 16))
    twice = np.concatenate([small, small + rng.normal(0, 2, small.shape)])
    assert len(near_pairs(Likenesses.from_small(twice, NONE_BROKEN))) == 30


def test_pairs_are_those_of_a_naive_search() -> None:
    rng = np.random.default_rng(3)
    small = rng.uniform(0, 255, (40, 16, 16))
    noise = np.linspace(0, 20, 20)[:, None, None] * rng.normal(0, 1, (20, 16, 16))
    known = Likenesses.from_small(np.concatenate([small, small[:20] + noise]), NONE_BROKEN)
    unit = known.unit(np.arange(60))
    alike = unit @ unit.T >= 1 - 0.015
    expected = [[a, b] for a in range(60) for b in range(a + 1, 60) if alike[a, b]]
    assert 5 < len(expected) < 20
    assert near_pairs(known).tolist() == expected
    one, other = known.rows(np.arange(40)), known.rows(np.arange(40, 60))
    assert near_pairs(one, other).tolist() == [[a, b - 40] for a, b in expected]


def test_what_shows_nothing_is_like_nothing() -> None:
    small = np.zeros((3, 16, 16))
    small[2, 3:9] = 200
    found = Likenesses.from_small(small, np.array([False, True, False]))
    assert found.flat.tolist() == [True, True, False]
    assert near_pairs(found).tolist() == []


def test_chains_are_one_group() -> None:
    found = Likenesses.from_small(np.zeros((5, 16, 16)), np.zeros(5, dtype=bool))
    assert copies(found, np.array([[0, 3], [3, 4]])).tolist() == [0, 1, 2, 0, 0]
