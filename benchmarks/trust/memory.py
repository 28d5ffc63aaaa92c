"""A command's anonymous memory, watched from outside: what it took at most, all processes together.

Pages of mapped files do not count: the system takes them back when others need the room.
"""

import subprocess
import time
from pathlib import Path

_SECONDS_BETWEEN_LOOKS = 0.1


def watched(command: list[str]) -> tuple[int, float, float]:
    """Run a command to its end.

    Returns:
        Exit code, the most RssAnon of it and its children in MB, and seconds.
    """
    began, most = time.perf_counter(), 0.0
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    while process.poll() is None:
        most = max(most, sum(map(_anonymous, _family(process.pid))))
        time.sleep(_SECONDS_BETWEEN_LOOKS)
    return process.returncode, most, time.perf_counter() - began


def _anonymous(number: int) -> float:
    """RssAnon of a process in MB; 0 where it has ended meanwhile."""
    try:
        lines = Path(f"/proc/{number}/status").read_text().splitlines()
    except OSError:
        return 0.0
    found = [int(line.split()[1]) for line in lines if line.startswith("RssAnon:")]
    return found[0] / 1024 if found else 0.0


def _family(number: int) -> list[int]:
    """A process and all that it has started."""
    found = [number]
    for place in Path(f"/proc/{number}/task").glob("*/children"):
        try:
            children = place.read_text().split()
        except OSError:
            continue
        for child in children:
            found += _family(int(child))
    return found
