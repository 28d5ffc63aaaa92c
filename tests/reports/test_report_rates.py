"""The picture of a range test and the live view: what they say, and that nothing acts in them."""

import math
from dataclasses import dataclass
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import pytest

from fathom.reports.axes import log_ticks
from fathom.reports.live import LiveContent, live_view
from fathom.reports.rates import rate_chart, rates_as_notebook, rates_page, write_rates

HOSTILE = "</title><script>alert(1)</script>\"' onload='x"


@dataclass(frozen=True)
class Found:
    rates: tuple[float, ...] = (1e-4, 1e-3, 1e-2, 1e-1, 1.0)
    losses: tuple[float, ...] = (2.0, 1.5, 1.0, 1.25, 40.0)
    smoothed: tuple[float, ...] = (2.0, 1.5, 1.0, 1.25, 4.0)
    suggested: float | None = 1e-3
    reason: str = "there it falls"
    before_minimum: float | None = 1e-3
    burst_at: float | None = 0.1
    ended: str = "the loss burst"


class Parts(HTMLParser):
    """Every element with its attributes; what is not closed in its turn is an error."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.words = ""
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        if tag not in ("meta", "br", "wbr"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words += data

    def of(self, tag: str, style: str = "") -> list[dict[str, str | None]]:
        return [a for name, a in self.found if name == tag and style in (a.get("class") or "")]


def test_rates_in_equal_ratios_lie_in_equal_distances() -> None:
    parts = Parts(str(rate_chart(Found())))
    across = [float(point["cx"] or "") for point in parts.of("circle", "point")]
    assert len(across) == 4, "what bursts out of the picture is not drawn"
    gaps = [b - a for a, b in pairwise(across)]
    assert gaps == pytest.approx([gaps[0]] * 3, abs=0.02)
    mark = parts.of("line", "mark")[0]
    assert float(mark["x1"] or "") == across[1]
    assert "suggested: 0.001" in parts.words


def test_higher_losses_lie_higher_and_the_line_stays_inside() -> None:
    parts = Parts(str(rate_chart(Found())))
    up = [float(point["cy"] or "") for point in parts.of("circle", "point")]
    assert up[0] < up[1] < up[3] < up[2]
    course = (parts.of("polyline", "line")[0]["points"] or "").split()
    assert len(course) == 5
    assert min(float(place.split(",")[1]) for place in course) >= 30.0


def test_a_wide_fall_is_drawn_by_ratios() -> None:
    levels = (100.0, 10.0, 1.0, 2.0, 3.0)
    parts = Parts(str(rate_chart(Found(losses=levels, smoothed=levels))))
    up = [float(point["cy"] or "") for point in parts.of("circle", "point")]
    assert up[1] - up[0] == pytest.approx(up[2] - up[1], abs=0.05)
    assert "loss (log scale)" in parts.words


def test_a_loss_that_is_not_finite_is_a_cross() -> None:
    broken = Found(losses=(2.0, 1.0, math.nan), smoothed=(2.0, 1.0, math.nan), rates=(1, 2, 4))
    parts = Parts(str(rate_chart(broken)))
    assert len(parts.of("text", "cross")) == 1
    assert "not finite at a rate of 4" in parts.words


def test_ticks_of_rates_are_not_crowded() -> None:
    rates = tuple(10.0**power for power in range(-6, 2))
    levels = (3.0, 3.0, 2.0, 1.0, 1.0, 2.0, 3.0, 4.0)
    parts = Parts(str(rate_chart(Found(rates=rates, losses=levels, smoothed=levels))))
    assert len(log_ticks(1e-6, 10.0)) <= 7
    assert len(parts.of("text", "tick middle")) <= 5
    assert "1 × 10⁻⁶" in parts.words


def test_the_page_says_what_to_do_and_nothing_acts_in_it(tmp_path: Path) -> None:
    found = Found(reason=HOSTILE, ended=HOSTILE)
    write_rates(tmp_path / "rates.html", found, HOSTILE, f"fathom train {HOSTILE}")
    page = (tmp_path / "rates.html").read_text(encoding="utf-8")
    parts = Parts(page)
    assert {tag for tag, _ in parts.found}.isdisjoint({"script", "img", "link", "iframe"})
    assert [a for _, a in parts.found if any(name.startswith("on") for name in a)] == []
    assert "Suggested learning rate: 0.001" in parts.words
    assert f"fathom train {HOSTILE}" in parts.words
    assert "default-src 'none'" in page
    shown = Parts(rates_as_notebook(found, HOSTILE))
    assert [tag for tag, _ in shown.found] == ["iframe"]
    assert shown.found[0][1]["sandbox"] == ""


def test_a_page_without_a_suggestion_says_so() -> None:
    page = Parts(rates_page(Found(suggested=None, before_minimum=None), "houses", "use it"))
    assert "No learning rate can be suggested" in page.words
    assert "use it" not in page.words
    assert page.of("line", "mark") == []


def _content(**changes: object) -> LiveContent:
    given: dict[str, object] = {
        "part": 1,
        "parts": 3,
        "step": 50,
        "num_steps": 100,
        "loss": 0.5,
        "validation": 0.625,
        "best": (40, 0.61),
        "elapsed": 61.0,
        "left": 90.0,
        "training": ((20, 1.0), (40, 0.5)),
        "checks": ((20, 1.25), (40, 0.61)),
        "earlier": (((20, 1.5), (40, 0.75)),),
    }
    return LiveContent(**{**given, **changes})  # pyright: ignore[reportArgumentType]


def test_the_live_view_says_where_it_stands() -> None:
    view = Parts(live_view(_content()))
    for words in (
        "Training, fold 2 of 3",
        "about 1 min 30 s left",
        "step 50 of 100 · loss 0.5 · validation 0.625 · best 0.61 at step 40",
    ):
        assert words in view.words
    bar = next(a for _, a in view.found if a.get("role") == "progressbar")
    assert bar["aria-valuenow"] == "50"
    lines = view.of("polyline")
    assert len(lines) == 3
    assert len({line["stroke"] for line in lines}) == 2
    done = Parts(live_view(_content(state="done")))
    assert "Trained in 3 folds, scored and reported" in done.words
    assert "in 1 min 01 s" in done.words
    assert "Stopped, fold 2 of 3" in Parts(live_view(_content(state="stopped"))).words


def test_the_live_view_leaves_the_notebook_alone() -> None:
    """No style sheet, no class, no identifier, no script: nothing that reaches beyond itself."""
    view = Parts(live_view(_content()))
    assert {tag for tag, _ in view.found} == {
        *("div", "b", "span", "svg", "text", "line", "polyline")
    }
    named = [a for _, a in view.found if a.keys() & {"id", "class", "onclick", "onload", "href"}]
    assert named == []


def test_the_live_view_bears_odd_losses() -> None:
    odd = ((20, math.nan), (40, math.inf), (60, 1.0))
    view = Parts(live_view(_content(training=odd, checks=odd, earlier=(), loss=math.nan)))
    assert len(view.of("circle")) == 2
    nothing = ((20, math.nan), (40, math.nan))
    assert "step 50" in Parts(live_view(_content(training=nothing, checks=(), earlier=()))).words
    first = Parts(live_view(LiveContent(step=1, num_steps=9)))
    assert first.of("svg") == []
