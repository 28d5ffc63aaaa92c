"""A training while it runs: a fragment of HTML that is drawn anew again and again.

Everything is styled in place and takes the colour of the text around it, so that nothing reaches
into the notebook that shows it, be it light or dark.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from markupsafe import Markup, escape

from fathom.reports.axes import Scale, span
from fathom.reports.svg import tag
from fathom.reports.words import number, seconds

Points = Sequence[tuple[float, float]]

_VALIDATION = "#3d85c6"
_WIDE = 50.0
_WIDTH, _HEIGHT, _LEFT, _TOP, _FOOT = 420.0, 150.0, 52.0, 8.0, 20.0


@dataclass(frozen=True, kw_only=True)
class LiveContent:
    """Where a training stands.

    Attributes:
        state: "running", "done" or "stopped".
        part, parts: which network is trained, counted from 0, and of how many.
        step, num_steps: of this part.
        loss: mean training loss of late.
        validation: validation loss at the last check.
        best: (step, validation loss) of the best check of this part.
        elapsed: seconds since the start.
        left: seconds to the last step of the last part, at most.
        training: (step, loss) of this part's checks.
        checks: (step, validation loss) of this part's checks.
        earlier: the same of the parts before.
    """

    state: Literal["running", "done", "stopped"] = "running"
    part: int = 0
    parts: int = 1
    step: int
    num_steps: int
    loss: float | None = None
    validation: float | None = None
    best: tuple[int, float] | None = None
    elapsed: float = 0.0
    left: float = 0.0
    training: Points = ()
    checks: Points = ()
    earlier: Sequence[Points] = field(default_factory=tuple)


def live_view(content: LiveContent) -> str:
    """The view as HTML: where it stands, how long it will take, and the losses so far.

    Example:
        >>> page = live_view(LiveContent(step=30, num_steps=120, loss=0.5, left=9.0))
        >>> "step 30 of 120" in page, "about 9.0 s left" in page, "<script" in page
        (True, True, False)
    """
    style = "font:13px/1.5 system-ui,sans-serif;max-width:30rem;font-variant-numeric:tabular-nums"
    parts = [_head(content), _bar(content), _figures(content)]
    if len(content.training) + len(content.checks) > 1 or content.earlier:
        parts += [_curves(content), _legend(content)]
    return str(tag("div", {"style": style}, *parts))


def _head(content: LiveContent) -> Markup:
    fold = f", fold {content.part + 1} of {content.parts}" if content.parts > 1 else ""
    folds = f" in {content.parts} folds" if content.parts > 1 else ""
    took = seconds(content.elapsed)
    left = "" if math.isnan(content.left) else f"about {seconds(content.left)} left"
    names, tails = {
        "running": (f"Training{fold}", left),
        "done": (f"Trained{folds}, scored and reported", f"in {took}"),
        "stopped": (f"Stopped{fold}", f"after {took}"),
    }[content.state]
    style = "display:flex;justify-content:space-between;gap:1rem"
    return tag("div", {"style": style}, tag("b", {}, names), tag("span", {}, tails))


def _bar(content: LiveContent) -> Markup:
    share = (content.part + content.step / max(content.num_steps, 1)) / content.parts
    done = 100.0 if content.state == "done" else 100.0 * min(share, 1.0)
    inner = f"width:{done:.1f}%;height:100%;background:currentColor;opacity:.65"
    outer = "height:6px;margin:.3rem 0;border-radius:3px;overflow:hidden;border:1px solid #8888"
    role = {"role": "progressbar", "aria-valuenow": round(done), "aria-label": "training"}
    return tag("div", {"style": outer, **role}, tag("div", {"style": inner}, " "))


def _figures(content: LiveContent) -> Markup:
    """Step, losses, the best check."""
    told: list[str] = []
    if content.state != "done":
        told.append(f"step {content.step:,} of {content.num_steps:,}")
    if content.loss is not None:
        told.append(f"loss {number(content.loss)}")
    if content.validation is not None:
        told.append(f"validation {number(content.validation)}")
    if content.best is not None:
        told.append(f"best {number(content.best[1])} at step {content.best[0]:,}")
    return tag("div", {}, " · ".join(told))


def _curves(content: LiveContent) -> Markup:
    lines = [content.training, content.checks, *content.earlier]
    points = [point for line in lines for point in line if math.isfinite(point[1])]
    values = [loss for _, loss in points]
    low, high = span(values)
    log = low > 0 and high > _WIDE * low
    across = Scale(0.0, max([1.0, *(s for s, _ in points)]), _LEFT, _WIDTH - 4)
    up = Scale(low, high, _HEIGHT - _FOOT, _TOP, log=log)
    parts = [_words(_LEFT - 6, up.at(value) + 4, number(value), "end") for value in (low, high)]
    foot = {"x1": _LEFT, "x2": _WIDTH - 4, "y1": _HEIGHT - _FOOT, "y2": _HEIGHT - _FOOT}
    parts.append(tag("line", {**foot, "stroke": "currentColor", "opacity": 0.4}))
    parts.append(_words(_WIDTH - 4, _HEIGHT - 5, f"step {number(int(across.high))}", "end"))
    parts += [_line(across, up, one, _VALIDATION, opacity=0.4) for one in content.earlier]
    parts.append(_line(across, up, content.training, "currentColor", opacity=0.6, dashes="5 3"))
    parts.append(_line(across, up, content.checks, _VALIDATION, opacity=1.0))
    words = f"Losses up to step {content.step}: from {number(low)} to {number(high)}."
    view = {"viewBox": f"0 0 {_WIDTH:.0f} {_HEIGHT:.0f}", "role": "img", "aria-label": words}
    return tag("svg", {**view, "style": "display:block;width:100%;max-width:30rem"}, *parts)


def _words(x: float, y: float, text: str, anchor: str) -> Markup:
    style = {"fill": "currentColor", "font-size": 11, "opacity": 0.75, "text-anchor": anchor}
    return tag("text", {"x": x, "y": y, **style}, text)


def _line(
    across: Scale, up: Scale, points: Points, colour: str, opacity: float, dashes: str | None = None
) -> Markup:
    kept = [(across.at(step), up.at(loss)) for step, loss in points if math.isfinite(loss)]
    if len(kept) == 1:
        (x, y) = kept[0]
        return tag("circle", {"cx": x, "cy": y, "r": 2.5, "fill": colour, "opacity": opacity})
    places = " ".join(f"{x:.1f},{y:.1f}" for x, y in kept)
    style = {"fill": "none", "stroke": colour, "stroke-width": 1.75, "opacity": opacity}
    return tag("polyline", {"points": places, **style, "stroke-dasharray": dashes})


def _legend(content: LiveContent) -> Markup:
    small = {"style": "font-size:11.5px"}
    parts = [tag("span", {"style": "opacity:.75"}, escape("- - training loss"))]
    if content.checks:
        colour = {"style": f"color:{_VALIDATION};margin-left:1rem"}
        parts.append(tag("span", colour, escape("— validation loss")))
    if content.earlier:
        parts.append(tag("span", {"style": "opacity:.6;margin-left:1rem"}, "pale: folds before"))
    return tag("div", small, *parts)
