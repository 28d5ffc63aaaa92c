"""Drain the loop: check, keep the best, stop early, roll back, resume."""

import json
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from fathom.base.errors import Stopped, TrainingError
from fathom.base.files import append_line, read_lines, write_text
from fathom.objectives.objective import Objective
from fathom.training.checkpoint import Snapshot
from fathom.training.learner import Event, Learner, Step
from fathom.training.loop import Batches, steps
from fathom.training.plan import TrainingPlan

Record = dict[str, Any]
Validate = Callable[[nn.Module], dict[str, float]]
MOST_ROLL_BACKS = 3


@dataclass(frozen=True)
class Progress:
    """Where a training stands, for whoever shows it.

    Attributes:
        step, num_steps: taken, and at most.
        loss: mean training loss since the last check; None before the first.
        checked: the last check's record, if there was one.
        seconds: since this process began to train.
        left: seconds to the last step at this rate, early stopping not foreseen.
    """

    step: int
    num_steps: int
    loss: float | None
    checked: Record | None
    seconds: float
    left: float


@dataclass(frozen=True, kw_only=True)
class Options:
    """What goes on around the steps; none of it changes the numbers.

    Attributes:
        folder: where checkpoints, history and events are kept; None = only in memory.
        watch: called about `watch_every` seconds with the progress.
        watch_every: seconds.
        save_every: seconds between two checkpoints on disk, at the least.
        resume: go on from the folder's checkpoint if there is one.
    """

    folder: Path | None = None
    watch: Callable[[Progress], None] | None = None
    watch_every: float = 0.2
    save_every: float = 5.0
    resume: bool = False


@dataclass(frozen=True)
class Trained:
    """What training gave.

    Attributes:
        network: with the best weights in it.
        history: one record a check: step, loss, learning_rate, validation figures, best or not.
        events: what departed from the plan, with its step.
        best_step: after how many steps the kept weights were reached.
        steps: how many steps were taken.
        seconds: how long it took in this process.
    """

    network: nn.Module
    history: list[Record]
    events: list[Event]
    best_step: int
    steps: int
    seconds: float


@dataclass
class _Best:
    """The best check so far, and how many have passed since."""

    value: float = float("inf")
    step: int = 0
    waited: int = 0
    weights: dict[str, Tensor] = field(default_factory=dict[str, Tensor])

    def state(self) -> dict[str, Any]:
        # JSON knows no infinity.
        value = None if self.value == float("inf") else self.value
        return {"value": value, "step": self.step, "waited": self.waited, "weights": self.weights}

    def load(self, state: dict[str, Any]) -> None:
        self.value = float("inf") if state["value"] is None else state["value"]
        self.step, self.waited, self.weights = state["step"], state["waited"], state["weights"]


def fit(
    network: nn.Module,
    batches: Batches,
    objective: Objective,
    plan: TrainingPlan,
    validate: Validate | None = None,
    options: Options | None = None,
) -> Trained:
    """Train a network and give it back with its best weights.

    Args:
        network: any module that the objective can call. It is trained in place.
        batches: where examples come from; see `loop.Batches`.
        objective: how it learns.
        plan: the numerical plan.
        validate: called at every check with the network (in eval mode, averaged weights in
            place); gives figures of which "loss" chooses the best weights. None = the last
            weights are kept.
        options: run folder, progress, resume.

    Returns:
        Network, history and events.

    Raises:
        TrainingError: the loss stayed NaN or infinite through three roll-backs, or memory ran
            out for a single example.
        Stopped: Ctrl-C or SIGTERM came; a whole checkpoint stays in the folder.
        StorageError: the folder could not be written.
    """
    session = _Session(Learner(network, objective, plan), batches, validate, options or Options())
    return session.run()


class _Session:
    """One process's share of a training."""

    def __init__(
        self, learner: Learner, batches: Batches, validate: Validate | None, options: Options
    ) -> None:
        self.learner, self.batches = learner, batches
        self.validate, self.options = validate, options
        self.best, self.history, self.roll_backs = _Best(), [], 0
        self.began = time.perf_counter()
        self.first_step = 0
        self.noted = 0
        self.saved_at = 0.0
        self.watched_at = 0.0
        self.loss_sum = torch.zeros((), device=learner.device)
        self.loss_count = 0

    def run(self) -> Trained:
        if self.options.resume and self.options.folder is not None:
            self._restore(Snapshot.read(self.options.folder / "checkpoint").state())
            self._truncate(self.options.folder)
        self.first_step = self.learner.step
        self.snapshot = Snapshot(self._state())
        with _signals() as caught:
            while not self._finished():
                self._stretch(caught)
        self._keep_best()
        self._save()
        seconds = time.perf_counter() - self.began
        return Trained(
            self.learner.network,
            self.history,
            self.learner.events,
            self.best.step,
            self.learner.step,
            seconds,
        )

    def _finished(self) -> bool:
        plan = self.learner.plan
        tired = plan.patience > 0 and self.best.waited >= plan.patience
        return self.learner.step >= plan.num_steps or tired

    def _stretch(self, caught: list[int]) -> None:
        """Steps up to the next check, and the check."""
        plan = self.learner.plan
        every = plan.check_every or plan.num_steps
        self.loss_sum, self.loss_count = torch.zeros_like(self.loss_sum), 0
        for step in steps(self.learner, self.batches):
            self.loss_sum += step.loss
            self.loss_count += 1
            self._watch(step)
            if caught:
                self._stop(caught[0])
            if step.number % every == 0 or step.number == plan.num_steps:
                break
        if bool(self.learner.finite):
            self._check(step)
        else:
            self._roll_back(step)

    def _check(self, step: Step) -> None:
        record: Record = {
            "step": step.number,
            "loss": (self.loss_sum / max(self.loss_count, 1)).item(),
            "learning_rate": step.learning_rate,
        }
        figures = self._figures()
        record["validation"] = figures
        self._judge(figures.get("loss"), record)
        self.history.append(record)
        self._note("history.jsonl", record)
        self._note("timings.jsonl", {"step": step.number, "seconds": self._seconds()})
        self._note_events()
        self.snapshot = Snapshot(self._state())
        if time.perf_counter() - self.saved_at >= self.options.save_every:
            self._save()

    def _figures(self) -> dict[str, float]:
        if self.validate is None:
            return {}
        network = self.learner.network
        network.eval()
        with torch.inference_mode():
            figures = self.learner.with_average(lambda: self.validate(network))  # pyright: ignore[reportOptionalCall]
        network.train()
        return figures

    def _judge(self, value: float | None, record: Record) -> None:
        best = self.best
        if value is None or value < best.value:
            best.value = best.value if value is None else value
            best.step, best.waited = self.learner.step, 0
            best.weights = self.learner.with_average(self._weights)
        else:
            best.waited += 1
        record["best"] = best.waited == 0

    def _weights(self) -> dict[str, Tensor]:
        return {n: t.detach().clone() for n, t in self.learner.network.state_dict().items()}

    def _roll_back(self, step: Step) -> None:
        """A NaN or infinite loss: back to the last good snapshot with a smaller step."""
        if self.roll_backs >= MOST_ROLL_BACKS:
            raise self._diagnosis(step)
        scale = self.learner.rate_scale * 0.3
        self._restore(self.snapshot.state())
        self.roll_backs += 1
        self.learner.rate_scale = scale
        event = {
            "step": self.learner.step,
            "event": "roll_back",
            "why": f"the loss was not finite by step {step.number}",
            "rate_scale": scale,
        }
        self.learner.events.append(event)
        self._note_events()
        self.snapshot = Snapshot(self._state())

    def _diagnosis(self, step: Step) -> TrainingError:
        return TrainingError(
            "The loss became NaN or infinite and stayed so through three roll-backs.",
            where=f"between step {self.learner.step - self.loss_count} and {step.number}",
            expected="a finite loss and finite gradients",
            got=f"learning rate down to {step.learning_rate:.2g} and still not finite",
            do="Look for infinite or huge values in inputs or target (fathom look), check a "
            "loss or layer of your own for divisions and logarithms of zero; the weights of "
            "the last good check are kept.",
        )

    def _stop(self, number: int) -> None:
        self._save()
        name = "Ctrl-C" if number == signal.SIGINT else "SIGTERM"
        place = self.options.folder
        error = Stopped(
            f"Training was stopped by {name}.",
            where=f"step {self.learner.step} of {self.learner.plan.num_steps}",
            do=f"fathom train --resume {place}" if place else "Nothing was kept on disk.",
        )
        error.exit_code = 128 + number
        raise error

    def _watch(self, step: Step) -> None:
        now = time.perf_counter()
        if self.options.watch is None or now - self.watched_at < self.options.watch_every:
            return
        self.watched_at = now
        plan, seconds = self.learner.plan, now - self.began
        rate = seconds / max(step.number - self.first_step, 1)
        self.options.watch(
            Progress(
                step.number,
                plan.num_steps,
                (self.loss_sum / max(self.loss_count, 1)).item(),
                self.history[-1] if self.history else None,
                seconds,
                (plan.num_steps - step.number) * rate,
            )
        )

    def _keep_best(self) -> None:
        if self.best.weights:
            self.learner.network.load_state_dict(self.best.weights)
        self.learner.network.eval()

    def _state(self) -> dict[str, Any]:
        return {
            "learner": self.learner.state(),
            "batches": self.batches.state_dict(),
            "best": self.best.state(),
            "roll_backs": self.roll_backs,
            "history": self.history,
            "events": self.learner.events,
        }

    def _restore(self, state: dict[str, Any]) -> None:
        self.learner.load(state["learner"])
        self.batches.load_state_dict(state["batches"])
        self.best.load(state["best"])
        self.roll_backs = state["roll_backs"]
        self.history = list(state["history"])
        self.learner.events[:] = state["events"]

    def _save(self) -> None:
        folder = self.options.folder
        if folder is None:
            return
        self.snapshot.write(folder / "checkpoint")
        self.saved_at = time.perf_counter()

    def _note(self, name: str, record: Record) -> None:
        if self.options.folder is not None:
            self.options.folder.mkdir(parents=True, exist_ok=True)
            append_line(self.options.folder / name, record)

    def _note_events(self) -> None:
        for event in self.learner.events[self.noted :]:
            self._note("events.jsonl", event)
        self.noted = len(self.learner.events)

    def _truncate(self, folder: Path) -> None:
        """Lines past the checkpoint belong to steps that will be taken again."""
        last = self.learner.step
        for name in ("history.jsonl", "events.jsonl", "timings.jsonl"):
            kept = [line for line in read_lines(folder / name) if line["step"] <= last]
            write_text(folder / name, "".join(json.dumps(line) + "\n" for line in kept))
        self.noted = len(self.learner.events)

    def _seconds(self) -> float:
        return round(time.perf_counter() - self.began, 3)


@contextmanager
def _signals() -> Iterator[list[int]]:
    """Collect Ctrl-C and SIGTERM instead of dying of them; a second one is obeyed at once."""
    caught: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield caught
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def note(number: int, frame: object) -> None:
        caught.append(number)
        signal.signal(number, before[number])

    for number in before:
        signal.signal(number, note)
    try:
        yield caught
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
