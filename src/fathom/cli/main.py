"""The command `fathom`: one dispatch table. PyTorch is imported only when a verb runs."""

import os
import sys
from pathlib import Path
from types import TracebackType
from typing import Annotated, Any

import typer

from fathom.base.errors import FathomError

app = typer.Typer(
    name="fathom",
    help="From your own data to a deep-learning model that you can trust.\n\n"
    "Begin with:  fathom look houses.csv --target price\n\n"
    "and then:    fathom train houses.csv --target price",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
)

_DATA = "The table: CSV or the like, Parquet, JSON lines, ARFF; also .gz."
Data = Annotated[Path, typer.Argument(help=_DATA, show_default=False)]
MaybeData = Annotated[
    Path | None,
    typer.Argument(help=_DATA + " Or a recipe.toml.", show_default=False),
]
RunFolder = Annotated[Path, typer.Argument(help="A folder that `fathom train` wrote.")]
Target = Annotated[
    str | None,
    typer.Option(
        "--target", "-t", help="The column to learn: a name, several a,b, a position, or 'last'."
    ),
]
Test = Annotated[Path | None, typer.Option(help="Rows to be tested on; else some are held out.")]
Validation = Annotated[Path | None, typer.Option(help="Rows to choose on; else some are held out.")]
Names = Annotated[
    str | None, typer.Option(help="Column names a,b,… (or a .names file) for a headless file.")
]
Group = Annotated[str | None, typer.Option(help="Rows with one value here stay in one split.")]
Time = Annotated[str | None, typer.Option(help="When rows happened; the latest are tested.")]
Weight = Annotated[str | None, typer.Option(help="How much each row counts.")]
Kind = Annotated[
    list[str] | None, typer.Option(help="COLUMN=KIND, where the guess is wrong; repeatable.")
]
Settings = Annotated[
    list[str] | None,
    typer.Option("--set", help="Any setting of a recipe: training.epochs=20; repeatable."),
]
Seed = Annotated[int | None, typer.Option(help="Where all randomness starts.")]
Size = Annotated[str | None, typer.Option(help="The one dial: small, medium or large.")]
Out = Annotated[Path | None, typer.Option(help="The run folder; else the next under runs/.")]
File = Annotated[Path | None, typer.Option("--output", "-o", help="The file to write.")]
Rates = Annotated[
    Path | None,
    typer.Option(help="Try learning rates from tiny to huge, draw the losses in this HTML file."),
]
Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON, nothing else.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print the result only.")]


def _words(**given: Any) -> dict[str, Any]:
    """The common options under the keys of a recipe."""
    keys = {"time": "time_column"}
    return {
        keys.get(name, name): str(value) if isinstance(value, Path) else value
        for name, value in given.items()
        if value is not None
    }


@app.command()
def look(
    data: Data,
    target: Target = None,
    test: Test = None,
    names: Names = None,
    group: Group = None,
    time_column: Time = None,
    kind: Kind = None,
    json: Json = False,
) -> None:
    """Say what a careful person would notice before training."""
    from fathom.cli import verbs

    said = _words(target=target, names=names, group=group, time=time_column)
    verbs.look(data, test, said, kind or [], json)


@app.command()
def plan(
    data: Data,
    target: Target = None,
    output: File = None,
    rates: Rates = None,
    test: Test = None,
    validation: Validation = None,
    names: Names = None,
    group: Group = None,
    time_column: Time = None,
    weight: Weight = None,
    kind: Kind = None,
    settings: Settings = None,
    size: Size = None,
    seed: Seed = None,
    json: Json = False,
) -> None:
    """Say every decision and its reason, as a recipe that can be edited and trained."""
    from fathom.cli import verbs

    said = _words(
        target=target,
        names=names,
        group=group,
        time=time_column,
        weight=weight,
        size=size,
        seed=seed,
    )
    show = verbs.Show(json)
    files = (data, test, validation)
    verbs.plan(files, said, kind or [], settings or [], output, rates, show)


@app.command()
def train(
    data: MaybeData = None,
    target: Target = None,
    test: Test = None,
    validation: Validation = None,
    resume: Annotated[Path | None, typer.Option(help="Go on with an interrupted run.")] = None,
    out: Out = None,
    names: Names = None,
    group: Group = None,
    time_column: Time = None,
    weight: Weight = None,
    kind: Kind = None,
    settings: Settings = None,
    size: Size = None,
    seed: Seed = None,
    time: Annotated[str | None, typer.Option(help="Budget for training: 60s, 5m.")] = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Train a model and write its report, from a table or a recipe.toml."""
    from fathom.cli import verbs

    said = _words(target=target, names=names, group=group, weight=weight, size=size, seed=seed)
    said |= _words(time=time_column)
    show = verbs.Show(json, quiet)
    if resume is not None:
        given = (data, target, test, validation, out, names, group, time_column, weight, kind)
        more = (settings, size, seed, time)
        if any(value is not None for value in given + more):
            raise typer.BadParameter("a run goes on as it began: no other option goes with it.")
        verbs.resume(resume, show)
        return
    verbs.train((data, test, validation), said, kind or [], settings or [], time, out, show)


@app.command()
def evaluate(run: RunFolder, data: Data, names: Names = None, json: Json = False) -> None:
    """Score a run on other rows whose target is known, with intervals."""
    from fathom.cli import verbs

    verbs.evaluate(run, data, names, json)


@app.command()
def predict(
    run: RunFolder, data: Data, output: File = None, names: Names = None, json: Json = False
) -> None:
    """Answer rows whose target is unknown, and say what is unusual about them."""
    from fathom.cli import verbs

    verbs.predict(run, data, output, names, json)


@app.command()
def show(
    what: Annotated[Path, typer.Argument(help="A run folder, or a table.")],
    data: Annotated[Path | None, typer.Argument(help="Rows to show through the run.")] = None,
    json: Json = False,
) -> None:
    """Show exactly what the network sees: layers with shapes, one batch decoded back."""
    from fathom.cli import verbs

    verbs.show(what, data, json)


@app.command()
def replay(run: RunFolder, out: Out = None, json: Json = False, quiet: Quiet = False) -> None:
    """Train a run again from its record and say whether it came out the same."""
    from fathom.cli import verbs

    verbs.replay(run, out, verbs.Show(json, quiet))


@app.command()
def report(
    run: RunFolder,
    open_it: Annotated[bool, typer.Option("--open", help="Open it in the browser.")] = False,
) -> None:
    """Say where the report of a run lies, or open it."""
    from fathom.cli import verbs

    verbs.report(run, open_it)


@app.command()
def settings() -> None:
    """List every setting that a recipe may hold."""
    from fathom.cli import verbs

    verbs.settings()


def run() -> None:
    """The entry point: errors of the person's are told in four beats, without a stack trace."""
    if _busy():
        # Threads that spin while others want their cores bring each other to a halt; on a quiet
        # machine spinning halves the time of a step.
        os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    sys.excepthook = _own_fault
    try:
        app()
    except FathomError as error:
        if "--json" in sys.argv:
            from json import dumps

            print(dumps(error.to_dict(), ensure_ascii=False))
        print(f"fathom: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(0)
    except KeyboardInterrupt:
        print("fathom: stopped.", file=sys.stderr)
        sys.exit(130)


def _busy() -> bool:
    """Whether others already want more than half of the cores."""
    try:
        return os.getloadavg()[0] > 0.5 * (os.cpu_count() or 1)
    except OSError:
        return False


def _own_fault(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    """Anything else is a fault of ours: short, with the way to the whole story."""
    if os.environ.get("FATHOM_DEBUG"):
        sys.__excepthook__(kind, error, trace)
        return
    print(
        f"fathom: a fault of fathom itself: {kind.__name__}: {error}\n"
        "  do:       Set FATHOM_DEBUG=1 and run it again to see where; please report it.",
        file=sys.stderr,
    )
