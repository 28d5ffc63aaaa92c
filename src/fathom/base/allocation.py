"""Memory that is given back at every step is asked for again at the next, and cleared each time."""

import ctypes
import threading
from collections.abc import Iterator
from contextlib import contextmanager

# The names of glibc's mallopt(3).
_TRIM_ABOVE, _MAP_FROM, _MOST_MAPPED = -1, -3, -4
_NEVER = (1 << 31) - 1
# What glibc comes to by itself in a process that takes and frees large blocks.
_USUAL_TRIM, _USUAL_MAP, _USUAL_MOST = 64 << 20, 32 << 20, 65536

_lock = threading.Lock()
_within = 0


@contextmanager
def memory_kept() -> Iterator[None]:
    """Within the block the process keeps what it frees; after it all that is free is given back.

    A step of a network for pictures takes and frees some hundred megabytes. By itself glibc gives
    each block above 32 MB back to the system, which hands it out again page by page, filled with
    noughts: a quarter of the step. The most memory held at a time grows by a tenth at the most that
    was seen (LOG.md). Where there is no glibc nothing is done.

    Example:
        >>> with memory_kept():
        ...     pass
    """
    glibc = _glibc()
    if glibc is None:
        yield
        return
    _count(+1, glibc)
    try:
        yield
    finally:
        _count(-1, glibc)


def _count(change: int, glibc: ctypes.CDLL) -> None:
    """Trainings may run beside one another, in threads: the last one gives back."""
    global _within
    with _lock:
        before, _within = _within, _within + change
        if before == 0:
            glibc.mallopt(_MOST_MAPPED, 0)
            glibc.mallopt(_TRIM_ABOVE, _NEVER)
        elif _within == 0:
            glibc.mallopt(_MOST_MAPPED, _USUAL_MOST)
            glibc.mallopt(_MAP_FROM, _USUAL_MAP)
            glibc.mallopt(_TRIM_ABOVE, _USUAL_TRIM)
            glibc.malloc_trim(0)


def _glibc() -> ctypes.CDLL | None:
    """The C library of this process, if it is glibc."""
    try:
        library = ctypes.CDLL(None)
        _ = library.mallopt, library.malloc_trim
    except (OSError, TypeError, AttributeError):
        return None
    return library
