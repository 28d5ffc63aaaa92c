"""After training: baselines, score, importance, predictions, report."""

from collections.abc import Mapping
from dataclasses import replace
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np

from fathom.base.files import write_sealed
from fathom.evaluation.baselines import FOR_PICTURES, FOR_TABLES, Baseline
from fathom.evaluation.conformal import interval_coverage_of, set_coverage_of
from fathom.evaluation.headline import headline
from fathom.evaluation.intervals import Interval
from fathom.evaluation.ledger import look, rows_key
from fathom.evaluation.score import About, build_score
from fathom.heads.head import Answer
from fathom.metrics.catalogue import metric_named
from fathom.metrics.record import Answer as Said
from fathom.models.model import average
from fathom.models.preparation import Column
from fathom.tables.table import Table
from fathom.workflow import bands as banding
from fathom.workflow.bands import Band
from fathom.workflow.by_content import by_content
from fathom.workflow.doubts import Doubts, doubts_of_training
from fathom.workflow.importance import Importances, measure_importance
from fathom.workflow.judge import (
    Choice,
    Rivals,
    Truth,
    judge_baselines,
    metric_for,
    said_of,
    task_of,
    truth_of,
)
from fathom.workflow.learn import Learned
from fathom.workflow.run import Run
from fathom.workflow.speed import speed_of, write_speed
from fathom.workflow.stopwatch import Stopwatch
from fathom.workflow.store import flat, write_frame
from fathom.workflow.study import Study
from fathom.workflow.tell import Outcome, tell
from fathom.workflow.transfer import FROM_SCRATCH, sentence
from fathom.workflow.verdict import Verdict


def conclude(
    made: Study,
    learned: Learned,
    choices: Mapping[str, Choice],
    bands: Mapping[str, Band],
    folder: Path,
    clock: Stopwatch,
    scratch: Learned | None = None,
) -> Run:
    """Score on the test rows if there are any, and write everything that a person reads.

    Args:
        scratch: what was learned without a trained network to start from, to be compared with.
    """
    test = made.material.test
    verdicts: list[Verdict] = []
    if test is not None and test.num_rows:
        with clock("answering the test rows"):
            values = learned.model.preparation.parse(test)
            per_part = learned.model.answers_by_part(values)
            doubts = doubts_of_training(made, learned.model.preparation, folder, values)
        for column in learned.model.targets:
            truth = truth_of(column, test, made.schema, made.material.cluster)
            if not truth.rows.known().any():
                continue  # a finding tells it
            answers = [answer[column.name] for answer in per_part]
            with clock("baselines"):
                others = [] if scratch is None else [_from_scratch(made, scratch, column, test)]
                found = _baselines(made, learned, column, test, others)
            with clock("scoring"):
                chosen = choices[column.name], bands.get(column.name)
                verdicts.append(
                    _verdict(made, (column, truth), answers, chosen, found, doubts, folder)
                )
        common = {
            c.name: average([answer[c.name] for answer in per_part]) for c in learned.model.targets
        }
        _write_test_predictions(folder, made, common)
    importance = Importances()
    if made.resolved.value("evaluate.importance"):
        with clock("importance"):
            importance = measure_importance(made, learned)
    _write_scores(folder, verdicts, learned.still_falling, clock)
    with clock("report"):
        outcome = Outcome(made, learned, choices, bands, verdicts, importance)
        tell(outcome, folder, clock)
    write_speed(folder, speed_of(made, learned, clock))
    return Run(folder)


def _from_scratch(made: Study, scratch: Learned, column: Column, test: Table) -> Baseline:
    """The answers of a network that began with drawn weights."""
    rows = made.material.parts[0][1]
    truth = truth_of(column, made.material.pool.rows(rows), made.schema)
    keep = np.flatnonzero(truth.known)[truth.rows.known()]
    held = scratch.held[column.name].rows(np.flatnonzero(scratch.held_part == 0)[keep])
    answer = scratch.model.answer(test)[column.name]
    return Baseline(
        name=FROM_SCRATCH, validation=said_of(column, held), test=said_of(column, answer)
    )


def _baselines(
    made: Study, learned: Learned, column: Column, test: Table, others: list[Baseline]
) -> tuple[tuple[Baseline, ...], str | None]:
    pictures = {one.kind.name for one in learned.model.preparation.inputs} == {"image"}
    names = FOR_PICTURES if pictures else FOR_TABLES
    if not made.resolved.value("evaluate.baselines"):
        names = ("constant",)
    train_rows, held_rows = made.material.parts[0]
    pool = made.material.pool
    found, strongest = judge_baselines(
        column,
        learned.model.preparation,
        (pool.rows(train_rows), pool.rows(held_rows), test),
        made.schema,
        Rivals(
            names=names,
            metric=metric_for(column, made.resolved.value("evaluate.metric")),
            seed=made.resolved.training.seed,
            others=others,
        ),
    )
    return tuple(found), strongest


def _verdict(
    made: Study,
    asked: tuple[Column, Truth],
    answers: list[Answer],
    chosen: tuple[Choice, Band | None],
    baselines: tuple[tuple[Baseline, ...], str | None],
    doubts: Doubts,
    folder: Path,
) -> Verdict:
    (column, truth), (choice, band) = asked, chosen
    test = made.material.test
    assert test is not None, "asked only with test rows"
    keep = np.flatnonzero(truth.known)
    answer = rows_of(average(answers), keep)
    found, strongest = baselines
    said = said_of(column, answer, choice.threshold)
    rows = by_content(test, made.schema.kinds).frame
    about = About(
        target=column.name,
        split="test",
        strongest=strongest,
        absent={item.name: item.absent for item in found if item.absent},
        limits={item.name: item.limits for item in found if item.limits},
        looks=look(rows_key(rows, made.schema.roles.targets), fingerprint(folder)),
        seen=doubts.seen_rows(truth.known),
        lost=doubts.lost,
    )
    score = build_score(
        truth.rows,
        said,
        {item.name: item.test.rows(keep) for item in found if item.test is not None},
        about,
        metric=metric_for(column, made.resolved.value("evaluate.metric")),
    )
    by_memory = about.seen is not None and about.seen.leads
    transfer = () if by_memory else _of_transfer(made, asked, said, found, keep)
    score = replace(score, verdict=" ".join([score.verdict, *transfer]))
    coverage = coverage_of(column, truth, [rows_of(one, keep) for one in answers], answer, band)
    return Verdict(column, score, truth, answer, coverage, found)


def _of_transfer(
    made: Study,
    asked: tuple[Column, Truth],
    said: Said,
    found: tuple[Baseline, ...],
    keep: np.ndarray,
) -> tuple[str, ...]:
    """Whether it helped to start from a trained network, where that was compared."""
    (column, truth), transfer = asked, made.resolved.transfer
    scratch = next((one for one in found if one.name == FROM_SCRATCH and one.test), None)
    if transfer is None or scratch is None or scratch.test is None:
        return ()
    rows = truth.rows.at(known := np.flatnonzero(truth.rows.known()))
    metric = metric_named(rows.task, metric_for(column, made.resolved.value("evaluate.metric")))
    theirs = replace(scratch, test=scratch.test.rows(keep).rows(known))
    return (sentence(transfer.body.origin, rows, said.rows(known), theirs, metric),)


def fingerprint(folder: Path) -> str:
    """Names the trained model by its weights."""
    return blake2b((folder / "model.safetensors").read_bytes(), digest_size=16).hexdigest()


def coverage_of(
    column: Column, truth: Truth, answers: list[Answer], common: Answer, band: Band | None
) -> Interval | None:
    """Measured share of truths inside intervals or sets; None where there are none."""
    if band is None or band.method == "none":
        return None
    if task_of(column) == "regression":
        bounds = banding.interval(band, answers, common)
        return None if bounds is None else interval_coverage_of(truth.rows, bounds)
    inside = banding.sets(band, answers, common)
    known = np.flatnonzero(truth.rows.known())
    return None if inside is None else set_coverage_of(truth.rows.at(known), inside[known])


def rows_of(answer: Answer, index: np.ndarray) -> Answer:
    """An answer for some rows only."""
    return answer.rows(index)


def _write_test_predictions(folder: Path, made: Study, answers: Mapping[str, Answer]) -> None:
    test = made.material.test
    assert test is not None, "asked only with test rows"
    columns: dict[str, Any] = {"row": made.material.test_origin + 1}
    for name, answer in answers.items():
        columns[f"truth: {name}"] = test.column(name)
        columns |= flat(name, answer)
    write_frame(folder / "predictions" / "test.parquet", columns)


def _write_scores(
    folder: Path, verdicts: list[Verdict], still_falling: str, clock: Stopwatch
) -> None:
    """score.json is the score of the first target; all of them stand in it under "targets".

    Its verdict is about all targets; that of the first alone is under "targets" too.
    """
    if not verdicts:
        return
    scores = [verdict.score.to_dict() | _coverage_dict(verdict) for verdict in verdicts]
    content = scores[0] | {"still_falling": still_falling, "seconds": clock.total}
    if len(scores) > 1:
        content["targets"] = scores
        content["verdict"] = headline([verdict.score for verdict in verdicts])
    write_sealed(folder / "score.json", content)


def _coverage_dict(verdict: Verdict) -> dict[str, Any]:
    found = verdict.coverage
    return {"coverage": None if found is None else found.to_dict()}
