"""Which pictures show the same, though their files differ: saved again, resized, brightened.

A picture's likeness is its small grey version without its mean and its contrast. Copies are those
that are far more alike than pictures of their collection usually are: portraits of one camera
resemble each other, and are no copies for that.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch.nn.functional import adaptive_avg_pool2d

from fathom.columns.gallery import SMALL, Shape, shared_gallery
from fathom.columns.picture import Cell
from fathom.columns.prints import headers

SIDE = 16
# Of a thumbnail whose grey values differ less than this, nothing can be said.
FLAT = 2.0
# Copies saved again at half the quality still agree to 0.995 or better.
_APART, _USUAL = 0.015, 1 / 12
_NEIGHBOUR, _ASKED = 10, 500
_DIMS, _BLOCK = 48, 1024
# How bright red, green and blue are to the eye.
_LUMA = torch.tensor([0.299, 0.587, 0.114])


@dataclass(frozen=True, eq=False)
class Likenesses:
    """Small versions of pictures.

    Attributes:
        small: grey, 0 to 255.
        unit: the same without mean and contrast, of length 1; 0 where `flat`.
        broken: those that cannot be decoded.
        flat: those of one colour, and broken ones.
    """

    small: Float[np.ndarray, "pictures side side"]
    unit: Float[np.ndarray, "pictures pixels"]
    broken: Bool[np.ndarray, " pictures"]
    flat: Bool[np.ndarray, " pictures"]

    @classmethod
    def of(cls, cells: Sequence[Cell]) -> "Likenesses":
        """Of files; each content is decoded once in a process."""
        gallery = shared_gallery(_shape_of(cells))
        numbers = gallery.numbers(cells)
        if not len(numbers):
            return cls.from_small(np.zeros((0, SIDE, SIDE)), np.zeros(0, dtype=bool))
        broken = np.concatenate(gallery.bad)[numbers]
        pieces = [
            _grey(gallery.pixels(numbers[at : at + 4096])) for at in range(0, len(numbers), 4096)
        ]
        return cls.from_small(np.concatenate(pieces), broken)

    @classmethod
    def from_small(cls, small: np.ndarray, broken: np.ndarray) -> "Likenesses":
        """Of grey thumbnails."""
        rows = small.reshape(len(small), -1).astype(np.float32)
        rows = rows - rows.mean(1, keepdims=True)
        length = np.linalg.norm(rows, axis=1)
        flat = broken | (length < FLAT * SIDE)
        unit = np.where(flat[:, None], 0, rows / np.maximum(length, 1e-6)[:, None])
        return cls(small.astype(np.float32), unit, broken, flat)

    def rows(self, index: np.ndarray) -> "Likenesses":
        """Of some pictures only."""
        return Likenesses(self.small[index], self.unit[index], self.broken[index], self.flat[index])


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
    known = one.unit[here]
    asked = known if other is None else other.unit[there]
    apart = _apart(known)
    project = _principal(known)
    found = _close(known @ project, asked @ project, 2 * apart)
    found = found[(known[found[:, 0]] * asked[found[:, 1]]).sum(1) >= 1 - apart]
    if other is None:
        found = found[found[:, 0] < found[:, 1]]
    pairs = np.stack([here[found[:, 0]], there[found[:, 1]]], axis=1)
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


def _grey(pixels: np.ndarray) -> Float[np.ndarray, "pictures side side"]:
    found = torch.from_numpy(pixels).float()
    grey = found[:, 0] if found.shape[1] == 1 else torch.einsum("nchw,c->nhw", found, _LUMA)
    return adaptive_avg_pool2d(grey[:, None], SIDE)[:, 0].numpy()


def _apart(unit: Float[np.ndarray, "pictures pixels"]) -> float:
    """How far from 1 the correlation of copies may be.

    The tenth neighbour tells how alike pictures are that are no copies, even where every picture
    stands there several times.
    """
    place = min(_NEIGHBOUR, len(unit) - 1)
    if place < 1:
        return _APART
    asked = unit[:: max(1, len(unit) // _ASKED)]
    alike = np.partition(asked @ unit.T, -1 - place, axis=1)[:, -1 - place]
    return float(np.clip(_USUAL * (1 - np.median(alike)), 1e-4, _APART))


def _principal(unit: Float[np.ndarray, "pictures pixels"]) -> Float[np.ndarray, "pixels dims"]:
    """The directions in which pictures differ most, the first one foremost."""
    sample = unit[:: max(1, len(unit) // 4000)]
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
