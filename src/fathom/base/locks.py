"""One process at a time in a run folder."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fathom.base.errors import RunError

if sys.platform != "win32":
    import fcntl


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Within the block no other process of this machine does the same with the folder.

    The lock ends with the process, whatever ends it. Where the file system or the system knows no
    locks, nothing is guarded.

    Raises:
        RunError: another process is at work there.
    """
    if sys.platform == "win32":
        yield
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        _lock(handle, folder)
        yield
    finally:
        os.close(handle)


def _lock(handle: int, folder: Path) -> None:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise RunError(
            "Another process is at work in this run folder.",
            where=str(folder),
            expected="a run that nobody trains, resumes or scores at the moment",
            got="one whose training still goes on",
            do="Wait until it has ended, or stop it with Ctrl-C and resume then.",
        ) from error
    except OSError:
        return  # a file system without locks
