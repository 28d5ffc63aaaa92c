"""Fill the report: everything a person should see of a run, in plain records."""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from fathom.base.files import read_sealed, write_text
from fathom.base.records import Decision
from fathom.columns.category import FittedCategory
from fathom.columns.flag import FittedFlag
from fathom.columns.kind import FittedColumn
from fathom.columns.number import FittedNumber
from fathom.evaluation.calibrate import reliability_curve
from fathom.evaluation.classes import class_scores
from fathom.evaluation.headline import headline, stand_together
from fathom.evaluation.intervals import Interval
from fathom.evaluation.words import number_in_words
from fathom.heads.head import Answer
from fathom.metrics.catalogue import METRICS
from fathom.metrics.labels import confusion_matrix
from fathom.models.preparation import Column
from fathom.reports.album import Look
from fathom.reports.card import model_card
from fathom.reports.content import ColumnContent, Importance, ReportContent, TargetContent
from fathom.reports.page import write_report
from fathom.workflow.albums import albums
from fathom.workflow.bands import Band
from fathom.workflow.importance import Importances
from fathom.workflow.judge import Choice, Truth, said_of, task_of, truth_of
from fathom.workflow.learn import Learned
from fathom.workflow.looks import Held, looks
from fathom.workflow.mistakes import confused, worst
from fathom.workflow.show import layers
from fathom.workflow.speed import speed_content, speed_of
from fathom.workflow.stopwatch import Stopwatch
from fathom.workflow.study import Study
from fathom.workflow.verdict import Verdict


@dataclass(frozen=True)
class Outcome:
    """All that came out of a run.

    Attributes:
        made: what was decided before training.
        learned: model and held answers.
        choices: temperature and threshold by target.
        bands: intervals and sets by target.
        verdicts: scores by target; empty without test rows.
        importance: of the columns.
    """

    made: Study
    learned: Learned
    choices: Mapping[str, Choice]
    bands: Mapping[str, Band]
    verdicts: Sequence[Verdict]
    importance: Importances


def tell(outcome: Outcome, folder: Path, clock: Stopwatch) -> None:
    """Write MODEL_CARD.md and, unless it was not wished for, report.html."""
    content = report_content(outcome, folder, clock)
    if _reports(outcome):
        write_report(folder / "report.html", content)
    write_text(folder / "MODEL_CARD.md", model_card(content))


def _reports(outcome: Outcome) -> bool:
    return bool(outcome.made.resolved.value("report"))


def report_content(outcome: Outcome, folder: Path, clock: Stopwatch) -> ReportContent:
    """The report's content."""
    made, learned = outcome.made, outcome.learned
    names = ", ".join(column.name for column in learned.model.targets)
    scores = [verdict.score for verdict in outcome.verdicts]
    trained = learned.trained[0]
    decided = [d for choice in outcome.choices.values() for d in choice.decisions]
    record = read_sealed(folder / "record.json")
    return ReportContent(
        title=f"{folder.name}: {names}",
        verdict=headline(scores) if scores else _not_scored(made),
        verdict_good=stand_together(scores),
        summary=_summary(outcome, clock),
        targets=[_target(outcome, column) for column in learned.model.targets],
        findings=made.findings,
        columns=_columns(outcome),
        albums=albums(made, learned) if _reports(outcome) else [],
        looks=_looks(outcome) if _reports(outcome) else [],
        decisions=[*made.decisions, *decided],
        history=trained.history,
        num_networks=len(learned.trained),
        best_step=trained.best_step,
        events=[event for one in learned.trained for event in one.events],
        importance=[
            Importance(i.column, i.rise, i.low, i.high) for i in outcome.importance.columns
        ],
        importance_note=outcome.importance.note,
        importance_metric=_importance_metric(learned.model.targets[0]),
        timings=clock.laps,
        speed=speed_content(speed_of(made, learned, clock)),
        network=_layers(outcome),
        record=_record(record),
        repeat=_repeat(record, folder),
    )


def _looks(outcome: Outcome) -> list[Look]:
    """Where the network looks for the first target's answers."""
    column = outcome.learned.model.targets[0]
    truth, answer = _held(outcome, column)
    threshold = outcome.choices[column.name].threshold
    return looks(outcome.made, outcome.learned, Held(truth, answer, threshold))


def _not_scored(made: Study) -> str:
    test = made.material.test
    none = test is None or not test.num_rows
    which = "" if none else " whose target is known and was learned"
    return f"Not scored: there were no test rows{which}."


def _summary(outcome: Outcome, clock: Stopwatch) -> list[tuple[str, str]]:
    material = outcome.made.material
    parts = len(material.parts)
    rows = f"{len(material.parts[0][0]):,} to learn from, {len(material.parts[0][1]):,} to choose"
    if parts > 1:
        rows = f"{material.pool.num_rows:,} in {parts} folds"
    if len(material.calibration):
        rows += f", {len(material.calibration):,} for the width of intervals"
    test = 0 if material.test is None else material.test.num_rows
    weights = sum(p.numel() for p in outcome.learned.model.parts[0].network.parameters())
    falling = outcome.learned.still_falling
    since = " since it was resumed" if clock.resumed else ""
    return [
        *([("Training", falling)] if falling else []),
        ("Rows", f"{rows}, {test:,} tested"),
        ("Columns the network sees", str(len(outcome.made.schema.inputs))),
        ("Weights", f"{weights:,}" + (f" in each of {parts} networks" if parts > 1 else "")),
        ("Time", f"{clock.total:.0f} seconds{since}"),
    ]


def _target(outcome: Outcome, column: Column) -> TargetContent:
    task = task_of(column)
    meanings = {name: metric.sentence for name, metric in METRICS[task].items()}
    found = next((v for v in outcome.verdicts if v.column.name == column.name), None)
    settings = [_line(d) for d in outcome.choices[column.name].decisions]
    if found is None:
        return TargetContent(name=column.name, task=task, settings=settings)
    made, learned = outcome.made, outcome.learned
    meanings = {name: text for name, text in meanings.items() if name in found.score.metrics}
    choice = outcome.choices[column.name]
    held_truth, held_answer = _held(outcome, column)
    score = found.score
    return TargetContent(
        name=column.name,
        task=task,
        rows=score.rows,
        looks=score.looks,
        split=score.split,
        metrics=_scores(score.metrics),
        meanings=meanings,
        primary=score.primary_metric,
        baselines={name: _scores(metrics) for name, metrics in score.baselines.items()},
        verdict=score.verdict,
        strongest=score.strongest_baseline or "",
        comparisons=[{**c.to_dict(), "wording": c.wording} for c in score.comparisons],
        **_errors(column, found, choice),
        worst=worst(made, learned, (column, choice), held_truth, held_answer),
        confused=confused(made, learned, (column, choice), held_truth, held_answer),
        conformal=_conformal(outcome.bands.get(column.name), found),
        settings=[*settings, *score.notes],
    )


def _errors(column: Column, found: Verdict, choice: Choice) -> dict[str, Any]:
    """Confusion and calibration of classes, residuals of numbers."""
    task, rows = task_of(column), found.truth.rows
    if task == "regression":
        return {"residuals": (rows.truth, found.answer.value)}
    said = said_of(column, found.answer, choice.threshold)
    per_class = [one.to_dict() for one in class_scores(rows, said)]
    if task == "multilabel":
        return {"per_class": per_class}
    known = np.flatnonzero(rows.known())
    assert said.label is not None, "classes are decided"
    assert said.probability is not None, "classes have probabilities"
    inside = rows.at(known)
    table = confusion_matrix(inside.truth, said.label[known], None, len(rows.classes))
    points = reliability_curve(inside.truth, said.probability[known], inside.weight)
    return {
        "confusion": (table.astype(np.int64), rows.classes),
        "per_class": per_class,
        "reliability": [(p.claimed, p.observed, p.num_rows, p.low, p.high) for p in points],
    }


def _held(outcome: Outcome, column: Column) -> tuple[Truth, Answer]:
    rows = outcome.made.material.pool.rows(outcome.learned.held_rows)
    return truth_of(column, rows, outcome.made.schema), outcome.learned.held[column.name]


def _conformal(band: Band | None, found: Verdict) -> list[str]:
    if band is None:
        return []
    if band.method == "none":
        return [f"No interval with a promised coverage: {band.reason}."]
    what = "Intervals" if found.answer.value is not None else "Sets of classes"
    lines = [f"{what} that shall hold {100 * band.coverage:.0f} % of truths: {band.reason}."]
    if found.coverage is not None:
        value = found.coverage
        ends = "" if value.low is None else f" (95 % interval {value.low:.3f} to {value.high:.3f})"
        lines.append(f"Measured on the test rows: {value.value:.3f}{ends}.")
    return lines


def _scores(scores: Mapping[str, Interval]) -> dict[str, tuple[float, float | None, float | None]]:
    return {name: (found.value, found.low, found.high) for name, found in scores.items()}


def _columns(outcome: Outcome) -> list[ColumnContent]:
    made = outcome.made
    preparation = outcome.learned.model.preparation
    fitted = {column.name: column.fitted for column in (*preparation.inputs, *preparation.targets)}
    train = made.material.train
    found: list[ColumnContent] = []
    for name, recognised in made.schema.columns.items():
        one = fitted.get(name)
        missing = None if one is None else one.num_missing  # pyright: ignore[reportAttributeAccessIssue]
        reason = made.left_out.get(name, recognised.reason)
        share = None if missing is None else missing / max(train.num_rows, 1)
        found.append(ColumnContent(name, recognised.kind.name, reason, share, _facts(one)))
    return found


def _facts(fitted: FittedColumn | None) -> str:
    if isinstance(fitted, FittedNumber):
        low, high, mean = map(number_in_words, (fitted.minimum, fitted.maximum, fitted.mean))
        return f"{low} to {high}, mean {mean}"
    if isinstance(fitted, FittedCategory):
        return f"{fitted.num_levels:,} words"
    if isinstance(fitted, FittedFlag):
        return f"'{fitted.levels[1]}' in {100 * fitted.share:.1f} %"
    return ""


def _layers(outcome: Outcome) -> list[tuple[str, str, int]]:
    return layers(outcome.learned.model.parts[0])


def _importance_metric(column: Column) -> str:
    return "rmse" if task_of(column) == "regression" else "log_loss"


def _record(record: Mapping[str, Any]) -> dict[str, Any]:
    return {key: record[key] for key in ("data", "seed", "num_steps", "versions", "machine")}


def _repeat(record: Mapping[str, Any], folder: Path) -> list[str]:
    place = shlex.quote(str(folder))
    return [record["command"], f"fathom train {place}/resolved.toml", f"fathom replay {place}"]


def _line(decision: Decision) -> str:
    name = decision.key.rsplit(".", 1)[-1]
    return f"{name}: {decision.value:.3g} ({decision.reason})"
