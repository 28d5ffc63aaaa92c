"""Options of the command that several verbs share: each is worded once."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import typer

_DATA = "The table: CSV or the like, Parquet, JSON lines, ARFF, also .gz; pictures: a folder, .npz."
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
TimeColumn = Annotated[str | None, typer.Option(help="When rows happened; the latest are tested.")]
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
From = Annotated[
    Path | None,
    typer.Option(
        "--from",
        help="Whose network for pictures is started from: a run, a folder of transformers, a name.",
    ),
]
Out = Annotated[Path | None, typer.Option(help="The run folder; else the next under runs/.")]
File = Annotated[Path | None, typer.Option("--output", "--out", "-o", help="The file to write.")]
Sheet = Annotated[
    Path | None,
    typer.Option("--output", "-o", help="Draw the first pictures as the network sees them (PNG)."),
]
Resume = Annotated[Path | None, typer.Option(help="Go on with an interrupted run.")]
Time = Annotated[str | None, typer.Option(help="Budget for training: 60s, 5m.")]
Rates = Annotated[
    Path | None,
    typer.Option(help="Try learning rates from tiny to huge, draw the losses in this HTML file."),
]
Speed = Annotated[
    bool, typer.Option("--speed", help="Measure what other precisions, layouts and batches cost.")
]
Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON, nothing else.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print the result only.")]


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What several verbs may be told of a table and of a training; None = nothing was said.

    The fields stand in the order in which `--help` lists them.
    """

    target: Target = None
    test: Test = None
    validation: Validation = None
    names: Names = None
    group: Group = None
    time_column: TimeColumn = None
    weight: Weight = None
    kind: Kind = None
    settings: Settings = None
    from_: From = None
    size: Size = None
    seed: Seed = None

    def said(self) -> dict[str, Any]:
        """The options that are settings of a recipe, under its keys."""
        given = {
            "target": self.target,
            "names": self.names,
            "group": self.group,
            "time_column": self.time_column,
            "weight": self.weight,
            "transfer.from": None if self.from_ is None else str(self.from_),
            "size": self.size,
            "seed": self.seed,
        }
        return {key: value for key, value in given.items() if value is not None}


def asking(*names: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a verb the options of `Asked`; they reach it as one argument, `asked`.

    typer reads options off a signature, so the verb gets one with an option for each field in the
    place of that argument.

    Args:
        names: the fields that this verb takes; none = all.
    """
    hints = get_type_hints(Asked, include_extras=True)
    options = [
        inspect.Parameter(
            name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=hints[name]
        )
        for name in names or hints
    ]

    def give(verb: Callable[..., None]) -> Callable[..., None]:
        @wraps(verb)
        def call(**given: Any) -> None:
            asked = Asked(**{option.name: given.pop(option.name) for option in options})
            verb(asked=asked, **given)

        shown: list[inspect.Parameter] = []
        for own in inspect.signature(verb).parameters.values():
            one = own.replace(kind=inspect.Parameter.KEYWORD_ONLY)
            shown += options if own.name == "asked" else [one]
        call.__dict__["__signature__"] = inspect.Signature(shown)
        return call

    return give
