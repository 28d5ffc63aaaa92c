"""The verbs as Python functions, with keywords in place of options."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from fathom.base.records import Decision
from fathom.reports.rates import write_rates
from fathom.training.rate_range import RateRange
from fathom.workflow import look as looking
from fathom.workflow.look import Look
from fathom.workflow.rates import rates_of
from fathom.workflow.recipe import Recipe, check_said_once
from fathom.workflow.run import Run
from fathom.workflow.study import study
from fathom.workflow.train import Sources
from fathom.workflow.train import resume as go_on
from fathom.workflow.train import train as begin
from fathom.workflow.watching import Watching, watching

_TABLES = ("data", "test", "validation")
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


def learning_rate_range(
    data: object,
    target: Target,
    *,
    test: object = None,
    validation: object = None,
    kinds: Mapping[str, str] | None = None,
    settings: Mapping[str, Any] | None = None,
    page: str | Path | None = None,
) -> RateRange:
    """Find a learning rate before `train`: let it climb on the training rows, see what happens.

    Everything but the rate is as `train` would have it with the same arguments; nothing is kept.
    For a module of your own see `fathom.training.learning_rate_range`.

    Args:
        data: a path, a pandas, polars or Arrow table, arrays, or a dict of columns.
        target: the column to be learned, or several.
        test, validation: as `train` takes them; their rows are not looked at.
        kinds: column -> kind, where the guess is wrong.
        settings: any setting of a recipe, such as {"training.optimizer": "muon"}.
        page: an HTML file to draw the losses in; None = none is written.

    Returns:
        Rates, losses, the suggestion and its reason. To use it:
        `train(…, settings={"training.learning_rate": found.suggested})`.

    Raises:
        FathomError: in four beats, whatever went wrong.
    """
    made = study(_recipe(target, kinds, settings), data, test, validation)
    found = rates_of(made)
    if page is not None:
        use = f'settings={{"training.learning_rate": {found.suggested}}}'
        write_rates(Path(page), found, ", ".join(made.schema.roles.targets), use)
    return found


def train(
    data: object,
    target: Target = None,
    *,
    test: object = None,
    validation: object = None,
    out: str | Path | None = None,
    kinds: Mapping[str, str] | None = None,
    settings: Mapping[str, Any] | None = None,
    watch: Watching = "auto",
) -> Run:
    """Train a model, score it, write its report.

    In a notebook the training is shown while it runs, and the run that comes back is shown as its
    report. In a terminal, lines on stderr say how far it is; where stderr is no terminal (a log
    file, a job), nothing is printed.

    Args:
        data: a path, a pandas, polars or Arrow table, arrays, or a dict of columns.
        target: the column to be learned, or several.
        test: rows to be tested on; None = one row in five is held out.
        validation: rows to choose on; None = some are held out.
        out: the run folder; None = the next free one under runs/.
        kinds: column -> kind, where the guess is wrong.
        settings: any setting of a recipe, such as {"size": "small", "training.epochs": 20}.
        watch: how the progress is shown: "auto" as said above; "lines" = lines on stderr,
            wherever it leads; None = silence; or a function of (part, parts, progress).

    Returns:
        The run: `score`, `report`, `network`, `history`; see `predict` and `evaluate`.

    Raises:
        FathomError: in four beats, whatever went wrong.
    """
    recipe, sources = _recipe(target, kinds, settings), Sources(data, test, validation)
    with watching(watch) as told:
        return begin(recipe, sources, out, told)


def resume(
    folder: str | Path,
    data: object = None,
    *,
    test: object = None,
    validation: object = None,
    watch: Watching = "auto",
) -> Run:
    """Go on with an interrupted run; pass the tables again if it was trained from memory.

    Args:
        folder: the run folder.
        data, test, validation: the tables again, where they were no files.
        watch: how the progress is shown, as in `train`.
    """
    sources = None if data is None else Sources(data, test, validation)
    with watching(watch) as told:
        return go_on(folder, sources, told)


def _recipe(
    target: Target, kinds: Mapping[str, str] | None, settings: Mapping[str, Any] | None
) -> Recipe:
    """The recipe of a verb's arguments.

    Raises:
        RecipeError: a setting is an argument of its own, too, and was said twice.
    """
    named = target if target is None or isinstance(target, str) else list(target)
    said = dict(settings or {})
    check_said_once(said, {"target": named, **dict.fromkeys(_TABLES, "the argument")})
    return Recipe.of({**said, "target": named or said.get("target")}, kinds)
