"""Intervals and sets with a promised coverage, from rows that chose nothing else."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from fathom.base.errors import DataError
from fathom.evaluation.conformal import (
    ResidualBand,
    ThresholdSets,
    fit_residual_band,
    fit_threshold_sets,
)
from fathom.evaluation.counting import Counting
from fathom.evaluation.cross_conformal import cross_interval, cross_sets
from fathom.heads.head import Answer


@dataclass(frozen=True)
class Band:
    """How far the truth may lie from an answer.

    Attributes:
        method: "split" (one figure from rows kept aside), "cross" (a figure for each row that was
            held out in its turn), or "none".
        coverage: the share of truths that shall be inside.
        reason: how it was made, or why there is none.
        figure: of "split": half the width of an interval, or the bound of a set.
        strangeness: of "cross": how far each held-out row was from its answer.
        part: of "cross": which part of the model answered that row.
        share: of "cross": how much each of these rows counts; empty = all alike.
        units: of "cross": how many rows (or groups) that count alike they are worth.
        least: no number can be lower, as far as the held-out rows tell; None = it can.
    """

    method: str
    coverage: float
    reason: str
    figure: float = 0.0
    strangeness: tuple[float, ...] = ()
    part: tuple[int, ...] = ()
    share: tuple[float, ...] = ()
    units: float = 0.0
    least: float | None = None

    def to_dict(self) -> dict[str, Any]:
        return {
            "method": self.method,
            "coverage": self.coverage,
            "reason": self.reason,
            "figure": self.figure,
            "strangeness": list(self.strangeness),
            "part": list(self.part),
            "share": list(self.share),
            "units": self.units,
            "least": self.least,
        }

    @classmethod
    def from_dict(cls, content: dict[str, Any]) -> "Band":
        names = ("strangeness", "part", "share")
        return cls(**{**content, **{name: tuple(content.get(name, ())) for name in names}})

    @property
    def counting(self) -> Counting | None:
        """What each row of "cross" counts; None = all alike."""
        return Counting(np.array(self.share), self.units) if self.share else None


@dataclass(frozen=True)
class Held:
    """Rows that were not trained on, with what is true and what was said of them.

    Attributes:
        truth: numbers, or class codes (−1 = a class that training did not know).
        answer: what the model said.
        part: which part of the model answered each row.
        folds: whether the rows were held out in turn.
        weight: how much each row counts; None = all alike.
        cluster: which group each row belongs to; None = each stands for itself.
    """

    truth: np.ndarray
    answer: Answer
    part: np.ndarray = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    folds: bool = False
    weight: np.ndarray | None = None
    cluster: np.ndarray | None = None

    def counting(self, index: np.ndarray) -> Counting:
        """What some of the rows count."""
        weight = None if self.weight is None else self.weight[index]
        cluster = None if self.cluster is None else self.cluster[index]
        return Counting.of(len(index), weight, cluster)


def fit_band(held: Held, coverage: float) -> Band:
    """A band for one target. Refuses, with the reason, when there are too few rows.

    With weights the share of truths that it promises is the weighted one, as the scores are; with
    groups a new row is one of a new group, as in the intervals of the scores.
    """
    miss = 1 - coverage
    numeric = held.answer.value is not None
    known = np.arange(len(held.truth)) if numeric else np.flatnonzero(held.truth >= 0)
    counting = held.counting(known)
    # A price or a count that never was below 0 gets no interval that begins there.
    least = 0.0 if numeric and len(held.truth) and held.truth.min() >= 0 else None
    try:
        if held.folds:
            found = _strangeness(held)[known]
            fit_residual_band(found, np.zeros_like(found), miss, counting=counting)
            return Band(
                "cross",
                coverage,
                f"{_rows(held, counting)}, each held out in its turn",
                strangeness=tuple(map(float, found)),
                part=tuple(int(number) for number in held.part[known]),
                share=() if counting.alike else tuple(map(float, counting.share)),
                units=counting.units,
                least=least,
            )
        if numeric:
            assert held.answer.value is not None, "just seen"
            band = fit_residual_band(held.truth, held.answer.value, miss, counting=counting)
            figure = band.reach
        else:
            assert held.answer.probability is not None, "classes are answered by probabilities"
            chance = held.answer.probability[known]
            figure = fit_threshold_sets(held.truth[known], chance, miss, counting).bound
    except DataError as error:
        return Band("none", coverage, f"{error.what} {error.expected}; got {error.got}")
    reason = f"{_rows(held, counting)} that chose nothing else"
    return Band("split", coverage, reason, figure, least=least)


def _rows(held: Held, counting: Counting) -> str:
    """How many rows there are, and how they count."""
    found = f"{len(counting.share):,} rows"
    if held.weight is not None:
        found += ", counted by their weights,"
    if held.cluster is None:
        return found if counting.alike else f"{found} worth {counting} that count alike"
    return f"{found} worth {counting} groups of one size"


def interval(band: Band, answers: list[Answer], common: Answer) -> np.ndarray | None:
    """Lower and upper bounds of numbers, or None.

    Args:
        band: of the target.
        answers: of each part of the model.
        common: of all parts together.
    """
    if common.value is None or band.method == "none":
        return None
    miss = 1 - band.coverage
    if band.method == "split":
        ends = ResidualBand(band.figure, miss, 0).interval(common.value)
    else:
        values = np.stack([answer.value for answer in answers])  # pyright: ignore[reportArgumentType,reportCallIssue]
        rows = np.array(band.strangeness), np.array(band.part)
        ends = cross_interval(*rows, values, miss, band.counting)
    if band.least is not None:
        ends = np.maximum(ends, band.least)
    # An answer is never outside its own interval: that would be said of no value at all.
    low, high = np.minimum(ends[:, 0], common.value), np.maximum(ends[:, 1], common.value)
    return np.stack([low, high], axis=1)


def sets(band: Band, answers: list[Answer], common: Answer) -> np.ndarray | None:
    """Which classes are in each row's set, or None."""
    if common.probability is None or band.method == "none":
        return None
    miss = 1 - band.coverage
    if band.method == "split":
        return ThresholdSets(band.figure, miss, 0).sets(common.probability)
    strange = np.stack([1 - answer.probability for answer in answers])  # pyright: ignore[reportOperatorIssue]
    rows = np.array(band.strangeness), np.array(band.part)
    return cross_sets(*rows, strange, miss, band.counting)


def _strangeness(held: Held) -> np.ndarray:
    if held.answer.value is not None:
        return np.abs(held.truth - held.answer.value)
    assert held.answer.probability is not None, "classes are answered by probabilities"
    codes = np.maximum(held.truth, 0)
    return 1 - held.answer.probability[np.arange(len(codes)), codes]
