"""Live progress in the terminal: step, loss, validation, time left."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from fathom.training.records import Progress as Standing
from fathom.workflow.learn import Watch
from fathom.workflow.watching import Lines, Remaining, figures


@contextmanager
def progress(quiet: bool) -> Iterator[Watch | None]:
    """A watcher for `train`; a bar in a terminal, a line now and then elsewhere."""
    if quiet:
        yield None
        return
    if not sys.stderr.isatty():
        yield Lines().tell
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
        remaining = Remaining()

        def watch(part: int, parts: int, standing: Standing) -> None:
            name = "training" if parts == 1 else f"training fold {part + 1} of {parts}"
            bar.update(
                task,
                description=name,
                completed=standing.step,
                total=standing.num_steps,
                figures=figures(standing, remaining.after(part, parts, standing)),
            )

        yield watch
