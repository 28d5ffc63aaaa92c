"""Polars after a fork: its threads are not in the new process, and it would wait for them."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

from fathom.base.errors import DataError

_THREADS = Path("/proc/self/task")
_lost: list[bool] = []


def check_threads() -> None:
    """Refuse what would wait forever.

    Raises:
        DataError: this process was forked from one whose tables had been worked on.
    """
    if any(_lost):
        raise DataError(
            "Tables cannot be read in a process that was forked from one that read some.",
            where=f"process {os.getpid()}",
            expected="a process of its own, whose threads are all there",
            got="a fork: the threads that read tables stayed behind, and it would wait forever",
            do='Start workers with multiprocessing.get_context("spawn") or with joblib, or read '
            "no table before the fork.",
        )


def _look() -> None:
    # In the parent, at every fork: a third of a millisecond.
    _lost.append(any(name.startswith("polars-") and name[7:].isdigit() for name in _names()))


def _names() -> Iterator[str]:
    try:
        for thread in _THREADS.iterdir():
            yield (thread / "comm").read_text(encoding="utf-8", errors="replace").strip()
    except OSError:  # a thread has just ended, or a system without such files
        return


if sys.platform != "win32":
    os.register_at_fork(before=_look, after_in_parent=_lost.pop)
