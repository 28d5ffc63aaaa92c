"""Drain the loop: check, keep the best, stop early, roll back, resume."""

import copy
import math
import secrets
import time
from collections.abc import Iterable, Iterator
from typing import Any

import torch
from torch import Tensor, nn

from fathom.base.allocation import memory_kept
from fathom.base.denormals import denormals_flushed
from fathom.base.errors import Stopped, TrainingError
from fathom.base.seeds import seed_everything
from fathom.objectives.objective import Objective
from fathom.training.best import Best
from fathom.training.checkpoint import Snapshot
from fathom.training.clipping import all_finite
from fathom.training.diagnosis import broken_down
from fathom.training.figures import as_figures, no_figures, nothing_to_watch
from fathom.training.journal import Journal
from fathom.training.learner import Event, Learner, Step
from fathom.training.loop import Batches, steps
from fathom.training.memory import memory_told
from fathom.training.plan import TrainingPlan, check_same_plan, plan_to_dict
from fathom.training.records import Options, Progress, Record, Trained, Validate
from fathom.training.resuming import (
    check_same_network,
    check_same_rows,
    check_state,
    damage_told,
)
from fathom.training.running import Running
from fathom.training.signals import name_of, signals_noted
from fathom.training.throughput import Work, measure_work
from fathom.training.timing import Spent

MOST_ROLL_BACKS = 3
_SMALLER = 0.3
# A state between checks is kept so seldom that writing takes no more than this share of the time.
_WRITING = 0.02


def train_network(
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
        TrainingError: the loss stayed NaN or infinite through three roll-backs, memory ran out
            for a single example, or the loss depends on nothing that is trained; the network
            carries the best weights until then.
        Stopped: Ctrl-C or SIGTERM came; a whole checkpoint stays in the folder.
        StorageError: the folder could not be written; the checkpoint before stays.
        RunError: the checkpoint to resume from belongs to another plan or network, or is damaged.
        RecipeError: network, objective, plan and validation do not fit together.
    """
    with denormals_flushed(), memory_kept():
        return Session(Learner(network, objective, plan), batches, validate, options).run()


class Session:
    """One process's share of a training.

    Args:
        learner: the network in training.
        batches: where examples come from.
        validate: what every check measures.
        options: run folder, progress, resume.
    """

    def __init__(
        self,
        learner: Learner,
        batches: Batches,
        validate: Validate | None = None,
        options: Options | None = None,
    ) -> None:
        self.learner, self.batches, self.validate = learner, batches, validate
        self.options = options or Options()
        self.journal = Journal(self.options.folder)
        self.best, self.history = Best(), []
        self.roll_backs, self.failed_at = 0, 0
        self.later: list[Event] = []
        # By it states of one training are told from those of another that is planned alike.
        self.token = secrets.token_hex(8)
        self.running = Running()
        self.began = time.perf_counter()
        self.first_step = 0
        self.since: tuple[int, float] | None = None
        self.saved_at, self.watched_at = -math.inf, 0.0
        self.kept_at, self.keeping = self.began, 0.0
        if learner.plan.patience and validate is None:
            raise nothing_to_watch("no `validate`")

    def run(self) -> Trained:
        """Train to the end, from the folder's checkpoint on if that was asked for."""
        self._begin()
        self.first_step = self.learner.step
        self.learner.timer.before = self.journal.spent
        self.learner.timer.start()
        with signals_noted() as caught:
            try:
                self._drain(caught)
            except TrainingError:
                self._restore(self.snapshot.state())
                self._keep_best()
                self._save()
                raise
            if caught:
                self._stop(caught[0])
        self._keep_best()
        self._save()
        seconds = self._seconds()
        with signals_noted() as caught:
            work = self._work()
        if caught:
            self._stop(caught[0])
        return Trained(
            self.learner.network,
            self.history,
            self.learner.events,
            self.best.step,
            self.learner.step,
            seconds,
            self.learner.timer.spent(),
            work,
        )

    def _work(self) -> Work | None:
        """When all is learned and kept: nothing depends on it, and its time belongs to no part."""
        learner = self.learner
        if learner.batch is None or learner.timer.spent().total < self.options.measure_from:
            return None
        learner.wake()
        found = measure_work(learner, learner.batch)
        learner.network.eval()
        return found

    def _begin(self) -> None:
        journal, learner = self.journal, self.learner
        found = journal.found() if self.options.resume else None
        # What happened after the checkpoint happens again at the same steps.
        self.later = _splits(journal.events()) if self.options.resume else []
        learner.planned = (*_splits(self.options.obey), *self.later)
        if found is None:
            journal.clear()
        else:
            self._take_up(found.state())
        self.snapshot = found or Snapshot(self._state())
        kept = None if found is None else journal.kept(self.token)
        if kept is not None:
            self._take_up(kept.state())
        journal.begin(self.history, self._events(), learner.step)
        if kept is not None:
            journal.spent = Spent.from_lines([kept.skeleton.get("spent", {})])

    def _take_up(self, state: dict[str, Any]) -> None:
        learner, where = self.learner, str(self.options.folder)
        check_state(state, self._state(), where)
        check_same_rows(self.options.identity, state["identity"], where)
        check_same_plan(learner.plan, state["plan"], where)
        check_same_network(learner.network, state["learner"]["network"], where)
        with damage_told(where):
            self._restore(state)
            self.token = state["token"]
            if "running" in state:
                self.running = Running.of(state["running"])

    def _drain(self, caught: list[int]) -> None:
        # One stream for all stretches: some batches are costly to begin in the middle.
        stream = steps(self.learner, self.batches)
        while not self._finished():
            good = self._stretch(stream, caught)
            self.running = Running()
            if not good:
                stream = steps(self.learner, self.batches)

    def _finished(self) -> bool:
        plan = self.learner.plan
        tired = plan.patience > 0 and self.best.waited >= plan.patience
        return self.learner.step >= plan.num_steps or tired

    def _stretch(self, stream: Iterator[Step], caught: list[int]) -> bool:
        """Steps up to the next check, and the check; False when it ended in a roll-back."""
        plan, learner = self.learner.plan, self.learner
        every = plan.check_every or plan.num_steps
        num_events = len(learner.events)
        while True:
            step = next(stream)
            self.running.add(step)
            if len(learner.events) > num_events:
                num_events = len(learner.events)
                self.journal.write_events(self._events())
            self._watch(step)
            if step.number % every == 0 or step.number == plan.num_steps:
                break
            if caught:
                self._stop(caught[0])
            if self._long_unkept():
                self._keep()
        # The last update may have ruined weights that no loss has seen yet.
        good = bool(learner.finite & all_finite(learner.parameters()))
        if good:
            self._check(step)
        else:
            self._roll_back(step)
        return good

    def _check(self, step: Step) -> None:
        timer = self.learner.timer
        timer.lap("other")
        figures = self._figures()
        timer.lap("checks")
        record: Record = {
            "step": step.number,
            "loss": self.running.loss(),
            "learning_rate": step.learning_rate,
            "parts": self.running.parts(),
            "validation": figures,
        }
        self._judge(record)
        self.history.append(record)
        if step.number >= self.failed_at:
            self.roll_backs = 0
        self.journal.note(record, self._seconds(), timer.spent())
        self.snapshot = Snapshot(self._state())
        timer.lap("saving")
        if time.perf_counter() - self.saved_at >= self.options.save_every:
            self._save()

    def _figures(self) -> dict[str, float]:
        validate, learner = self.validate, self.learner
        if validate is None:
            return {}
        learner.network.eval()
        seed_everything(learner.plan.seed, "check", learner.step)
        what, where = "Memory ran out while checking.", f"the check after step {learner.step}"
        # Not inference_mode: what a module keeps for later (tables, masks) must serve training.
        with memory_told(what, where), torch.no_grad():
            figures = learner.with_average(lambda: validate(learner.network))
        learner.wake()
        return as_figures(figures)

    def _judge(self, record: Record) -> None:
        value = record["validation"].get("loss")
        if value is None and self.learner.plan.patience:
            raise nothing_to_watch(f"figures {list(record['validation'])}")
        if value is None and self.validate is not None:
            raise no_figures(f"figures {list(record['validation'])}")
        if value is not None and not math.isfinite(value):
            self.learner.events.append({"step": record["step"], "event": "validation_not_finite"})
            self.journal.write_events(self._events())
        network = self.learner.network

        def weights() -> dict[str, Any]:
            return {name: _copy(value) for name, value in network.state_dict().items()}

        record["best"] = self.best.judge(
            value, record["step"], lambda: self.learner.with_average(weights)
        )

    def _roll_back(self, step: Step) -> None:
        """A NaN or infinite loss: back to the last good snapshot with a smaller step."""
        learner = self.learner
        tries, events, pieces = self.roll_backs, list(learner.events), learner.pieces
        self._restore(self.snapshot.state())
        if tries >= MOST_ROLL_BACKS:
            raise broken_down(learner, self.batches, step)
        self.roll_backs, self.failed_at = tries + 1, step.number
        self.since = learner.step, self._seconds()
        learner.rate_scale *= _SMALLER
        event = {
            "step": learner.step,
            "event": "roll_back",
            "why": f"the loss was not finite by step {step.number}",
            "rate_scale": learner.rate_scale,
        }
        # Memory did run out in the steps that are undone, and would again.
        learner.pieces, learner.events[:] = pieces, [*events, event]
        self.journal.write_events(self._events())
        self.snapshot = Snapshot(self._state())
        self._save()

    def _stop(self, number: int) -> None:
        at, num_steps = self.learner.step, self.learner.plan.num_steps
        stands = self.snapshot.skeleton["learner"]["step"]
        kept = self.options.folder is not None
        if kept and at > stands and self._keep():
            stands = at
        self._save()
        where = f"; the checkpoint in {self.options.folder} stands at step {stands}"
        error = Stopped(
            f"Training was stopped by {name_of(number)}.",
            where=f"step {at} of {num_steps}" + where * kept,
            do=self.options.again if kept else "Nothing was kept on disk.",
        )
        error.exit_code = 128 + number
        raise error

    def _watch(self, step: Step) -> None:
        now = time.perf_counter()
        counted, started = self.since = self.since or (step.number, now - self.began)
        if self.options.watch is None or now - self.watched_at < self.options.watch_every:
            return
        self.watched_at = now
        plan, seconds = self.learner.plan, now - self.began
        taken = step.number - counted
        rate = (seconds - started) / taken if taken else math.nan
        self.options.watch(
            Progress(
                step.number,
                plan.num_steps,
                self.running.loss(),
                self.history[-1] if self.history else None,
                seconds,
                (plan.num_steps - step.number) * rate,
                self.first_step,
                since=self.since,
            )
        )

    def _keep_best(self) -> None:
        if self.best.weights:
            self.learner.network.load_state_dict(self.best.weights)
        else:
            self.best.step = self.learner.step
        self.learner.network.eval()

    def _state(self) -> dict[str, Any]:
        return {
            "learner": self.learner.state(),
            "batches": self.batches.state_dict(),
            "best": self.best.state(),
            "roll_backs": self.roll_backs,
            "failed_at": self.failed_at,
            "plan": plan_to_dict(self.learner.plan),
            "identity": self.options.identity,
            "token": self.token,
            "history": self.history,
            "events": self.learner.events,
        }

    def _restore(self, state: dict[str, Any]) -> None:
        self.learner.load(state["learner"])
        self.batches.load_state_dict(state["batches"])
        self.best = Best(**state["best"])
        self.roll_backs, self.failed_at = state["roll_backs"], state["failed_at"]
        self.history = state["history"]
        self.learner.events[:] = state["events"]

    def _events(self) -> list[dict[str, Any]]:
        """Those that were, and those of an earlier process that are still to come."""
        learner = self.learner
        to_come = [event for event in self.later if event["step"] >= learner.step]
        return [*learner.events, *(event for event in to_come if event not in learner.events)]

    def _save(self) -> None:
        self.learner.timer.lap("other")
        self.journal.save(self.snapshot)
        self.saved_at = self.kept_at = time.perf_counter()
        self.learner.timer.lap("saving")

    def _long_unkept(self) -> bool:
        if self.options.folder is None:
            return False
        least = self.options.keep_every and max(self.options.keep_every, self.keeping / _WRITING)
        return time.perf_counter() - self.kept_at >= least

    def _keep(self) -> bool:
        """Keep the state of now beside the one of the last check, to which a roll-back goes."""
        learner, began = self.learner, time.perf_counter()
        if not bool(learner.finite & all_finite(learner.parameters())):
            return False  # the next check rolls back
        self._save()
        more = {"running": self.running.state(), "spent": learner.timer.spent().to_dict()}
        self.journal.keep(Snapshot({**self._state(), **more}))
        learner.timer.lap("saving")
        self.kept_at = time.perf_counter()
        self.keeping = self.kept_at - began
        return True

    def _seconds(self) -> float:
        return time.perf_counter() - self.began


def _copy(value: Any) -> Any:
    """Of a tensor, or of what else a module says of its state."""
    return value.detach().clone() if isinstance(value, Tensor) else copy.deepcopy(value)


def _splits(events: Iterable[Event]) -> list[Event]:
    return [event for event in events if event["event"] == "batch_split"]
