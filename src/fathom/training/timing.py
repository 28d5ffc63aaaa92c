"""Where the time of a training goes: every second from its start on belongs to one part."""

import time
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch

PARTS: dict[str, str] = {
    "data": "waiting for data",
    "forward": "forward pass",
    "backward": "backward pass",
    "optimizer": "optimiser",
    "checks": "checks",
    "saving": "checkpoints and writing",
    "other": "all else",
    "compiling": "compiling",
}
"""Name of a part -> what a person calls it.

Clipping and averaging are the optimiser's. Compiling is the first step of a compiled network with
a batch of each size, the step itself included; other networks have no such part.
"""

_MOST_WAITING = 4096


@dataclass(frozen=True)
class Spent:
    """Seconds by part, and what was done in them.

    Attributes:
        seconds: name of a part -> seconds.
        steps: how many steps were taken, those that a roll-back undid included.
        examples: how many examples these steps learned from.

    Example:
        >>> spent = Spent({"data": 1.0, "forward": 3.0}, steps=10, examples=320)
        >>> spent.total, spent.share("data"), spent.share("checks")
        (4.0, 0.25, 0.0)
    """

    seconds: Mapping[str, float] = field(default_factory=dict[str, float])
    steps: int = 0
    examples: int = 0

    @property
    def total(self) -> float:
        """Seconds of all parts."""
        return sum(self.seconds.values())

    def share(self, *parts: str) -> float:
        """Share of the time that these parts took; 0 where no time passed."""
        total = self.total
        return sum(self.seconds.get(part, 0.0) for part in parts) / total if total else 0.0

    def __add__(self, other: "Spent") -> "Spent":
        """Both together: an earlier process, or another network, and this one."""
        seconds = {
            part: self.seconds.get(part, 0.0) + other.seconds.get(part, 0.0)
            for part in PARTS
            if part in self.seconds or part in other.seconds
        }
        return Spent(seconds, self.steps + other.steps, self.examples + other.examples)

    def to_dict(self) -> dict[str, Any]:
        """As a line of timings.jsonl holds it."""
        parts = {part: round(seconds, 6) for part, seconds in self.seconds.items()}
        return {"parts": parts, "steps": self.steps, "examples": self.examples}

    @staticmethod
    def from_lines(lines: Sequence[Mapping[str, Any]]) -> "Spent":
        """What the last line of timings.jsonl tells; nothing where it tells no parts."""
        last = lines[-1] if lines else {}
        told = last.get("parts")
        steps, examples = last.get("steps"), last.get("examples")
        if not (isinstance(told, dict) and isinstance(steps, int) and isinstance(examples, int)):
            return Spent()  # of an older version: times decide nothing, so nothing is refused
        seconds = {p: float(told[p]) for p in PARTS if isinstance(told.get(p), int | float)}
        return Spent(seconds, steps, examples)


class Timer:
    """Gives the time since its last call to a part; costs well below a microsecond.

    Args:
        before: what an earlier process spent on the same training.

    Example:
        >>> timer = Timer()
        >>> timer.start()
        >>> timer.lap("data")
        >>> timer.took_step(32)
        >>> spent = timer.spent()
        >>> list(spent.seconds), spent.steps, spent.examples
        (['data'], 1, 32)
    """

    def __init__(self, before: Spent | None = None) -> None:
        self.before = before or Spent()
        self._seconds: dict[str, float] = {}
        self._steps = self._examples = 0
        self._last = time.perf_counter()

    def start(self) -> None:
        """Let go of what passed until now."""
        self._last = time.perf_counter()

    def lap(self, part: str) -> None:
        """What passed since the last call belongs to this part."""
        now = time.perf_counter()
        self._seconds[part] = self._seconds.get(part, 0.0) + now - self._last
        self._last = now

    def took_step(self, examples: int) -> None:
        """One more step, with so many examples."""
        self._steps += 1
        self._examples += examples

    def spent(self) -> Spent:
        """All up to the last lap, earlier processes included."""
        return self.before + Spent(dict(self._seconds), self._steps, self._examples)


class DeviceTimer(Timer):
    """The same along the time of a GPU, which works while the processor is ahead of it.

    A lap puts an event among the GPU's work and goes on; the events are read when somebody asks,
    which is at checks. A GPU that waits (for data, for the processor to start the next operation)
    spends that time in the part that keeps it waiting.
    """

    def __init__(self, before: Spent | None = None) -> None:
        super().__init__(before)
        self._waiting: deque[tuple[str, Any]] = deque()
        self._free: list[Any] = []
        self._from: Any = None

    def start(self) -> None:
        self._take_in(wait=True)
        self._from = self._marked()

    def lap(self, part: str) -> None:
        if self._from is None:
            self.start()
            return
        self._waiting.append((part, self._marked()))
        if len(self._waiting) > _MOST_WAITING:
            self._take_in(wait=False)

    def spent(self) -> Spent:
        self._take_in(wait=True)
        return super().spent()

    def _marked(self) -> Any:
        event = self._free.pop() if self._free else torch.cuda.Event(enable_timing=True)
        event.record()
        return event

    def _take_in(self, *, wait: bool) -> None:
        """Add up what the GPU has done; without waiting, only what it has done already."""
        if wait and self._waiting:
            self._waiting[-1][1].synchronize()
        while self._waiting and self._waiting[0][1].query():
            part, event = self._waiting.popleft()
            passed = self._from.elapsed_time(event) / 1000  # it tells milliseconds
            self._seconds[part] = self._seconds.get(part, 0.0) + passed
            self._free.append(self._from)
            self._from = event


def timer_on(device: torch.device) -> Timer:
    """The timer that tells the truth on a device.

    Example:
        >>> type(timer_on(torch.device("cpu"))).__name__
        'Timer'
    """
    return DeviceTimer() if device.type == "cuda" else Timer()
