"""What goes into a training beside its plan, and what comes out of it."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from torch import nn

from fathom.training.bottleneck import FOR_ONES_OWN, bottleneck, figures
from fathom.training.learner import Event
from fathom.training.throughput import Work
from fathom.training.timing import Spent

Record = dict[str, Any]
Validate = Callable[[nn.Module], dict[str, float]]
_CHECKS_TO_TELL = 8
MEASURE_FROM = 1.0
"""Seconds of training from which on a tenth of a second for measuring is little."""


@dataclass(frozen=True)
class Progress:
    """Where a training stands, for whoever shows it.

    Attributes:
        step, num_steps: taken, and at most.
        loss: mean training loss since the last check; None before the first step after it.
        checked: the last check's record, if there was one.
        seconds: since this process began to train.
        left: seconds to the last step at this rate, early stopping not foreseen; NaN = not known
            before the second step.
        first: the step that this process began at; beyond 0 after a resume.
        at_once: how many trainings of the same model go on side by side.
        since: (step, seconds) from which on the rate is counted: the first step of a process warms
            up and compiles, and a roll-back goes back; None = from `first` on.
    """

    step: int
    num_steps: int
    loss: float | None
    checked: Record | None
    seconds: float
    left: float
    first: int = 0
    at_once: int = 1
    since: tuple[int, float] | None = None


@dataclass(frozen=True, kw_only=True)
class Options:
    """What goes on around the steps; none of it changes the numbers.

    Attributes:
        folder: where checkpoints, history and events are kept; None = only in memory.
        watch: called about every `watch_every` seconds with the progress.
        watch_every: seconds.
        save_every: seconds between two checkpoints on disk, at the least.
        keep_every: seconds after which the state is kept on disk though no check has come; more
            where writing takes long; 0 = after every step.
        resume: go on from the folder's checkpoint if there is one; else what an earlier training
            left in the folder is replaced.
        obey: events of an earlier training whose batch splits shall happen again at their steps,
            so that a replay draws and rounds as the original did.
        again: what to do to go on after a stop, for the message.
        identity: what is learned from, in a word; a checkpoint of another word is refused.
        measure_from: a training that took so many seconds tells at its end how far it was from what
            the machine can do, which takes a step and a tenth of a second.
    """

    folder: Path | None = None
    watch: Callable[[Progress], None] | None = None
    watch_every: float = 0.2
    save_every: float = 5.0
    keep_every: float = 60.0
    resume: bool = False
    obey: tuple[Event, ...] = ()
    again: str = "Call it again with resume=True to go on from there."
    identity: str = ""
    measure_from: float = math.inf


@dataclass(frozen=True)
class Trained:
    """What training gave.

    Attributes:
        network: the module that was handed in, the best weights in it, in eval mode.
        history: one record a check: step, loss, learning_rate, parts of the loss by phase,
            validation figures, best or not.
        events: what departed from the plan, with its step.
        best_step: after how many steps the kept weights were reached.
        steps: how many steps were taken.
        seconds: how long it took in this process.
        spent: the seconds by part, those of earlier processes included.
        work: what a step has to compute; None where it was not measured.
    """

    network: nn.Module
    history: list[Record]
    events: list[Event]
    best_step: int
    steps: int
    seconds: float
    spent: Spent = field(default_factory=Spent)
    work: Work | None = None

    @property
    def speed(self) -> dict[str, Any]:
        """Seconds by part, the rate reached, and in a sentence what held the training up."""
        found = bottleneck(self.spent, self.work)
        return {
            "sentence": "" if found is None else found.sentence(FOR_ONES_OWN),
            "bottleneck": None if found is None else found.kind,
            **figures(self.spent, self.work),
        }

    @property
    def late_gain(self) -> float:
        """Share of the fall of the validation loss that the last quarter of the steps brought.

        Near 0 where more steps would bring nothing; NaN where checks are too few to tell.
        """
        told = [r for r in self.history if "loss" in (r.get("validation") or {})]
        early = [r["validation"]["loss"] for r in told if r["step"] <= 0.75 * self.steps]
        if not early or len(told) < _CHECKS_TO_TELL:
            return math.nan
        best = min(r["validation"]["loss"] for r in told)
        return (min(early) - best) / max(early[0] - best, 1e-12)
