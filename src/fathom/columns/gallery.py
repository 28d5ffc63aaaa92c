"""Pictures decoded once: kept on disk by their content, mapped into memory, known by number.

A gallery holds pictures of one size. What it has not seen yet is decoded by threads into a file
of its own in the cache; the next process that asks for the same pictures maps that file instead.
A file is written aside and renamed, so that a kill leaves nothing half done, and two processes
that decode the same pictures at once write the same bytes.
"""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np
from jaxtyping import Bool, Int, UInt8

from fathom.columns.picture import Cell, Header, PictureError, content_of, decode, read_header

T = TypeVar("T")

_VERSION = 2
_BYTES_IN_MEMORY = 32 << 20
_AT_ONCE = 512
_THREADS = max(1, min(16, os.cpu_count() or 1))


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
        with ThreadPoolExecutor(_THREADS) as pool:
            jobs = range(0, len(cells), _AT_ONCE)
            list(pool.map(partial(self._decode_some, cells, pixels, bad), jobs))
        return bad

    def _decode_some(
        self, cells: list[Cell], pixels: np.ndarray, bad: np.ndarray, first: int
    ) -> None:
        shape = self.shape
        for place in range(first, min(first + _AT_ONCE, len(cells))):
            try:
                content = content_of(cells[place])
                found = decode(content, shape.height, shape.width, shape.channels)
                pixels[place] = found.transpose(2, 0, 1)
            except (PictureError, OSError):
                bad[place] = True


def digests(cells: Sequence[Cell]) -> list[bytes]:
    """A fingerprint of the content of each picture; of a file that cannot be read, of its name."""
    return _by_threads(_digest, cells)


def headers(cells: Sequence[Cell]) -> list[Header]:
    """What each says of itself, read by threads."""
    return _by_threads(_header, cells)


def cache_folder() -> Path:
    """Where decoded pictures are kept: FATHOM_CACHE, or the system's place for caches."""
    said = os.environ.get("FATHOM_CACHE")
    root = os.environ.get("XDG_CACHE_HOME")
    if said:
        return Path(said) / "pictures"
    return (Path(root) if root else Path.home() / ".cache") / "fathom" / "pictures"


def _by_threads(read: Callable[[Cell], T], cells: Sequence[Cell]) -> list[T]:
    pieces = [cells[first : first + _AT_ONCE] for first in range(0, len(cells), _AT_ONCE)]
    with ThreadPoolExecutor(_THREADS) as pool:
        return [one for piece in pool.map(lambda p: [*map(read, p)], pieces) for one in piece]


def _digest(cell: Cell) -> bytes:
    try:
        return hashlib.blake2b(content_of(cell), digest_size=16).digest()
    except OSError:
        return hashlib.blake2b(str(cell).encode(), digest_size=16, person=b"name").digest()


def _header(cell: Cell) -> Header:
    try:
        return read_header(content_of(cell))
    except OSError as error:
        return Header(error=error.strerror or "the file cannot be read")


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
    num, channels, height, width = pixels.shape
    header = f"P{5 if channels == 1 else 6} {width} {height} 255\n".encode()
    length = len(header) + height * width * channels
    plain = all(isinstance(cell, bytes) and len(cell) == length and cell.startswith(header)
                for cell in cells)  # fmt: skip
    if not plain:
        return False
    for first in range(0, num, 4096):
        rows = b"".join(cells[first : first + 4096])  # pyright: ignore[reportArgumentType]
        found = np.frombuffer(rows, dtype=np.uint8).reshape(-1, length)[:, len(header) :]
        found = found.reshape(-1, height, width, channels).transpose(0, 3, 1, 2)
        pixels[first : first + 4096] = found
    return True
