"""From values to places on the page: scales, ticks, the frame around a chart."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np
from markupsafe import Markup

from fathom.reports.svg import tag
from fathom.reports.words import number

WIDTH = 360.0
"""Charts are drawn for a phone's width and stand in pairs on a wide page, so that their letters
never shrink."""
TOP, BOTTOM, RIGHT = 30.0, 40.0, 14.0
_LETTER = 6.3
"""Usual width of a letter or digit in the tick labels."""


@dataclass(frozen=True)
class Scale:
    """A stretch of values laid onto a stretch of the page.

    Attributes:
        low, high: the values at the two ends.
        start, end: where these lie on the page.
        log: equal ratios instead of equal differences.

    Example:
        >>> Scale(0, 10, 100, 200).at(5)
        150.0
        >>> Scale(1, 100, 0, 300, log=True).at(10)
        150.0
    """

    low: float
    high: float
    start: float
    end: float
    log: bool = False

    def at(self, value: float) -> float:
        """Where a value lies on the page."""
        low, high, place = self.low, self.high, value
        if self.log:
            low, high, place = math.log(low), math.log(high), math.log(value)
        return self.start + (place - low) / (high - low) * (self.end - self.start)


def span(values: Sequence[float] | np.ndarray, margin: float = 0.0) -> tuple[float, float]:
    """Smallest and largest finite value, a share of their distance added at both ends.

    Never empty: without values 0 to 1, and something around a single one. The margin does not
    lead below nought when no value does.

    Example:
        >>> span([1.0, 3.0, float("nan")], margin=0.5)
        (0.0, 4.0)
    """
    kept = np.asarray(values, dtype=float)
    kept = kept[np.isfinite(kept)]
    if len(kept) == 0:
        return 0.0, 1.0
    low, high = float(kept.min()), float(kept.max())
    room = margin * (high - low)
    if high - low <= 1e-12 * max(abs(low), abs(high)):
        room = abs(low) / 10 or 0.5
    start = low - room
    return (max(0.0, start) if low >= 0 else start), high + room


def ticks(low: float, high: float, about: int = 5, *, whole: bool = False) -> list[float]:
    """Round values between two ends, 1, 2 or 5 times a power of ten apart.

    Args:
        low, high: the ends.
        about: how many are wished for.
        whole: whole numbers only, for what is counted.

    Example:
        >>> ticks(0.0, 1.0)
        [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]
    """
    step = tick_step(low, high, about, whole=whole)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [round(place * step, 12) if step > 1e-9 else place * step
            for place in range(first, last + 1)]  # fmt: skip


def tick_step(low: float, high: float, about: int = 5, *, whole: bool = False) -> float:
    """How far apart the ticks are."""
    rough = (high - low) / about
    power = 10.0 ** math.floor(math.log10(rough))
    step = power * next(factor for factor in (1, 2, 5, 10) if factor * power >= 0.75 * rough)
    return max(1.0, step) if whole else step


def log_ticks(low: float, high: float) -> list[float]:
    """Powers of ten between two ends, with 2 and 5 times them when there are few."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for factors in ((1,), (1, 3), (1, 2, 5)):
        found = [factor * 10.0**power for power in powers for factor in factors]
        found = [value for value in found if low * 0.999 <= value <= high * 1.001]
        if len(found) >= 3:
            return found[:: math.ceil(len(found) / 7)]
    return [low, high]


def tick_labels(values: Sequence[float]) -> list[str]:
    """Short labels with the same number of decimals.

    Example:
        >>> tick_labels([0.0, 0.25, 0.5]), tick_labels([0.0, 500000.0, 1000000.0])
        (['0', '0.25', '0.50'], ['0', '0.5M', '1.0M'])
    """
    most = max((abs(value) for value in values), default=0.0)
    for size, letter in ((1e12, ""), (1e9, "bn"), (1e6, "M"), (1e5, "k")):
        if most >= 1e15 or (size == 1e12 and most >= 1e12):
            return _at_the_edge(values)
        if most >= size:
            short = _same_decimals([value / (1e3 if letter == "k" else size) for value in values])
            return [text if text == "0" else text + letter for text in short]
    if 0 < most < 1e-3:
        return _at_the_edge(values)
    return _same_decimals(values)


def _at_the_edge(values: Sequence[float]) -> list[str]:
    """Very large or small numbers: three digits, or as many as it takes to tell them apart."""
    found = [number(value) if value else "0" for value in values]
    for digits in range(4, 17):
        if len(set(found)) == len(set(values)):
            break
        found = [f"{value:.{digits}g}".replace("-", "−") for value in values]
    return found


def _same_decimals(values: Sequence[float]) -> list[str]:
    gaps = [abs(b - a) for a, b in pairwise(values) if b != a]
    smallest = min(gaps, default=abs(values[0]) if values and values[0] else 1.0)
    decimals = max(0, -math.floor(math.log10(smallest) + 1e-9))
    if any(abs(round(v, decimals) - v) > 1e-9 * max(1.0, abs(v)) for v in values):
        decimals += 1
    return ["0" if value == 0 else number(float(value), decimals) for value in values]


@dataclass(frozen=True)
class Frame:
    """The two scales of a chart and the ticks on them.

    Attributes:
        x, y: the scales; y runs upwards.
        x_ticks, y_ticks: values that carry a label.
        height: of the whole drawing; its width is `WIDTH`.
    """

    x: Scale
    y: Scale
    x_ticks: tuple[float, ...]
    y_ticks: tuple[float, ...]
    height: float

    def axes(self, x_name: str, y_name: str) -> Markup:
        """Grid lines, tick labels and names of the axes."""
        left, right = self.x.start, self.x.end
        parts: list[Markup] = []
        for value, label in zip(self.y_ticks, _labels(self.y, self.y_ticks), strict=True):
            y = self.y.at(value)
            parts.append(tag("line", {"class": "grid", "x1": left, "x2": right, "y1": y, "y2": y}))
            parts.append(_words("tick end", left - 6, y + 3.5, label))
        foot = self.y.start
        parts.append(
            tag("line", {"class": "axis", "x1": left, "x2": right, "y1": foot, "y2": foot})
        )
        for value, label in zip(self.x_ticks, _labels(self.x, self.x_ticks), strict=True):
            x = self.x.at(value)
            parts.append(
                tag("line", {"class": "axis", "x1": x, "x2": x, "y1": foot, "y2": foot + 4})
            )
            parts.append(_words("tick middle", x, foot + 16, label))
        parts.append(_words("axis-name end", right, foot + 32, x_name))
        parts.append(_words("axis-name", 2, 11, y_name))
        return Markup("").join(parts)


def _labels(scale: Scale, values: Sequence[float]) -> list[str]:
    return [number(value) for value in values] if scale.log else tick_labels(values)


def _words(style: str, x: float, y: float, text: str) -> Markup:
    return tag("text", {"class": style, "x": x, "y": y}, text)


def frame(
    x_span: tuple[float, float],
    y_span: tuple[float, float],
    *,
    height: float = 240.0,
    log: bool = False,
    square: bool = False,
    counted: Literal["x", "y"] | None = None,
) -> Frame:
    """A frame that holds these values, with room for its labels.

    Args:
        x_span: first and last value across.
        y_span: first and last value upwards; both ends are moved out to the next tick.
        height: of the drawing.
        log: y by ratios.
        square: make the inner part as high as it is wide, whatever `height` says.
        counted: the axis that counts something, so that only whole numbers get a tick.
    """
    low, high = y_span
    if log:
        y_ticks = log_ticks(low, high)
    elif square:
        y_ticks = ticks(low, high)
    else:
        step = tick_step(low, high, whole=counted == "y")
        low, high = math.floor(low / step + 1e-9) * step, math.ceil(high / step - 1e-9) * step
        y_ticks = ticks(low, high, whole=counted == "y")
    left = 12 + _LETTER * max(len(label) for label in tick_labels(y_ticks))
    right = WIDTH - RIGHT
    if square:
        height = TOP + (right - left) + BOTTOM
    x_ticks = ticks(*x_span, whole=counted == "x")
    while len(x_ticks) > 2 and _crowded(x_ticks, right - left):
        x_ticks = x_ticks[::2]
    return Frame(
        x=Scale(*x_span, left, right),
        y=Scale(low, high, height - BOTTOM, TOP, log=log),
        x_ticks=tuple(x_ticks),
        y_ticks=tuple(y_ticks),
        height=height,
    )


def _crowded(values: Sequence[float], room: float) -> bool:
    longest = max(len(label) for label in tick_labels(values))
    return len(values) * (longest + 1.5) * _LETTER > room
