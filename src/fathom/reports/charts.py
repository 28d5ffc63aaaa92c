"""Charts as inline SVG: pure functions of numbers, no script, colours by class names."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float, Int
from markupsafe import Markup

from fathom.reports.axes import TOP, Frame, frame, span
from fathom.reports.svg import drawing, tag, tooltip
from fathom.reports.words import counted, cut, number, share

Floats = Float[np.ndarray, " values"]

MOST_POINTS = 1000
"""More points than this are counted in a grid instead of drawn one by one."""
_MOST_VERTICES = 360
_GRID = 36


@dataclass(frozen=True)
class Line:
    """One curve.

    Attributes:
        name: as in the legend.
        x, y: its points; a y that is NaN or infinite is a gap with a cross above it.
        style: "plain" (grey, thin) or "strong" (coloured).
    """

    name: str
    x: Sequence[float]
    y: Sequence[float]
    style: Literal["plain", "strong"] = "strong"


def line_chart(
    lines: Sequence[Line],
    *,
    words: str,
    x_name: str = "step",
    y_name: str = "",
    mark: float | None = None,
    log: bool = False,
) -> Markup:
    """Curves over steps.

    Args:
        lines: the curves, the later ones on top; x is counted in whole steps.
        words: what the chart shows, for those who cannot see it.
        x_name, y_name: names of the axes.
        mark: an x with a vertical line, such as the best step.
        log: y by ratios; only for positive values.
    """
    values = np.concatenate([np.asarray(line.y, dtype=float) for line in lines])
    steps = np.concatenate([np.asarray(line.x, dtype=float) for line in lines])
    box = frame(span(steps), span(values, 0.0 if log else 0.03), log=log, counted="x")
    parts = [box.axes(x_name, y_name)]
    if mark is not None and box.x.low <= mark <= box.x.high:
        parts.append(_mark(box, mark, f"best: {number(int(mark))}"))
    parts += [_curve(box, line) for line in lines]
    if len(lines) > 1:
        parts.append(_legend(lines, box.x.end))
    return drawing(box.x.end + 14, box.height, words, *parts)


def thinned(x: Floats, y: Floats, most: int = _MOST_VERTICES) -> tuple[Floats, Floats]:
    """At most so many points, each the mean of as many neighbours; gaps stay gaps.

    Example:
        >>> x, y = thinned(np.arange(6.0), np.array([0.0, 2.0, 4.0, 6.0, 8.0, 10.0]), most=3)
        >>> y.tolist()
        [1.0, 5.0, 9.0]
    """
    size = math.ceil(len(y) / most)
    if size <= 1:
        return x, y
    starts = np.arange(0, len(y), size)
    counts = np.diff(np.append(starts, len(y)))
    return np.add.reduceat(x, starts) / counts, np.add.reduceat(y, starts) / counts


def _curve(box: Frame, line: Line) -> Markup:
    x, y = np.asarray(line.x, dtype=float), np.asarray(line.y, dtype=float)
    lost = x[~np.isfinite(y)]
    x, y = thinned(x, np.where(np.isfinite(y), y, np.nan))
    across, up = x.tolist(), y.tolist()
    parts: list[Markup] = []
    for run in _runs(np.isfinite(y)):
        places = [f"{box.x.at(across[i]):.1f},{box.y.at(up[i]):.1f}" for i in run]
        if len(places) == 1:
            cx, cy = places[0].split(",")
            parts.append(tag("circle", {"class": f"dot {line.style}", "cx": cx, "cy": cy, "r": 3}))
        else:
            points = " ".join(places)
            parts.append(tag("polyline", {"class": f"line {line.style}", "points": points}))
    for step in lost[:_MOST_VERTICES]:
        cross = {"class": "cross", "x": box.x.at(step), "y": TOP + 4}
        parts.append(tag("text", cross, "×", tooltip(f"{line.name} not finite at {number(step)}")))
    return Markup("").join(parts)


def _runs(kept: np.ndarray) -> list[np.ndarray]:
    """Stretches of neighbouring places that are kept."""
    places = np.flatnonzero(kept)
    if len(places) == 0:
        return []
    return np.split(places, np.flatnonzero(np.diff(places) > 1) + 1)


def _mark(box: Frame, value: float, label: str) -> Markup:
    x = box.x.at(value)
    left = value > box.x.low + 0.6 * (box.x.high - box.x.low)
    words = {"class": "mark-name end" if left else "mark-name", "y": TOP + 8}
    stroke = {"class": "mark", "x1": x, "x2": x, "y1": TOP, "y2": box.y.start}
    return tag("line", stroke) + tag("text", {**words, "x": x - 5 if left else x + 5}, label)


def _legend(lines: Sequence[Line], right: float) -> Markup:
    parts: list[Markup] = []
    x = right
    for line in reversed(lines):
        parts.append(tag("text", {"class": "legend end", "x": x, "y": 11}, line.name))
        x -= 6.1 * len(line.name) + 6
        swatch = {"class": f"line {line.style}", "x1": x - 16, "x2": x, "y1": 7.5, "y2": 7.5}
        parts.append(tag("line", swatch))
        x -= 28
    return Markup("").join(parts)


def reliability_diagram(bins: Sequence[Sequence[float]], *, words: str) -> Markup:
    """Claimed probability against the share in which it came true; the diagonal is perfect.

    Args:
        bins: (mean claimed, share observed, rows), and perhaps the ends of the interval of the
            share. The area of a dot grows with its rows.
        words: what the chart shows, for those who cannot see it.
    """
    figures = [value for bin_ in bins for value in (*bin_[:2], *bin_[3:5])]
    low, high = span(figures)
    low, high = math.floor(low * 10) / 10, max(math.ceil(high * 10 - 1e-9) / 10, 0.1)
    low = low if high - low > 0.05 else high - 0.1
    box = frame((low, high), (low, high), square=True)
    most = max((bin_[2] for bin_ in bins), default=1)
    parts = [box.axes("probability claimed", "share that came true"), _diagonal(box)]
    for bin_ in bins:
        claimed, observed, rows = bin_[:3]
        x, y = box.x.at(claimed), box.y.at(observed)
        if len(bin_) >= 5:
            ends = {"x1": x, "x2": x, "y1": box.y.at(bin_[3]), "y2": box.y.at(bin_[4])}
            parts.append(tag("line", {"class": "interval", **ends}))
        told = f"claimed {share(claimed)}, came true {share(observed)}, {counted(int(rows), 'row')}"
        radius = 2.5 + 4.5 * math.sqrt(rows / most)
        dot = {"class": "dot strong", "cx": x, "cy": y, "r": radius}
        parts.append(tag("circle", dot, tooltip(told)))
    return drawing(box.x.end + 14, box.height, words, *parts)


def _diagonal(box: Frame) -> Markup:
    low, high = max(box.x.low, box.y.low), min(box.x.high, box.y.high)
    ends = {"x1": box.x.at(low), "x2": box.x.at(high), "y1": box.y.at(low), "y2": box.y.at(high)}
    return tag("line", {"class": "diagonal", **ends})


def truth_scatter(truth: Floats, prediction: Floats, *, words: str) -> tuple[Markup, int]:
    """Prediction against truth; the diagonal is perfect.

    Up to a thousand rows are drawn one by one; more are counted in a grid of squares, so that
    every row counts.

    Args:
        truth, prediction: finite numbers, one per row.
        words: what the chart shows, for those who cannot see it.

    Returns:
        The chart, and how many far-off rows lie outside its frame.
    """
    low, high = inner_span(np.concatenate([truth, prediction]))
    box = frame((low, high), (low, high), square=True)
    inside = (np.minimum(truth, prediction) >= low) & (np.maximum(truth, prediction) <= high)
    draw = _points if inside.sum() <= MOST_POINTS else _squares
    marks = draw(box, truth[inside], prediction[inside])
    parts = [box.axes("truth", "prediction"), marks, _diagonal(box)]
    return drawing(box.x.end + 14, box.height, words, *parts), int((~inside).sum())


def inner_span(values: Floats) -> tuple[float, float]:
    """The span of all values, unless a few in a hundred stretch it to twice that of the rest."""
    low, high = span(values, margin=0.02)
    if len(values) < 200:
        return low, high
    inner = span(np.quantile(values, [0.005, 0.995]), margin=0.05)
    return (low, high) if high - low < 2 * (inner[1] - inner[0]) else inner


def _points(box: Frame, truth: Floats, prediction: Floats) -> Markup:
    return Markup("").join(
        tag(
            "circle",
            {"class": "point", "cx": box.x.at(x), "cy": box.y.at(y), "r": 2.4},
            tooltip(f"truth {number(x)}, prediction {number(y)}"),
        )
        for x, y in zip(truth.tolist(), prediction.tolist(), strict=True)
    )


def _squares(box: Frame, truth: Floats, prediction: Floats) -> Markup:
    ends = (box.x.low, box.x.high)
    counts, edges, _ = np.histogram2d(truth, prediction, bins=_GRID, range=(ends, ends))
    side = (box.x.end - box.x.start) / _GRID
    parts: list[Markup] = []
    for column, row in np.argwhere(counts).tolist():
        count = int(counts[column, row])
        level = _level(math.log1p(count) / math.log1p(counts.max()))
        told = f"truth near {number((edges[column] + edges[column + 1]) / 2)}, prediction near "
        told += f"{number((edges[row] + edges[row + 1]) / 2)}: {counted(count, 'row')}"
        place = {"x": box.x.at(edges[column]), "y": box.y.at(edges[row + 1])}
        size = {"width": side, "height": side}
        parts.append(tag("rect", {"class": f"cell level-{level}", **place, **size}, tooltip(told)))
    return Markup("").join(parts)


def _level(part: float) -> int:
    """0 for nothing, else 1 to 10."""
    return 0 if part <= 0 else min(10, max(1, math.ceil(10 * part - 1e-9)))


def histogram(values: Floats, *, words: str, x_name: str, zero: bool = False) -> Markup:
    """How many rows have about which value; what lies far out is counted in the end bars.

    Args:
        values: finite numbers.
        words: what the chart shows, for those who cannot see it.
        x_name: name of the axis.
        zero: draw a line at nought.
    """
    low, high = inner_span(values)
    num_bins = min(31, max(7, math.ceil(2 * len(values) ** (1 / 3))))
    counts, edges = np.histogram(np.clip(values, low, high), bins=num_bins, range=(low, high))
    box = frame((low, high), (0.0, max(1.0, float(counts.max()))), counted="y")
    parts = [box.axes(x_name, "rows")]
    for count, start, end in zip(counts.tolist(), edges, edges[1:], strict=False):
        x, y = box.x.at(start), box.y.at(count)
        size = {"width": max(0.5, box.x.at(end) - x - 1), "height": box.y.start - y}
        told = f"{number(float(start))} to {number(float(end))}: {counted(count, 'row')}"
        parts.append(tag("rect", {"class": "bar", "x": x, "y": y, **size}, tooltip(told)))
    if zero and low < 0 < high:
        x = box.x.at(0)
        parts.append(
            tag("line", {"class": "diagonal", "x1": x, "x2": x, "y1": TOP, "y2": box.y.start})
        )
    return drawing(box.x.end + 14, box.height, words, *parts)


def heat_map(
    counts: Int[np.ndarray, "truth answer"],
    names: Sequence[str],
    totals: Int[np.ndarray, " truth"],
    *,
    words: str,
) -> Markup:
    """A confusion matrix too large for figures: each square's shade is its share of the row.

    Args:
        counts: rows = truth, columns = answer.
        names: of the classes.
        totals: rows of each true class, those with an answer that is not drawn included.
        words: what the chart shows, for those who cannot see it.
    """
    num, short = len(names), [cut(name, 60) for name in names]
    shares = counts / np.maximum(totals, 1)[:, None]
    left, top, side = 120.0, 16.0, 560.0 / max(num, 1)
    parts: list[Markup] = [tag("text", {"class": "axis-name", "x": left, "y": 10}, "answer →")]
    parts.append(tag("text", {"class": "axis-name end", "x": left - 8, "y": 10}, "truth ↓"))
    size = min(12.0, 0.92 * side)
    labels = [
        tag(
            "text",
            {"class": "heat-name end", "x": left - 6, "y": top + (row + 0.5) * side + 0.35 * size},
            cut(name, 18),
        )
        for row, name in enumerate(names)
    ]
    parts.append(tag("g", {"font-size": size}, *labels))
    inside = {"class": "heat-frame", "x": left, "y": top, "width": num * side, "height": num * side}
    parts.append(tag("rect", inside))
    for row, column in np.argwhere(counts).tolist():
        kind = "right" if row == column else "wrong"
        part = float(shares[row, column])
        rows = counted(int(counts[row, column]), "row")
        told = f"{short[row]} answered as {short[column]}: {rows}"
        place = {"x": left + column * side, "y": top + row * side, "width": side, "height": side}
        style = f"cell {kind} level-{_level(part)}"
        parts.append(tag("rect", {"class": style, **place}, tooltip(f"{told}, {share(part)}")))
    return drawing(left + 560 + 4, top + num * side + 4, words, *parts)
