"""Pictures as parts of a page: small PNG files inside of it, and sheets of them as one file."""

import io
from base64 import b64encode
from collections.abc import Callable, Sequence
from functools import partial
from math import ceil

import numpy as np
from jaxtyping import Float
from markupsafe import Markup
from PIL import Image

from fathom.reports.album import Pixels, Tile
from fathom.reports.content import ReportContent
from fathom.reports.svg import tag

# The longest side that a picture may have on the page, largest first: the largest that keeps all
# of them together below so many bytes is taken.
SIDES = (96, 72, 56, 40, 28)
MOST_BYTES = 1_200_000
# Pixels of pictures that are smaller than this are drawn as squares instead of being blurred.
_COARSE = 48
_HOT = np.array([(24, 20, 40), (150, 40, 90), (235, 110, 40), (255, 225, 130)], dtype=float)


def png(pixels: Pixels, side: int) -> bytes:
    """A picture as a PNG file, made smaller where a side is longer than `side`.

    Example:
        >>> file = png(np.zeros((200, 100, 3), dtype=np.uint8), 96)
        >>> Image.open(io.BytesIO(file)).size
        (48, 96)
    """
    image = Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels)
    longest = max(image.size)
    if longest > side:
        width, height = (max(1, round(length * side / longest)) for length in image.size)
        image = image.resize((width, height), Image.Resampling.LANCZOS)
    stream = io.BytesIO()
    image.save(stream, "PNG")
    return stream.getvalue()


def plates(content: ReportContent) -> Callable[[Tile], Markup]:
    """What draws a tile of this report, at a size at which all of them fit on the page."""
    tiles = all_tiles(content)
    for side in SIDES[:-1]:
        if sum(len(png(tile.pixels, side)) for tile in tiles) <= MOST_BYTES:
            return partial(plate, side=side)
    return partial(plate, side=SIDES[-1])


def plate(tile: Tile, side: int = SIDES[0]) -> Markup:
    """An element of the page that holds the picture itself.

    Example:
        >>> shown = plate(Tile(np.zeros((9, 9, 1), dtype=np.uint8), 'a "black" square'))
        >>> 'alt="a &#34;black&#34; square"' in shown, 'src="data:image/png;base64,' in shown
        (True, True)
    """
    height, width = tile.pixels.shape[:2]
    address = "data:image/png;base64," + b64encode(png(tile.pixels, side)).decode()
    words: dict[str, str | float | int | None] = {"src": address, "alt": tile.words}
    coarse = "coarse" if max(height, width) < _COARSE else None
    return tag("img", {**words, "class": coarse, "width": width, "height": height})


def all_tiles(content: ReportContent) -> list[Tile]:
    """Every picture of a report."""
    strips = [s for album in content.albums for s in (*album.samples, *album.changed)]
    for look in content.looks:
        strips += [*look.rows, *look.stages, *([look.filters] if look.filters else [])]
    strips += [strip for target in content.targets for strip in target.confused]
    worst = [item for target in content.targets for item in target.worst]
    return [
        *(tile for strip in strips for tile in strip.tiles),
        *(tile for item in worst for tile in item.get("pictures", ())),
    ]


def sheet(pictures: Sequence[Pixels], columns: int = 8, gap: int = 4, least: int = 64) -> Pixels:
    """Pictures of one size side by side on a grey ground, each pixel as often as it takes.

    Args:
        pictures: at least one.
        columns: pictures in a line, at most.
        gap: pixels between two.
        least: a side that is shorter than this is enlarged, by a whole number.

    Example:
        >>> sheet([np.zeros((32, 32, 1), dtype=np.uint8)] * 3, columns=2).shape
        (140, 140, 1)
    """
    times = max(1, ceil(least / max(pictures[0].shape[:2])))
    large = [one.repeat(times, axis=0).repeat(times, axis=1) for one in pictures]
    height, width, channels = large[0].shape
    across = min(columns, len(large))
    down = ceil(len(large) / across)
    size = (gap + down * (height + gap), gap + across * (width + gap), channels)
    found = np.full(size, 128, dtype=np.uint8)
    for place, one in enumerate(large):
        row, column = divmod(place, across)
        top, left = gap + row * (height + gap), gap + column * (width + gap)
        found[top : top + height, left : left + width] = one
    return found


def heat_over(pixels: Pixels, heat: Float[np.ndarray, "height width"]) -> Pixels:
    """A picture in grey under a glow where the heat is: 0 = none, the largest = full.

    Example:
        >>> black = np.zeros((2, 2, 1), dtype=np.uint8)
        >>> heat_over(black, np.array([[0.0, 0.0], [0.0, 1.0]]))[1, 1].tolist()
        [255, 225, 130]
    """
    top = float(np.quantile(heat, 0.995)) or float(heat.max(initial=0.0))
    share = np.clip(heat / top, 0, 1) if top > 0 else np.zeros_like(heat)
    steps = np.linspace(0, 1, len(_HOT))
    glow = np.stack([np.interp(share, steps, _HOT[:, c]) for c in range(3)], axis=-1)
    grey = pixels.mean(axis=2, keepdims=True) * 0.7
    cover = share[..., None] ** 0.7
    return (grey * (1 - cover) + glow * cover).round().astype(np.uint8)
