"""Probabilities made right about how often they are right, and the curve that shows it."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from fathom.base.errors import DataError
from fathom.evaluation.intervals import exact_share
from fathom.metrics.probabilities import bin_codes, confidence
from fathom.metrics.weights import all_rows, check_rows, divide, sums_by_code

FEWEST_ROWS = 100
"""Fewer validation rows than this say too little about calibration to act on it."""

FEWEST_PER_SIDE = 10
"""As many rows must be of the second commonest class, or there is nothing to balance against."""

_COOLEST, _HOTTEST = 0.1, 10.0

Codes = Int[np.ndarray, " rows"]
Logits = Float[np.ndarray, "rows classes"]
Weight = Float[np.ndarray, " rows"]


@dataclass(frozen=True)
class Temperature:
    """One number that all logits are divided by: above 1 makes probabilities milder.

    Attributes:
        value: the temperature; 1 leaves everything as it is.
        reason: how it came about, with the validation log loss before and after.
        before: validation log loss at temperature 1.
        after: validation log loss at `value`; never above `before`.
        num_rows: validation rows that it was fitted on.
    """

    value: float
    reason: str
    before: float
    after: float
    num_rows: int

    def apply(self, logits: Logits) -> Float[np.ndarray, "rows classes"]:
        """Probabilities from logits (or from the logarithms of probabilities).

        The most probable class stays the most probable.

        Example:
            >>> half = Temperature(2.0, "", 0.0, 0.0, 0)
            >>> half.apply(np.log(np.array([[0.9, 0.1]]))).round(2)
            array([[0.75, 0.25]])
        """
        if self.value == 1.0:
            return np.exp(_log_softmax(logits))
        return np.exp(_log_softmax(logits / self.value))


def logits_of(probability: Float[np.ndarray, "rows classes"]) -> Logits:
    """Logarithms of probabilities, which serve as logits; nought is read as the smallest step."""
    return np.log(np.clip(probability, np.finfo(probability.dtype).tiny, 1.0))


def _log_softmax(logits: np.ndarray) -> np.ndarray:
    shifted = np.asarray(logits, dtype=np.float64) - logits.max(axis=1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))


def fit_temperature(truth: Codes, logits: Logits, weight: Weight | None = None) -> Temperature:
    """The temperature with the smallest log loss on validation rows.

    Minimises mean(w·(logsumexp(β·z) - β·z[truth])) over the coldness β = 1 / T, which is convex,
    by Newton's method kept inside a bracket. T stays between 0.1 and 10.

    Args:
        truth: class codes of validation rows.
        logits: one column per class.
        weight: how much each row counts.

    Returns:
        Temperature 1, with the reason, where there are fewer than 100 rows or fewer than 10
        outside the commonest class, or where no other temperature lowers the loss in its
        first four digits.

    Source: Guo et al., On calibration of modern neural networks, 2017.

    Example:
        >>> truth = np.tile([0, 0, 0, 1], 50)
        >>> sure = np.tile([3.0, -3.0], (200, 1))
        >>> fit = fit_temperature(truth, sure)
        >>> round(fit.value, 2), fit.apply(sure)[0].round(2)
        (5.46, array([0.75, 0.25]))
    """
    check_rows(truth, logits, weight)
    if not np.isfinite(logits).all():
        raise DataError(
            "A temperature cannot be fitted: some logits are not finite numbers.",
            where="what the trained network answers to the validation rows",
            expected="finite logits",
            got=f"{int((~np.isfinite(logits)).any(axis=1).sum()):,} rows without",
            do="The training broke down: lower training.learning_rate if it was raised, and look "
            "for infinite or huge values in the inputs (fathom look).",
        )
    used = all_rows(truth, weight)
    refusal = _too_few(truth[used > 0])
    if refusal:
        return Temperature(1.0, refusal, float("nan"), float("nan"), len(truth))
    logits = np.asarray(logits, dtype=np.float64)
    before = _loss(1.0, truth, logits, used)
    value = 1.0 / _coldness(truth, logits, used)
    after = _loss(1.0 / value, truth, logits, used)
    if not after < before or f"{after:.4g}" == f"{before:.4g}":
        kept = "no temperature lowers the validation log loss by what four digits show, so it "
        kept += "stays at 1"
        return Temperature(1.0, kept, before, before, len(truth))
    return Temperature(value, _told(value, before, after), before, after, len(truth))


def tempered_loss(truth: Codes, logits: Logits, weight: Weight | None = None) -> float:
    """The log loss at the temperature that makes it smallest, however few the rows are.

    By it two answers to the same rows are compared where a temperature is fitted afterwards: being
    too sure, which that mends, does not count against one of them.

    Args:
        truth: class codes.
        logits: one column per class, finite.
        weight: how much each row counts.

    Example:
        >>> truth = np.tile([0, 0, 0, 1], 50)
        >>> sure, milder = np.tile([3.0, -3.0], (200, 1)), np.tile([1.0, -1.0], (200, 1))
        >>> round(tempered_loss(truth, sure), 4) == round(tempered_loss(truth, milder), 4)
        True
    """
    check_rows(truth, logits, weight)
    used, logits = all_rows(truth, weight), np.asarray(logits, dtype=np.float64)
    return _loss(_coldness(truth, logits, used), truth, logits, used)


def _told(value: float, before: float, after: float) -> str:
    lean = "too sure" if value > 1 else "not sure enough"
    told = (
        f"probabilities were {lean}: temperature {value:.3g} lowers the validation log loss "
        f"from {before:.4g} to {after:.4g}"
    )
    if value in (_COOLEST, _HOTTEST):
        told += "; it stands at the end of the range that is searched"
    return told


def _too_few(truth: np.ndarray) -> str:
    counts = np.sort(np.bincount(truth)) if len(truth) else np.zeros(1)
    if len(truth) < FEWEST_ROWS:
        return f"only {len(truth)} validation rows: {FEWEST_ROWS} are needed for a temperature"
    outside = int(len(truth) - counts[-1])
    if outside < FEWEST_PER_SIDE:
        return (
            f"only {outside} validation rows outside the commonest class: {FEWEST_PER_SIDE} are "
            "needed for a temperature"
        )
    return ""


def _loss(coldness: float, truth: np.ndarray, logits: np.ndarray, weight: np.ndarray) -> float:
    surprise = -_log_softmax(coldness * logits)[np.arange(len(truth)), truth]
    return float(weight @ surprise / weight.sum())


def _coldness(truth: np.ndarray, logits: np.ndarray, weight: np.ndarray) -> float:
    """Newton's method on the slope of the loss, which never falls; halving where it leaps out."""
    low, high = 1 / _HOTTEST, 1 / _COOLEST
    given = logits[np.arange(len(truth)), truth]

    def slope(coldness: float) -> tuple[float, float]:
        probability = np.exp(_log_softmax(coldness * logits))
        mean = (probability * logits).sum(axis=1)
        variance = (probability * logits**2).sum(axis=1) - mean**2
        return float(weight @ (mean - given)), float(weight @ variance)

    if slope(low)[0] >= 0:
        return low
    if slope(high)[0] <= 0:
        return high
    coldness = 1.0
    for _ in range(100):
        first, second = slope(coldness)
        low, high = (low, coldness) if first > 0 else (coldness, high)
        guess = coldness - first / second if second > 0 else low
        guess = guess if low < guess < high else (low + high) / 2
        if abs(guess - coldness) < 1e-10 * coldness:
            break
        coldness = guess
    return coldness


@dataclass(frozen=True)
class ReliabilityPoint:
    """Rows that claimed about the same probability, and how often it came true.

    Attributes:
        claimed: mean claimed probability.
        observed: weighted share in which it came true.
        low: lower end of the 95 % interval of `observed`.
        high: its upper end.
        num_rows: rows in the bin.
    """

    claimed: float
    observed: float
    low: float
    high: float
    num_rows: int


def reliability_curve(
    truth: Codes,
    probability: Float[np.ndarray, "rows classes"],
    weight: Weight | None = None,
    *,
    num_bins: int = 10,
    adaptive: bool = True,
) -> list[ReliabilityPoint]:
    """Claimed probability against observed share, bin by bin; the diagonal is perfect.

    With two classes the claim is the probability of class 1; with more the highest probability,
    and it comes true when that class is the true one.

    Args:
        truth: class codes.
        probability: one column per class.
        weight: how much each row counts; the interval rests on (Σw)² / Σw² rows.
        num_bins: how many bins at most; empty ones are left out.
        adaptive: bins with equally many rows, else equally wide ones.
    """
    check_rows(truth, probability, weight)
    used = all_rows(truth, weight)
    claimed, happened = confidence(truth, probability)
    code = bin_codes(claimed, num_bins, adaptive=adaptive)
    total = sums_by_code(code, used, num_bins)
    mean_claim = divide(sums_by_code(code, used * claimed, num_bins), total)
    observed = divide(sums_by_code(code, used * happened, num_bins), total)
    effective = divide(total**2, sums_by_code(code, used**2, num_bins))
    num_rows = np.bincount(code, minlength=num_bins)
    points: list[ReliabilityPoint] = []
    for place in np.flatnonzero(total > 0):
        share = float(np.clip(np.asarray(observed)[place], 0.0, 1.0))
        low, high = exact_share(share, float(np.asarray(effective)[place]))
        claim = float(np.asarray(mean_claim)[place])
        points.append(ReliabilityPoint(claim, share, low, high, int(num_rows[place])))
    return points
