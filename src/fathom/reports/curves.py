"""The section on the training: curves, the best step, and what departed from the plan."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from markupsafe import Markup

from fathom.reports.charts import Line, line_chart
from fathom.reports.content import ReportContent
from fathom.reports.words import metric_name, number, setting, spaced

_MOST_METRICS = 6
_WIDE = 50.0
"""A loss that shrinks by more than this factor is drawn by ratios."""

History = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Curve:
    """A chart of the training with its heading."""

    name: str
    chart: Markup


@dataclass(frozen=True)
class TrainingSection:
    """All that stands in the section."""

    sentence: str
    curves: tuple[Curve, ...]
    events: tuple[tuple[str, str], ...]


def training_section(content: ReportContent) -> TrainingSection | None:
    """Lay out the training; None when there is nothing to tell of it."""
    history = [record for record in content.history if "step" in record]
    events = tuple(_event(event) for event in content.events)
    if not history and not events:
        return None
    curves = _curves(history, content.best_step) if history else ()
    sentence = _sentence(history, content.best_step)
    if sentence and content.num_networks > 1:
        sentence = f"The first of {content.num_networks} networks, one for each fold. {sentence}"
    return TrainingSection(sentence, curves, events)


def _sentence(history: History, best_step: int | None) -> str:
    if not history:
        return ""
    last = int(history[-1]["step"])
    text = f"Trained for {number(last)} steps, checked {number(len(history))} times"
    if best_step is None:
        return text + "."
    kept = [r for r in history if r["step"] == best_step and "loss" in (r.get("validation") or {})]
    loss = (
        f", where the validation loss was {number(kept[0]['validation']['loss'])}" if kept else ""
    )
    return f"{text}; the weights of step {number(best_step)} were kept{loss}."


def _curves(history: History, best_step: int | None) -> tuple[Curve, ...]:
    steps = [float(record["step"]) for record in history]
    checks = [record.get("validation") or {} for record in history]
    names = list(dict.fromkeys(name for check in checks for name in check))
    lines = [_line("training", steps, history, "loss", "plain")]
    if "loss" in names:
        lines.append(_line("validation", steps, checks, "loss"))
    curves: list[Curve] = []
    if np.isfinite(np.concatenate([np.asarray(line.y) for line in lines])).any():
        log = _by_ratios(lines)
        words = _described("loss", lines, best_step)
        y_name = "loss (log scale)" if log else "loss"
        chart = line_chart(lines, words=words, y_name=y_name, mark=best_step, log=log)
        curves.append(Curve("Loss", chart))
    for name in [name for name in names if name != "loss"][:_MOST_METRICS]:
        line = _line(metric_name(name), steps, checks, name)
        curves += _single(line, f"{metric_name(name)}, validation", best_step)
    rate = _line("learning rate", steps, history, "learning_rate")
    return (*curves, *_single(rate, "Learning rate", None))


def _single(line: Line, heading: str, best_step: int | None) -> list[Curve]:
    if not np.isfinite(np.asarray(line.y)).any():
        return []
    words = _described(heading, [line], best_step)
    chart = line_chart([line], words=words, y_name=line.name, mark=best_step)
    return [Curve(heading, chart)]


def _line(
    name: str,
    steps: Sequence[float],
    records: History,
    key: str,
    style: Literal["plain", "strong"] = "strong",
) -> Line:
    """The curve of one figure where it was measured; null is how JSON writes NaN."""
    kept = [
        (step, record[key]) for step, record in zip(steps, records, strict=True) if key in record
    ]
    values = [float("nan") if value is None else float(value) for _, value in kept]
    return Line(name, [step for step, _ in kept], values, style)


def _by_ratios(lines: Sequence[Line]) -> bool:
    values = np.concatenate([np.asarray(line.y, dtype=float) for line in lines])
    values = values[np.isfinite(values)]
    return bool(values.min() > 0 and values.max() > _WIDE * values.min())


def _described(name: str, lines: Sequence[Line], best_step: int | None) -> str:
    """What the curves show, for those who cannot see them."""
    parts: list[str] = []
    for line in lines:
        known = [value for value in line.y if np.isfinite(value)]
        if known:
            parts.append(f"{line.name} from {number(known[0])} to {number(known[-1])}")
    best = f" The best step is {number(best_step)}." if best_step is not None else ""
    return f"{name} by step: {'; '.join(parts)}.{best}"


def _event(event: Mapping[str, Any]) -> tuple[str, str]:
    """(step, what happened) from a record of the training."""
    step = number(int(event["step"])) if event.get("step") is not None else "–"
    known = [spaced(str(event["event"]))] if "event" in event else []
    known += [str(event["why"])] if event.get("why") else []
    rest = {key: value for key, value in event.items() if key not in ("step", "event", "why")}
    figures = f" ({setting(rest)})" if rest else ""
    return step, ": ".join(known) + figures
