"""Is one set of answers better than another on the same rows, by how much, how sure?

The draws of both are paired, so what they have in common cancels. One primary metric decides; any
others are corrected for being several (Holm).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from fathom.base.errors import DataError
from fathom.evaluation.intervals import FEWEST_UNITS, LEVEL, difference_interval
from fathom.evaluation.replicates import Replicates, Resampling, replicate
from fathom.evaluation.rows import Rows
from fathom.evaluation.words import number_in_words, p_in_words
from fathom.metrics.record import Answer, Metric

_SAID = {True: "better than", False: "worse than", None: "not told apart from"}


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """The outcome of a paired test for one metric.

    Attributes:
        metric: its name.
        against: what ours was compared with.
        ours: our score.
        theirs: the other's score.
        low: lower end of the 95 % interval of ours less theirs; None when nothing can be told.
        high: its upper end.
        p_value: how often chance alone would show a difference as large, either way.
        better: True, False (worse), or None when the rows cannot tell.
        corrected: several comparisons were tested together, and the p-value is Holm's; the
            interval stays that of this comparison alone.
        together: how many comparisons that were.
        reason: why nothing can be told; "" when something can.
    """

    metric: str
    against: str
    ours: float
    theirs: float
    low: float | None = None
    high: float | None = None
    p_value: float | None = None
    better: bool | None = None
    corrected: bool = False
    together: int = 1
    reason: str = ""

    @property
    def difference(self) -> float:
        """Ours less theirs, in the metric's unit."""
        return self.ours - self.theirs

    @property
    def wording(self) -> str:
        """The outcome in a sentence."""
        ours, theirs = number_in_words(self.ours), number_in_words(self.theirs)
        text = f"{self.metric} {ours} against {theirs}: {_SAID[self.better]} {self.against}"
        return f"{text} ({self.evidence})."

    @property
    def evidence(self) -> str:
        """The figures behind the sentence, or why there are none."""
        if self.low is None or self.high is None or self.p_value is None:
            return self.reason
        low, high = number_in_words(self.low), number_in_words(self.high)
        gap, sure = number_in_words(self.difference), p_in_words(self.p_value)
        told = f"difference {gap}, 95 % interval {low} to {high}"
        if not self.corrected or self.together == 1:
            return f"{told}, {sure}"
        return f"{told} for this line alone, {sure} corrected for {self.together} such lines"

    def to_dict(self) -> dict[str, object]:
        """As in score.json."""
        return {
            "metric": self.metric,
            "against": self.against,
            "difference": self.difference,
            "low": self.low,
            "high": self.high,
            "p_value": self.p_value,
            "corrected": self.corrected,
            "together": self.together,
            "better": self.better,
            "wording": self.wording,
        }


def compare(
    rows: Rows, ours: Answer, theirs: Answer, metric: Metric, plan: Resampling | None = None
) -> Comparison:
    """Compare two sets of answers by one metric.

    Raises:
        DataError: the metric cannot be had for both.

    Example:
        >>> from fathom.metrics.catalogue import metric_named
        >>> truth = np.arange(31.0)
        >>> near, far = Answer(number=truth + 1.0), Answer(number=truth - 2.0)
        >>> compare(Rows(task="regression", truth=truth), near, far,
        ...         metric_named("regression", "mae")).better
        True
    """
    for name, answer in (("ours", ours), ("theirs", theirs)):
        if reason := metric.why_absent(rows.truth, answer, rows.weight):
            raise DataError(
                f"Two answers cannot be compared by {metric.name}.",
                where=name,
                expected="answers that the metric can be computed from",
                got=reason,
                do="Choose another metric, or score more rows.",
            )
    found = replicate(rows, {"ours": ours, "theirs": theirs}, [metric], plan)
    pair = (found["ours"][metric.name], found["theirs"][metric.name])
    return compare_pair(pair, metric, rows, against="the other")


def compare_pair(
    pair: tuple[Replicates, Replicates], metric: Metric, rows: Rows, against: str
) -> Comparison:
    """Compare ours and theirs from replicates of the same draws; see `compare`."""
    ours, theirs = pair
    found = ours - theirs
    untold = Comparison(metric=metric.name, against=against, ours=ours.value, theirs=theirs.value)
    if reason := why_untold(metric, rows, found):
        return replace(untold, reason=reason)
    low, high = difference_interval(found)
    p_value = difference_p_value(found)
    better = None
    if p_value < 1 - LEVEL and not low <= 0 <= high:
        better = (found.value > 0) == metric.greater_is_better
    return replace(untold, low=low, high=high, p_value=p_value, better=better)


def why_untold(metric: Metric, rows: Rows, found: Replicates) -> str:
    """Why no claim can be made from these rows; "" when one can."""
    if metric.greater_is_better is None:
        return "neither more nor less of it is better"
    num_units = len(np.unique(rows.units()))
    if num_units < FEWEST_UNITS:
        return f"only {num_units} {rows.unit_name}, too few to compare"
    side = rows.smallest_side()
    if side is not None and side < FEWEST_UNITS:
        return f"only {side} {rows.unit_name} of the rarer class, too few to compare"
    if np.isfinite(found.draws).mean() < 0.8:
        return "in many resamples the score does not exist"
    return ""


def difference_p_value(found: Replicates) -> float:
    """The two-sided p-value of a difference: the level at which its interval touches nought.

    The share of draws on the far side of nought, turned back through the widening by Student's t
    of `widened_tail`. When no draw lies there, the tail that the standard error suggests, if it
    is smaller.
    """
    from scipy.special import ndtri, stdtr

    kept = found.finite
    freedom = kept.degrees_of_freedom()
    num = len(kept.draws)
    beyond = min((kept.draws <= 0).sum(), (kept.draws >= 0).sum())
    root = np.sqrt((freedom + 1) / freedom)
    p_value = 2 * stdtr(freedom, ndtri((1 + beyond) / (num + 1)) / root)
    if beyond == 0 and (error := kept.standard_error()) > 0:
        p_value = min(p_value, 2 * stdtr(freedom, -abs(kept.value) / error))
    return float(min(1.0, p_value))


def holm(p_values: Sequence[float]) -> list[float]:
    """p-values corrected for being several: the smallest times k, the next times k - 1, …

    Keeps the chance of even one false claim among them at the level.

    Source: Holm, A simple sequentially rejective multiple test procedure, 1979.

    Example:
        >>> holm([0.01, 0.04, 0.03])
        [0.03, 0.06, 0.06]
    """
    order = np.argsort(p_values, kind="stable")
    steps = np.asarray(p_values, dtype=float)[order] * np.arange(len(p_values), 0, -1)
    corrected = np.empty(len(p_values))
    corrected[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return corrected.tolist()


def corrected(comparisons: Sequence[Comparison]) -> list[Comparison]:
    """Comparisons tested together, with Holm's p-values; claims that fail it are withdrawn."""
    told = [place for place, item in enumerate(comparisons) if item.p_value is not None]
    p_values = holm([p for item in comparisons if (p := item.p_value) is not None])
    result = list(comparisons)
    for place, p_value in zip(told, p_values, strict=True):
        kept = result[place].better if p_value < 1 - LEVEL else None
        result[place] = replace(
            result[place], p_value=p_value, better=kept, corrected=True, together=len(told)
        )
    return result
