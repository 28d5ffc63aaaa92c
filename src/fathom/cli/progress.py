"""Live progress in the terminal: step, loss, validation, time left."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from fathom.training.records import Progress as Standing
from fathom.workflow.learn import Watch


@contextmanager
def progress(quiet: bool) -> Iterator[Watch | None]:
    """A watcher for `train`; a bar in a terminal, a line now and then elsewhere."""
    if quiet:
        yield None
        return
    if not sys.stderr.isatty():
        yield _Lines().tell
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        TextColumn("{task.completed:.0f}/{task.total:.0f} steps"),
        TextColumn("{task.fields[figures]}"),
    )
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("training", total=1, figures="")

        def watch(part: int, parts: int, standing: Standing) -> None:
            name = "training" if parts == 1 else f"training fold {part + 1} of {parts}"
            bar.update(
                task,
                description=name,
                completed=standing.step,
                total=standing.num_steps,
                figures=figures(standing),
            )

        yield watch


class _Lines:
    """One line for every tenth of the way, where there is no terminal to draw on."""

    def __init__(self) -> None:
        self.last = (-1, -1)

    def tell(self, part: int, parts: int, standing: Standing) -> None:
        tenth = 10 * standing.step // standing.num_steps
        if (part, tenth) == self.last:
            return
        self.last = (part, tenth)
        fold = "" if parts == 1 else f"fold {part + 1} of {parts}, "
        text = f"{fold}step {standing.step} of {standing.num_steps}, {figures(standing)}"
        print(text, file=sys.stderr, flush=True)


def figures(standing: Standing) -> str:
    """Loss, validation and time left, as far as they are known."""
    parts: list[str] = []
    if standing.loss is not None:
        parts.append(f"loss {standing.loss:.4g}")
    if standing.checked and standing.checked["validation"]:
        parts.append(f"validation {standing.checked['validation']['loss']:.4g}")
    parts.append(f"{in_words(standing.left)} left")
    return ", ".join(parts)


def in_words(seconds: float) -> str:
    """Seconds as a person says them.

    Example:
        >>> in_words(5), in_words(125)
        ('5 s', '2 min 5 s')
    """
    whole = round(seconds)
    return f"{whole} s" if whole < 60 else f"{whole // 60} min {whole % 60} s"
