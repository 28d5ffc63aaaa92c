"""Where the time of a run went."""

import time
from collections.abc import Iterator
from contextlib import contextmanager


class Stopwatch:
    """Adds up seconds under names.

    Args:
        resumed: another process did the first part of the work, and its time is not known.

    Example:
        >>> watch = Stopwatch()
        >>> with watch("reading"):
        ...     pass
        >>> [name for name, _ in watch.laps]
        ['reading']
    """

    def __init__(self, *, resumed: bool = False) -> None:
        self.resumed = resumed
        self.began = time.perf_counter()
        self._laps: dict[str, float] = {}

    @contextmanager
    def __call__(self, name: str) -> Iterator[None]:
        start = time.perf_counter()
        try:
            yield
        finally:
            self._laps[name] = self._laps.get(name, 0.0) + time.perf_counter() - start

    @property
    def laps(self) -> list[tuple[str, float]]:
        """(name, seconds), in the order of their first use."""
        return [(name, round(seconds, 3)) for name, seconds in self._laps.items()]

    @property
    def total(self) -> float:
        """Seconds since it was made."""
        return round(time.perf_counter() - self.began, 3)
