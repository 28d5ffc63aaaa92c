"""Where the time of a run went, how near it came to the machine's best, and what would help."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fathom.base.files import read_sealed, write_sealed
from fathom.reports.content import SpeedContent
from fathom.tables.augment import Augmentation
from fathom.training.bottleneck import bottleneck, figures, percent
from fathom.training.side_by_side import at_once
from fathom.training.timing import PARTS, Spent
from fathom.workflow.learn import Learned, threads_for
from fathom.workflow.resolve import Resolved
from fathom.workflow.stopwatch import Stopwatch
from fathom.workflow.study import Study

# A tenth of the training for checks: enough to find the best moment, too little to be missed.
_SHARE_OF_CHECKS = 0.1
_PASSES = {"": "Both passes", "_forward": "Forward", "_backward": "Backward"}
# Less is within what machines differ by from one minute to the next.
_OVERRUN = 1.25
_SMALLER = {"large": "medium", "medium": "small"}
# Laps that a setting spares.
_SPARED = {
    "baselines": "evaluate.baselines = false spares them",
    "importance": "evaluate.importance = false spares it",
    "report": "report = false spares it",
}
# Changes of pictures that compute new values took two to four times as long as those that move
# pixels; each with what turns it off.
_COMPUTED, _MOVED = ("blur", "colour", "rotate", "scale", "crop"), ("shift", "cutout")
_UNCHANGED = {name: int(getattr(Augmentation(), name)) for name in (*_COMPUTED, *_MOVED)}


def speed_of(made: Study, learned: Learned, clock: Stopwatch) -> dict[str, Any]:
    """What stands under "speed" in record.json; see docs/speed.md.

    Args:
        made: what was decided.
        learned: what the trainings spent.
        clock: the laps of the whole run.
    """
    spent = sum((one.spent for one in learned.trained), Spent())
    work = next((one.work for one in learned.trained if one.work is not None), None)
    found, num_parts = bottleneck(spent, work), len(learned.trained)
    beside = at_once(num_parts, made.resolved.device)
    rows = len(made.material.parts[0][0])
    helps = remedies(made.resolved, spent, rows, num_parts)
    if learned.still_falling:  # more steps were just advised, fewer are not
        less = _less(made.resolved, spent.steps / num_parts)
        helps = {kind: "" if remedy == less else remedy for kind, remedy in helps.items()}
    sentence = "" if found is None else found.sentence(helps)
    laps = dict(clock.laps)
    # The laps of a process that was interrupted are gone, most of the training's among them.
    beyond = "" if clock.resumed else around(laps)
    late = "" if clock.resumed else overrun(laps, made.recipe.get("time"))
    return {
        "sentence": " ".join(filter(None, (late, beyond or sentence))),
        "seconds": clock.total,
        "resumed": clock.resumed,
        "process": laps,
        "training": {
            "sentence": sentence,
            "bottleneck": None if found is None else found.kind,
            "networks": num_parts,
            "at_once": beside,
            "threads": 1 if beside > 1 else threads_for(made.resolved),
            "precision": made.resolved.training.precision,
            **figures(spent, work),
        },
    }


def around(laps: Mapping[str, float]) -> str:
    """That something else took longer than the training, in a sentence; "" where nothing did.

    Args:
        laps: what -> seconds, the training among them.

    Example:
        >>> around({"training": 2.0, "scoring": 6.0})
        'Scoring took 75 % of the run, more than training.'
        >>> around({"training": 2.0, "report": 1.0})
        ''
    """
    most = max(laps, key=lambda name: laps[name], default="training")
    if most == "training" or laps[most] <= laps.get("training", 0.0):
        return ""
    share = percent(laps[most] / sum(laps.values()))
    remedy = f"; {_SPARED[most]}" if most in _SPARED else ""
    return f"{most.capitalize()} took {share} of the run, more than training{remedy}."


def overrun(laps: Mapping[str, float], given: float | None) -> str:
    """That the training took longer than the seconds it was given; "" where it did not, or hardly.

    Args:
        laps: what -> seconds, the training among them.
        given: the seconds; None = none were.

    Example:
        >>> overrun({"reading": 4.0, "training": 80.0}, 60.0)
        'The training took 80 s, and 60 s were given: steps were slower than when one was measured.'
        >>> overrun({"training": 61.0}, 60.0), overrun({"training": 80.0}, None)
        ('', '')
    """
    took = laps.get("training", 0.0)
    if given is None or took <= _OVERRUN * given:
        return ""
    return (
        f"The training took {took:.0f} s, and {given:g} s were given: steps were slower than when "
        "one was measured."
    )


def remedies(resolved: Resolved, spent: Spent, num_rows: int, num_parts: int = 1) -> dict[str, str]:
    """What would help against each bottleneck, in settings that this run has.

    Args:
        resolved: what was decided.
        spent: where the time of the training went.
        num_rows: rows that a network learns from.
        num_parts: how many networks spent that time.
    """
    checks, batches = _fewer_checks(resolved, spent), _larger_batches(resolved, num_rows)
    less = _less(resolved, spent.steps / num_parts)
    name = resolved.training.optimizer.name
    simpler = "training.optimizer = adamw takes less time for a step, and perhaps more steps"
    return {
        "data": _plain_pictures(resolved) or batches or less,
        "checks": checks,
        "saving": checks,
        "compiling": "training.compile = false spares it",
        "optimizer": simpler if name == "muon" else batches or less,
        "small_steps": batches or less,
        "busy": less,
        "compute": less,
        "forward": less,
        "backward": less,
    }


def _fewer_checks(resolved: Resolved, spent: Spent) -> str:
    """How many checks take a tenth of the time, patience in the same proportion."""
    checks, share = resolved.value("training.checks"), spent.share("checks", "saving")
    wanted = _SHARE_OF_CHECKS / (1 - _SHARE_OF_CHECKS)
    if checks <= 1 or not 0 < share < 1:
        return ""
    fewer = min(checks - 1, max(1, int(checks * wanted * (1 - share) / share)))
    ratio = fewer / checks
    left = share * ratio / (share * ratio + 1 - share)
    patience = resolved.value("training.patience")
    beside = f" with training.patience = {max(1, round(patience * ratio))}" if patience else ""
    return (
        f"training.checks = {fewer} in place of {checks}{beside} would make that about "
        f"{percent(left)}"
    )


def _larger_batches(resolved: Resolved, num_rows: int) -> str:
    """Twice the rows in half the steps; said with the epochs, which would grow with them."""
    size, epochs = resolved.batch_size, resolved.value("training.epochs")
    if 2 * size > num_rows:
        return ""
    return (
        f"training.batch_size = {2 * size} with training.epochs = {epochs:g} takes half the steps"
    )


def _less(resolved: Resolved, taken: float) -> str:
    """A smaller size where it decides the steps; else half the epochs that were taken."""
    size, epochs = resolved.value("size"), resolved.value("training.epochs")
    said = {decision.key for decision in resolved.decisions if decision.said}
    if size in _SMALLER and "training.epochs" not in said:
        return f"size = {_SMALLER[size]} takes a smaller network and fewer steps"
    # Patience may have stopped it long before the last epoch.
    half = epochs / 2 * min(1.0, taken / resolved.training.num_steps)
    return f"training.epochs = {half:.2g} takes half the steps"


def _plain_pictures(resolved: Resolved) -> str:
    """Changing pictures is part of making a batch; the costliest of the changes in use."""
    used = {name: getattr(resolved.augment, name) != off for name, off in _UNCHANGED.items()}
    costly = [f"augment.{n} = {_UNCHANGED[n]}" for n in _COMPUTED if used[n]]
    cheap = [f"augment.{n} = {_UNCHANGED[n]}" for n in _MOVED if used[n]]
    told = " and ".join(costly or cheap)
    return f"{told} would make a batch more quickly" if told else ""


def write_speed(folder: Path, speed: Mapping[str, Any]) -> None:
    """Add it to the record of the run, which was written before the first step."""
    place = folder / "record.json"
    write_sealed(place, {**read_sealed(place), "speed": speed})


def speed_content(speed: Mapping[str, Any]) -> SpeedContent:
    """What the report shows of it."""
    training = speed["training"]
    sentences = [speed["sentence"], training["sentence"]]
    return SpeedContent(
        sentences=tuple(dict.fromkeys(filter(None, sentences))),
        parts=[(name, training["seconds"].get(part, 0.0)) for part, name in PARTS.items()],
        facts=_facts(training),
    )


def _facts(training: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Rates and shares in words; what was not measured is left out."""
    networks, rate = training["networks"], training["examples_per_second"]
    facts: list[tuple[str, str]] = []
    if rate is not None:
        facts.append(("Rows a second", f"{rate:,.0f}" + (" in a network" if networks > 1 else "")))
    if training["gflops"] is not None:
        for name, words in _PASSES.items():
            reached = f"{training[f'gflops{name}']:,.3g} GFLOP/s"
            facts.append((words, f"{reached}, {percent(training[f'share_of_peak{name}'])} of peak"))
        peak = f"{training['peak_gflops']:,.3g} GFLOP/s in {training['precision']}"
        facts.append(("Peak, measured", f"{peak}, {_threads(training['threads'])}"))
    if networks > 1:
        beside = f", {training['at_once']} at a time" if training["at_once"] > 1 else ""
        facts.append(("Networks", f"{networks}{beside}; their seconds are added up"))
    return facts


def _threads(number: int) -> str:
    return "1 thread" if number == 1 else f"{number} threads"
