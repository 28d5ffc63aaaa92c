"""Truth beside answers: settings from held rows, baselines, scores, intervals."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from fathom.base.records import Decision
from fathom.base.tensors import Field
from fathom.columns.category import FittedCategory
from fathom.columns.flag import FittedFlag
from fathom.columns.image import FittedImage
from fathom.columns.kind import Values
from fathom.columns.number import FittedNumber
from fathom.evaluation.baseline_records import BaselineData, BaselinePlan, Labelled
from fathom.evaluation.baselines import Baseline, run_baselines, strongest_on_validation
from fathom.evaluation.calibrate import fit_temperature, logits_of
from fathom.evaluation.rows import Rows
from fathom.evaluation.threshold import choose_threshold
from fathom.heads.head import Answer, AnswerSettings
from fathom.metrics.catalogue import METRICS, metric_named
from fathom.metrics.record import Answer as Said
from fathom.metrics.record import Task
from fathom.models.model import class_names
from fathom.models.preparation import Column, Preparation, target_field
from fathom.tables.schema import Schema, row_weights
from fathom.tables.table import Table

# Sides of the grey thumbnails that the baselines see.
_THUMBNAIL = 16


@dataclass(frozen=True)
class Truth:
    """What is true of some rows, for one target.

    Attributes:
        rows: truth, weights, clusters of the rows whose target is known.
        known: which rows of the table those are.
    """

    rows: Rows
    known: np.ndarray


@dataclass(frozen=True)
class Choice:
    """What held rows chose for one target's answers.

    Attributes:
        settings: for the head.
        threshold: from which probability on the second class is answered; None = the likelier.
        decisions: with their reasons.
    """

    settings: AnswerSettings = field(default_factory=AnswerSettings)
    threshold: float | None = None
    decisions: tuple[Decision, ...] = ()


def task_of(column: Column) -> Task:
    """What kind of question a target asks."""
    fitted = column.fitted
    if isinstance(fitted, FittedNumber):
        return "regression"
    if isinstance(fitted, FittedFlag):
        return "binary"
    if isinstance(fitted, FittedCategory):
        return "binary" if fitted.num_levels == 2 else "multiclass"
    return "multilabel"


def metric_for(column: Column, said: str | None) -> str | None:
    """The metric that was said, where it suits the target; None = the task's own.

    One recipe may hold targets of several kinds, and no metric suits them all.
    """
    return said if said in METRICS[task_of(column)] else None


def truth_of(
    column: Column,
    table: Table,
    schema: Schema,
    cluster: np.ndarray | None = None,
) -> Truth:
    """The truth of a table's rows. Classes that training did not know become −1.

    Args:
        column: the target.
        table: the rows.
        schema: says which columns hold weights and groups.
        cluster: what each row belongs to; None = its group, where there are groups.
    """
    values = column.kind.parse(table.column(column.name))
    if cluster is None and schema.roles.group is not None:
        cluster = table.column(schema.roles.group).cast(pl.String).rank("dense").to_numpy()
    weight = row_weights(table, schema.roles.weight) if schema.roles.weight else None
    truth, known = _truth(column, values)
    rows = Rows(
        task=task_of(column),
        truth=truth[known],
        weight=None if weight is None else weight[known],
        cluster=None if cluster is None else cluster[known],
        classes=class_names(column),
    )
    return Truth(rows, known)


def _truth(column: Column, values: Values) -> tuple[np.ndarray, np.ndarray]:
    fitted = column.fitted
    if isinstance(fitted, FittedNumber):
        return values.data.astype(np.float64), values.present
    field_ = target_field(fitted, values)
    codes = field_.data.numpy()
    assert field_.mask is not None, "a target says where it is present"
    if codes.ndim == 2:
        return codes.astype(np.int64), values.present
    return np.where(field_.mask.numpy(), codes, -1), values.present


def said_of(column: Column, answer: Answer, threshold: float | None = None) -> Said:
    """A model's answer as the metrics want it."""
    task = task_of(column)
    if task == "regression":
        return Said(number=answer.value)
    assert answer.probability is not None, "classes are answered by probabilities"
    if task == "multilabel":
        return Said.of_sets(answer.probability)
    return Said.of_classes(answer.probability, threshold if task == "binary" else None)


def choose(
    column: Column, answer: Answer, truth: Truth, calibrate: bool, threshold_for: str | None
) -> Choice:
    """Temperature and threshold from rows that were not trained on.

    Args:
        column: the target.
        answer: of the model at temperature 1, for all rows of `truth`'s table.
        truth: of the same table.
        calibrate: whether a temperature may be chosen.
        threshold_for: a metric, "half", or None for the rule.
    """
    task = task_of(column)
    if task not in ("binary", "multiclass") or answer.probability is None:
        return Choice()
    known = np.flatnonzero(truth.known)[truth.rows.known()]
    codes = truth.rows.truth[truth.rows.known()]
    weight = None if truth.rows.weight is None else truth.rows.weight[truth.rows.known()]
    probability = answer.probability[known]
    decisions: list[Decision] = []
    settings = AnswerSettings()
    if calibrate:
        fitted = fit_temperature(codes, logits_of(probability), weight)
        settings = AnswerSettings(temperature=fitted.value)
        decisions.append(
            Decision(key="answers.temperature", value=fitted.value, reason=fitted.reason)
        )
        probability = fitted.apply(logits_of(probability))
    threshold = None
    if task == "binary" and threshold_for != "half":
        metric = {"balanced": "balanced_accuracy", None: None}.get(threshold_for, threshold_for)
        found = choose_threshold(codes, probability[:, 1], weight, metric)
        threshold = found.value
        decisions.append(Decision(key="answers.threshold", value=found.value, reason=found.reason))
    return Choice(settings, threshold, tuple(decisions))


def baseline_data(preparation: Preparation, values: Mapping[str, Values]) -> BaselineData:
    """The same columns that the network sees, as plain arrays."""
    num_rows = len(next(iter(values.values())))
    numbers: list[np.ndarray] = []
    categories: list[np.ndarray] = []
    for column in preparation.inputs:
        found = values[column.name]
        if isinstance(column.fitted, FittedCategory):
            codes = column.fitted.transform(found).data.numpy()
            categories.append(np.where(codes < column.fitted.num_levels, codes, -1))
        elif isinstance(column.fitted, FittedNumber):
            numbers.append(np.where(found.present, found.data.astype(np.float64), np.nan)[:, None])
        elif isinstance(column.fitted, FittedImage):
            numbers.append(column.fitted.thumbnails(found, _THUMBNAIL))
        else:
            field = column.fitted.transform(found)
            assert isinstance(field, Field), "only pictures are stored elsewhere"
            data = field.data.double().numpy()
            parts = data.reshape(num_rows, -1)
            numbers.append(np.where(found.present[:, None], parts, np.nan))
    empty = np.zeros((num_rows, 0))
    return BaselineData(
        numbers=np.concatenate(numbers, axis=1) if numbers else empty,
        categories=np.stack(categories, axis=1) if categories else empty.astype(np.int64),
    )


def _baseline_data(preparation: Preparation, table: Table, names: Sequence[str]) -> BaselineData:
    """What the baselines of these names look at; a constant looks at nothing."""
    if set(names) <= {"constant"}:
        nothing = np.zeros((table.num_rows, 0))
        return BaselineData(numbers=nothing, categories=nothing.astype(np.int64))
    return baseline_data(preparation, preparation.parse(table))


@dataclass(frozen=True, kw_only=True)
class Rivals:
    """Which simple models are asked.

    Attributes:
        names: of the baselines that are fitted.
        metric: by which the strongest is chosen; None = the task's own.
        seed: for those that draw.
        others: that were fitted elsewhere.
    """

    names: Sequence[str]
    metric: str | None
    seed: int
    others: Sequence[Baseline] = ()


def judge_baselines(
    column: Column,
    preparation: Preparation,
    tables: tuple[Table, Table, Table],
    schema: Schema,
    rivals: Rivals,
) -> tuple[list[Baseline], str | None]:
    """Simple models on the same rows, and which of them is strongest on validation rows.

    Args:
        column: the target.
        preparation: gives the columns.
        tables: training, validation and test rows.
        schema: for weights.
        rivals: which simple models.
    """
    labelled: list[Labelled] = []
    truths: list[Truth] = []
    for table in tables[:2]:
        truth = truth_of(column, table, schema)
        data = _baseline_data(preparation, table, rivals.names)
        keep = np.flatnonzero(truth.known)[truth.rows.known()]
        inside = truth.rows.known()
        weight = None if truth.rows.weight is None else truth.rows.weight[inside]
        labelled.append(
            Labelled(
                data=data.at(keep),
                truth=truth.rows.truth[inside],
                weight=weight,
                cluster=None if truth.rows.cluster is None else truth.rows.cluster[inside],
            )
        )
        truths.append(Truth(truth.rows.at(np.flatnonzero(inside)), truth.known))
    task = task_of(column)
    metric = metric_named(task, rivals.metric)
    test = _baseline_data(preparation, tables[2], rivals.names)
    num_classes = 0 if task == "regression" else len(class_names(column))
    found = run_baselines(
        labelled[0],
        labelled[1],
        test,
        BaselinePlan(
            task=task,
            num_classes=num_classes,
            metric=metric.name,
            seed=rivals.seed,
        ),
        rivals.names,
    )
    found += rivals.others
    return found, strongest_on_validation(found, truths[1].rows, metric)
