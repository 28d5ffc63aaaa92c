"""A budget of seconds turned into a number of steps, by a short measurement before the first."""

import itertools
import math
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from fathom.base.errors import RecipeError
from fathom.base.records import Decision, Finding
from fathom.training.side_by_side import at_once
from fathom.workflow.learn import Around, learn
from fathom.workflow.recipe import Recipe
from fathom.workflow.study import Study

# The first steps warm caches up and do not count.
_WARM, _STEPS = 4, 20
TOO_SHORT = "time_too_short"
_FOLDS = "split.folds"
_FEWEST_EPOCHS = 3


@dataclass(frozen=True)
class Pace:
    """What was measured.

    Attributes:
        step: seconds of a step.
        check: seconds of a check, at most.
        around: seconds of a part before its first step.
    """

    step: float
    check: float
    around: float

    def num_steps(self, seconds: float, rounds: int, checks: int) -> int:
        """How many steps a part may take when so many come one after the other; at least one.

        Example:
            >>> Pace(step=0.5, check=0.25, around=1.0).num_steps(24.0, 2, 4)
            20
        """
        each = seconds / rounds
        # Half of the time is for steps, whatever else there is to do: better a little too long
        # than a network that took no steps.
        left = max(each - self.around - checks * self.check, each / 2)
        return max(1, int(left / self.step))


def seconds_of(said: float | str | None, where: str) -> float | None:
    """A budget as a person says it, in seconds; None = none was said.

    Args:
        said: seconds, or a number with a unit.
        where: the option or argument, for the message.

    Raises:
        RecipeError: no length of time.

    Example:
        >>> seconds_of(90, "time"), seconds_of("5m", "time")
        (90.0, 300.0)
    """
    if said is None:
        return None
    text = str(said)
    units = {"s": 1, "m": 60, "h": 3600}
    number, unit = (text[:-1], text[-1]) if text[-1:] in units else (text, "s")
    try:
        return float(number) * units[unit]
    except ValueError as error:
        raise RecipeError(
            "The budget is not a length of time.",
            where=where,
            expected="such as 60s, 5m or 1h",
            got=repr(said),
            do="Give a number and a unit.",
        ) from error


def timed(made: Study, again: Callable[[Recipe], Study]) -> Study:
    """The study within the seconds that its recipe gives; without such, as it is.

    Where nobody asked for folds, and the seconds hold less than the steps of one network, all of
    them go to one: several that have hardly learned anything err more together.

    Args:
        made: the study.
        again: makes it once more, with another recipe.
    """
    seconds = made.recipe.get("time")
    if seconds is None:
        return made
    began = time.perf_counter()
    found = within(made, seconds)
    spent, steps = time.perf_counter() - began, found.resolved.training.num_steps
    enough = _rounds(made) * steps >= made.resolved.training.num_steps
    if _FOLDS in made.recipe.said or len(made.material.parts) == 1 or enough:
        return found
    alone = again(made.recipe.with_said({_FOLDS: 0}, {}))
    reason = (
        f"{seconds:g} s hold {steps:,} of {made.resolved.training.num_steps:,} steps for each of "
        f"{len(made.material.parts)} networks: one learns more"
    )
    decisions = tuple(
        Decision(key=_FOLDS, value=0, reason=reason) if d.key == _FOLDS else d
        for d in alone.material.decisions
    )
    alone = replace(
        alone, recipe=made.recipe, material=replace(alone.material, decisions=decisions)
    )
    return within(alone, seconds, spent)


def _rounds(made: Study) -> int:
    """How many trainings come one after the other."""
    parts = len(made.material.parts)
    return math.ceil(parts / at_once(parts, made.resolved.device))


def within(made: Study, seconds: float, spent: float = 0.0) -> Study:
    """The same study with as many steps as the seconds hold, and never more than it had.

    Time cannot be replayed, a number of steps can: from here on only the number counts.

    Args:
        made: the study.
        seconds: for the training of all parts, this measurement included.
        spent: of them, on an earlier measurement.
    """
    began = time.perf_counter() - spent
    planned = made.resolved.training.num_steps
    pace = measure(made)
    parts, rounds = len(made.material.parts), _rounds(made)
    left = seconds - (time.perf_counter() - began)
    steps = min(planned, pace.num_steps(left, rounds, made.resolved.value("training.checks")))
    if steps == planned:
        reason = f"all {planned:,} steps fit into the {seconds:g} seconds"
        return _with_steps(made, steps, reason)
    each = f" for each of {parts} networks" if parts > 1 else ""
    reason = (
        f"{1000 * pace.step:.3g} ms a step, {pace.check:.2g} s a check and {pace.around:.2g} s "
        f"around a network were measured: {seconds:g} s hold {steps:,} steps{each}"
    )
    return _told(_with_steps(made, steps, reason), steps, seconds)


def _told(made: Study, steps: int, seconds: float) -> Study:
    """With a finding where the seconds hold too little to call it a training."""
    epochs = made.resolved.value("training.epochs")
    if epochs >= _FEWEST_EPOCHS:
        return made
    finding = Finding(
        code=TOO_SHORT,
        severity="medium",
        title="The time given is too short: the network is hardly trained.",
        evidence=f"{seconds:g} seconds hold {steps:,} steps: {epochs:.2g} passes over the rows.",
        advice="Give more time, or choose a smaller size, fewer folds or fewer checks.",
        facts={"steps": steps, "epochs": epochs},
    )
    return replace(made, findings=(*made.findings, finding))


def measure(made: Study) -> Pace:
    """Train as many parts as go side by side for a few steps, and throw the result away.

    A step costs what the middle one of them cost, so that one hiccup does not count; the check at
    the end costs what came after the last step.
    """
    training = replace(made.resolved.training, num_steps=_STEPS, check_every=0)
    beside = at_once(len(made.material.parts), made.resolved.device)
    material = replace(made.material, parts=made.material.parts[:beside])
    moments: list[float] = []
    began = time.perf_counter()
    found = learn(
        material,
        made.schema,
        replace(made.resolved, training=training),
        Around(
            watch=lambda part, _, standing: moments.append(standing.seconds) if not part else None,
            watch_every=0.0,
        ),
    )
    whole = time.perf_counter() - began
    trained = found.trained[0].seconds
    steps = [after - before for before, after in itertools.pairwise(moments)][_WARM:]
    step = statistics.median(steps) if steps else trained / _STEPS
    return Pace(step, max(trained - moments[-1], 0.0) if moments else 0.0, whole - trained)


def _with_steps(made: Study, steps: int, reason: str) -> Study:
    resolved = made.resolved
    per_epoch = math.ceil(len(made.material.parts[0][0]) / resolved.batch_size)
    epochs = steps / per_epoch
    checks = resolved.value("training.checks")
    training = replace(resolved.training, num_steps=steps, check_every=max(1, steps // checks))
    decisions = tuple(
        Decision(key=d.key, value=epochs, reason=reason) if d.key == "training.epochs" else d
        for d in resolved.decisions
    )
    return replace(made, resolved=replace(resolved, training=training, decisions=decisions))
