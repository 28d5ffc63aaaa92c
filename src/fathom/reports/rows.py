"""Charts one line high that stand in the rows of a table, all on one scale."""

import math
from typing import Literal

from markupsafe import Markup

from fathom.reports.axes import Scale, tick_labels, ticks
from fathom.reports.svg import tag


def interval_row(
    value: float,
    low: float | None,
    high: float | None,
    scale: tuple[float, float],
    *,
    style: Literal["dot", "bar"] = "dot",
    strong: bool = True,
) -> Markup:
    """One line of a table of scores: a dot (or a bar from nought) with its interval.

    Places are percentages, so that the row fits any width and its dot stays round.

    Args:
        value, low, high: the score and its interval; None = none.
        scale: the values at the two ends, the same for all rows of a table.
        style: a dot, or a bar that begins at nought.
        strong: ours, or one of the others.
    """
    across = Scale(*scale, 0.0, 100.0)
    middle, name = 11, "strong" if strong else "plain"
    line = f"interval on-bar {name}" if style == "bar" else f"interval {name}"
    parts: list[Markup] = []
    if style == "bar" and math.isfinite(value):
        start, end = sorted((across.at(0.0), across.at(value)))
        place = {"x": f"{start:.2f}%", "width": f"{end - start:.2f}%", "y": 5, "height": 12}
        parts.append(tag("rect", {"class": f"bar {name}", **place}))
    if low is not None and high is not None and math.isfinite(low) and math.isfinite(high):
        start, end = (min(100.0, max(0.0, across.at(place))) for place in (low, high))
        ends = {"x1": f"{start:.2f}%", "x2": f"{end:.2f}%"}
        parts.append(tag("line", {"class": line, **ends, "y1": middle, "y2": middle}))
    if style == "dot" and not scale[0] <= value <= scale[1]:
        parts = [_arrow(value > scale[1])] if not math.isnan(value) else []
    elif style == "dot":
        place = {"cx": f"{across.at(value):.2f}%", "cy": middle, "r": 5}
        parts.append(tag("circle", {"class": f"dot {name}", **place}))
    return _row_drawing(22, *parts)


def _arrow(right: bool) -> Markup:
    """Something lies beyond this end of the scale."""
    shape = "M-9 6l5 5-5 5" if right else "M9 6l-5 5 5 5"
    path = tag("path", {"class": "arrow", "d": shape})
    return tag("svg", {"x": "100%" if right else "0%", "class": "row-chart"}, path)


def axis_row(scale: tuple[float, float]) -> Markup:
    """The axis under rows of `interval_row`."""
    across = Scale(*scale, 0.0, 100.0)
    values = ticks(*scale, about=3)
    parts = [tag("line", {"class": "axis", "x1": "0%", "x2": "100%", "y1": 1, "y2": 1})]
    labels = tick_labels(values)
    # On a phone there is room for two labels.
    labels[1:-1] = [""] * (len(labels) - 2)
    for value, label in zip(values, labels, strict=True):
        place = across.at(value)
        side = "start" if place < 8 else "end" if place > 92 else "middle"
        x = f"{place:.2f}%"
        parts.append(tag("line", {"class": "axis", "x1": x, "x2": x, "y1": 1, "y2": 5}))
        parts.append(tag("text", {"class": f"tick {side}", "x": x, "y": 17}, label))
    return _row_drawing(22, *parts)


def _row_drawing(height: int, *parts: Markup) -> Markup:
    """The figures stand beside it in the table, so a reader of the screen may skip it."""
    attributes = {"class": "row-chart", "height": height, "width": "100%", "aria-hidden": "true"}
    return tag("svg", attributes, *parts)
