"""The section on speed: one bar of what the training did, and the rates it reached."""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from fathom.reports.content import SpeedContent
from fathom.reports.svg import tag, tooltip
from fathom.reports.words import seconds, share

_HEIGHT, _COLOURS = 26, 8


@dataclass(frozen=True)
class PartRow:
    """One part of the bar, in figures."""

    swatch: Markup
    name: str
    seconds: str
    share: str


@dataclass(frozen=True)
class SpeedSection:
    """What the template shows.

    Attributes:
        sentences: what held the training up, and what would help.
        bar: all parts side by side; None where no time passed.
        rows: the same in figures, without the parts that took no time.
        facts: (label, value).
    """

    sentences: tuple[str, ...]
    bar: Markup | None
    rows: tuple[PartRow, ...]
    facts: tuple[tuple[str, str], ...]


def speed_section(content: SpeedContent | None) -> SpeedSection | None:
    """The section; None where nothing was measured."""
    if content is None:
        return None
    total = sum(spent for _, spent in content.parts)
    rows = tuple(
        PartRow(_swatch(place), name, seconds(spent), share(spent / total))
        for place, (name, spent) in enumerate(content.parts)
        if spent > 0
    )
    bar = stacked_bar(content.parts) if total else None
    section = SpeedSection(tuple(content.sentences), bar, rows, tuple(content.facts))
    return section if section.sentences or section.rows or section.facts else None


def stacked_bar(parts: Sequence[tuple[str, float]]) -> Markup:
    """Parts of a whole side by side; the table under it says the same in figures.

    Args:
        parts: (name, amount), not all of them 0.
    """
    total, start = sum(amount for _, amount in parts), 0.0
    drawn: list[Markup] = []
    for place, (name, amount) in enumerate(parts):
        width = 100 * amount / total
        where = {"x": f"{start:.2f}%", "width": f"{width:.2f}%", "y": 0, "height": _HEIGHT}
        if amount > 0:
            told = tooltip(f"{name}: {share(amount / total)}")
            drawn.append(tag("rect", {"class": _colour(place), **where}, told))
        start += width
    whole = {"class": "row-chart stack", "height": _HEIGHT, "width": "100%", "aria-hidden": "true"}
    return tag("svg", whole, *drawn)


def _colour(place: int) -> str:
    return f"part-{place % _COLOURS + 1}"


def _swatch(place: int) -> Markup:
    square = tag("rect", {"class": _colour(place), "width": 12, "height": 12})
    return tag("svg", {"class": "swatch", "viewBox": "0 0 12 12", "aria-hidden": "true"}, square)
