"""The verb train: from a table to a run folder with a model and its report."""

import os
import shlex
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from fathom.base.errors import RunError, Stopped
from fathom.base.files import check_name, seal_of, write_sealed, write_text
from fathom.base.locks import alone_in
from fathom.base.machine import machine, versions
from fathom.base.records import Decision, Finding, findings_from
from fathom.inspection.gather import by_severity, gather
from fathom.models.model import save_model
from fathom.training.learner import Event
from fathom.workflow.bands import Band, Held, fit_band
from fathom.workflow.budget import TOO_SHORT, timed
from fathom.workflow.by_content import by_content
from fathom.workflow.conclude import conclude
from fathom.workflow.judge import Choice, choose, truth_of
from fathom.workflow.learn import Around, Learned, Watch, learn
from fathom.workflow.parts import CALIBRATE_FROM
from fathom.workflow.places import check_free, new_folder
from fathom.workflow.recipe import Recipe, read_recipe, resolved_toml
from fathom.workflow.resolve import Resolved, compares, resolve
from fathom.workflow.run import Run, load
from fathom.workflow.seen import Seen, read_seen
from fathom.workflow.stopwatch import Stopwatch
from fathom.workflow.store import flat, write_frame
from fathom.workflow.study import Study, circumstances, study
from fathom.workflow.transfer import BODY, without_transfer

MEMORY = "(in memory)"


@dataclass(frozen=True)
class Sources:
    """Where the rows come from: paths, or tables in memory."""

    data: object
    test: object = None
    validation: object = None

    def said(self) -> dict[str, str]:
        """As a recipe can name them."""
        named = {"data": self.data, "test": self.test, "validation": self.validation}
        for source in named.values():
            if isinstance(source, str | Path):
                check_name(Path(source))
        return {
            key: os.path.realpath(source) if isinstance(source, str | Path) else MEMORY
            for key, source in named.items()
            if source is not None
        }

    def study(self, recipe: Recipe, left_out: Mapping[str, str] | None = None) -> Study:
        """All that is decided about these rows, as `study` says."""
        return study(recipe, self.data, self.test, self.validation, left_out)


def train(
    recipe: Recipe,
    sources: Sources,
    out: str | Path | None = None,
    watch: Watch | None = None,
    obey: tuple[tuple[Event, ...], ...] = (),
    left_out: Mapping[str, str] | None = None,
) -> Run:
    """Train a model, score it, write the report.

    Args:
        recipe: what was asked for.
        sources: the rows.
        out: the run folder; None = the next free one under runs/.
        watch: told of the progress.
        obey: for each part, events of an earlier training that shall happen again (replay).
        left_out: column -> why an earlier training left it out (replay); None = decide now.

    Returns:
        The run, with model, score and report.

    Raises:
        FathomError: in four beats, whatever went wrong.
    """
    clock = Stopwatch()
    recipe = recipe.with_said(sources.said(), {})
    check_free(out)

    with clock("reading, looking, planning"):
        made = sources.study(recipe, left_out)
    if recipe.get("time") is not None:
        with clock("measuring a step"):
            made = timed(made, lambda asked: sources.study(asked, left_out))
    folder = new_folder(out, recipe)
    with alone_in(folder):
        record = _write_plan(folder, made)
        around = Around(folder=folder, watch=watch, obey=obey, identity=record["data"])
        return _go_on(made, folder, clock, around)


def resume(folder: str | Path, sources: Sources | None = None, watch: Watch | None = None) -> Run:
    """Go on with a training that was interrupted; ends with the same bits as one that was not.

    A run that is finished comes back as it is.

    Args:
        folder: the run folder.
        sources: the rows again, for a run that was trained from tables in memory.
        watch: told of the progress.

    Raises:
        RunError: no such run, its data changed, or another process is at work in it.
    """
    run = load(folder)
    if run.finished:
        return run
    with alone_in(run.folder):
        return _resume(run, sources, watch)


def _resume(run: Run, sources: Sources | None, watch: Watch | None) -> Run:
    clock = Stopwatch(resumed=True)
    place, record = run.folder, run.record
    recipe = read_recipe(place / "recipe.toml")
    frozen = Recipe.of(record["decided"], record["kinds"])
    if (place / BODY).is_dir():  # whatever became of the run that it started from
        frozen = frozen.with_said({"transfer.from": str(place / BODY)}, {})
    torch.set_num_threads(record["machine"]["threads"])
    with clock("reading, looking, planning"):
        found = sources or sources_of(recipe, place)
        made = found.study(frozen, left_out_of(record))
    _check_same_data(made, record, place)
    made = _with_reasons(replace(made, recipe=recipe), record)
    around = Around(folder=place, watch=watch, resume=True, identity=record["data"])
    return _go_on(made, place, clock, around)


def _with_reasons(made: Study, record: Mapping[str, Any]) -> Study:
    """Decisions and findings as they were first told, not as wishes of who goes on."""
    known = {item["key"]: Decision(**item) for item in record["decisions"]}
    splits, plans = (
        tuple(known.get(decision.key, decision) for decision in decisions)
        for decisions in (made.material.decisions, made.resolved.decisions)
    )
    return replace(
        made,
        material=replace(made.material, decisions=splits),
        resolved=replace(made.resolved, decisions=plans),
        findings=(*made.findings, *_measured(record)),
    )


def _measured(record: Mapping[str, Any]) -> tuple[Finding, ...]:
    """Findings that rest on a measurement before the first step; runs of before kept none."""
    return findings_from(record.get("measured", ()))


def left_out_of(record: Mapping[str, Any]) -> dict[str, str]:
    """Column -> why a run left it out, as its record tells."""
    told = {item["key"]: item["reason"] for item in record["decisions"]}
    return {
        key.removeprefix("columns."): reason
        for key, reason in told.items()
        if key.startswith("columns.")
    }


def sources_of(recipe: Recipe, place: Path) -> Sources:
    """Where a run's rows came from.

    Raises:
        RunError: from memory, so that nobody can read them again.
    """
    found = Sources(recipe.get("data"), recipe.get("test"), recipe.get("validation"))
    if MEMORY in (found.data, found.test, found.validation):
        raise RunError(
            "This run was trained from tables in memory, which its folder does not hold.",
            where=str(place),
            do="Pass the same tables from Python: fathom.workflow.api.resume(folder, data).",
        )
    return found


def _check_same_data(made: Study, record: Mapping[str, Any], place: Path) -> None:
    now = data_hash(made)
    if now != record["data"]:
        raise RunError(
            "The data changed since this run began, so it cannot be resumed.",
            where=str(place),
            expected=f"rows with the fingerprint {record['data']}",
            got=now,
            do="Bring the old files back, or train anew.",
        )


def data_hash(made: Study) -> str:
    """A fingerprint of all rows, training and test, with what their pictures show."""
    tables = [made.material.pool, made.material.test]
    return "".join(
        by_content(table, made.schema.kinds).content_hash() for table in tables if table is not None
    )


def _write_plan(folder: Path, made: Study) -> dict[str, Any]:
    """All that a resume needs, before the first step; gives the record."""
    write_text(folder / "recipe.toml", made.recipe.to_toml())
    write_text(folder / "resolved.toml", resolved_toml(made.decisions, made.schema.described))
    if made.resolved.transfer is not None:
        made.resolved.transfer.body.write(folder / BODY)
        seen = _seen_before(made)
        if seen is not None:
            seen.write(folder / BODY)
    findings = [finding.to_dict() for finding in by_severity(gather(made.findings))]
    write_sealed(folder / "findings.json", {"findings": findings})
    record = _record(made)
    write_sealed(folder / "record.json", record)
    return record


def _seen_before(made: Study) -> Seen | None:
    """What the network that the training begins with had learned from, where that is known."""
    place = made.recipe.get("transfer.from")
    if place is None:
        return None
    folder = Path(place)
    return read_seen(folder.parent if folder.is_file() else folder)


def _record(made: Study) -> dict[str, Any]:
    decisions, transfer = [d.to_dict() for d in made.decisions], made.resolved.transfer
    settings = (*made.material.decisions, *made.resolved.decisions)
    decided = {**made.recipe.said, **{d.key: d.value for d in settings if d.value is not None}}
    # Seconds were turned into a number of steps; a replay takes that number.
    decided.pop("time", None)
    return {
        "command": _command(),
        "data": data_hash(made),
        "decided": decided,
        "kinds": dict(made.recipe.kinds),
        "decisions": decisions,
        "seed": made.resolved.training.seed,
        "versions": versions(),
        "machine": machine(),
        "num_steps": made.resolved.training.num_steps,
        "body": None if transfer is None else transfer.body.fingerprint,
        "columns": list(made.material.pool.columns),
        "weight": made.schema.roles.weight,
        # Told after a measurement that nobody repeats; the others come from the rows again.
        "measured": [f.to_dict() for f in made.findings if f.code == TOO_SHORT],
    }


def _command() -> str:
    """What was typed, so that it can be typed again."""
    program = Path(sys.argv[0]).name
    typed = program in ("fathom", "__main__.py")
    return shlex.join(["fathom", *sys.argv[1:]]) if typed else "fathom.train(…)"


def _go_on(made: Study, folder: Path, clock: Stopwatch, around: Around) -> Run:
    try:
        return _learn_and_conclude(made, folder, clock, around)
    except KeyboardInterrupt as error:
        stopped = Stopped(
            "Stopped by Ctrl-C.",
            where=str(folder),
            do=f"Go on: fathom train --resume {shlex.quote(str(folder))}",
        )
        stopped.exit_code = 130
        raise stopped from error


def _learn_and_conclude(made: Study, folder: Path, clock: Stopwatch, around: Around) -> Run:
    with clock("training"):
        learned = learn(made.material, made.schema, made.resolved, around)
    with clock("choosing on held rows"):
        learned, choices = settle(made, learned)
        bands = _bands(made, learned)
        save_model(learned.model, folder)
        _write_answers(folder, choices, bands)
        _write_predictions(folder / "predictions" / "validation.parquet", made, learned)
        preparation = learned.model.preparation
        seen = Seen.of(preparation, preparation.parse(made.material.pool))
        seen.and_pictures_of(read_seen(folder / BODY)).write(folder)
    scratch = None
    if compares(made.resolved):
        with clock("training from scratch, to compare"):
            scratch = _from_scratch(made, around)
    return conclude(made, learned, choices, bands, folder, clock, scratch)


def _from_scratch(made: Study, around: Around) -> Learned:
    """The same training without a network to start from, for as many steps."""
    if around.folder is not None:
        around = replace(around, folder=around.folder / "from_scratch")
    around = replace(around, obey=())
    learned = learn(made.material, made.schema, _blank(made), around)
    return settle(made, learned)[0]


def _blank(made: Study) -> Resolved:
    """The plans without a network to start from: the usual one, or the same with random weights.

    The latter where it is none of ours, which nobody would have chosen for so few pictures.
    """
    plan, transfer = made.resolved.training, made.resolved.transfer
    if transfer is not None and transfer.body.foreign:
        return replace(made.resolved, transfer=replace(transfer, fresh=True))
    recipe = without_transfer(made.recipe)
    facts = circumstances(recipe, made.material, made.schema, made.targets)
    resolved = resolve(recipe, facts)
    training = replace(resolved.training, num_steps=plan.num_steps, check_every=plan.check_every)
    return replace(resolved, training=training)


def settle(made: Study, learned: Learned) -> tuple[Learned, dict[str, Choice]]:
    """Temperature and threshold from the held rows, and the held answers with them."""
    held = made.material.pool.rows(learned.held_rows)
    value = made.resolved.value
    choices: dict[str, Choice] = {}
    answers = dict(learned.held)
    for column in learned.model.targets:
        truth = truth_of(column, held, made.schema)
        choice = choose(
            column,
            learned.held[column.name],
            truth,
            value("evaluate.calibrate"),
            value("evaluate.threshold"),
        )
        choices[column.name] = choice
        answers[column.name] = tempered(answers[column.name], choice.settings.temperature)
    settings = {name: choice.settings for name, choice in choices.items()}
    return replace(learned, model=replace(learned.model, settings=settings), held=answers), choices


def tempered(answer: Any, temperature: float) -> Any:
    """An answer of temperature 1 at another temperature."""
    if answer.probability is None or temperature == 1.0:
        return answer
    logits = np.log(np.clip(answer.probability, 1e-12, 1)) / temperature
    logits -= logits.max(axis=1, keepdims=True)
    chance = np.exp(logits)
    return replace(answer, probability=chance / chance.sum(axis=1, keepdims=True))


def _bands(made: Study, learned: Learned) -> dict[str, Band]:
    coverage = made.resolved.value("evaluate.coverage")
    material = made.material
    found: dict[str, Band] = {}
    for column in learned.model.targets:
        if column.kind.name == "set":
            continue
        if material.folds:
            rows = material.pool.rows(learned.held_rows)
            answer, part = learned.held[column.name], learned.held_part
        elif len(material.calibration):
            rows = material.pool.rows(material.calibration)
            answer, part = learned.model.answer(rows)[column.name], np.zeros(0, dtype=np.int64)
        else:
            reason = f"fewer than {CALIBRATE_FROM} validation rows leave none to spare"
            found[column.name] = Band("none", coverage, reason)
            continue
        truth = truth_of(column, rows, made.schema)
        keep = np.flatnonzero(truth.known)
        kept = answer.rows(keep)
        parts = part[keep] if len(part) else part
        known = truth.rows
        held = Held(known.truth, kept, parts, material.folds, known.weight, known.cluster)
        found[column.name] = fit_band(held, coverage)
    return found


def _write_answers(folder: Path, choices: Mapping[str, Choice], bands: Mapping[str, Band]) -> None:
    write_sealed(
        folder / "answers.json",
        {
            "thresholds": {name: choice.threshold for name, choice in choices.items()},
            "decisions": [d.to_dict() for c in choices.values() for d in c.decisions],
            "bands": {name: band.to_dict() for name, band in bands.items()},
            "model": seal_of(folder / "preparation.json"),
        },
    )


def _write_predictions(path: Path, made: Study, learned: Learned) -> None:
    """Held rows with truth and answer, for paired tests later."""
    columns: dict[str, Any] = {
        "row": made.material.origin[learned.held_rows] + 1,
        "part": learned.held_part,
    }
    pool = made.material.pool
    for column in learned.model.targets:
        columns[f"truth: {column.name}"] = pool.column(column.name)[learned.held_rows]
        columns |= flat(column.name, learned.held[column.name])
    write_frame(path, columns)
