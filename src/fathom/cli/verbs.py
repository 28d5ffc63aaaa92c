"""What each command does: call a verb, show what came back."""

import json
import shlex
import sys
import tomllib
import webbrowser
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from fathom.base.errors import RecipeError, RunError
from fathom.base.files import plain, write_text
from fathom.base.records import Finding
from fathom.base.terminal import visible
from fathom.cli.options import Asked
from fathom.cli.progress import progress
from fathom.evaluation.score_text import score_text
from fathom.inspection.gather import by_severity, gather
from fathom.inspection.show import ANSWERS, as_text
from fathom.reports.rates import write_rates
from fathom.tables.options import ReadOptions
from fathom.workflow.budget import seconds_of, timed
from fathom.workflow.engine_speeds import as_text as speeds_as_text
from fathom.workflow.engine_speeds import speeds_of
from fathom.workflow.engine_speeds import to_dict as speeds_to_dict
from fathom.workflow.evaluate import evaluate as evaluate_run
from fathom.workflow.look import look as look_at
from fathom.workflow.measured import measured
from fathom.workflow.predict import Predictions
from fathom.workflow.predict import predict as predict_run
from fathom.workflow.rates import rates_of
from fathom.workflow.reading import names_said
from fathom.workflow.recipe import (
    Recipe,
    check_said_once,
    planned_toml,
    read_recipe,
    resolved_toml,
)
from fathom.workflow.replay import replay as replay_run
from fathom.workflow.run import Run, load
from fathom.workflow.settings import SETTINGS
from fathom.workflow.show import describe_run, describe_table
from fathom.workflow.show_pictures import is_of_pictures
from fathom.workflow.train import Sources, left_out_of
from fathom.workflow.train import resume as resume_run
from fathom.workflow.train import train as train_run


@dataclass(frozen=True)
class Show:
    """How much is printed."""

    json: bool = False
    quiet: bool = False


def _print(content: Any) -> None:
    _say(json.dumps(plain(content), ensure_ascii=False, indent=1, default=str))


def _say(content: object, *, file: TextIO | None = None) -> None:
    """Print a text that may hold names and words of other people."""
    print(visible(str(content)), file=file)


def _recipe(data: Path | None, asked: Asked, time: str | None = None) -> Recipe:
    more = _pairs(asked.settings or (), "--set", "training.epochs=20")
    values = {key: _value(text) for key, text in more.items()}
    named = _pairs(asked.kind or (), "--kind", "zip=category")
    typed = {**asked.said(), "time": seconds_of(time, "--time")}
    files = {"data": data, "test": asked.test, "validation": asked.validation}
    base = Recipe()
    if data is not None and data.suffix == ".toml":
        base, files["data"] = read_recipe(data), None
    check_said_once(values, {**typed, **files})
    return base.with_said({**typed, **values}, named)


def _pairs(texts: Iterable[str], option: str, example: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for text in texts:
        key, value = _pair(text, option, example)
        if found.setdefault(key, value) != value:
            raise RecipeError(
                f"'{key}' was said twice.",
                where=f"{option} {text}",
                expected=f"one {option} {key}=…",
                got=f"'{found[key]}' and '{value}'",
                do="Leave one of them out.",
            )
    return found


def _pair(text: str, option: str, example: str) -> tuple[str, str]:
    key, sign, value = text.partition("=")
    if not sign or not key:
        raise RecipeError(
            f"{option} needs a name and a value.",
            where=f"{option} {text}",
            expected=f"{option} {example}",
            got=repr(text),
            do="Join name and value with '='.",
        )
    return key.strip(), value.strip()


def _value(text: str) -> Any:
    """As TOML would read it; a bare word is a text."""
    try:
        return tomllib.loads(f"x = {text}")["x"]
    except tomllib.TOMLDecodeError:
        return text


def _sources(data: Path | None, asked: Asked, recipe: Recipe) -> Sources:
    if data is None or data.suffix == ".toml":
        data = recipe.get("data")
    if data is None:
        raise RecipeError(
            "No table was named.",
            expected='fathom train DATA --target y, or a recipe with data = "…"',
            do="Name a file.",
        )
    test, validation = recipe.get("test"), recipe.get("validation")
    return Sources(data, asked.test or test, asked.validation or validation)


def look(data: Path, asked: Asked, as_json: bool) -> None:
    recipe = _recipe(data, asked)
    sources = _sources(data, asked, recipe)
    found = look_at(recipe, sources.data, sources.test)
    if as_json:
        _print(found.to_dict())
        return
    _say(found.as_text())


def _aside(show: Show) -> Callable[[str], None]:
    """Says what is done meanwhile, beside the answer."""
    return lambda text: None if show.quiet or show.json else _say(text, file=sys.stderr)


def plan(
    data: Path,
    asked: Asked,
    time: str | None,
    output: Path | None,
    rates: Path | None,
    speed: bool,
    show: Show,
) -> None:
    recipe = _recipe(data, asked, time)
    sources = _sources(data, asked, recipe)
    recipe = recipe.with_said(sources.said(), {})
    tables = [sources.data, sources.test, sources.validation]
    for written, option in ((output, "--output"), (rates, "--rates")):
        for table in tables:
            if written is not None and isinstance(table, str | Path):
                _check_apart(Path(table), written, option)
    made = timed(sources.study(recipe), sources.study)
    columns = made.schema.described
    found = None if rates is None else rates_of(made)
    speeds = speeds_of(made, _aside(show)) if speed else []
    if show.json:
        content = {"decisions": [d.to_dict() for d in made.decisions], "columns": columns}
        content |= {} if found is None else {"rates": found.to_dict()}
        _print(content | ({"speeds": speeds_to_dict(speeds)} if speeds else {}))
    else:
        _say(resolved_toml(made.decisions, columns))
    if output is not None:
        by_measure = measured(made, speeds) if speeds else {}
        held = {"size": made.resolved.value("size")}
        held |= {key: decision.value for key, decision in by_measure.items()}
        decisions = tuple(by_measure.get(one.key, one) for one in made.decisions)
        write_text(output, planned_toml(recipe.with_said(held, {}), decisions, columns))
        _say(f"Written: {output}. Train it with: fathom train {output}", file=sys.stderr)
    if speeds and not show.json:
        _say(speeds_as_text(speeds), file=sys.stderr)
    if rates is not None and found is not None:
        use = _train_with(found.suggested, data, asked, time)
        write_rates(rates, found, ", ".join(made.schema.roles.targets), use)
        _say(f"{found.as_text()}\nPicture: {rates}", file=sys.stderr)
        if found.suggested is not None:
            _say(f"Train with it: {use}", file=sys.stderr)


def _train_with(rate: float | None, data: Path, asked: Asked, time: str | None) -> str:
    """What was typed, as the command that trains with this learning rate."""
    files = {"test": asked.test, "validation": asked.validation}
    named = {**asked.said(), **files, "time": time}
    words = ["fathom", "train", str(data)]
    for key, value in named.items():
        words += [] if value is None else [f"--{key.replace('_', '-')}", str(value)]
    words += [word for kind in asked.kind or () for word in ("--kind", kind)]
    rate_key = "training.learning_rate"
    kept = [one for one in asked.settings or () if one.partition("=")[0].strip() != rate_key]
    more = [*kept, f"{rate_key}={rate}"]
    return shlex.join([*words, *(word for one in more for word in ("--set", one))])


def train(data: Path | None, asked: Asked, time: str | None, out: Path | None, show: Show) -> None:
    recipe = _recipe(data, asked, time)
    with progress(show.json or show.quiet) as watch:
        run = train_run(recipe, _sources(data, asked, recipe), out, watch)
    conclude(run, show)


def resume(folder: Path, show: Show) -> None:
    if load(folder).finished:
        _say("This run is finished; nothing was left to be done.", file=sys.stderr)
    with progress(show.json or show.quiet) as watch:
        run = resume_run(folder, watch=watch)
    conclude(run, show)


# Findings that are named where a training ends; all of them stand in the report.
_FEW = 4


def _say_of_data(run: Run) -> None:
    """What in the data may have spoilt the training, and what was left out for it."""
    grave = [finding for finding in run.findings if finding.severity != "low"]
    lines = [f"  {one.severity.upper():<7} {one.title}" for one in grave[:_FEW]]
    more = len(grave) - _FEW
    lines += [f"  and {more:,} more, in the report"] * (more > 0)
    lines += [f"  Left out: {name} ({why})" for name, why in left_out_of(run.record).items()]
    if lines:
        _say("\n".join(["In the data:", *lines, ""]))


_NOT_SCORED = "Not scored: there were no test rows whose target is known and was learned."
_GONE = "The score is gone: score.json was taken from the folder of the run."


def conclude(run: Run, show: Show) -> None:
    """Print score and report of a run."""
    scored = run.scored
    if show.json:
        _print(run.score if scored else {"folder": str(run.folder)})
        return
    if not show.quiet:
        _say_of_data(run)
    _say(score_text(run.score) if scored else _GONE if run.score_gone else _NOT_SCORED)
    if run.speed.get("sentence") and not show.quiet:
        _say(f"Speed: {run.speed['sentence']}")
    _say(f"Report: {run.report}" if run.reported else f"Run: {run.folder}")


def _options(names: str | None) -> ReadOptions | None:
    return None if names is None else ReadOptions(names=names_said(names))


def _say_of_input(report: Iterable[Finding]) -> None:
    _say(as_text(by_severity(gather(report)), meaning=ANSWERS), file=sys.stderr)


def evaluate(folder: Path, data: Path, names: str | None, as_json: bool) -> None:
    found = evaluate_run(load(folder), data, _options(names))
    if found.input_report:
        _say_of_input(found.input_report)
    if as_json:
        _print(found.to_dict())
        return
    _say(repr(found))


def predict(
    folder: Path, data: Path, output: Path | None, names: str | None, as_json: bool
) -> None:
    if output is not None:
        _check_apart(data, output, "--output")
    found = predict_run(load(folder), data, _options(names))
    if output is not None:
        found.write(output)
    if told := found.told():
        _say(told, file=sys.stderr)
    if as_json:
        reports = {"input_report": found.input_report, "answer_report": found.answer_report}
        told = {name: [one.to_dict() for one in report] for name, report in reports.items()}
        _print({"rows": found.frame.to_dicts(), **told})
    elif output is None:
        text = found.frame.write_csv()
        # A file or another program gets every cell as it is.
        print(visible(text) if sys.stdout.isatty() else text, end="")
    else:
        _say(_written(found, output), file=sys.stderr)


def _written(found: Predictions, output: Path) -> str:
    told = f"{found.frame.height:,} rows written to {output}"
    if not found.num_unusual:
        return told
    return f"{told}; {found.num_unusual:,} of them unlike the training rows, see 'unusual'"


def _check_apart(data: Path, output: Path, option: str) -> None:
    """What is written may not take the place of the rows that it is about.

    Raises:
        RecipeError: they are one file.
    """
    if data.exists() and output.exists() and data.samefile(output):
        raise RecipeError(
            "A table that is read would be written over.",
            where=str(output),
            expected="another file than the input",
            got="the input itself",
            do=f"Choose another name for {option}.",
        )


def show(what: Path, data: Path | None, output: Path | None, as_json: bool) -> None:
    if output is not None:
        _check_apart(what if data is None else data, output, "-o")
    if what.is_dir() and not is_of_pictures(what):
        found = describe_run(load(what), data, output)
    else:
        found = describe_table(what, output)
    if as_json:
        _print(found.content)
        return
    _say(found.text)


def replay(folder: Path, out: Path | None, show: Show) -> None:
    with progress(show.json or show.quiet) as watch:
        found = replay_run(load(folder), out, watch)
    if show.json:
        _print(found.to_dict())
        return
    _say(found.wording)


def report(folder: Path, open_it: bool) -> None:
    run = load(folder)
    run.check_finished()
    place = run.report
    if not place.exists():
        raise RunError(
            "This run has no report.",
            where=str(folder),
            expected="a report.html, which a training writes at its end",
            got="none" if run.reported else "report = false in its recipe",
            do="Train again without report = false, or go on with an unfinished training: fathom "
            f"train --resume {shlex.quote(str(folder))}",
        )
    _say(place)
    if open_it:
        webbrowser.open(place.resolve().as_uri())


def settings() -> None:
    for one in SETTINGS:
        choices = f" ({', '.join(one.choices)})" if one.choices else ""
        _say(f"{one.key:28} {one.explanation}{choices}")
