"""The picture of a learning-rate range test, and a page around it."""

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Protocol

import numpy as np
from markupsafe import Markup

from fathom.base.files import write_text
from fathom.reports.axes import TOP, Frame, Scale, frame, log_ticks, span
from fathom.reports.page import environment, in_frame
from fathom.reports.svg import drawing, tag, tooltip
from fathom.reports.words import number, writable

_WIDE = 50.0
"""Losses that differ by more than this factor are drawn by ratios."""
_RISE = 1.5
"""So much higher than the losses before the lowest is the picture."""


class Rates(Protocol):
    """What is drawn: `training.RateRange` is such a thing."""

    @property
    def rates(self) -> Sequence[float]: ...
    @property
    def losses(self) -> Sequence[float]: ...
    @property
    def smoothed(self) -> Sequence[float]: ...
    @property
    def suggested(self) -> float | None: ...
    @property
    def reason(self) -> str: ...
    @property
    def before_minimum(self) -> float | None: ...
    @property
    def burst_at(self) -> float | None: ...
    @property
    def ended(self) -> str: ...


def rate_chart(found: Rates) -> Markup:
    """The losses over the rates as inline SVG: batches as points, their smooth course as a line.

    What lies far above the losses at the beginning is cut off, and a loss that is not finite is
    marked by a cross at the top.

    Args:
        found: the outcome of the test.
    """
    box = _frame(found)
    parts = [box.axes("learning rate", "loss (log scale)" if box.y.log else "loss")]
    parts += [_point(box, rate, loss) for rate, loss in _pairs(found.rates, found.losses)]
    parts.append(_course(box, _pairs(found.rates, found.smoothed)))
    parts += [_cross(box, r) for r, y in zip(found.rates, found.losses, strict=True) if _odd(y)]
    if found.suggested is not None:
        parts.append(_mark(box, found.suggested, f"suggested: {number(found.suggested)}"))
    return drawing(box.x.end + 14, box.height, _in_words(found), *parts)


def rates_page(found: Rates, title: str, use: str = "") -> str:
    """One self-contained HTML page with the picture, the suggestion and its reason.

    Args:
        found: the outcome of the test.
        title: what was tested.
        use: how to train with the suggested rate: a command or a line of Python.

    Example:
        >>> from types import SimpleNamespace
        >>> found = SimpleNamespace(rates=(0.1, 0.2, 0.4), losses=(3.0, 1.0, 2.0),
        ...     smoothed=(3.0, 1.5, 2.0), suggested=0.1, reason="it <falls>", before_minimum=None,
        ...     burst_at=None, ended="the highest rate was reached")
        >>> "It &lt;falls&gt;" in rates_page(found, "houses")
        True
    """
    template = environment().get_template("rates.html")
    return writable(template.render(found=found, title=title, use=use, chart=rate_chart(found)))


def write_rates(path: Path, found: Rates, title: str, use: str = "") -> None:
    """Write the page as one HTML file, whole or not at all; see `rates_page`.

    Raises:
        StorageError: the disk is full or the place cannot be written to.
    """
    write_text(path, rates_page(found, title, use))


def rates_as_notebook(found: Rates, title: str = "learning rates", height: int = 640) -> str:
    """The page as a fragment for a notebook, in a frame of its own."""
    return in_frame(rates_page(found, title), f"learning rates: {title}", height)


def _pairs(rates: Sequence[float], losses: Sequence[float]) -> list[tuple[float, float]]:
    return [(r, y) for r, y in zip(rates, losses, strict=True) if not _odd(y)]


def _odd(loss: float) -> bool:
    return not math.isfinite(loss)


def _frame(found: Rates) -> Frame:
    """High enough for the losses up to the lowest, and some of the rise behind it."""
    known = _pairs(found.rates, found.smoothed)
    lowest = min(range(len(known)), key=lambda place: known[place][1])
    until = max(lowest, len(known) // 4)
    losses = [loss for _, loss in _pairs(found.rates, found.losses)]
    low, high = span([*losses[: until + 1], min(losses)])
    log = low > 0 and high > _WIDE * low
    top = high * _RISE if log else high + (_RISE - 1) * (high - low)
    # The scale across is put in its place: `frame` knows only even ones.
    box = frame((0.0, 1.0), (low, top), height=300.0, log=log)
    ends = (min(found.rates), max(found.rates))
    across = Scale(*ends, box.x.start, box.x.end, log=True)
    powers = log_ticks(*ends)
    return replace(box, x=across, x_ticks=tuple(powers if len(powers) < 6 else powers[::2]))


def _point(box: Frame, rate: float, loss: float) -> Markup:
    if loss > box.y.high:
        return Markup("")
    place = {"class": "point", "cx": box.x.at(rate), "cy": box.y.at(loss), "r": 2.4}
    return tag("circle", place, tooltip(f"rate {number(rate)}, loss {number(loss)}"))


def _course(box: Frame, course: list[tuple[float, float]]) -> Markup:
    """The smooth line, up to where it leaves the picture for good."""
    inside = [place for place, (_, y) in enumerate(course) if y <= box.y.high]
    kept = course[: inside[-1] + 2] if inside else []
    held = [(r, min(max(y, box.y.low), box.y.high)) for r, y in kept]
    points = " ".join(f"{box.x.at(r):.1f},{box.y.at(y):.1f}" for r, y in held)
    return tag("polyline", {"class": "line strong", "points": points})


def _cross(box: Frame, rate: float) -> Markup:
    place = {"class": "cross", "x": box.x.at(rate), "y": TOP + 4}
    return tag("text", place, "×", tooltip(f"loss not finite at a rate of {number(rate)}"))


def _mark(box: Frame, rate: float, label: str) -> Markup:
    x = box.x.at(min(max(rate, box.x.low), box.x.high))
    left = x > (box.x.start + box.x.end) / 2
    words = {"class": "mark-name end" if left else "mark-name", "y": TOP - 5}
    stroke = {"class": "mark", "x1": x, "x2": x, "y1": TOP, "y2": box.y.start}
    return tag("line", stroke) + tag("text", {**words, "x": x - 5 if left else x + 5}, label)


def _in_words(found: Rates) -> str:
    """What the picture shows, for those who cannot see it."""
    known = np.array([y for _, y in _pairs(found.rates, found.smoothed)])
    text = (
        f"Loss by learning rate from {number(found.rates[0])} to {number(found.rates[-1])}: "
        f"from {number(float(known[0]))} down to {number(float(known.min()))}."
    )
    if found.suggested is None:
        return text
    return f"{text} The suggested rate is {number(found.suggested)}."
