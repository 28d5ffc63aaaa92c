"""Pictures decoded once: kept on disk by their content, mapped into memory, known by number.

A gallery holds pictures of one size. What it has not seen yet is decoded by threads into a file
of its own in the cache; the next process that asks for the same pictures maps that file instead.
A file is written aside and renamed, so that a kill leaves nothing half done, and two processes
that decode the same pictures at once write the same bytes.
"""

import hashlib
import math
import os
import re
import shutil
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Bool, Int, UInt8
from torch.nn.functional import interpolate

from fathom.columns.picture import Cell, PictureError, content_of, decode, quiet
from fathom.columns.prints import AT_ONCE, THREADS, digests

# Pictures that are all of one size and no larger are read as they are.
SMALL = 64
_VERSION = 2
_PLAIN = re.compile(rb"P([56]) (\d+) (\d+) 255\n")
_BYTES_IN_MEMORY = 32 << 20


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
            pixels, bad = self._part(list(new), list(new.values()))
            first = len(self._number)
            self.parts.append(pixels)
            self.bad.append(bad)
            self._number |= {name: first + place for place, name in enumerate(new)}
        return np.array([self._number[name] for name in names], dtype=np.int64)

    def pixels(self, numbers: Int[np.ndarray, " asked"]) -> np.ndarray:
        """Of the pictures with these numbers, ["asked", "channels", "height", "width"]."""
        found = np.zeros(self._size(len(numbers)), dtype=np.uint8)
        first = 0
        for part in self.parts:
            here = (numbers >= first) & (numbers < first + len(part))
            found[here] = part[numbers[here] - first]
            first += len(part)
        return found

    def _part(self, names: list[bytes], cells: list[Cell]) -> tuple[np.ndarray, np.ndarray]:
        total = len(cells) * self.shape.num_bytes
        if self.folder is None or total <= _BYTES_IN_MEMORY:
            pixels = np.zeros(self._size(len(cells)), dtype=np.uint8)
            return pixels, self._decode(cells, pixels)
        place = self.folder / _key(self.shape, names)
        try:
            return _mapped(place, self._size(len(cells)))
        except (OSError, ValueError):  # not there yet, or damaged
            shutil.rmtree(place, ignore_errors=True)
            self._write(place, cells)
            return _mapped(place, self._size(len(cells)))

    def _size(self, num: int) -> tuple[int, int, int, int]:
        return num, self.shape.channels, self.shape.height, self.shape.width

    def _write(self, place: Path, cells: list[Cell]) -> None:
        place.parent.mkdir(parents=True, exist_ok=True)
        aside = Path(tempfile.mkdtemp(prefix=f".{place.name}.", dir=place.parent))
        try:
            size = self._size(len(cells))
            pixels = np.memmap(aside / "pixels.bin", dtype=np.uint8, mode="w+", shape=size)
            bad = self._decode(cells, pixels)
            pixels.flush()
            bad.tofile(aside / "bad.bin")
            with suppress(OSError):  # another process was quicker
                os.rename(aside, place)
        finally:
            shutil.rmtree(aside, ignore_errors=True)

    def _decode(self, cells: list[Cell], pixels: np.ndarray) -> Bool[np.ndarray, " pictures"]:
        bad = np.zeros(len(cells), dtype=bool)
        if _decoded_at_once(cells, pixels):
            return bad
        with quiet(), ThreadPoolExecutor(THREADS) as pool:
            jobs = range(0, len(cells), AT_ONCE)
            list(pool.map(partial(self._decode_some, cells, pixels, bad), jobs))
        return bad

    def _decode_some(
        self, cells: list[Cell], pixels: np.ndarray, bad: np.ndarray, first: int
    ) -> None:
        shape = self.shape
        for place in range(first, min(first + AT_ONCE, len(cells))):
            try:
                content = content_of(cells[place])
                found = decode(content, shape.height, shape.width, shape.channels)
                pixels[place] = found.transpose(2, 0, 1)
            except (PictureError, OSError):
                bad[place] = True


def shared_gallery(shape: Shape) -> Gallery:
    """What this process has decoded to that shape: splits and folds share their pictures."""
    return _shared(shape, cache_folder())


def cache_folder() -> Path:
    """Where decoded pictures are kept: FATHOM_CACHE, or the system's place for caches."""
    said = os.environ.get("FATHOM_CACHE")
    root = os.environ.get("XDG_CACHE_HOME")
    if said:
        return Path(said) / "pictures"
    return (Path(root) if root else Path.home() / ".cache") / "fathom" / "pictures"


@cache
def _shared(shape: Shape, folder: Path) -> Gallery:
    return Gallery(shape, folder)


def _key(shape: Shape, names: list[bytes]) -> str:
    words = f"{_VERSION} {shape}".encode()
    return hashlib.blake2b(words + b"".join(names), digest_size=16).hexdigest()


def _mapped(place: Path, size: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    # Copy on write: PyTorch wants arrays that may be written to, and the file stays as it is.
    pixels = np.memmap(place / "pixels.bin", dtype=np.uint8, mode="c", shape=size)
    bad = np.fromfile(place / "bad.bin", dtype=bool)
    if len(bad) != size[0]:
        raise ValueError("the cache is damaged")
    return pixels, bad


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
