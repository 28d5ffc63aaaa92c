"""The section on how good the model is: its scores beside those of the baselines."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from fathom.metrics.catalogue import METRICS
from fathom.reports.axes import span
from fathom.reports.content import Score, TargetContent
from fathom.reports.rows import axis_row, interval_row
from fathom.reports.words import counted, decimals_for, interval, metric_name, number, spaced

MODEL = "this model"
_READABLE = 0.15
"""The share of the scale that the model's interval takes at least, if leaving out can do it."""


@dataclass(frozen=True)
class PlotRow:
    """One line of the dot plot: who, where, and the figures."""

    name: str
    strong: bool
    chart: Markup
    value: str
    interval: str


@dataclass(frozen=True)
class Plot:
    """The primary metric of the model and the baselines on one scale."""

    metric: str
    direction: str
    decides: bool
    rows: tuple[PlotRow, ...]
    axis: Markup
    outside: bool


@dataclass(frozen=True)
class MetricRow:
    """One metric over model and baselines: (value, interval) for each."""

    name: str
    code: str
    direction: str
    primary: bool
    cells: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class ScoreSection:
    """All that stands in the section for one target."""

    target: str
    basis: str
    looks: int
    plot: Plot | None
    names: tuple[str, ...]
    rows: tuple[MetricRow, ...]
    verdict: str
    strongest: str
    comparisons: tuple[str, ...]
    meanings: tuple[tuple[str, str], ...]

    @property
    def empty(self) -> bool:
        """No score is known for this target."""
        return not (self.rows or self.comparisons)


def score_section(target: TargetContent) -> ScoreSection:
    """Lay out the scores of one target."""
    sides = _sides(target)
    return ScoreSection(
        target=target.name,
        basis=_basis(target),
        looks=target.looks or 0,
        plot=_plot(target, sides),
        names=tuple(sides),
        rows=tuple(_metric_row(target, name, sides) for name in _metrics(target)),
        verdict=target.verdict,
        strongest=_strongest(target),
        comparisons=tuple(_worded(item) for item in target.comparisons if "wording" in item),
        meanings=tuple((metric_name(name), text) for name, text in target.meanings.items()),
    )


def _metrics(target: TargetContent) -> list[str]:
    """The primary metric first, then the model's, then those that only a baseline has."""
    found = dict.fromkeys([*target.metrics, *(m for s in target.baselines.values() for m in s)])
    return sorted(found, key=lambda name: name != _primary(target))


def _basis(target: TargetContent) -> str:
    if target.rows is None:
        return ""
    looks = {None: "", 0: "", 1: ", the first model to be scored on them on this machine"}
    times = looks.get(target.looks, f"; {target.looks} models were scored on them on this machine")
    return f"Measured on {counted(target.rows, f'{target.split} row')}{times}."


def _strongest(target: TargetContent) -> str:
    """Which baseline is called the strongest, and why; "" where there is no choice."""
    if not target.strongest or len(target.baselines) < 2:
        return ""
    by = metric_name(_primary(target))
    return (
        f"The strongest baseline is {spaced(target.strongest)}: the best on the validation rows "
        f"by {by}. The {target.split} rows did not choose it, so that another may be ahead of it "
        "here."
    )


def direction(task: str, metric: str) -> str:
    """Whether more or less of a metric is better, in words; "" when it is neither or not known.

    Example:
        >>> direction("regression", "rmse")
        'lower is better'
    """
    better = _greater_is_better(task, metric)
    return {True: "higher is better", False: "lower is better", None: ""}[better]


def _greater_is_better(task: str, metric: str) -> bool | None:
    for known, table in METRICS.items():
        if known == task and metric in table:
            return table[metric].greater_is_better
    return None


def _decimals(metric: str, sides: Mapping[str, Mapping[str, Score]]) -> int | None:
    return decimals_for(scores.get(metric) for scores in sides.values())


def _metric_row(
    target: TargetContent, metric: str, sides: Mapping[str, Mapping[str, Score]]
) -> MetricRow:
    decimals = _decimals(metric, sides)
    better = _greater_is_better(target.task, metric)
    return MetricRow(
        name=metric_name(metric),
        code=metric,
        direction={True: "↑", False: "↓", None: ""}[better],
        primary=metric == _primary(target),
        cells=tuple(_cell(scores.get(metric), decimals) for scores in sides.values()),
    )


def _cell(score: Score | None, decimals: int | None) -> tuple[str, str]:
    if score is None:
        return "–", ""
    value, low, high = score
    return number(value, decimals), interval(low, high, decimals)


def _plot(target: TargetContent, sides: Mapping[str, Mapping[str, Score]]) -> Plot | None:
    metric = _primary(target)
    found = [(name, scores[metric]) for name, scores in sides.items() if metric in scores]
    if not any(math.isfinite(score[0]) for _, score in found):
        return None
    scale = _scale(dict(found))
    decimals = _decimals(metric, sides)
    rows = [_plot_row(name, score, scale, decimals) for name, score in found]
    return Plot(
        metric=metric_name(metric),
        direction=direction(target.task, metric),
        decides=bool(target.primary),
        rows=tuple(rows),
        axis=axis_row(scale),
        outside=any(not scale[0] <= score[0] <= scale[1] for _, score in found),
    )


def _scale(found: Mapping[str, Score]) -> tuple[float, float]:
    """A scale for the scores; the farthest baselines stay outside if ours could not be read."""
    kept = dict(found)
    middle, start, end = found.get(MODEL, (0.0, None, None))
    width = 0.0 if start is None or end is None else end - start
    while len(kept) > 2 and width > 0:
        low, high = _span(kept.values())
        if width >= _READABLE * (high - low):
            break
        farthest = max(
            (name for name in kept if name != MODEL), key=lambda n: _far(kept[n], middle)
        )
        del kept[farthest]
    return _span(kept.values(), margin=0.08)


def _span(scores: Iterable[Score], margin: float = 0.0) -> tuple[float, float]:
    return span([end for score in scores for end in score if end is not None], margin)


def _far(score: Score, middle: float) -> float:
    return abs(score[0] - middle) if math.isfinite(score[0]) else -1.0


def _sides(target: TargetContent) -> dict[str, Mapping[str, Score]]:
    """The model first, then the baselines, from best to worst where that is known."""
    metric = _primary(target)
    better = _greater_is_better(target.task, metric)
    sign = -1 if better else 1

    def rank(name: str) -> float:
        value = target.baselines[name].get(metric, (math.nan,))[0]
        return sign * value if math.isfinite(value) else math.inf

    names = list(target.baselines) if better is None else sorted(target.baselines, key=rank)
    sides = {MODEL: target.metrics, **{spaced(name): target.baselines[name] for name in names}}
    return {name: scores for name, scores in sides.items() if scores}


def _primary(target: TargetContent) -> str:
    return target.primary or next(iter(target.metrics), "")


def _plot_row(name: str, score: Score, scale: tuple[float, float], decimals: int | None) -> PlotRow:
    chart = interval_row(*score, scale, strong=name == MODEL)
    return PlotRow(name, name == MODEL, chart, *_cell(score, decimals))


def _worded(comparison: Mapping[str, Any]) -> str:
    """The outcome in a sentence, with the metric called as in the table."""
    name, words = str(comparison.get("metric", "")), str(comparison["wording"])
    if name and words.startswith(name):
        words = metric_name(name) + words[len(name) :]
    return words[:1].upper() + words[1:]
