"""Progress for callers from Python: a live view in a notebook, lines in a terminal, or nothing."""

import math
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Literal

from fathom.base.errors import RecipeError, nearest
from fathom.base.terminal import visible
from fathom.reports.live import LiveContent, live_view
from fathom.training.records import Progress
from fathom.workflow.learn import Watch

Watching = Watch | Literal["auto", "lines"] | None

_NOTEBOOKS = frozenset({"ZMQInteractiveShell"})
_MOST_POINTS = 200


@contextmanager
def watching(watch: Watching) -> Iterator[Watch | None]:
    """Who is told of a training's progress.

    Args:
        watch: "auto" = a live view in a notebook, lines where stderr is a terminal, else nothing;
            "lines" = lines to stderr, wherever it leads; a function of (part, parts, progress) =
            that function; None = nobody.

    Raises:
        RecipeError: another word.
    """
    if watch is None or callable(watch):
        yield watch
        return
    if watch not in ("auto", "lines"):
        raise RecipeError(
            f"There is no way '{watch}' to watch a training.",
            where="watch",
            expected="'auto', 'lines', a function of (part, parts, progress), or None for silence",
            got=f"'{watch}'",
            do=nearest(str(watch), ("auto", "lines")) or "Leave it out.",
        )
    display = notebook_display() if watch == "auto" else None
    if display is not None:
        with _shown(display) as told:
            yield told
    elif watch == "lines" or sys.stderr.isatty():
        yield Lines().tell
    else:
        yield None


def notebook_display() -> Callable[..., Any] | None:
    """The notebook's `display`, when this process serves one.

    IPython is not imported: where it is not loaded already, there is no notebook.
    """
    ipython, module = sys.modules.get("IPython"), sys.modules.get("IPython.display")
    if ipython is None or module is None:
        return None
    shell = ipython.get_ipython()
    names = {base.__name__ for base in type(shell).__mro__}
    return module.display if names & _NOTEBOOKS else None


class Remaining:
    """Seconds to the last step of the last fold, at the mean rate of all steps so far.

    The rate of a fold alone swings: its first steps are slow, and few. A fold that stops early
    makes it shorter, which nobody can foresee.

    Example:
        >>> remaining = Remaining()
        >>> remaining.after(0, 2, Progress(50, 100, None, None, seconds=5.0, left=5.0))
        15.0
        >>> remaining.after(1, 2, Progress(1, 100, None, None, seconds=3.0, left=297.0))
        15.529411764705882
    """

    def __init__(self) -> None:
        self.part, self.now = -1, (0, 0.0)
        self.before = (0, 0.0)

    def after(self, part: int, parts: int, standing: Progress) -> float:
        """Seconds left after this progress; the calls come in the order of the training.

        NaN where no step was timed yet.
        """
        if part != self.part:
            self.before = (self.before[0] + self.now[0], self.before[1] + self.now[1])
            self.part = part
        step, started = standing.since or (standing.first, 0.0)
        self.now = (standing.step - step, standing.seconds - started)
        taken, seconds = self.before[0] + self.now[0], self.before[1] + self.now[1]
        if not taken:
            return math.nan
        beside = standing.at_once
        rounds = math.ceil(parts / beside) - part // beside
        left = rounds * standing.num_steps - standing.step
        return left * seconds / taken + (rounds - 1) * started


class Lines:
    """One line for every tenth of the way, where there is nothing to draw on."""

    def __init__(self) -> None:
        self.last = (-1, -1)
        self.remaining = Remaining()

    def tell(self, part: int, parts: int, standing: Progress) -> None:
        """Print a line, if the next tenth is reached."""
        left = self.remaining.after(part, parts, standing)
        tenth = 10 * standing.step // standing.num_steps
        if (part, tenth) == self.last:
            return
        self.last = (part, tenth)
        fold = "" if parts == 1 else f"fold {part + 1} of {parts}, "
        text = f"{fold}step {standing.step} of {standing.num_steps}, {figures(standing, left)}"
        print(visible(text), file=sys.stderr, flush=True)


def figures(standing: Progress, left: float) -> str:
    """Loss, validation and time left over all folds, as far as they are known."""
    parts: list[str] = []
    if standing.loss is not None:
        parts.append(f"loss {standing.loss:.4g}")
    if standing.checked and standing.checked["validation"]:
        parts.append(f"validation {standing.checked['validation']['loss']:.4g}")
    if not math.isnan(left):
        parts.append(f"{in_words(left)} left")
    return ", ".join(parts)


def in_words(seconds: float) -> str:
    """Seconds as a person says them.

    Example:
        >>> in_words(5), in_words(125)
        ('5 s', '2 min 5 s')
    """
    whole = round(seconds)
    return f"{whole} s" if whole < 60 else f"{whole // 60} min {whole % 60} s"


@contextmanager
def _shown(display: Callable[..., Any]) -> Iterator[Watch]:
    view = Notebook(display)
    state: Literal["done", "stopped"] = "stopped"
    try:
        yield view.tell
        state = "done"
    finally:
        view.end(state)


class Notebook:
    """A view in the output of a cell, drawn anew in its place.

    Args:
        display: IPython's `display`, or one that takes the same arguments.
        clock: seconds.
    """

    def __init__(
        self, display: Callable[..., Any], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.display, self.clock = display, clock
        self.began, self.drawn_at = clock(), -math.inf
        self.handle: Any = None
        self.content: LiveContent | None = None
        self.training: list[tuple[float, float]] = []
        self.checks: list[tuple[float, float]] = []
        self.best: tuple[int, float] | None = None
        self.earlier: list[list[tuple[float, float]]] = []
        self.remaining = Remaining()

    def tell(self, part: int, parts: int, standing: Progress) -> None:
        """Take in the progress, and draw it if the last drawing is old enough."""
        new = self.content is None or self.content.part != part
        if new and self.content is not None:
            self.earlier.append(self.checks)
            self.training, self.checks, self.best = [], [], None
        self._note(standing)
        checked = (standing.checked or {}).get("validation") or {}
        self.content = LiveContent(
            part=part,
            parts=parts,
            step=standing.step,
            num_steps=standing.num_steps,
            loss=standing.loss,
            validation=checked.get("loss"),
            best=self.best,
            elapsed=self.clock() - self.began,
            left=self.remaining.after(part, parts, standing),
            training=tuple(self.training),
            checks=tuple(self.checks),
            earlier=tuple(map(tuple, self.earlier)),
        )
        # A view of hours is drawn less often, or its messages would fill the notebook's server.
        pause = min(5.0, 0.01 * self.content.elapsed)
        if new or self.clock() - self.drawn_at >= pause:
            self._draw()

    def end(self, state: Literal["done", "stopped"]) -> None:
        """The last drawing, when all is over; nothing, where nothing had begun."""
        if self.content is not None:
            elapsed = self.clock() - self.began
            self.content = replace(self.content, state=state, elapsed=elapsed)
            self._draw()

    def _note(self, standing: Progress) -> None:
        """Add the last check to the curves, unless it is there already."""
        record = standing.checked
        if record is None or (self.training and self.training[-1][0] == record["step"]):
            return
        self.training.append((record["step"], _finite(record["loss"])))
        if "loss" in record["validation"]:
            loss = _finite(record["validation"]["loss"])
            self.checks.append((record["step"], loss))
            if self.best is None or loss < self.best[1]:
                self.best = None if math.isnan(loss) else (record["step"], loss)
        if len(self.training) > _MOST_POINTS:
            self.training, self.checks = self.training[1::2], self.checks[1::2]

    def _draw(self) -> None:
        content = self.content
        assert content is not None, "drawn only after something was told"
        self.drawn_at = self.clock()
        plain = f"{content.state}: step {content.step} of {content.num_steps}"
        bundle = {"text/html": live_view(content), "text/plain": plain}
        if self.handle is None:
            self.handle = self.display(bundle, raw=True, display_id=True)
        else:
            self.handle.update(bundle, raw=True)


def _finite(value: float | None) -> float:
    """The journal writes NaN as None."""
    return math.nan if value is None else float(value)
