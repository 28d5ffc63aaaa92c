"""Pictures decoded once: kept on disk by their content, mapped into memory, known by number.

A gallery holds pictures of one size. What it has not seen yet is decoded by threads into a file
of its own in the cache; the next process that asks for the same pictures maps that file instead.
"""

import hashlib
import math
import re
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Bool, Int, UInt8
from torch.nn.functional import interpolate

from fathom.columns.picture import Cell, PassingError, PictureError, content_of, decode, quiet
from fathom.columns.picture_cache import CACHE_VERSION, Decoded, Part, cache_folder, cached
from fathom.columns.prints import AT_ONCE, THREADS, digest_of_name, digests

# Pictures that are all of one size and no larger are read as they are.
SMALL = 64
_PLAIN = re.compile(rb"P([56]) (\d+) (\d+) 255\n")
_BYTES_IN_MEMORY = 32 << 20
# What became of a picture: decoded, of no use, not decoded for a reason that may pass.
_GOOD, _BAD, _NOT_NOW = range(3)


@dataclass(frozen=True)
class Shape:
    """What the pictures of a gallery have in common.

    Attributes:
        height, width: in pixels.
        channels: 1 = grey, 3 = colour.
    """

    height: int
    width: int
    channels: int

    @property
    def num_bytes(self) -> int:
        """Of one picture."""
        return self.height * self.width * self.channels

    def of(self, num: int) -> tuple[int, int, int, int]:
        """That of an array of so many pictures."""
        return num, self.channels, self.height, self.width


@dataclass(eq=False)
class Gallery:
    """Pictures of one shape, by number.

    Attributes:
        shape: of each.
        folder: where decoded pictures are kept; None = in memory only.
        parts: pixels, a part for every time that something new came.
        bad: of each picture, whether it could not be decoded; its pixels are 0.
    """

    shape: Shape
    folder: Path | None = None
    parts: list[UInt8[np.ndarray, "pictures channels height width"]] = field(default_factory=list)
    bad: list[Bool[np.ndarray, " pictures"]] = field(default_factory=list)
    _number: dict[bytes, int] = field(default_factory=dict)

    def numbers(self, cells: Sequence[Cell]) -> Int[np.ndarray, " cells"]:
        """The number of each picture; what is new is decoded first."""
        names = digests(cells)
        new = {name: cell for name, cell in zip(names, cells, strict=True)
               if name not in self._number}  # fmt: skip
        if new:
            part = self._part(list(new), list(new.values()))
            first = len(self._number)
            self.parts.append(part.pixels)
            self.bad.append(part.bad)
            self._number |= {name: first + place for place, name in enumerate(new)}
        return np.array([self._number[name] for name in names], dtype=np.int64)

    def pixels(self, numbers: Int[np.ndarray, " asked"]) -> np.ndarray:
        """Of the pictures with these numbers, ["asked", "channels", "height", "width"]."""
        found = np.zeros(self.shape.of(len(numbers)), dtype=np.uint8)
        first = 0
        for part in self.parts:
            here = (numbers >= first) & (numbers < first + len(part))
            found[here] = part[numbers[here] - first]
            first += len(part)
        return found

    def _part(self, names: list[bytes], cells: list[Cell]) -> Part:
        size = self.shape.of(len(cells))
        total = len(cells) * self.shape.num_bytes
        if self.folder is None or total <= _BYTES_IN_MEMORY:
            pixels = np.zeros(size, dtype=np.uint8)
            return Part(pixels, self._decode(names, cells, pixels).bad)
        place = self.folder / _key(self.shape, names)
        return cached(place, size, partial(self._decode, names, cells))

    def _decode(self, names: list[bytes], cells: list[Cell], pixels: np.ndarray) -> Decoded:
        became = np.zeros(len(cells), dtype=np.uint8)
        if not _decoded_at_once(cells, pixels):
            with quiet(), ThreadPoolExecutor(THREADS) as pool:
                jobs = range(0, len(cells), AT_ONCE)
                list(pool.map(partial(self._decode_some, cells, pixels, became), jobs))
        # What could not be read from the start is known by its name, and another once it can.
        passing = [place for place in np.flatnonzero(became == _NOT_NOW).tolist()
                   if names[place] != digest_of_name(cells[place])]  # fmt: skip
        return Decoded(became != _GOOD, lasting=not passing)

    def _decode_some(
        self, cells: list[Cell], pixels: np.ndarray, became: np.ndarray, first: int
    ) -> None:
        shape = self.shape
        for place in range(first, min(first + AT_ONCE, len(cells))):
            try:
                content = content_of(cells[place])
                found = decode(content, shape.height, shape.width, shape.channels)
                pixels[place] = found.transpose(2, 0, 1)
            except (PassingError, OSError):
                became[place] = _NOT_NOW
            except PictureError:
                became[place] = _BAD


def shared_gallery(shape: Shape) -> Gallery:
    """What this process has decoded to that shape: splits and folds share their pictures."""
    return _shared(shape, cache_folder())


@cache
def _shared(shape: Shape, folder: Path) -> Gallery:
    return Gallery(shape, folder)


def _key(shape: Shape, names: list[bytes]) -> str:
    words = f"{CACHE_VERSION} {shape}".encode()
    return hashlib.blake2b(words + b"".join(names), digest_size=16).hexdigest()


def _decoded_at_once(cells: list[Cell], pixels: np.ndarray) -> bool:
    """Pictures without compression and all of one size, as arrays give them, need no decoder."""
    _, channels, height, width = pixels.shape
    size = _plain_size(cells)
    if size is None or (size[2] != channels and size[2] != 1):
        return False
    header = _plain_header(*size)
    for first in range(0, len(cells), 4096):
        rows = b"".join(cells[first : first + 4096])  # pyright: ignore[reportArgumentType]
        found = np.frombuffer(rows, dtype=np.uint8).reshape(-1, len(header) + math.prod(size))
        found = found[:, len(header) :].reshape(-1, *size).transpose(0, 3, 1, 2)
        pixels[first : first + 4096] = _resized(found, height, width)
    return True


def _plain_size(cells: list[Cell]) -> tuple[int, int, int] | None:
    """Height, width and channels of all cells, where all are alike and not compressed."""
    start = isinstance(cells[0], bytes) and _PLAIN.match(cells[0])
    if not start:
        return None
    size = int(start[3]), int(start[2]), 1 if start[1] == b"5" else 3
    header = _plain_header(*size)
    length = len(header) + math.prod(size)
    plain = all(isinstance(cell, bytes) and len(cell) == length and cell.startswith(header)
                for cell in cells)  # fmt: skip
    return size if plain else None


def _plain_header(height: int, width: int, channels: int) -> bytes:
    return f"P{5 if channels == 1 else 6} {width} {height} 255\n".encode()


def _resized(found: np.ndarray, height: int, width: int) -> np.ndarray:
    if found.shape[2:] == (height, width):
        return found
    # Copied: grey ones may lie in the bytes of the cells, which nobody may write to.
    tensor = torch.from_numpy(np.array(found, order="C")).float()
    small = interpolate(tensor, (height, width), mode="bilinear", antialias=True)
    return small.round_().clamp_(0, 255).to(torch.uint8).numpy()
