"""The verb evaluate: a trained run on other rows, with intervals, beside a baseline."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from fathom.base.errors import DataError, listed
from fathom.base.files import write_json
from fathom.base.records import Finding
from fathom.evaluation.headline import headline
from fathom.evaluation.intervals import Interval
from fathom.evaluation.ledger import look, rows_key
from fathom.evaluation.recall import recalled
from fathom.evaluation.score import About, Score, build_score
from fathom.evaluation.score_text import score_text
from fathom.metrics.record import Answer as Said
from fathom.models.model import average
from fathom.models.preparation import Column
from fathom.tables.options import ReadOptions
from fathom.tables.schema import Roles, Schema
from fathom.tables.table import Table
from fathom.workflow.by_content import by_content
from fathom.workflow.conclude import coverage_of, fingerprint, rows_of
from fathom.workflow.doubts import Doubts, doubts_of_run
from fathom.workflow.judge import Truth, metric_for, said_of, task_of, truth_of
from fathom.workflow.predict import check_columns, input_report, read_like_training
from fathom.workflow.run import Run, load
from fathom.workflow.scorable import check_scorable, not_scored, scorable, to_be_scored

_UNKNOWN = (
    "Whether these rows were seen in training is not known: no fingerprints of the training "
    "rows lie in the run."
)
_GONE = (
    "What was better than it on the rows held out in its training is not known: score.json of the "
    "run is gone."
)


@dataclass(frozen=True)
class Evaluation:
    """Scores by target, as score.json has them, and what was unusual about the input.

    Attributes:
        scores: one per target.
        verdict: over all targets, in plain words.
        input_report: findings, the gravest first.
    """

    scores: tuple[dict[str, Any], ...]
    verdict: str
    input_report: tuple[Any, ...]

    def to_dict(self) -> dict[str, Any]:
        """The first target's score with the verdict over all, which stand under "targets"."""
        content = dict(self.scores[0])
        if len(self.scores) > 1:
            content["targets"] = list(self.scores)
            content["verdict"] = self.verdict
        content["input_report"] = [finding.to_dict() for finding in self.input_report]
        return content

    def __repr__(self) -> str:
        return score_text(self.to_dict())


def evaluate(run: Run | str | Path, data: object, options: ReadOptions | None = None) -> Evaluation:
    """Score a run on rows whose targets are known; says how many of them it was trained on.

    The constant answer of the training rows stands beside it as the baseline: the others would
    need the training rows, which a run folder does not hold. Where the run was no better than the
    strongest of them on the rows held out in its training, that is said again.

    Args:
        run: a trained run, or its folder.
        data: a path, a data frame or anything else that `fathom.read` takes.
        options: how a text file is read.

    Raises:
        DataError: a target column is missing or empty.
    """
    run = load(run)
    table = read_like_training(run, data, options)
    check_columns(run.model.preparation, table)
    _check_targets(run, table)
    truths = {column.name: _truth(run, column, table) for column in run.model.targets}
    unscored = _unscored(run, table, truths)
    values = run.model.preparation.parse(table)
    per_part = run.model.answers_by_part(values)
    doubts = doubts_of_run(run, values)
    scores: list[tuple[Score, Interval | None]] = []
    for column in run.model.targets:
        answers = [answer[column.name] for answer in per_part]
        truth = truths[column.name]
        if not truth.rows.known().any():
            continue  # a finding tells it
        scores.append(_score(run, column, answers, truth, table, doubts))
    found = Evaluation(
        tuple(
            score.to_dict() | {"coverage": None if coverage is None else coverage.to_dict()}
            for score, coverage in scores
        ),
        headline([score for score, _ in scores]),
        (*unscored, *input_report(run.model.preparation, table, values)),
    )
    number = 1
    folder = run.folder / "evaluations"
    while (folder / f"{number:03d}.json").exists():
        number += 1
    write_json(folder / f"{number:03d}.json", {"data": table.source.name, **found.to_dict()})
    return found


def _check_targets(run: Run, table: Table) -> None:
    lacking = [column.name for column in run.model.targets if column.name not in table.columns]
    if lacking:
        raise DataError(
            "The table does not hold the truth, so there is nothing to compare with.",
            where=table.source.name,
            expected=f"the target columns {listed(c.name for c in run.model.targets)}",
            got=f"without {listed(lacking)}",
            do="Use `fathom predict` for rows whose targets are unknown.",
        )


def _truth(run: Run, column: Column, table: Table) -> Truth:
    return truth_of(column, table, Schema(_roles(run, table), {}), _clusters(run, table))


def _unscored(run: Run, table: Table, truths: Mapping[str, Truth]) -> list[Finding]:
    """What of the rows is not scored.

    Raises:
        DataError: no row can be scored on any target.
    """
    found = [scorable(column, table, truths[column.name]) for column in run.model.targets]
    check_scorable(found, table.source.name, to_be_scored(found))
    return not_scored(found, np.arange(table.num_rows), "given row")


def _score(
    run: Run,
    column: Column,
    answers: list[Any],
    truth: Truth,
    table: Table,
    doubts: Doubts,
) -> tuple[Score, Interval | None]:
    keep = np.flatnonzero(truth.known)
    answer = rows_of(average(answers), keep)
    threshold = run.answers["thresholds"].get(column.name)
    rows = by_content(table, run.model.preparation.kinds).frame
    about = About(
        target=column.name,
        split="given rows",
        strongest="constant",
        looks=look(rows_key(rows, [column.name]), fingerprint(run.folder)),
        seen=doubts.seen_rows(truth.known),
        lost=" ".join(filter(None, (_UNKNOWN * (doubts.seen is None), doubts.lost))),
        recalled=recalled(run.score, column.name) if run.scored else _GONE * run.score_gone,
    )
    said = said_of(column, answer, threshold)
    metric = metric_for(column, run.record["decided"].get("evaluate.metric"))
    constant = {"constant": _constant(column, len(keep))}
    score = build_score(truth.rows, said, constant, about, metric=metric)
    band = run.bands.get(column.name)
    parts = [rows_of(one, keep) for one in answers]
    return score, coverage_of(column, truth, parts, answer, band)


def _roles(run: Run, table: Table) -> Roles:
    weight = run.record["weight"]
    return Roles(weight=weight if weight in table.columns else None)


def _clusters(run: Run, table: Table) -> np.ndarray | None:
    """Which group each row belongs to, as in training; None without groups."""
    group = run.record["decided"].get("group")
    if group not in table.columns:
        return None
    return table.column(group).cast(pl.String).rank("dense").fill_null(0).to_numpy()


def _constant(column: Column, num_rows: int) -> Said:
    """What always giving the training rows' mean or class shares would answer."""
    fitted: Any = column.fitted
    task = task_of(column)
    if task == "regression":
        return Said(number=np.full(num_rows, fitted.mean))
    if column.kind.name == "flag":
        share = np.array([1 - fitted.share, fitted.share])
    else:
        weights = np.array(fitted.weights, dtype=np.float64)
        share = weights / (fitted.count if task == "multilabel" else weights.sum())
    spread = np.tile(share, (num_rows, 1))
    return Said.of_sets(spread) if task == "multilabel" else Said.of_classes(spread)
