"""Decoded pictures on disk: written aside and renamed, checked when they are mapped again.

A kill leaves nothing half done, and two processes that decode the same pictures at once write the
same bytes.
"""

import os
import shutil
import tempfile
import time
import zlib
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from math import ceil
from pathlib import Path

import numpy as np
from jaxtyping import Bool, UInt8

from fathom.base.errors import StorageError

# Changes with how pictures are decoded and how their files look.
CACHE_VERSION = 3
_PIXELS, _BAD, _CHECK = "pixels.bin", "bad.bin", "check.bin"
_PIECE = 1 << 24
_ABANDONED = 86400.0  # seconds; what lies aside longer was left by a kill


@dataclass(frozen=True, eq=False)
class Part:
    """Pictures of one size.

    Attributes:
        pixels: of each; 0 where it could not be decoded.
        bad: whether it could not.
    """

    pixels: UInt8[np.ndarray, "pictures channels height width"]
    bad: Bool[np.ndarray, " pictures"]


@dataclass(frozen=True, eq=False)
class Decoded:
    """How a decoding went.

    Attributes:
        bad: which pictures could not be decoded.
        lasting: whether that is due to the pictures. What failed for want of memory, or because a
            disk did not answer, may succeed the next time, and is not kept.
    """

    bad: Bool[np.ndarray, " pictures"]
    lasting: bool = True


Decode = Callable[[np.ndarray], Decoded]
Size = tuple[int, int, int, int]


def cache_folder() -> Path:
    """Where decoded pictures are kept: FATHOM_CACHE, or the system's place for caches."""
    said = os.environ.get("FATHOM_CACHE")
    root = os.environ.get("XDG_CACHE_HOME")
    if said:
        return Path(said) / "pictures"
    return (Path(root) if root else Path.home() / ".cache") / "fathom" / "pictures"


def cached(place: Path, size: Size, decode: Decode) -> Part:
    """The pictures that lie at a place; decoded, and kept there, where there are none.

    Args:
        place: a folder that may not be there yet, or be damaged.
        size: how many pictures, channels, height, width.
        decode: fills an array of that size.

    Raises:
        StorageError: they cannot be written.
    """
    with suppress(OSError, ValueError):  # not there yet, or damaged
        return _mapped(place, size)
    try:
        shutil.rmtree(place, ignore_errors=True)
        return _written(place, size, decode)
    except OSError as error:
        raise _not_kept(place.parent, size, error) from error


def _written(place: Path, size: Size, decode: Decode) -> Part:
    place.parent.mkdir(parents=True, exist_ok=True)
    _sweep(place.parent)
    aside = Path(tempfile.mkdtemp(prefix=f".{place.name}.", dir=place.parent))
    try:
        _reserve(aside / _PIXELS, int(np.prod(size)))
        pixels = np.memmap(aside / _PIXELS, dtype=np.uint8, mode="r+", shape=size)
        found = decode(pixels)
        pixels.flush()
        (aside / _BAD).write_bytes(found.bad.tobytes())
        (aside / _CHECK).write_bytes(_check(pixels, found.bad))
        if not found.lasting:
            return _mapped(aside, size)  # stays mapped after its name is gone
        with suppress(OSError):  # another process was quicker
            os.rename(aside, place)
        return _mapped(place, size)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _mapped(place: Path, size: Size) -> Part:
    """What lies there.

    Raises:
        OSError: nothing does.
        ValueError: it is not what was written.
    """
    # Copy on write: PyTorch wants arrays that may be written to, and the file stays as it is.
    pixels = np.memmap(place / _PIXELS, dtype=np.uint8, mode="c", shape=size)
    bad = np.fromfile(place / _BAD, dtype=bool)
    if len(bad) != size[0] or (place / _CHECK).read_bytes() != _check(pixels, bad):
        raise ValueError("the cache is damaged")
    return Part(pixels, bad)


def _check(pixels: np.ndarray, bad: np.ndarray) -> bytes:
    """A sum that tells damage, of files with gigabytes: no fingerprint against forgery."""
    flat, found = pixels.reshape(-1), zlib.crc32(bad.tobytes())
    for first in range(0, len(flat), _PIECE):
        found = zlib.crc32(flat[first : first + _PIECE].data, found)
    return found.to_bytes(4, "big")


def _reserve(place: Path, num_bytes: int) -> None:
    """A file of that length whose room on the disk is taken.

    Writing through a mapping into a file with holes, on a disk that is full, would end the process
    without a word.
    """
    with place.open("wb") as file:
        reserve = getattr(os, "posix_fallocate", None)  # not on every system
        if reserve is not None:
            reserve(file.fileno(), 0, num_bytes)
            return
        for first in range(0, num_bytes, _PIECE):
            file.write(bytes(min(_PIECE, num_bytes - first)))


def _sweep(folder: Path) -> None:
    """Remove what killed processes left aside."""
    for left in folder.glob(".*"):
        with suppress(OSError):
            if time.time() - left.stat().st_mtime > _ABANDONED:
                shutil.rmtree(left, ignore_errors=True)


def _not_kept(folder: Path, size: Size, error: OSError) -> StorageError:
    return StorageError(
        "Decoded pictures cannot be kept on disk.",
        where=str(folder),
        expected=f"a folder to write to, with room for {ceil(np.prod(size) / 1e6):,} MB",
        got=error.strerror or str(error),
        do="Free some space, or name another folder: FATHOM_CACHE=FOLDER fathom …",
    )
