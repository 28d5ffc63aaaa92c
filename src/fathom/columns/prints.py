"""What is known of a picture's file without decoding it: its fingerprint and its header.

A run asks for them many times: when it splits, looks, fits, and writes down what it was trained
on. Each file is read once for all of that, as long as neither its size nor its time of change does.
"""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from hashlib import blake2b
from typing import TypeVar

from fathom.columns.picture import Cell, Header, content_of, quiet, read_header

T = TypeVar("T")

AT_ONCE = 512
_SHORT = 2048  # bytes; shorter ones are hashed sooner than a thread is asked to
THREADS = max(1, min(16, os.cpu_count() or 1))


@dataclass(frozen=True, slots=True)
class Print:
    """Of one picture.

    Attributes:
        digest: of its content; of a file that cannot be read, of its name.
        header: what it says of itself.
    """

    digest: bytes
    header: Header


_of_file: dict[tuple[str, int, int], Print] = {}
_of_digest: dict[bytes, Print] = {}
# Thousands of pictures share a few headers.
_headers: dict[Header, Header] = {}


def prints(cells: Sequence[Cell]) -> list[Print]:
    """Of each picture, by threads; those that are known are not read again."""
    short = [cell for cell in cells if isinstance(cell, bytes) and len(cell) < _SHORT]
    if len(short) == len(cells):
        return [*map(_of_content, short)]
    return by_threads(_print, cells)


def digests(cells: Sequence[Cell]) -> list[bytes]:
    """The fingerprint of each: copies have the same, whatever their files are called."""
    return [one.digest for one in prints(cells)]


def digest_of_name(cell: Cell) -> bytes:
    """What stands for the content of a file that cannot be read; b"" for content itself."""
    if isinstance(cell, bytes):
        return b""
    return blake2b(cell.encode(errors="replace"), digest_size=16, person=b"name").digest()


def headers(cells: Sequence[Cell]) -> list[Header]:
    """What each says of itself."""
    return [one.header for one in prints(cells)]


def by_threads(read: Callable[[Cell], T], cells: Sequence[Cell]) -> list[T]:
    """What `read` finds in each, in order."""
    pieces = [cells[first : first + AT_ONCE] for first in range(0, len(cells), AT_ONCE)]
    with quiet(), ThreadPoolExecutor(THREADS) as pool:
        return [one for piece in pool.map(lambda p: [*map(read, p)], pieces) for one in piece]


def _print(cell: Cell) -> Print:
    if isinstance(cell, bytes):
        return _of_content(cell)
    try:
        facts = os.stat(cell)
        place = (cell, facts.st_size, facts.st_mtime_ns)
        found = _of_file.get(place)
        if found is None:
            found = _of_file[place] = _of_content(content_of(cell))
        return found
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "no name that a file can have"
        return Print(digest_of_name(cell), Header(error=why or "the file cannot be read"))


def _of_content(content: bytes) -> Print:
    digest = blake2b(content, digest_size=16).digest()
    found = _of_digest.get(digest)
    if found is None:
        header = read_header(content)
        found = _of_digest[digest] = Print(digest, _headers.setdefault(header, header))
    return found
