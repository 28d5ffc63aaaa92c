"""The verbs as Python functions, with keywords in place of options."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from fathom.base.records import Decision
from fathom.reports.rates import write_rates
from fathom.training.rate_range import RateRange
from fathom.workflow import look as looking
from fathom.workflow.budget import seconds_of, timed
from fathom.workflow.look import Look
from fathom.workflow.rates import rates_of
from fathom.workflow.recipe import Recipe, check_said_once
from fathom.workflow.run import Run
from fathom.workflow.train import Sources
from fathom.workflow.train import resume as go_on
from fathom.workflow.train import train as begin
from fathom.workflow.watching import Watching, watching

_TABLES = ("data", "test", "validation")
Target = str | Sequence[str] | None
Names = str | Path | Sequence[str] | None


def look(
    data: object,
    target: Target = None,
    *,
    test: object = None,
    names: Names = None,
    group: str | None = None,
    time_column: str | None = None,
    kinds: Mapping[str, str] | None = None,
    settings: Mapping[str, Any] | None = None,
) -> Look:
    """Say what a careful person would notice before training.

    Args:
        data: a path, a pandas, polars or Arrow table, arrays, or a dict of columns.
        target: the column to be learned, or several; None = look without one.
        test: rows that will be tested on.
        names: column names for a file without a header, or a .names file.
        group: a column whose rows of one value belong together.
        time_column: the column that says when each row happened.
        kinds: column -> kind, where the guess is wrong.
        settings: the other settings of reading, such as {"delimiter": ";"}.

    Example:
        >>> import fathom
        >>> found = fathom.look({"a": [1.5, 2.5, 3.5] * 20, "b": ["x"] * 60}, target="a")
        >>> found.schema.columns["b"].kind.name
        'ignored'
    """
    common = {"names": names, "group": group, "time_column": time_column}
    return looking.look(_recipe(target, kinds, settings, common), data, test)


def plan(
    data: object,
    target: Target = None,
    *,
    test: object = None,
    validation: object = None,
    from_: Run | str | Path | None = None,
    size: str | None = None,
    seed: int | None = None,
    names: Names = None,
    group: str | None = None,
    time_column: str | None = None,
    weight: str | None = None,
    time: float | str | None = None,
    kinds: Mapping[str, str] | None = None,
    settings: Mapping[str, Any] | None = None,
) -> tuple[Decision, ...]:
    """Every decision that `train` would take, with its reason.

    Args:
        data, target, test, validation, from_: as `train` takes them.
        size, seed, names, group, time_column, weight, kinds, settings: likewise.
        time: likewise; a few steps are timed here for it, and so will be by `train`.

    Example:
        >>> import fathom
        >>> rows = {"a": [n / 7 for n in range(60)], "b": [n % 11 / 3 for n in range(60)]}
        >>> made = {one.key: one for one in fathom.plan(rows, "b", size="small", seed=3)}
        >>> made["seed"].value, made["size"].said
        (3, True)
    """
    common = {
        "transfer.from": _folder_of(from_),
        "size": size,
        "seed": seed,
        "names": names,
        "group": group,
        "time_column": time_column,
        "weight": weight,
        "time": seconds_of(time, "time"),
    }
    recipe = _recipe(target, kinds, settings, common)
    sources = Sources(data, test, validation)
    return timed(sources.study(recipe), sources.study).decisions


def learning_rate_range(
    data: object,
    target: Target = None,
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
    made = Sources(data, test, validation).study(_recipe(target, kinds, settings))
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
    from_: Run | str | Path | None = None,
    size: str | None = None,
    seed: int | None = None,
    names: Names = None,
    group: str | None = None,
    time_column: str | None = None,
    weight: str | None = None,
    time: float | str | None = None,
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
        from_: a run on pictures whose network is started from, its folder or file of weights; or
            a folder or a name of the package transformers.
        size: the one dial: "small", "medium" or "large"; None = "medium".
        seed: where all randomness starts.
        names: column names for a file without a header, or a .names file.
        group: a column; rows with one value in it stay in one split.
        time_column: the column that says when each row happened; the latest are tested.
        weight: a column that says how much each row counts.
        time: budget of the training: seconds, or "60s", "5m".
        kinds: column -> kind, where the guess is wrong.
        settings: any other setting of a recipe, such as {"training.epochs": 20}.
        watch: how the progress is shown: "auto" as said above; "lines" = lines on stderr,
            wherever it leads; None = silence; or a function of (part, parts, progress).

    Returns:
        The run: `score`, `report`, `network`, `history`; see `predict` and `evaluate`.

    Raises:
        FathomError: in four beats, whatever went wrong.
    """
    common = {
        "transfer.from": _folder_of(from_),
        "size": size,
        "seed": seed,
        "names": names,
        "group": group,
        "time_column": time_column,
        "weight": weight,
        "time": seconds_of(time, "time"),
    }
    recipe = _recipe(target, kinds, settings, common)
    sources = Sources(data, test, validation)
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


def _folder_of(run: Run | str | Path | None) -> str | None:
    """Where a run lies that was named in any way."""
    return None if run is None else str(run.folder if isinstance(run, Run) else run)


def _recipe(
    target: Target,
    kinds: Mapping[str, str] | None,
    settings: Mapping[str, Any] | None,
    common: Mapping[str, Any] | None = None,
) -> Recipe:
    """What was said, as a recipe.

    Raises:
        RecipeError: a setting is an argument of its own, too, and was said twice.
    """
    words = {**(common or {}), "target": target}
    said = {key: _word(key, value) for key, value in words.items() if value is not None}
    more = dict(settings or {})
    check_said_once(more, {**said, **dict.fromkeys(_TABLES, "the argument")})
    return Recipe.of({**more, **said}, kinds)


def _word(key: str, value: Any) -> Any:
    """Several names as a list, a file of names by its path, anything else as it is."""
    if isinstance(value, Path):
        return str(value)
    several = key in ("target", "names") and isinstance(value, Iterable)
    return list(value) if several and not isinstance(value, str) else value
