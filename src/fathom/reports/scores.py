"""The section on how good the model is: its scores beside those of the baselines."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from fathom.metrics.catalogue import METRICS
from fathom.reports.axes import span
from fathom.reports.charts import axis_row, interval_row
from fathom.reports.content import Score, TargetContent
from fathom.reports.words import counted, decimals_for, interval, metric_name, number, spaced

MODEL = "this model"


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
    rows: tuple[PlotRow, ...]
    axis: Markup


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
    comparisons: tuple[str, ...]
    meanings: tuple[tuple[str, str], ...]


def score_section(target: TargetContent) -> ScoreSection:
    """Lay out the scores of one target."""
    sides = {MODEL: target.metrics, **{spaced(n): s for n, s in target.baselines.items()}}
    sides = {name: scores for name, scores in sides.items() if scores}
    return ScoreSection(
        target=target.name,
        basis=_basis(target),
        looks=target.looks or 0,
        plot=_plot(target, sides),
        names=tuple(sides),
        rows=tuple(_metric_row(target, name, sides) for name in _metrics(target)),
        comparisons=tuple(str(item["wording"]) for item in target.comparisons if "wording" in item),
        meanings=tuple((metric_name(name), text) for name, text in target.meanings.items()),
    )


def _metrics(target: TargetContent) -> list[str]:
    """The primary metric first, then the model's, then those that only a baseline has."""
    found = dict.fromkeys([*target.metrics, *(m for s in target.baselines.values() for m in s)])
    return sorted(found, key=lambda name: name != target.primary)


def _basis(target: TargetContent) -> str:
    if target.rows is None:
        return ""
    looks = {None: "", 0: "", 1: ", looked at for the first time"}
    times = looks.get(target.looks, f", looked at {target.looks} times on this machine")
    return f"Measured on {counted(target.rows, f'{target.split} row')}{times}."


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
        primary=metric == target.primary,
        cells=tuple(_cell(scores.get(metric), decimals) for scores in sides.values()),
    )


def _cell(score: Score | None, decimals: int | None) -> tuple[str, str]:
    if score is None:
        return "–", ""
    value, low, high = score
    return number(value, decimals), interval(low, high, decimals)


def _plot(target: TargetContent, sides: Mapping[str, Mapping[str, Score]]) -> Plot | None:
    metric = target.primary or next(iter(target.metrics), "")
    found = [(name, scores[metric]) for name, scores in sides.items() if metric in scores]
    if not any(math.isfinite(score[0]) for _, score in found):
        return None
    scale = span([end for _, score in found for end in score if end is not None], margin=0.08)
    decimals = _decimals(metric, sides)
    rows = [_plot_row(name, score, scale, decimals) for name, score in _in_order(target, found)]
    return Plot(
        metric=metric_name(metric),
        direction=direction(target.task, metric),
        rows=tuple(rows),
        axis=axis_row(scale),
    )


def _in_order(
    target: TargetContent, found: Sequence[tuple[str, Score]]
) -> list[tuple[str, Score]]:
    """The model first, then the baselines from best to worst, where that is known."""
    metric = target.primary or next(iter(target.metrics), "")
    better = _greater_is_better(target.task, metric)
    if better is None:
        return list(found)
    sign = -1 if better else 1
    return sorted(found, key=lambda item: (item[0] != MODEL, sign * item[1][0]))


def _plot_row(
    name: str, score: Score, scale: tuple[float, float], decimals: int | None
) -> PlotRow:
    chart = interval_row(*score, scale, strong=name == MODEL)
    return PlotRow(name, name == MODEL, chart, *_cell(score, decimals))
