"""Several trainings at once, each in a process of its own with one thread.

Networks for tables are small: two threads in one step gain little over one (Adult: 8.3 seconds in
place of 10.2), while two trainings side by side take hardly longer than one. The processes are
forked, so that the rows are not copied; they end when the process that started them does.
"""

import contextlib
import ctypes
import multiprocessing
import os
import signal
import sys
import warnings
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from typing import Any

import torch

from fathom.base.errors import FathomError, Stopped, TrainingError
from fathom.training.signals import name_of, signals_noted

Send = Callable[[Any], None]
Job = Callable[[Send], Any]

# prctl's request for a signal when the parent dies.
_PR_SET_PDEATHSIG = 1
_SECONDS_BETWEEN_LOOKS = 0.2
_GO_ON = "Go on with --resume, if it has a run folder."


def at_once(num_jobs: int, device: torch.device) -> int:
    """How many jobs may run side by side here; 1 = one after the other, in this process.

    Forking is safe on Linux only, and not once CUDA has begun; a worker of somebody else's pool has
    its one core already.

    Example:
        >>> at_once(5, torch.device("cuda"))
        1
    """
    forks = sys.platform == "linux" and not multiprocessing.current_process().daemon
    if not forks or device.type != "cpu" or torch.cuda.is_initialized():
        return 1
    return max(1, min(num_jobs, torch.get_num_threads()))


def run_side_by_side(
    jobs: Iterable[Job],
    limit: int,
    tell: Callable[[int, Any], None] | None = None,
    again: str = _GO_ON,
) -> list[Any]:
    """Run jobs in forked processes and give back what they return, in their order.

    Args:
        jobs: each is called with a function that sends messages; taken from the iterable when
            there is room for it. What it returns and sends must be picklable.
        limit: how many run at once.
        tell: called with (number of the job, message). The messages of a job come together, after
            those of the jobs before it.
        again: what to do to go on after a stop, for the message.

    Raises:
        Stopped: Ctrl-C or SIGTERM came; it was passed on, and every job has ended.
        FathomError: what a job raised; the others were asked to stop.
        TrainingError: a process was ended from outside.
    """
    crew = _Crew(tell)
    waiting = enumerate(jobs)
    with signals_noted() as caught:
        try:
            _fill(crew, waiting, limit)
            while crew.running:
                crew.listen()
                if caught or crew.error is not None:
                    crew.stop()
                else:
                    _fill(crew, waiting, limit)
        finally:
            crew.kill()
    if caught:
        raise _stopped(caught[0], crew.error, again)
    if crew.error is not None:
        raise crew.error
    return [crew.results[number] for number in range(len(crew.results))]


def _fill(crew: "_Crew", waiting: Iterator[tuple[int, Job]], limit: int) -> None:
    while len(crew.running) < limit:
        following = next(waiting, None)
        if following is None:
            return
        crew.start(*following)


@dataclass
class _Crew:
    """The processes at work, what they sent, and what they gave.

    Attributes:
        tell: see `run_side_by_side`.
        running: number of a job -> its process and the end of its pipe.
        results: number -> what the job returned.
        error: the first that a job raised.
        shown: the job whose messages are passed on.
        kept: number -> messages of later jobs.
        asked: whether all were told to stop.
    """

    tell: Callable[[int, Any], None] | None
    running: dict[int, tuple[Any, Connection]] = field(default_factory=dict)
    results: dict[int, Any] = field(default_factory=dict)
    error: FathomError | None = None
    shown: int = 0
    kept: dict[int, deque[Any]] = field(default_factory=dict)
    asked: bool = False

    def start(self, number: int, job: Job) -> None:
        ours, theirs = multiprocessing.Pipe(duplex=False)
        # Held back until the child answers for itself: the handler that it inherits only notes it.
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
        try:
            process = multiprocessing.get_context("fork").Process(
                target=_work, args=(job, theirs, os.getpid(), mask), daemon=True
            )
            with warnings.catch_warnings():
                # Later Pythons warn of forks beside threads: the child starts and needs none.
                warnings.simplefilter("ignore", DeprecationWarning)
                process.start()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        theirs.close()
        self.running[number] = process, ours

    def listen(self) -> None:
        """Take in what comes within a moment."""
        pipes = {pipe: number for number, (_, pipe) in self.running.items()}
        for pipe in wait(list(pipes), _SECONDS_BETWEEN_LOOKS):
            assert isinstance(pipe, Connection), "only pipes are waited for"
            number = pipes[pipe]
            try:
                self._take(number, *pipe.recv())
            except (EOFError, OSError):  # between two messages, or in the middle of one
                self._ended(number)
        self._pass_on()

    def _take(self, number: int, what: str, content: Any) -> None:
        if what == "result":
            self.results[number] = content
        elif what == "error":
            self.error = self.error or content
        else:
            self.kept.setdefault(number, deque()).append(content)

    def _ended(self, number: int) -> None:
        process, pipe = self.running.pop(number)
        pipe.close()
        process.join()
        if number not in self.results and self.error is None and not self.asked:
            self.error = _lost(number, process.exitcode or 0)
        process.close()

    def _pass_on(self) -> None:
        while True:
            for message in self._waiting(self.shown):
                if self.tell is not None:
                    self.tell(self.shown, message)
            if self.shown in self.running or self.shown not in self.results:
                return
            self.shown += 1

    def _waiting(self, number: int) -> Iterator[Any]:
        messages = self.kept.get(number, deque())
        while messages:
            yield messages.popleft()

    def stop(self) -> None:
        """Ask all to keep a checkpoint and end, once."""
        if not self.asked:
            self.asked = True
            for process, _ in self.running.values():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(process.pid, signal.SIGTERM)
                    os.kill(process.pid, signal.SIGCONT)  # one that was halted would not hear it

    def kill(self) -> None:
        """End what still runs: somebody is in a hurry, or we failed."""
        for process, pipe in self.running.values():
            process.kill()
            process.join()
            pipe.close()
        self.running.clear()


def _work(job: Job, pipe: Connection, parent: int, mask: Iterable[int]) -> None:
    """What a forked process does: the job, and nothing of what its parent was at."""
    _die_with(parent)
    # Ctrl-C goes to the terminal's foreground processes; the parent passes it on once.
    os.setpgid(0, 0)
    if signal.getsignal(signal.SIGTERM) != signal.SIG_IGN:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)  # the parent only notes it
    signal.pthread_sigmask(signal.SIG_SETMASK, mask)
    torch.set_num_threads(1)
    with pipe:
        try:
            pipe.send(("result", job(lambda message: pipe.send(("message", message)))))
        except FathomError as error:
            pipe.send(("error", error))
        # What is no mistake of a person is printed with its trace, as it would be alone.


def _die_with(parent: int) -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it died before we asked
        os._exit(1)


def _lost(number: int, exit_code: int) -> FathomError:
    if exit_code == -signal.SIGTERM:
        stopped = Stopped(
            "Training was stopped by SIGTERM.", where=f"network {number + 1}", do=_GO_ON
        )
        stopped.exit_code = 128 + signal.SIGTERM
        return stopped
    killed = exit_code == -signal.SIGKILL
    return TrainingError(
        "A training that ran beside others was ended from outside."
        if exit_code < 0
        else "A training that ran beside others broke off.",
        where=f"network {number + 1}",
        expected="a process that trains to its end",
        got=f"one that ended with {exit_code}"
        + ("; the system does so when memory runs out" if killed else ""),
        do=f"{_GO_ON} If memory is short, train one at a time: set OMP_NUM_THREADS=1."
        if killed
        else "What it printed tells why; please report it.",
    )


def _stopped(number: int, error: FathomError | None, again: str) -> FathomError:
    """The stop as the person asked for it; a job was only told to end."""
    if error is not None and not isinstance(error, Stopped):
        return error
    where, do = (error.where, error.do) if error is not None else ("", again)
    stopped = Stopped(f"Training was stopped by {name_of(number)}.", where=where, do=do)
    stopped.exit_code = 128 + number
    return stopped
