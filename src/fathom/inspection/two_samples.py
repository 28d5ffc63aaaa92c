"""Do two samples come from the same source? Statistics with their sizes of effect."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

_LEAST_EXPECTED = 5


@dataclass(frozen=True)
class Difference:
    """How far two samples are apart.

    Attributes:
        effect: between 0 and 1 for Kolmogorov-Smirnov's D, from 0 upwards for PSI.
        p_value: of the hypothesis that they come from the same source.
        measure: "KS" or "PSI".
    """

    effect: float
    p_value: float
    measure: str


def compare_numbers(
    first: Float[np.ndarray, " rows"], other: Float[np.ndarray, " others"]
) -> Difference:
    """Kolmogorov and Smirnov's largest distance between the two distribution functions.

    D = max |F₁(x) − F₂(x)|; its p-value from the limit distribution at (√m + 0.12 + 0.11/√m)·D
    with m = n₁·n₂/(n₁ + n₂).

    Source: Stephens (1970), "Use of the Kolmogorov-Smirnov, Cramér-von Mises and related
    statistics without extensive tables".

    Example:
        >>> compare_numbers(np.arange(100.0), np.arange(100.0) + 50).effect
        0.5
    """
    from scipy.special import kolmogorov

    values = np.unique(np.concatenate([first, other]))
    one = np.searchsorted(np.sort(first), values, side="right") / len(first)
    two = np.searchsorted(np.sort(other), values, side="right") / len(other)
    distance = float(np.abs(one - two).max())
    size = np.sqrt(len(first) * len(other) / (len(first) + len(other)))
    return Difference(distance, float(kolmogorov((size + 0.12 + 0.11 / size) * distance)), "KS")


def compare_counts(
    first: Int[np.ndarray, " levels"], other: Int[np.ndarray, " levels"]
) -> Difference:
    """The population stability index of two rows of counts, with the χ² test of homogeneity.

    PSI = Σ (p − q)·ln(p/q), less (k − 1)(1/n₁ + 1/n₂), what chance alone adds. Levels of fewer
    than five expected rows are joined.

    Source: Siddiqi (2006), "Credit Risk Scorecards"; 0.1 is a shift, 0.25 a large one.

    Example:
        >>> found = compare_counts(np.array([500, 500]), np.array([800, 200]))
        >>> round(found.effect, 2), found.p_value < 0.001
        (0.41, True)
    """
    from scipy.special import chdtrc

    counts = np.stack([first, other]).astype(np.float64)
    total = counts.sum()
    expected = counts.sum(axis=1, keepdims=True) * counts.sum(axis=0) / total
    rare = expected.min(axis=0) < _LEAST_EXPECTED
    if rare.any():
        counts = np.column_stack([counts[:, ~rare], counts[:, rare].sum(axis=1)])
        expected = counts.sum(axis=1, keepdims=True) * counts.sum(axis=0) / total
    counts, expected = counts[:, expected.min(axis=0) > 0], expected[:, expected.min(axis=0) > 0]
    if counts.shape[1] < 2:
        return Difference(0.0, 1.0, "PSI")
    chi_square = float(((counts - expected) ** 2 / expected).sum())
    sizes = counts.sum(axis=1, keepdims=True)
    p, q = (counts + 0.5) / (sizes + 0.5 * counts.shape[1])
    index = float(((p - q) * np.log(p / q)).sum())
    by_chance = (counts.shape[1] - 1) * float((1 / sizes).sum())
    p_value = float(chdtrc(counts.shape[1] - 1, chi_square))
    return Difference(max(index - by_chance, 0.0), p_value, "PSI")


def holm(p_values: list[float]) -> list[float]:
    """P-values corrected for their number, so that the chance of any false alarm stays below α.

    The i-th smallest is multiplied by n − i + 1 and is at least the one before it.

    Source: Holm (1979), "A simple sequentially rejective multiple test procedure".

    Example:
        >>> holm([0.01, 0.04, 0.03])
        [0.03, 0.06, 0.06]
    """
    order = np.argsort(p_values, kind="stable")
    corrected = [0.0] * len(p_values)
    least = 0.0
    for place, index in enumerate(order.tolist()):
        least = max(least, min(1.0, p_values[index] * (len(p_values) - place)))
        corrected[index] = least
    return corrected
