"""Pictures on the page: what they show, how large they may be, and what stands beside them."""

import base64
import io
import re

import numpy as np
import pytest
from PIL import Image

from fathom.reports.album import Album, Look, Strip, Tile
from fathom.reports.content import ReportContent, TargetContent
from fathom.reports.page import render
from fathom.reports.plates import (
    MOST_BYTES,
    SIDES,
    all_tiles,
    heat_over,
    plate,
    plates,
    png,
    sheet,
)


def noise(height, width, channels=3, seed=0):
    rng = np.random.default_rng(seed)
    return rng.integers(0, 256, (height, width, channels), dtype=np.uint8)


def shown(html):
    """The pictures of a page, decoded."""
    files = re.findall(r'src="data:image/png;base64,([^"]+)"', html)
    return [np.asarray(Image.open(io.BytesIO(base64.b64decode(file)))) for file in files]


def page(**parts):
    return render(ReportContent(title="t", verdict="v", **parts))


def album(tiles):
    return Album(column="photo", samples=[Strip("cat", tiles)])


@pytest.mark.parametrize("channels", [1, 3])
def test_a_small_picture_is_on_the_page_bit_by_bit(channels):
    pixels = noise(28, 20, channels)
    (found,) = shown(page(albums=[album([Tile(pixels, "a cat")])]))
    assert np.array_equal(found.reshape(pixels.shape), pixels)


def test_a_large_picture_is_made_smaller_in_its_form():
    (found,) = shown(page(albums=[album([Tile(noise(100, 300), "a cat")])]))
    assert found.shape == (32, 96, 3)


def test_many_pictures_are_smaller_so_that_the_page_stays_light():
    tiles = [Tile(noise(128, 128, seed=seed), "noise") for seed in range(150)]
    html = page(albums=[album(tiles)])
    assert len(html) < 2_000_000
    sides = {found.shape[0] for found in shown(html)}
    assert len(sides) == 1
    side = sides.pop()
    larger = SIDES[SIDES.index(side) - 1]
    assert sum(len(png(tile.pixels, side)) for tile in tiles) <= MOST_BYTES
    assert sum(len(png(tile.pixels, larger)) for tile in tiles) > MOST_BYTES


def test_no_picture_of_a_report_is_forgotten_when_sizes_are_chosen():
    tiles = [Tile(noise(9, 9, seed=seed), f"number {seed}") for seed in range(8)]
    strips = [Strip("s", [tile]) for tile in tiles]
    content = ReportContent(
        title="t",
        verdict="v",
        albums=[Album(column="a", samples=[strips[0]], changed=[strips[1]])],
        looks=[Look(column="a", rows=[strips[2]], filters=strips[3], stages=[strips[4]])],
        targets=[
            TargetContent(name="y", confused=[strips[5]], worst=[{"pictures": [tiles[6]]}]),
            TargetContent(name="z", worst=[{"pictures": [tiles[7]]}, {}]),
        ],
    )
    assert {tile.words for tile in all_tiles(content)} == {tile.words for tile in tiles}
    drawn = shown(render(content))
    assert len(drawn) == 8


def test_a_page_without_pictures_needs_none():
    assert "<img" not in page()
    assert plates(ReportContent(title="t", verdict="v")) is not None


def test_words_for_those_who_cannot_see_are_escaped():
    found = plate(Tile(noise(9, 9), '"><script>'))
    assert 'alt="&#34;&gt;&lt;script&gt;"' in found


def test_only_coarse_pictures_keep_their_squares():
    assert 'class="coarse"' in plate(Tile(noise(28, 28), "w"))
    assert "class=" not in plate(Tile(noise(64, 64), "w"))


def test_worst_mistakes_are_cards_where_they_are_pictures():
    item = {"row": 1234, "truth": "cat", "answer": "dog", "sure": "91 %", "cells": {"age": 7}}
    tiles = [Tile(noise(9, 9), "w"), Tile(noise(9, 9), "w")]
    cards = page(targets=[TargetContent(name="y", worst=[{**item, "pictures": tiles}, item])])
    assert "<table" not in cards
    assert len(shown(cards)) == 2
    assert cards.count("1,234") == 2
    assert cards.count("No picture") == 1
    table = page(targets=[TargetContent(name="y", worst=[item])])
    assert 'class="worst"' in table
    assert 'class="cards"' not in table


def test_marks_do_not_rest_on_colour_alone():
    """The line beside the picture says it too; the frame repeats it."""
    strip = Strip("dog, 91 %", [Tile(noise(9, 9), "w", mark="wrong")], "truth: cat; row 3")
    html = page(looks=[Look(column="a", rows=[strip])])
    assert '<li class="wrong">' in html
    assert "truth: cat; row 3" in html


def test_columns_are_named_where_there_are_several():
    one = page(albums=[album([])])
    two = page(albums=[album([]), album([])])
    assert one.count('class="target"') == 0
    assert two.count('class="target"') == 2


# --- sheets and heat


def test_a_sheet_holds_every_picture_in_its_place():
    pictures = [noise(64, 80, seed=seed) for seed in range(5)]
    found = sheet(pictures, columns=3, gap=2)
    assert found.shape == (2 + 2 * 66, 2 + 3 * 82, 3)
    for place, one in enumerate(pictures):
        row, column = divmod(place, 3)
        top, left = 2 + row * 66, 2 + column * 82
        assert np.array_equal(found[top : top + 64, left : left + 80], one)
    assert (found[:2] == 128).all()


def test_small_pictures_are_enlarged_by_whole_numbers():
    one = noise(28, 28, 1)
    found = sheet([one], gap=0)
    assert found.shape == (84, 84, 1)
    assert np.array_equal(found[1::3, 1::3], one)


def test_heat_glows_where_it_is_and_leaves_the_rest_grey():
    pixels = noise(20, 20)
    heat = np.zeros((20, 20))
    heat[3, 4] = 5.0
    found = heat_over(pixels, heat)
    assert found[3, 4].tolist() == [255, 225, 130]
    rest = np.delete(found.reshape(-1, 3), 3 * 20 + 4, axis=0)
    assert (rest.max(axis=1) == rest.min(axis=1)).all(), "grey"


def test_no_heat_is_no_glow():
    found = heat_over(noise(5, 5), np.zeros((5, 5)))
    assert (found.max(axis=2) == found.min(axis=2)).all()
