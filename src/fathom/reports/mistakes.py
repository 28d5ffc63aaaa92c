"""The section on where the model errs: confusion, residuals, calibration, worst mistakes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float
from markupsafe import Markup

from fathom.reports.album import Strip, Tile
from fathom.reports.charts import histogram, reliability_diagram, truth_scatter
from fathom.reports.confusion import Confusion, confusion_view
from fathom.reports.content import TargetContent
from fathom.reports.words import counted, cut, metric_name, number, setting

_MOST_CELLS = 6
_HEADINGS = {"num_rows": "rows", "name": "class"}
Numbers = Float[np.ndarray, " rows"]


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
    pictures: tuple[Tile, ...] = ()


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
    confused: tuple[Strip, ...] = ()

    @property
    def empty(self) -> bool:
        """Nothing is known of mistakes on this target."""
        parts = (
            self.confusion,
            self.per_class,
            self.figures,
            self.lines,
            self.worst,
            self.confused,
        )
        return not any(parts)

    @property
    def sure(self) -> bool:
        """Whether the answers say how sure they are; those in numbers have no probability."""
        return any(mistake.sure for mistake in self.worst)

    @property
    def pictured(self) -> bool:
        """Whether the worst mistakes are pictures, shown as such instead of in a table."""
        return any(mistake.pictures for mistake in self.worst)


def mistake_section(target: TargetContent) -> MistakeSection:
    """Lay out the mistakes on one target."""
    confusion = None if target.confusion is None else confusion_view(*target.confusion)
    headings = tuple(target.per_class[0]) if target.per_class else ()
    figures = [] if target.residuals is None else _residual_figures(*target.residuals)
    figures += _reliability_figures(target.reliability)
    return MistakeSection(
        target=target.name,
        confusion=confusion,
        per_class=_class_rows(target.per_class, headings),
        class_headings=tuple(_capital(_HEADINGS.get(h, metric_name(h))) for h in headings),
        figures=tuple(figures),
        lines=(*target.settings, *target.conformal),
        worst=tuple(_mistake(item) for item in target.worst),
        confused=tuple(target.confused),
    )


def _class_rows(
    rows: Sequence[Mapping[str, Any]], headings: Sequence[str]
) -> tuple[tuple[str, ...], ...]:
    columns = [_class_column([row.get(heading) for row in rows]) for heading in headings]
    return tuple(zip(*columns, strict=True))


def _class_column(values: Sequence[Any]) -> list[str]:
    """Fractions of a column get the same number of decimals, counts and words stay."""
    parts = [abs(v) for v in values if isinstance(v, float | np.floating) and np.isfinite(v)]
    decimals = 3 if parts and max(parts) <= 1 else None
    return [_class_cell(value, decimals) for value in values]


def _class_cell(value: Any, decimals: int | None) -> str:
    if isinstance(value, float | np.floating):
        return number(float(value), decimals)
    if value is None:
        return "–"
    return number(int(value)) if isinstance(value, int | np.integer) else str(value)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _residual_figures(truth: Numbers, prediction: Numbers) -> list[Figure]:
    truth, prediction = np.asarray(truth, dtype=float), np.asarray(prediction, dtype=float)
    known = np.isfinite(truth) & np.isfinite(prediction)
    if not known.any():
        return []
    lost = int((~known).sum())
    truth, prediction = truth[known], prediction[known]
    error = prediction - truth
    words = f"Prediction against truth for {counted(len(truth), 'row')}."
    scatter, outside = truth_scatter(truth, prediction, words=words)
    notes = ["On the line a prediction is exact; below it, too low."]
    if outside:
        notes.append(f"{counted(outside, 'far-off row lies', 'far-off rows lie')} outside.")
    if lost:
        notes.append(f"{counted(lost, 'row')} without a finite number on both sides left out.")
    told = _how_far_off(error)
    errors = histogram(
        error,
        words=f"How far off the predictions are. {told}",
        x_name="prediction − truth",
        zero=True,
    )
    return [
        Figure("Prediction against truth", scatter, " ".join(notes)),
        Figure("How far off", errors, told),
    ]


def _how_far_off(error: Numbers) -> str:
    half, most = np.quantile(np.abs(error), [0.5, 0.95]).tolist()
    middle = float(error.mean())
    if most == 0:
        return "Nineteen rows in twenty are met exactly."
    lean = f"{number(abs(middle))} too {'high' if middle > 0 else 'low'}" if middle else "level"
    return (
        f"Half of the rows are off by {number(half)} or less, one in twenty by {number(most)} or "
        f"more; on average the predictions are {lean}."
    )


def _reliability_figures(reliability: Sequence[Sequence[float]]) -> list[Figure]:
    bins = [bin_ for bin_ in reliability if np.isfinite(bin_).all() and bin_[2] > 0]
    if not bins:
        return []
    total = sum(bin_[2] for bin_ in bins)
    gap = sum(bin_[2] * abs(bin_[0] - bin_[1]) for bin_ in bins) / total
    over = sum(bin_[2] * (bin_[0] - bin_[1]) for bin_ in bins) / total
    lean = "" if abs(over) < gap / 2 else ", mostly too " + ("high" if over > 0 else "low")
    told = f"Claims are off by {number(100 * gap)} percentage points on average{lean}."
    chart = reliability_diagram(bins, words=f"Reliability of the probabilities. {told}")
    note = f"On the line a claim of 70 % comes true in 70 % of the rows. {told}"
    if any(len(bin_) >= 5 for bin_ in bins):
        note += " Lines are 95 % intervals."
    note += " Here each point has as many rows; the calibration error among the scores takes "
    note += "15 ranges of equal width."
    return [Figure("Is it right about itself?", chart, note)]


def _cell(value: Any) -> str:
    return "missing" if value is None else cut(setting(value))


def _mistake(item: Mapping[str, Any]) -> Mistake:
    cells = [(cut(key, 60), _cell(value)) for key, value in dict(item.get("cells") or {}).items()]
    row = item.get("row", "–")
    return Mistake(
        row=f"{row:,}" if isinstance(row, int | np.integer) else cut(row),
        truth=cut(item.get("truth", "–")),
        answer=cut(item.get("answer", "–")),
        sure=cut(item.get("sure", "")),
        cells=tuple(cells[:_MOST_CELLS]),
        rest=tuple(cells[_MOST_CELLS:]),
        pictures=tuple(item.get("pictures") or ()),
    )
