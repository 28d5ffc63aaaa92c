"""The section on where the model errs: confusion, residuals, calibration, worst mistakes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Int
from markupsafe import Markup

from fathom.reports.charts import heat_map, histogram, reliability_diagram, truth_scatter
from fathom.reports.content import TargetContent
from fathom.reports.words import counted, cut, metric_name, number, setting, share

MOST_CLASSES = 12
"""A larger confusion matrix is drawn as shades instead of figures."""
MOST_DRAWN = 60
_MOST_PAIRS = 12
_MOST_CELLS = 6
Counts = Int[np.ndarray, "truth answer"]
Numbers = Float[np.ndarray, " rows"]


@dataclass(frozen=True)
class Confusion:
    """A confusion matrix as a table or, when it is large, as a picture with its worst pairs.

    Attributes:
        names: of the classes.
        table: per class its cells (count, shade 0 to 10, right or wrong, in words); empty when
            the matrix is drawn.
        chart: the drawing; None when it is a table.
        pairs: (truth, answer, rows, share of the truth), the most frequent mistakes first.
        note: what is not shown; "" when all is.
    """

    names: tuple[str, ...]
    table: tuple[tuple[tuple[str, int, str, str], ...], ...]
    chart: Markup | None
    pairs: tuple[tuple[str, str, str, str], ...]
    note: str


@dataclass(frozen=True)
class Figure:
    """A chart with its heading and a line below."""

    name: str
    chart: Markup
    note: str


@dataclass(frozen=True)
class Mistake:
    """One of the worst mistakes; `rest` are the cells that are folded away."""

    row: str
    truth: str
    answer: str
    sure: str
    cells: tuple[tuple[str, str], ...]
    rest: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class MistakeSection:
    """All that stands in the section for one target."""

    target: str
    confusion: Confusion | None
    per_class: tuple[tuple[str, ...], ...]
    class_headings: tuple[str, ...]
    figures: tuple[Figure, ...]
    lines: tuple[str, ...]
    worst: tuple[Mistake, ...]

    @property
    def empty(self) -> bool:
        """Nothing is known of mistakes on this target."""
        parts = (self.confusion, self.per_class, self.figures, self.lines, self.worst)
        return not any(parts)


def mistake_section(target: TargetContent) -> MistakeSection:
    """Lay out the mistakes on one target."""
    confusion = None if target.confusion is None else _confusion(*target.confusion)
    headings = tuple(target.per_class[0]) if target.per_class else ()
    figures = [] if target.residuals is None else _residual_figures(*target.residuals)
    if target.reliability:
        figures.append(_reliability_figure(target.reliability))
    return MistakeSection(
        target=target.name,
        confusion=confusion,
        per_class=tuple(
            tuple(_class_cell(row.get(key)) for key in headings) for row in target.per_class
        ),
        class_headings=tuple(metric_name(heading) for heading in headings),
        figures=tuple(figures),
        lines=(*target.settings, *target.conformal),
        worst=tuple(_mistake(item) for item in target.worst),
    )


def _class_cell(value: Any) -> str:
    return value if isinstance(value, str) else number(value) if value is not None else "–"


def _confusion(matrix: Counts, names: Sequence[str]) -> Confusion | None:
    counts = np.asarray(matrix)
    if counts.size == 0 or counts.sum() == 0:
        return None
    labels, pairs = tuple(str(name) for name in names), _pairs(counts, names)
    if len(labels) <= MOST_CLASSES:
        shown = pairs if len(labels) > 4 else ()
        return Confusion(labels, _confusion_table(counts, labels), None, shown, "")
    kept = np.sort(np.argsort(-counts.sum(axis=1), kind="stable")[:MOST_DRAWN])
    note = ""
    if len(kept) < len(labels):
        note = f"Drawn are the {len(kept)} classes with most rows of {len(labels)}."
    words = f"Confusion matrix of {len(kept)} classes; {share(_right(counts))} of rows are right."
    chart = heat_map(counts[np.ix_(kept, kept)], [labels[i] for i in kept], words=words)
    return Confusion(labels, (), chart, pairs, note)


def _right(counts: Counts) -> float:
    return float(np.trace(counts) / counts.sum())


def _confusion_table(
    counts: Counts, names: Sequence[str]
) -> tuple[tuple[tuple[str, int, str, str], ...], ...]:
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    levels = np.where(counts > 0, np.clip(np.ceil(shares * 10 - 1e-9), 1, 10), 0).astype(int)
    return tuple(
        tuple(
            (
                number(int(counts[i, j])),
                int(levels[i, j]),
                "right" if i == j else "wrong",
                share(float(shares[i, j])) if counts[i].sum() else "",
            )
            for j in range(len(names))
        )
        for i in range(len(names))
    )


def _pairs(counts: Counts, names: Sequence[str]) -> tuple[tuple[str, str, str, str], ...]:
    """The most frequent confusions of one class with another."""
    wrong = np.where(np.eye(len(names), dtype=bool), 0, counts)
    order = np.argsort(-wrong, axis=None, kind="stable")[:_MOST_PAIRS]
    places = [divmod(int(place), len(names)) for place in order]
    return tuple(
        (
            str(names[i]),
            str(names[j]),
            number(int(wrong[i, j])),
            share(float(wrong[i, j] / counts[i].sum())),
        )
        for i, j in places
        if wrong[i, j]
    )


def _residual_figures(truth: Numbers, prediction: Numbers) -> list[Figure]:
    truth, prediction = np.asarray(truth, dtype=float), np.asarray(prediction, dtype=float)
    known = np.isfinite(truth) & np.isfinite(prediction)
    if not known.any():
        return []
    lost = int((~known).sum())
    truth, prediction = truth[known], prediction[known]
    error = prediction - truth
    half, most = np.quantile(np.abs(error), [0.5, 0.95])
    middle = float(error.mean())
    words = f"Prediction against truth for {counted(len(truth), 'row')}."
    scatter, outside = truth_scatter(truth, prediction, words=words)
    notes = ["On the line a prediction is exact; below it, too low."]
    if outside:
        notes.append(f"{counted(outside, 'far-off row lies', 'far-off rows lie')} outside.")
    if lost:
        notes.append(f"{counted(lost, 'row')} without a finite number on both sides left out.")
    side = "too high" if middle > 0 else "too low"
    told = (
        f"Half of the rows are off by less than {number(float(half))}, one in twenty by more "
        f"than {number(float(most))}; on average {number(abs(middle))} {side}."
    )
    errors = histogram(
        error, words=f"How far off the predictions are. {told}", x_name="prediction − truth", zero=True
    )
    return [
        Figure("Prediction against truth", scatter, " ".join(notes)),
        Figure("How far off", errors, told),
    ]


def _reliability_figure(bins: Sequence[Sequence[float]]) -> Figure:
    total = sum(bin_[2] for bin_ in bins)
    gap = sum(bin_[2] * abs(bin_[0] - bin_[1]) for bin_ in bins) / total if total else 0.0
    over = sum(bin_[2] * (bin_[0] - bin_[1]) for bin_ in bins) / total if total else 0.0
    lean = "" if abs(over) < gap / 2 else ", mostly too " + ("high" if over > 0 else "low")
    told = f"Claims are off by {number(100 * gap)} percentage points on average{lean}."
    chart = reliability_diagram(bins, words=f"Reliability of the probabilities. {told}")
    note = f"On the line a claim of 70 % comes true in 70 % of the rows. {told}"
    if any(len(bin_) >= 5 for bin_ in bins):
        note += " Lines are 95 % intervals."
    return Figure("Is it right about itself?", chart, note)


def _mistake(item: Mapping[str, Any]) -> Mistake:
    cells = [(cut(key, 60), cut(setting(v))) for key, v in dict(item.get("cells") or {}).items()]
    row = item.get("row")
    return Mistake(
        row=number(row) if isinstance(row, int | np.integer) else cut(row if row is not None else "–"),
        truth=cut(item.get("truth", "–")),
        answer=cut(item.get("answer", "–")),
        sure=cut(item.get("sure", "")),
        cells=tuple(cells[:_MOST_CELLS]),
        rest=tuple(cells[_MOST_CELLS:]),
    )
