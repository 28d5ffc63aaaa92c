"""Which pictures show the same, though their files differ: saved again, resized, brightened.

A picture's likeness is its small grey version without its mean and its contrast. Copies are those
that are far more alike than pictures of their collection usually are: portraits of one camera
resemble each other, and are no copies for that.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, Int, Shaped, UInt8
from torch.nn.functional import adaptive_avg_pool2d

from fathom.columns.gallery import SMALL, Gallery, Shape, shared_gallery
from fathom.columns.picture import Cell
from fathom.columns.prints import headers

SIDE = 16
# Of a thumbnail whose grey values differ less than this, nothing can be said.
FLAT = 2.0
# Copies saved again at half the quality still agree to 0.995 or better.
_APART, _USUAL = 0.015, 1 / 12
_NEIGHBOUR, _ASKED = 10, 500
_DIMS, _BLOCK, _SAMPLE, _AT_ONCE = 48, 1024, 4000, 4096
_CLOSELY = 256
# How bright red, green and blue are to the eye.
_LUMA = torch.tensor([0.299, 0.587, 0.114])


@dataclass(frozen=True, eq=False)
class Likenesses:
    """Small versions of pictures.

    Attributes:
        small: grey, 0 to 255.
        broken: those that cannot be decoded.
        flat: those of one colour, and broken ones.
    """

    small: Shaped[np.ndarray, "pictures side side"]
    broken: Bool[np.ndarray, " pictures"]
    flat: Bool[np.ndarray, " pictures"]

    @classmethod
    def of(cls, cells: Sequence[Cell]) -> "Likenesses":
        """Of files; each content is decoded once in a process."""
        gallery = shared_gallery(_shape_of(cells))
        numbers = gallery.numbers(cells)
        small = np.zeros((len(cells), SIDE, SIDE), dtype=np.uint8)
        for block in _blocks(len(cells)):
            small[block] = _grey(gallery.pixels(numbers[block]))
        broken = np.concatenate(gallery.bad)[numbers] if len(cells) else np.zeros(0, dtype=bool)
        return cls.from_small(small, broken)

    @classmethod
    def from_small(cls, small: np.ndarray, broken: np.ndarray) -> "Likenesses":
        """Of grey thumbnails."""
        flat = broken.copy()
        for block in _blocks(len(small)):
            flat[block] |= small[block].astype(np.float32).std((1, 2)) < FLAT
        return cls(small, broken, flat)

    def unit(self, index: Int[np.ndarray, " asked"]) -> Float[np.ndarray, "asked pixels"]:
        """Some of them without mean and contrast, of length 1; not of flat ones."""
        rows = self.small[index].reshape(len(index), -1).astype(np.float32)
        rows -= rows.mean(1, keepdims=True)
        return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-6)

    def rows(self, index: np.ndarray) -> "Likenesses":
        """Of some pictures only."""
        return Likenesses(self.small[index], self.broken[index], self.flat[index])


def variety(cells: Sequence[Cell], side: int) -> Float[np.ndarray, "pictures 2"]:
    """How much the values of a picture differ, 0 to 255: from place to place, and between colours.

    Args:
        cells: files of pictures.
        side: of the small versions that are compared; a fine pattern is grey from afar.
    """
    gallery = Gallery(Shape(side, side, 3))
    numbers = gallery.numbers(cells)
    found = np.zeros((len(cells), 2), dtype=np.float32)
    for first in range(0, len(cells), _CLOSELY):
        some = slice(first, first + _CLOSELY)
        pixels = gallery.pixels(numbers[some]).astype(np.float32)
        # Colours may differ that are equally bright.
        found[some, 0] = pixels.std((2, 3)).max(1)
        found[some, 1] = pixels.std(1).mean((1, 2))
    return found


def near_pairs(one: Likenesses, other: Likenesses | None = None) -> Int[np.ndarray, "pairs 2"]:
    """Pairs that show the same.

    Args:
        one: pictures.
        other: those that they are compared with; None = with one another.

    Returns:
        Positions in `one` and in `other`, the first smaller where they are compared with one
        another.

    Example:
        >>> picture = np.random.default_rng(0).uniform(0, 255, (30, 16, 16))
        >>> again = np.concatenate([picture, picture[:1] * 0.8 + 10])
        >>> near_pairs(Likenesses.from_small(again, np.zeros(31, dtype=bool))).tolist()
        [[0, 30]]
    """
    here = np.flatnonzero(~one.flat)
    there = here if other is None else np.flatnonzero(~other.flat)
    if not len(here) or not len(there):
        return np.zeros((0, 2), dtype=np.int64)
    sample = one.unit(here[:: max(1, len(here) // _SAMPLE)])
    apart, project = _apart(one, here), _principal(sample)
    known = _projected(one, here, project)
    asked = known if other is None else _projected(other, there, project)
    found = _close(known, asked, 2 * apart)
    if other is None:
        found = found[found[:, 0] < found[:, 1]]
    pairs = np.stack([here[found[:, 0]], there[found[:, 1]]], axis=1)
    pairs = pairs[_alike(one, other or one, pairs) >= 1 - apart]
    return pairs[np.lexsort(pairs.T[::-1])]


def copies(likenesses: Likenesses, pairs: Int[np.ndarray, "pairs 2"]) -> Int[np.ndarray, " rows"]:
    """A number for each picture, the same for those tied by pairs, chains included."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    num = len(likenesses.flat)
    ties = coo_array((np.ones(len(pairs), dtype=np.int8), (pairs[:, 0], pairs[:, 1])), (num, num))
    return connected_components(ties, directed=False)[1].astype(np.int64)


def _shape_of(cells: Sequence[Cell]) -> Shape:
    """As a network will read them, where that is certain: then they are decoded once for both."""
    found = {header for header in headers(cells) if not header.error}
    sizes = {(header.height, header.width) for header in found}
    if len(sizes) == 1 and max(map(max, sizes)) <= SMALL:
        ((height, width),) = sizes
        return Shape(height, width, 1 if all(header.grey for header in found) else 3)
    return Shape(SIDE, SIDE, 1)


def _grey(pixels: np.ndarray) -> UInt8[np.ndarray, "pictures side side"]:
    # Made small first: so the colours of far fewer places are weighed.
    small = adaptive_avg_pool2d(torch.from_numpy(pixels).float(), SIDE)
    grey = small[:, 0] if small.shape[1] == 1 else (small * _LUMA[:, None, None]).sum(1)
    return grey.round().byte().numpy()


def _blocks(num: int) -> Iterator[slice]:
    return (slice(first, first + _AT_ONCE) for first in range(0, num, _AT_ONCE))


def _projected(
    pictures: Likenesses, index: Int[np.ndarray, " asked"], project: np.ndarray
) -> Float[np.ndarray, "asked dims"]:
    blocks = [pictures.unit(index[block]) @ project for block in _blocks(len(index))]
    return np.concatenate(blocks)


def _alike(
    one: Likenesses, other: Likenesses, pairs: Int[np.ndarray, "pairs 2"]
) -> Float[np.ndarray, " pairs"]:
    """The correlation of each pair."""
    blocks = [pairs[block] for block in _blocks(len(pairs))]
    found = [(one.unit(block[:, 0]) * other.unit(block[:, 1])).sum(1) for block in blocks]
    return np.concatenate([np.zeros(0, dtype=np.float32), *found])


def _apart(pictures: Likenesses, index: Int[np.ndarray, " known"]) -> float:
    """How far from 1 the correlation of copies may be.

    The tenth neighbour tells how alike pictures are that are no copies, even where every picture
    stands there several times.
    """
    place = min(_NEIGHBOUR, len(index) - 1)
    if place < 1:
        return _APART
    asked = pictures.unit(index[:: max(1, len(index) // _ASKED)])
    best = np.full((len(asked), place + 1), -1.0, dtype=np.float32)
    for block in _blocks(len(index)):
        found = np.concatenate([best, asked @ pictures.unit(index[block]).T], axis=1)
        best = np.partition(found, -1 - place, axis=1)[:, -1 - place :]
    return float(np.clip(_USUAL * (1 - np.median(best.min(1))), 1e-4, _APART))


def _principal(sample: Float[np.ndarray, "pictures pixels"]) -> Float[np.ndarray, "pixels dims"]:
    """The directions in which pictures differ most, the first one foremost."""
    centred = sample - sample.mean(0)
    _, directions = np.linalg.eigh(centred.T.astype(np.float64) @ centred)
    return np.ascontiguousarray(directions[:, ::-1][:, :_DIMS]).astype(np.float32)


def _close(
    one: Float[np.ndarray, "known dims"], other: Float[np.ndarray, "asked dims"], squared: float
) -> Int[np.ndarray, "pairs 2"]:
    """Pairs within a distance, searched along the first dimension."""
    order = np.argsort(one[:, 0], kind="stable")
    # |a - b|² as one product: [a, |a|², 1] · [-2b, 1, |b|²].
    first = np.concatenate([one, (one**2).sum(1, keepdims=True), np.ones_like(one[:, :1])], 1)[
        order
    ]
    second = np.concatenate(
        [-2 * other, np.ones_like(other[:, :1]), (other**2).sum(1, keepdims=True)], 1
    )
    reach = float(np.sqrt(squared)) + 1e-3
    queue = np.argsort(other[:, 0], kind="stable")
    found = [np.zeros((0, 2), dtype=np.int64)]
    for start in range(0, len(queue), _BLOCK):
        rows = queue[start : start + _BLOCK]
        ends = other[rows[0], 0] - reach, other[rows[-1], 0] + reach
        low, high = np.searchsorted(first[:, 0], ends)
        close = first[low:high] @ second[rows].T <= squared + 1e-4
        here, there = np.divmod(np.flatnonzero(close), len(rows))
        found.append(np.stack([order[low + here], rows[there]], axis=1))
    return np.concatenate(found)
