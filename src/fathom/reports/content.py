"""What a report is made of: plain frozen records that the workflow fills.

Everything but title and verdict may be left out, so that a run that stopped half-way still has a
report: a section that has nothing to say is not there.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from jaxtyping import Float, Int
from numpy import ndarray

from fathom.base.records import Decision, Finding
from fathom.reports.album import Album, Look, Strip

Score = tuple[float, float | None, float | None]
"""Value, lower and upper end of its 95 % interval; None where there is no interval."""


@dataclass(frozen=True)
class ColumnContent:
    """One column of the data as it was read.

    Attributes:
        name: the person's name for it.
        kind: number, category, date, …
        reason: why it is taken for that kind.
        missing_share: 0 to 1; None when it was not counted.
        facts: a few figures in words, e.g. "9 distinct words" or "0.5 to 15, mean 3.9".
    """

    name: str
    kind: str
    reason: str = ""
    missing_share: float | None = None
    facts: str = ""


@dataclass(frozen=True)
class Importance:
    """How much worse the model becomes when one column is shuffled.

    Attributes:
        column: its name.
        drop: how much worse the metric becomes; positive = the column is used.
        low: lower end of the 95 % interval, or None.
        high: its upper end.
    """

    column: str
    drop: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, kw_only=True)
class TargetContent:
    """How the model does on one target.

    Attributes:
        name: the target column.
        task: regression, binary, multiclass or multilabel.
        rows: how many rows the scores rest on.
        looks: how many models were scored on these rows on this machine, this one included.
        split: which rows they are.
        metrics: name -> score of the model, in the order in which they are shown.
        meanings: name of a metric -> one sentence for a newcomer.
        primary: the metric that the verdict is about.
        baselines: name of a baseline -> its scores by metric.
        verdict: in plain words, of this target alone.
        strongest: the baseline that was best on the validation rows; "" = none could answer.
        comparisons: paired tests: against, metric, difference, low, high, p_value, wording.
        confusion: counts [truth, answer] and the class names.
        per_class: one mapping per class, all with the same keys; the first names the class.
        reliability: (mean probability claimed, share observed, rows) per bin; the interval of
            the share may follow as a fourth and fifth figure.
        residuals: truth and prediction, one number per row.
        worst: the worst mistakes: row, truth, answer, sure, cells (column -> cell); where the
            columns hold pictures, these as "pictures" (tiles).
        confused: of the pairs of classes that are most often taken for one another, a few
            pictures each.
        conformal: lines on sets or intervals with a promised coverage.
        settings: lines on what was set after training, such as threshold and temperature.
    """

    name: str
    task: str = ""
    rows: int | None = None
    looks: int | None = None
    split: str = "test"
    metrics: Mapping[str, Score] = field(default_factory=dict[str, Score])
    meanings: Mapping[str, str] = field(default_factory=dict[str, str])
    primary: str = ""
    baselines: Mapping[str, Mapping[str, Score]] = field(
        default_factory=dict[str, Mapping[str, Score]]
    )
    verdict: str = ""
    strongest: str = ""
    comparisons: Sequence[Mapping[str, Any]] = ()
    confusion: tuple[Int[ndarray, "truth answer"], Sequence[str]] | None = None
    per_class: Sequence[Mapping[str, Any]] = ()
    reliability: Sequence[Sequence[float]] = ()
    residuals: tuple[Float[ndarray, " rows"], Float[ndarray, " rows"]] | None = None
    worst: Sequence[Mapping[str, Any]] = ()
    confused: Sequence[Strip] = ()
    conformal: Sequence[str] = ()
    settings: Sequence[str] = ()


@dataclass(frozen=True)
class SpeedContent:
    """How quick a training was, and what held it up.

    Attributes:
        sentences: what would make it quicker, the most telling first.
        parts: (what the training did, seconds).
        facts: (label, value): rates and how they stand to what the machine can do.
    """

    sentences: Sequence[str] = ()
    parts: Sequence[tuple[str, float]] = ()
    facts: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True, kw_only=True)
class ReportContent:
    """A whole report.

    Attributes:
        title: what the run is called.
        verdict: in plain words whether the model beats the baseline, by how much and how sure.
        verdict_good: True, False, or None when it cannot be told (yet).
        summary: (label, value) lines under the verdict.
        targets: scores and mistakes, target by target.
        findings: what was noticed in the data; None = nobody looked.
        columns: the columns as they were read.
        albums: the columns of pictures as the network sees them.
        looks: where the network looks in them.
        decisions: the plan with its reasons.
        history: one mapping per check: step, loss, learning_rate, validation (name -> value),
            best.
        num_networks: how many were trained, one for each fold; `history` is that of the first.
        best_step: after how many steps the kept weights were reached.
        events: what departed from the plan: step, event, why, and further figures.
        importance: what each column is worth to the model.
        importance_metric: the metric whose loss `importance` is.
        importance_note: which columns were measured, where it was not all.
        timings: (what, seconds).
        speed: of the training; None = not measured.
        network: (layer, output shape, number of parameters).
        record: versions, machine, data hash, seed, …; a value may be a mapping of its own.
        repeat: command lines that do it again.
    """

    title: str
    verdict: str
    verdict_good: bool | None = None
    summary: Sequence[tuple[str, str]] = ()
    targets: Sequence[TargetContent] = ()
    findings: Sequence[Finding] | None = None
    columns: Sequence[ColumnContent] = ()
    albums: Sequence[Album] = ()
    looks: Sequence[Look] = ()
    decisions: Sequence[Decision] = ()
    history: Sequence[Mapping[str, Any]] = ()
    num_networks: int = 1
    best_step: int | None = None
    events: Sequence[Mapping[str, Any]] = ()
    importance: Sequence[Importance] = ()
    importance_metric: str = ""
    importance_note: str = ""
    timings: Sequence[tuple[str, float]] = ()
    speed: SpeedContent | None = None
    network: Sequence[tuple[str, str, int]] = ()
    record: Mapping[str, Any] = field(default_factory=dict[str, Any])
    repeat: Sequence[str] = ()
