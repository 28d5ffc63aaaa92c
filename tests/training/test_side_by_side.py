"""Jobs in processes of their own: order, errors, signals, and an end with their parent."""

import contextlib
import os
import signal
import stat
import subprocess
import sys
import threading
import time
from functools import partial
from pathlib import Path

import pytest
import torch

from fathom.base.errors import DataError, FathomError, Stopped, TrainingError
from fathom.training.side_by_side import Send, at_once, run_side_by_side

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="forks are used on Linux only")


def square(number: int, send: Send) -> int:
    for step in range(3):
        time.sleep(0.02 * (5 - number))  # later jobs are quicker
        send(step)
    return number**2


def test_results_and_messages_come_in_order() -> None:
    told: list[tuple[int, int]] = []
    jobs = [partial(square, number) for number in range(5)]
    assert run_side_by_side(jobs, 3, lambda *both: told.append(both)) == [0, 1, 4, 9, 16]
    assert told == [(number, step) for number in range(5) for step in range(3)]


def test_jobs_run_at_the_same_time_and_with_one_thread(tmp_path: Path) -> None:
    def meet(number: int, send: Send) -> int:
        (tmp_path / str(number)).touch()
        began = time.monotonic()
        while not (tmp_path / str(1 - number)).exists():
            assert time.monotonic() - began < 60, "the other never came"
            time.sleep(0.01)
        return torch.get_num_threads()

    assert run_side_by_side([partial(meet, 0), partial(meet, 1)], 2) == [1, 1]


def test_a_job_is_made_when_there_is_room_for_it() -> None:
    made: list[int] = []

    def jobs() -> object:
        for number in range(4):
            made.append(number)
            yield partial(square, number)

    seen: list[int] = []
    run_side_by_side(jobs(), 2, lambda number, step: seen.append(len(made)))  # pyright: ignore[reportArgumentType]
    assert seen[0] == 2
    assert made == [0, 1, 2, 3]


def test_an_error_arrives_whole_and_stops_the_others() -> None:
    def fails(send: Send) -> None:
        raise DataError("What.", where="here", expected="this", got="that", do="Mend it.")

    def waits(send: Send) -> None:
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
        time.sleep(60)

    began = time.monotonic()
    with pytest.raises(DataError) as caught:
        run_side_by_side([waits, fails, waits], 2)
    assert caught.value.to_dict() == {
        "error": "DataError",
        "what": "What.",
        "where": "here",
        "expected": "this",
        "got": "that",
        "do": "Mend it.",
    }
    assert str(caught.value).count("\n") == 4
    assert time.monotonic() - began < 30


def test_a_process_that_was_ended_from_outside_is_told() -> None:
    def dies(send: Send) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    with pytest.raises(TrainingError) as caught:
        run_side_by_side([partial(square, 0), dies], 2)
    assert caught.value.where == "network 2"
    assert "ended with -9" in caught.value.got
    assert "OMP_NUM_THREADS=1" in caught.value.do


def test_a_process_that_ends_in_the_middle_of_a_message_is_told() -> None:
    before = _pipes()

    def dies(send: Send) -> None:
        for pipe in _pipes() - before:
            with contextlib.suppress(OSError):
                # The header of a message of a thousand bytes, and a few of them.
                os.write(pipe, (1000).to_bytes(4, "big") + b"few")
        os.kill(os.getpid(), signal.SIGKILL)

    with pytest.raises(TrainingError, match="ended from outside"):
        run_side_by_side([dies], 2)


def test_a_process_that_was_asked_to_end_was_stopped() -> None:
    with pytest.raises(Stopped, match="stopped by SIGTERM") as caught:
        run_side_by_side([lambda send: os.kill(os.getpid(), signal.SIGTERM)], 2)
    assert caught.value.exit_code == 143
    assert "--resume" in caught.value.do


@pytest.mark.parametrize(
    ("number", "name"), [(signal.SIGINT, "Ctrl-C"), (signal.SIGTERM, "SIGTERM")]
)
def test_a_signal_is_passed_on(number: signal.Signals, name: str) -> None:
    def waits(send: Send) -> None:
        def stop(*_: object) -> None:
            raise Stopped("told", where="step 7", do="Go on.")

        signal.signal(signal.SIGTERM, stop)
        send("ready")
        time.sleep(60)

    def tell(job: int, message: str) -> None:
        threading.Timer(0.1, os.kill, (os.getpid(), number)).start()

    with pytest.raises(Stopped) as caught:
        run_side_by_side([waits], 2, tell)
    assert caught.value.what == f"Training was stopped by {name}."
    assert (caught.value.where, caught.value.do) == ("step 7", "Go on.")
    assert caught.value.exit_code == 128 + number


def test_a_job_that_does_not_mind_signals_is_ended_by_them() -> None:
    def waits(send: Send) -> None:
        send("ready")
        time.sleep(60)

    def tell(job: int, message: str) -> None:
        threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGTERM)).start()

    with pytest.raises(Stopped, match="stopped by SIGTERM"):
        run_side_by_side([waits], 2, tell)


def test_jobs_end_with_the_process_that_started_them(tmp_path: Path) -> None:
    script = tmp_path / "parent.py"
    script.write_text(
        "import os, sys, time\n"
        "from fathom.training.side_by_side import run_side_by_side\n"
        "def waits(send):\n"
        "    send(os.getpid())\n"
        "    time.sleep(600)\n"
        "run_side_by_side([waits], 2, lambda _, pid: print(pid, flush=True))\n"
    )
    with subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        parent.kill()
    deadline = time.monotonic() + 30
    while _runs(child) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not _runs(child)


def _pipes() -> set[int]:
    found: set[int] = set()
    for number in range(256):
        with contextlib.suppress(OSError):
            if stat.S_ISFIFO(os.fstat(number).st_mode):
                found.add(number)
    return found


def _runs(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def test_no_more_at_once_than_there_are_threads() -> None:
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(3)
        assert [at_once(number, torch.device("cpu")) for number in (1, 2, 5)] == [1, 2, 3]
        torch.set_num_threads(1)
        assert at_once(5, torch.device("cpu")) == 1
    finally:
        torch.set_num_threads(threads)


@pytest.mark.parametrize("kind", [FathomError, DataError, Stopped])
def test_errors_pass_between_processes(kind: type[FathomError]) -> None:
    import pickle

    error = kind("What.", where="here", do="Mend it.")
    error.exit_code = 77
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), str(again), again.__dict__) == (kind, str(error), error.__dict__)
