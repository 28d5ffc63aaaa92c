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
    """

    method: str
    coverage: float
    reason: str
    figure: float = 0.0
    strangeness: tuple[float, ...] = ()
    part: tuple[int, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        return {
            "method": self.method,
            "coverage": self.coverage,
            "reason": self.reason,
            "figure": self.figure,
            "strangeness": list(self.strangeness),
            "part": list(self.part),
        }

    @classmethod
    def from_dict(cls, content: dict[str, Any]) -> "Band":
        tuples = {name: tuple(content[name]) for name in ("strangeness", "part")}
        return cls(**{**content, **tuples})


@dataclass(frozen=True)
class Held:
    """Rows that were not trained on, with what is true and what was said of them.

    Attributes:
        truth: numbers, or class codes (−1 = a class that training did not know).
        answer: what the model said.
        part: which part of the model answered each row.
        folds: whether the rows were held out in turn.
    """

    truth: np.ndarray
    answer: Answer
    part: np.ndarray = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    folds: bool = False


def fit_band(held: Held, coverage: float) -> Band:
    """A band for one target. Refuses, with the reason, when there are too few rows."""
    miss = 1 - coverage
    numeric = held.answer.value is not None
    known = np.ones(len(held.truth), dtype=bool) if numeric else held.truth >= 0
    try:
        if held.folds:
            found = _strangeness(held)[known]
            probe = fit_residual_band(found, np.zeros_like(found), miss)
            reason = f"{probe.num_rows:,} rows, each held out in its turn"
            parts = tuple(int(number) for number in held.part[known])
            return Band("cross", coverage, reason, 0.0, tuple(map(float, found)), parts)
        if numeric:
            assert held.answer.value is not None, "just seen"
            band = fit_residual_band(held.truth, held.answer.value, miss)
            figure, rows = band.reach, band.num_rows
        else:
            assert held.answer.probability is not None, "classes are answered by probabilities"
            sets = fit_threshold_sets(held.truth[known], held.answer.probability[known], miss)
            figure, rows = sets.bound, sets.num_rows
    except DataError as error:
        return Band("none", coverage, f"{error.what} {error.expected}; got {error.got}")
    return Band("split", coverage, f"{rows:,} rows that chose nothing else", figure)


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
        return ResidualBand(band.figure, miss, 0).interval(common.value)
    values = np.stack([answer.value for answer in answers])  # pyright: ignore[reportArgumentType,reportCallIssue]
    return cross_interval(np.array(band.strangeness), np.array(band.part), values, miss)


def sets(band: Band, answers: list[Answer], common: Answer) -> np.ndarray | None:
    """Which classes are in each row's set, or None."""
    if common.probability is None or band.method == "none":
        return None
    miss = 1 - band.coverage
    if band.method == "split":
        return ThresholdSets(band.figure, miss, 0).sets(common.probability)
    strange = np.stack([1 - answer.probability for answer in answers])  # pyright: ignore[reportOperatorIssue]
    return cross_sets(np.array(band.strangeness), np.array(band.part), strange, miss)


def _strangeness(held: Held) -> np.ndarray:
    if held.answer.value is not None:
        return np.abs(held.truth - held.answer.value)
    assert held.answer.probability is not None, "classes are answered by probabilities"
    codes = np.maximum(held.truth, 0)
    return 1 - held.answer.probability[np.arange(len(codes)), codes]
