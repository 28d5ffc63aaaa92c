"""The verbs as Python functions, with keywords in place of options."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from fathom.base.records import Decision
from fathom.workflow import look as looking
from fathom.workflow.learn import Watch
from fathom.workflow.look import Look
from fathom.workflow.recipe import Recipe
from fathom.workflow.run import Run
from fathom.workflow.study import study
from fathom.workflow.train import Sources
from fathom.workflow.train import resume as go_on
from fathom.workflow.train import train as begin

Target = str | Sequence[str] | None


def look(
    data: object,
    target: Target = None,
    *,
    test: object = None,
    kinds: Mapping[str, str] | None = None,
    settings: Mapping[str, Any] | None = None,
) -> Look:
    """Say what a careful person would notice before training.

    Args:
        data: a path, a pandas, polars or Arrow table, arrays, or a dict of columns.
        target: the column to be learned, or several; None = look without one.
        test: rows that will be tested on.
        kinds: column -> kind, where the guess is wrong.
        settings: "group", "time_column", "names" and the other settings of reading.

    Example:
        >>> import fathom
        >>> found = fathom.look({"a": [1.5, 2.5, 3.5] * 20, "b": ["x"] * 60}, target="a")
        >>> found.schema.columns["b"].kind.name
        'ignored'
    """
    return looking.look(_recipe(target, kinds, settings), data, test)


def plan(
    data: object,
    target: Target,
    *,
    test: object = None,
    validation: object = None,
    kinds: Mapping[str, str] | None = None,
    settings: Mapping[str, Any] | None = None,
) -> tuple[Decision, ...]:
    """Every decision that `train` would take, with its reason."""
    recipe = _recipe(target, kinds, settings)
    return study(recipe, data, test, validation).decisions


def train(
    data: object,
    target: Target = None,
    *,
    test: object = None,
    validation: object = None,
    out: str | Path | None = None,
    kinds: Mapping[str, str] | None = None,
    settings: Mapping[str, Any] | None = None,
    watch: Watch | None = None,
) -> Run:
    """Train a model, score it, write its report.

    Args:
        data: a path, a pandas, polars or Arrow table, arrays, or a dict of columns.
        target: the column to be learned, or several.
        test: rows to be tested on; None = one row in five is held out.
        validation: rows to choose on; None = some are held out.
        out: the run folder; None = the next free one under runs/.
        kinds: column -> kind, where the guess is wrong.
        settings: any setting of a recipe, such as {"size": "small", "training.epochs": 20}.
        watch: told of the progress: (part, parts, progress).

    Returns:
        The run: `score`, `report`, `network`, `history`; see `predict` and `evaluate`.

    Raises:
        FathomError: in four beats, whatever went wrong.
    """
    return begin(_recipe(target, kinds, settings), Sources(data, test, validation), out, watch)


def resume(
    folder: str | Path,
    data: object = None,
    *,
    test: object = None,
    validation: object = None,
    watch: Watch | None = None,
) -> Run:
    """Go on with an interrupted run; pass the tables again if it was trained from memory."""
    sources = None if data is None else Sources(data, test, validation)
    return go_on(folder, sources, watch)


def _recipe(
    target: Target, kinds: Mapping[str, str] | None, settings: Mapping[str, Any] | None
) -> Recipe:
    named = target if target is None or isinstance(target, str) else list(target)
    return Recipe.of({**(settings or {}), "target": named}, kinds)
