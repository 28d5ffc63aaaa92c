"""Who is told of a training: notebooks, terminals, functions, nobody. And the run in a notebook."""

import math
import sys
from html.parser import HTMLParser
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import polars as pl
import pytest

from fathom.base.errors import RecipeError
from fathom.training.records import Progress
from fathom.workflow.api import resume, train
from fathom.workflow.run import Run
from fathom.workflow.watching import Notebook, Remaining, figures, notebook_display, watching

FAST = {
    "size": "small",
    "network.members": 2,
    "network.width": 7,
    "training.epochs": 4.0,
    "training.checks": 5,
    "training.batch_size": 31,
    "split.folds": 2,
    "evaluate.baselines": False,
    "evaluate.importance": False,
}


class ZMQInteractiveShell:
    """Bears the name of the shell of a notebook's kernel."""


class TerminalInteractiveShell:
    """Bears the name of the shell of a terminal."""


class Handle:
    def __init__(self, drawn: list[dict[str, str]]) -> None:
        self.drawn = drawn

    def update(self, bundle: dict[str, str], raw: bool) -> None:
        assert raw
        self.drawn.append(bundle)


class Screen:
    """Takes what `display` takes; counts the outputs and keeps what was drawn in them."""

    def __init__(self) -> None:
        self.outputs, self.drawn = 0, []

    def display(self, bundle: dict[str, str], raw: bool, display_id: bool) -> Handle:
        assert raw
        assert display_id
        self.outputs += 1
        self.drawn.append(bundle)
        return Handle(self.drawn)


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> Screen:
    """A notebook around this process, without IPython."""
    found = Screen()
    _pretend(monkeypatch, ZMQInteractiveShell(), found.display)
    return found


def _pretend(monkeypatch: pytest.MonkeyPatch, shell: object, display: Any) -> None:
    ipython, module = ModuleType("IPython"), ModuleType("IPython.display")
    vars(ipython)["get_ipython"] = lambda: shell
    vars(module)["display"] = display
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    monkeypatch.setitem(sys.modules, "IPython.display", module)


def _terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)


def _standing(
    step: int, loss: float = 0.5, check: int | None = None, value: Any = 0.25
) -> Progress:
    record = {"step": check, "loss": loss, "validation": {"loss": value}}
    return Progress(step, 100, loss, None if check is None else record, step / 10, 10 - step / 10)


def test_a_training_in_a_notebook_is_drawn_in_one_place(
    screen: Screen, table: pl.DataFrame, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    train(table.drop("dear", "worth"), "price", out=tmp_path / "run", settings=FAST)
    assert screen.outputs == 1
    assert "Training, fold 1 of 2" in screen.drawn[0]["text/html"]
    assert any("Training, fold 2 of 2" in one["text/html"] for one in screen.drawn)
    assert "Trained in 2 folds, scored and reported" in screen.drawn[-1]["text/html"]
    assert capsys.readouterr() == ("", "")


def test_silence_is_kept(
    screen: Screen, table: pl.DataFrame, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = table.drop("dear", "worth")
    train(rows, "price", out=tmp_path / "run", settings=FAST, watch=None)
    resume(tmp_path / "run", rows, watch=None)
    assert screen.outputs == 0
    assert capsys.readouterr() == ("", "")


def test_a_training_that_fails_says_stopped(screen: Screen) -> None:
    def broken() -> None:
        with watching("auto") as told:
            assert told is not None
            told(0, 1, _standing(30))
            raise KeyError

    with pytest.raises(KeyError):
        broken()
    assert "Stopped" in screen.drawn[-1]["text/html"]
    assert screen.drawn[-1]["text/plain"] == "stopped: step 30 of 100"


def test_what_never_began_is_not_drawn(screen: Screen) -> None:
    with pytest.raises(KeyError), watching("auto"):
        raise KeyError
    assert screen.outputs == 0


def test_a_shell_in_a_terminal_is_no_notebook(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _pretend(monkeypatch, TerminalInteractiveShell(), Screen().display)
    assert notebook_display() is None
    _terminal(monkeypatch)
    with watching("auto") as told:
        assert told is not None
        told(0, 1, _standing(30))
    assert "step 30 of 100, loss 0.5" in capsys.readouterr().err


def test_without_a_shell_there_is_no_notebook(monkeypatch: pytest.MonkeyPatch) -> None:
    _pretend(monkeypatch, None, Screen().display)
    assert notebook_display() is None
    monkeypatch.delitem(sys.modules, "IPython")
    assert notebook_display() is None
    assert "IPython" not in sys.modules, "looking for it must not load it"


def test_a_script_prints_nothing_unless_asked(capsys: pytest.CaptureFixture[str]) -> None:
    with watching("auto") as told:
        assert told is None
    with watching("lines") as told:
        assert told is not None
        for step in range(1, 101):
            told(1, 3, _standing(step, check=50))
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 11
    assert lines[1] == "fold 2 of 3, step 10 of 100, loss 0.5, validation 0.25, 19 s left"


def test_a_function_is_told_itself() -> None:
    def mine(part: int, parts: int, standing: Progress) -> None:
        pass

    with watching(mine) as told:
        assert told is mine


def test_another_word_is_told() -> None:
    wrong: Any = "line"
    with pytest.raises(RecipeError) as caught, watching(wrong):
        pass
    assert str(caught.value) == (
        "There is no way 'line' to watch a training.\n"
        "  where:    watch\n"
        "  expected: 'auto', 'lines', a function of (part, parts, progress), or None for silence\n"
        "  got:      'line'\n"
        "  do:       Did you mean 'lines'?"
    )


def test_the_view_gathers_curves_and_the_time_of_all_folds() -> None:
    screen = Screen()
    clock = iter(range(10_000))
    view = Notebook(screen.display, lambda: float(next(clock)))
    view.tell(0, 2, _standing(10))
    for step in (20, 21, 40, 60):
        view.tell(0, 2, _standing(step, loss=1 / step, check=step // 20 * 20, value=2 / step))
    content = view.content
    assert content is not None
    assert content.training == ((20, 1 / 20), (40, 1 / 40), (60, 1 / 60))
    assert content.checks == ((20, 2 / 20), (40, 2 / 40), (60, 2 / 60))
    assert content.best == (60, 2 / 60)
    assert content.left == pytest.approx(4 + 10), "what is left of this fold, and the other one"
    view.tell(1, 2, _standing(10))
    content = view.content
    assert content is not None
    assert content.earlier == (((20, 2 / 20), (40, 2 / 40), (60, 2 / 60)),)
    assert (content.training, content.checks, content.best) == ((), (), None)
    assert screen.outputs == 1


def _told(step: int, seconds: float, first: int = 0) -> Progress:
    rate = seconds / max(step - first, 1)
    return Progress(step, 100, None, None, seconds, (100 - step) * rate, first)


def test_the_time_left_is_steady_over_folds() -> None:
    """A step takes 0.1 s and every fold 2 s to warm up: nobody should see it jump."""
    remaining = Remaining()
    told = [
        remaining.after(fold, 5, _told(step, 2 + step / 10))
        for fold in range(5)
        for step in range(1, 101)
    ]
    assert told[-1] == 0
    later = np.array(told[100:])
    assert np.abs(np.diff(later)).max() < 3, "a fold's warm-up is shared by all that is to come"
    true = np.array([(4 - n // 100) * 12 + (100 - n % 100 - 1) / 10 for n in range(100, 500)])
    assert (np.abs(later - true) < 0.2 * true + 3).all()


def test_the_first_step_of_all_tells_no_time() -> None:
    """It warms up and compiles: 60 s, and 0.1 s for each of those that follow."""
    first = Progress(1, 100, 0.5, None, 60.0, math.nan, since=(1, 60.0))
    assert math.isnan(Remaining().after(0, 1, first))
    assert figures(first, math.nan) == "loss 0.5"
    later = Progress(11, 100, 0.5, None, 61.0, 8.9, since=(1, 60.0))
    assert Remaining().after(0, 1, later) == pytest.approx(8.9)
    assert Remaining().after(0, 2, later) == pytest.approx(8.9 + 60 + 10)


def test_an_early_stop_makes_the_time_left_shorter() -> None:
    remaining = Remaining()
    first = remaining.after(0, 2, _told(40, 4.0))
    assert (first, remaining.after(1, 2, _told(1, 0.1))) == (pytest.approx(16), pytest.approx(9.9))


def test_the_time_left_after_a_resume_counts_the_steps_of_this_process() -> None:
    """The first two folds were done before: 10 steps of the third took a second."""
    assert Remaining().after(2, 4, _told(60, 1.0, first=50)) == pytest.approx(4 + 10)


def test_a_loss_that_was_not_finite_is_no_best() -> None:
    view = Notebook(Screen().display)
    view.tell(0, 1, _standing(20, check=20, value=None))
    assert view.content is not None
    assert view.content.best is None
    view.tell(0, 1, _standing(40, check=40, value=0.5))
    view.tell(0, 1, _standing(60, check=60, value=None))
    assert view.content.best == (40, 0.5)


def test_a_long_training_is_drawn_seldom_and_kept_short() -> None:
    screen = Screen()
    now = SimpleNamespace(time=0.0)
    view = Notebook(screen.display, lambda: now.time)
    for step in range(1, 5001):
        now.time += 0.2
        view.tell(0, 1, _standing(step, check=step))
    assert len(screen.drawn) < 800, "1,000 seconds, five thousand calls"
    assert view.content is not None
    assert 100 <= len(view.content.training) <= 200
    assert len(view.content.checks) == len(view.content.training)


class Frame(HTMLParser):
    """The elements of a fragment."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.words = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words += data


def test_a_run_in_a_notebook_is_its_report(price_run: Run) -> None:
    shown = price_run._repr_html_()
    assert shown is not None
    (only,) = Frame(shown).found
    assert only[0] == "iframe"
    assert only[1]["sandbox"] == ""
    assert only[1]["srcdoc"] == price_run.report.read_text(encoding="utf-8")


def test_a_run_without_a_report_is_shown_as_text(tmp_path: Path) -> None:
    assert Run(tmp_path)._repr_html_() is None


def test_hostile_names_stay_inside_the_frame(tmp_path: Path, table: pl.DataFrame) -> None:
    name = "\"></iframe><script>alert('x')</script><style>*{display:none}</style>"
    rows = table.select("area", "price").rename({"area": name})
    settings = {**FAST, "split.folds": 0}
    run = train(rows, "price", out=tmp_path / "a'\"><b>run", settings=settings)
    shown = run._repr_html_()
    assert shown is not None
    assert [tag for tag, _ in Frame(shown).found] == ["iframe"]
    inside = Frame(Frame(shown).found[0][1]["srcdoc"] or "")
    assert name in inside.words, "the name is there to be read"
    tags = [tag for tag, _ in inside.found]
    assert [tags.count(tag) for tag in ("script", "iframe", "style")] == [0, 0, 1]
