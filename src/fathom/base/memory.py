"""How much memory this process may still take."""

import os
from pathlib import Path

_MEMINFO = Path("/proc/meminfo")
_GROUP = Path("/sys/fs/cgroup")
_UNKNOWN = 1 << 62


def available_memory() -> int:
    """Bytes that may still be taken: the least of what machine, group and process allow.

    Example:
        >>> available_memory() > 0
        True
    """
    return max(min(_of_machine(), _of_group(), _of_process()), 0)


def _of_machine() -> int:
    try:
        lines = _MEMINFO.read_text(encoding="utf-8").splitlines()
    except OSError:
        return _of_other_systems()
    found = {line.partition(":")[0]: line.split()[1] for line in lines}
    return int(found.get("MemAvailable", found["MemTotal"])) * 1024


def _of_other_systems() -> int:
    """All of the memory, where it is told; else what does not bound anything."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError):
        return _UNKNOWN


def _of_group() -> int:
    """What the control group leaves, in a container; as much as there is where none is set."""
    try:
        most = (_GROUP / "memory.max").read_text(encoding="utf-8").strip()
        stat = (_GROUP / "memory.stat").read_text(encoding="utf-8").split()
    except OSError:
        return _of_machine()
    if most == "max":
        return _of_machine()
    # Not "memory.current": that counts copies of files too, which make room when asked.
    return int(most) - int(stat[stat.index("anon") + 1])


def _of_process() -> int:
    """What a limit on addresses (ulimit -v) leaves."""
    try:
        import resource  # which not every system has

        used = int(Path("/proc/self/statm").read_text(encoding="utf-8").split()[0])
    except (ImportError, OSError):
        return _of_machine()
    most, _ = resource.getrlimit(resource.RLIMIT_AS)
    unlimited = most == resource.RLIM_INFINITY
    return _of_machine() if unlimited else most - used * os.sysconf("SC_PAGE_SIZE")
