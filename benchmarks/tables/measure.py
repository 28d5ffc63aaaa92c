"""Run a command and measure the whole process from outside: wall time, CPU time, peak memory."""

import os
import platform
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

SECONDS_BETWEEN_LOOKS = 0.05
# A longer gap between two looks means that somebody paused us (and, we assume, the peer with us).
PAUSED_SECONDS = 10.0


@dataclass(frozen=True)
class Measured:
    """What one process took.

    Attributes:
        exit_code: None if it was stopped at the limit.
        seconds: wall time, without pauses.
        paused_seconds: how long the measuring process was paused from outside meanwhile.
        cpu_seconds: user and system time of the process and of the children it waited for; unlike
            the wall time it hardly changes when other work runs on the machine.
        peak_megabytes: the largest sum, over the processes alive together, of the memory that
            each has held at most; 0 where the system has no /proc.
    """

    exit_code: int | None
    seconds: float
    paused_seconds: float
    cpu_seconds: float
    peak_megabytes: float


def run(
    command: Sequence[str | Path],
    *,
    environment: Mapping[str, str],
    folder: Path,
    log: Path,
    limit: float,
) -> Measured:
    """Run `command` in `folder` with its output in `log`, for at most `limit` seconds."""
    started = last_look = time.perf_counter()
    stopped, peak, paused, finished = False, 0.0, 0.0, 0
    with log.open("w") as output:
        process = subprocess.Popen(
            command,
            env=environment,
            cwd=folder,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # so that its children can be stopped with it
        )
    try:
        while True:
            # Not Popen.wait: only wait4 says how much CPU time this very child took.
            finished, status, usage = os.wait4(process.pid, os.WNOHANG)
            now = time.perf_counter()
            if now - last_look > PAUSED_SECONDS:
                paused += now - last_look
            last_look = now
            seconds = now - started - paused
            if finished:
                break
            if seconds > limit and not stopped:
                stopped = True
                os.killpg(process.pid, signal.SIGKILL)
            peak = max(peak, _megabytes(process.pid))
            time.sleep(SECONDS_BETWEEN_LOOKS)
    finally:
        if not finished:  # broken off: nothing of ours goes on in the background
            os.killpg(process.pid, signal.SIGKILL)
    process.returncode = os.waitstatus_to_exitcode(status)
    return Measured(
        exit_code=None if stopped else process.returncode,
        seconds=seconds,
        paused_seconds=paused,
        cpu_seconds=usage.ru_utime + usage.ru_stime,
        peak_megabytes=peak,
    )


def machine() -> dict[str, str | int | float]:
    """The hardware and system that a result was measured on."""
    return {
        "processor": _first_value(Path("/proc/cpuinfo"), "model name") or platform.processor(),
        "cores": os.cpu_count() or 0,
        "memory_gigabytes": round(
            os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1
        ),
        "system": f"{platform.system()} {platform.machine()}",
    }


def _megabytes(process: int) -> float:
    """Peak resident memory of a process and its descendants.

    Read from /proc, because `ru_maxrss` of a child starts at what its parent had when it forked.
    """
    folder = Path("/proc") / str(process)
    try:
        held = _first_value(folder / "status", "VmHWM")
        children = [
            int(child)
            for thread in (folder / "task").iterdir()
            for child in (thread / "children").read_text().split()
        ]
    except (FileNotFoundError, ProcessLookupError):  # it has just ended
        return 0.0
    own = float(held.split()[0]) / 1024 if held else 0.0
    return own + sum(_megabytes(child) for child in children)


def _first_value(path: Path, key: str) -> str | None:
    """The value of the first `key: value` line, if the file is there."""
    if not path.exists():
        return None
    for line in path.read_text().splitlines():
        name, _, value = line.partition(":")
        if name.strip() == key:
            return value.strip()
    return None
