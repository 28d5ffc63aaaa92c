"""What each choice about the machine is worth here: a few steps with each, measured in turn."""

import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field, replace
from statistics import median
from typing import Any

import torch

from fathom.base.errors import FathomError
from fathom.objectives.supervised import Supervised
from fathom.training.learner import Learner, Step
from fathom.training.loop import steps
from fathom.workflow.engine import check_compiler
from fathom.workflow.learn import threads_for, training_plan
from fathom.workflow.ready import ready_part, schema_of, targets_of
from fathom.workflow.resolve import Resolved, resolve
from fathom.workflow.study import Study, circumstances

# Rounds in which all choices take turns, so that a machine that slows down slows all of them.
_ROUNDS, _SECONDS, _WARM = 3, 0.4, 2
_MOST_ROWS, _ENDLESS = 8192, 10**9
_OTHER_FORMAT = {"channels_last": "contiguous", "contiguous": "channels_last"}
_OTHER_PRECISION = {"bf16": "fp32", "fp32": "bf16"}


@dataclass(frozen=True)
class Speed:
    """One way to go about the training.

    Attributes:
        settings: what differs from the plan; empty = the plan as it stands.
        rate: examples a second; 0 = could not be measured.
        before: seconds before the first step could be taken, compiling included.
        why_not: why it could not be measured; "" = it was.
    """

    settings: dict[str, Any]
    rate: float = 0.0
    before: float = 0.0
    why_not: str = ""

    @property
    def words(self) -> str:
        """What differs, as it is said on the command line."""
        return _words(self.settings)


@dataclass
class _Trial:
    """A training that has begun and is taken further now and then."""

    settings: dict[str, Any]
    stream: Iterator[Step]
    before: float
    rates: list[float] = field(default_factory=list[float])


def _words(settings: dict[str, Any]) -> str:
    said = [f"{key}={str(value).lower()}" for key, value in settings.items()]
    return " ".join(said) or "the plan as it stands"


def _silent(_: str) -> None:
    """Where nobody waits for a word."""


def speeds_of(made: Study, say: Callable[[str], None] = _silent) -> list[Speed]:
    """Examples a second with the plan as it stands, and with each choice changed by itself.

    Steps are taken by networks of their own on training rows, and are forgotten.

    Args:
        made: what was decided.
        say: is told what is tried, since the first steps of some choices take minutes.
    """
    found: list[Speed] = []
    trials: list[_Trial] = []
    before = torch.get_num_threads()
    torch.set_num_threads(threads_for(made.resolved))
    try:
        choices = _choices(made.resolved, len(made.material.parts[0][0]))
        for number, settings in enumerate(choices, start=1):
            say(f"First steps, {number} of {len(choices)}: {_words(settings)} …")
            try:
                trials.append(_begun(made, settings))
            except FathomError as error:
                if not settings:  # what cannot be planned cannot be compared with
                    raise
                found.append(Speed(settings, why_not=error.what))
        say(f"All {len(trials)} in turn, {_ROUNDS} rounds …")
        for _ in range(_ROUNDS):
            for trial in trials:
                trial.rates.append(_rate(trial.stream))
    finally:
        torch.set_num_threads(before)
    return [*(Speed(t.settings, median(t.rates), t.before) for t in trials), *found]


def _choices(resolved: Resolved, num_rows: int) -> list[dict[str, Any]]:
    """What is tried: the plan, and each choice changed; batches of no more rows than there are."""
    value, size = resolved.value, resolved.batch_size
    found: list[dict[str, Any]] = [{}]
    found.append({"training.precision": _OTHER_PRECISION[value("training.precision")]})
    if value("training.memory_format") is not None:
        found.append({"training.memory_format": _OTHER_FORMAT[value("training.memory_format")]})
    if value("training.fused") is not None:
        found.append({"training.fused": not value("training.fused")})
    found.append({"training.compile": not value("training.compile")})
    most = min(num_rows, _MOST_ROWS)
    sizes = [other for other in (size // 2, size * 2, size * 4) if 0 < other <= most]
    return found + [{"training.batch_size": other} for other in sizes]


def _begun(made: Study, settings: dict[str, Any]) -> _Trial:
    """A network of its own that has taken its first steps."""
    recipe, material = made.recipe.with_said(settings, {}), made.material
    resolved = resolve(recipe, circumstances(recipe, material, made.schema, made.targets))
    schema = schema_of(made.schema, resolved)
    rows = material.pool.rows(material.parts[0][0][:_MOST_ROWS])
    ready = ready_part(rows, schema, targets_of(material, schema), resolved)
    began = time.perf_counter()
    if resolved.value("training.compile"):
        check_compiler()
        ready.network.compile_parts()
    plan = replace(training_plan(ready.network, resolved), num_steps=_ENDLESS)
    stream = steps(Learner(ready.network, Supervised(resolved.l1), plan), ready.batches)
    for _ in range(_WARM):
        next(stream).loss.item()
    return _Trial(settings, stream, time.perf_counter() - began)


def _rate(stream: Iterator[Step]) -> float:
    """Examples a second."""
    began, seen = time.perf_counter(), 0
    while True:
        step = next(stream)
        seen += step.examples
        if time.perf_counter() - began > _SECONDS:
            step.loss.item()  # a GPU may still be at work
            return seen / (time.perf_counter() - began)


def as_text(speeds: list[Speed]) -> str:
    """A table for a person, and what to say to have the fastest.

    Example:
        >>> print(as_text([Speed({}, 900.0, 0.1), Speed({"training.fused": False}, 450.0, 0.1)]))
        examples a second   against the plan   with
                      900               1.00   the plan as it stands
                      450               0.50   training.fused=false
    """
    plan = speeds[0].rate
    lines = ["examples a second   against the plan   with"]
    for one in speeds:
        if one.why_not:
            lines.append(f"{'-':>17}   {'-':>16}   {one.words}: {one.why_not}")
            continue
        late = f" (after {one.before:.0f} s)" if one.before > 5 else ""
        lines.append(f"{one.rate:>17,.0f}   {one.rate / plan:>16.2f}   {one.words}{late}")
    return "\n".join(lines)


def to_dict(speeds: list[Speed]) -> list[dict[str, Any]]:
    """As plain JSON values."""
    return [asdict(one) for one in speeds]
