"""From which probability on a row is called positive: chosen on validation rows, with a reason."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from fathom.base.errors import RecipeError, listed, nearest
from fathom.metrics.catalogue import METRICS
from fathom.metrics.weights import all_rows, check_rows

THRESHOLD_METRICS = ("balanced_accuracy", "f1", "matthews_corrcoef", "accuracy")

STRONG_IMBALANCE = 0.2
"""With a smaller share of the rarer class than this, ½ would seldom or never call it."""

FEWEST_RARE_ROWS = 25
"""Fewer validation rows of the rarer class than this cannot place a threshold."""


@dataclass(frozen=True)
class Threshold:
    """A decision threshold for two classes.

    Attributes:
        value: class 1 is given from this probability on.
        reason: why.
        metric: what it was chosen for; None when it was not chosen.
    """

    value: float
    reason: str
    metric: str | None = None


def choose_threshold(
    truth: Int[np.ndarray, " rows"],
    score: Float[np.ndarray, " rows"],
    weight: Float[np.ndarray, " rows"] | None = None,
    metric: str | None = None,
) -> Threshold:
    """The threshold with the best value of a metric on validation rows, or ½.

    The rule: when a metric is asked for, choose for it. When none is, ½ stays, unless the rarer
    class has less than a fifth of the validation weight; then choose for balanced accuracy, which
    makes a mistake on either class count as much in proportion to its size. In both cases ½
    stays where fewer than 25 validation rows are of the rarer class, and where nothing beats it.

    Args:
        truth: 1 for the positive class, else 0; validation rows, never test rows.
        score: probability of class 1.
        weight: how much each row counts.
        metric: one of `THRESHOLD_METRICS`, or None to leave it to the rule.

    Raises:
        RecipeError: no such metric.

    Example:
        >>> truth = np.repeat([0, 1], [400, 40])
        >>> score = np.where(truth == 1, 0.3, 0.1)
        >>> round(choose_threshold(truth, score).value, 3)
        0.2
    """
    check_rows(truth, score, weight)
    if metric is not None and metric not in THRESHOLD_METRICS:
        raise RecipeError(
            f"A threshold cannot be chosen for '{metric}'.",
            expected=f"one of {listed(THRESHOLD_METRICS)}",
            got=f"'{metric}'",
            do=nearest(metric, THRESHOLD_METRICS) or "Choose one of these.",
        )
    used = all_rows(truth, weight)
    positive = float(used @ (truth == 1) / used.sum()) if used.sum() > 0 else 0.0
    rare_share = min(positive, 1 - positive)
    if metric is None and rare_share >= STRONG_IMBALANCE:
        return Threshold(
            0.5, f"½: the classes are not far from balanced (rarer one {100 * rare_share:.0f} %)"
        )
    num_rare = int(min((truth[used > 0] == 1).sum(), (truth[used > 0] != 1).sum()))
    if num_rare < FEWEST_RARE_ROWS:
        return Threshold(
            0.5,
            f"½: only {num_rare} validation rows of the rarer class, "
            f"{FEWEST_RARE_ROWS} are needed to choose another",
        )
    return _best(truth, score, used, metric or "balanced_accuracy", rare_share)


def _best(
    truth: np.ndarray, score: np.ndarray, weight: np.ndarray, metric: str, rare_share: float
) -> Threshold:
    cuts, values = _values_by_cut(truth, score, weight, metric)
    at_half = float(METRICS["binary"][metric].compute(truth, (score >= 0.5).astype(int), weight))
    best = values.max(initial=-1.0)
    if not best > at_half + 1e-12:
        return Threshold(0.5, f"½: no threshold has a better validation {metric}", metric)
    equal = cuts[values >= best - 1e-12]
    value = float(equal[np.argmin(np.abs(equal - 0.5))])
    return Threshold(
        value,
        f"chosen on validation rows for {metric}, {best:.3g} in place of {at_half:.3g} at ½ "
        f"(the rarer class has {100 * rare_share:.2g} % of them)",
        metric,
    )


def _values_by_cut(
    truth: np.ndarray, score: np.ndarray, weight: np.ndarray, metric: str
) -> tuple[Float[np.ndarray, " cuts"], Float[np.ndarray, " cuts"]]:
    """The metric for every cut halfway between two neighbouring scores, all at once."""
    order = np.argsort(score, kind="stable")
    ordered, inside = score[order], weight[order] * (truth[order] == 1)
    last = np.flatnonzero(ordered[1:] != ordered[:-1])
    found = np.cumsum(inside[::-1])[::-1][last + 1]
    called = np.cumsum(weight[order][::-1])[::-1][last + 1]
    total, positive = weight.sum(), inside.sum()
    wrong = called - found
    missed, refused = positive - found, total - positive - wrong
    cuts = (ordered[last] + ordered[last + 1]) / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        values = {
            "accuracy": (found + refused) / total,
            "balanced_accuracy": (found / positive + refused / (total - positive)) / 2,
            "f1": 2 * found / (found + wrong + positive),
            "matthews_corrcoef": (found * refused - wrong * missed)
            / np.sqrt(called * positive * (total - positive) * (total - called)),
        }[metric]
    return cuts, np.nan_to_num(values, nan=-1.0)
