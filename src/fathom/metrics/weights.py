"""Row weights, one set or many at once: the same function gives a score and its resamples.

Every metric here takes `weight` with the rows on its last axis. With one set of weights it gives
one number; with a stack of them (each a bootstrap resample, written as how often each row was
drawn) it gives one number per set. So an interval needs no second implementation, and a row of
weight nought is the same as no row.
"""

import numpy as np
from jaxtyping import Float, Int, Shaped

from fathom.base.errors import DataError

_FEW_CODES = 4  # up to here sums code by code are quicker than counting

Value = np.floating | np.ndarray
"""One number, or one per set of weights."""


def check_rows(
    truth: Shaped[np.ndarray, "rows ..."],
    answer: Shaped[np.ndarray, "rows ..."],
    weight: Float[np.ndarray, "*resamples rows"] | None = None,
) -> None:
    """Stop when truth, answers and weights do not speak of the same rows.

    Raises:
        DataError: lengths differ, or a weight is negative or not a number.
    """
    if len(truth) != len(answer):
        raise DataError(
            "Truth and answers do not have the same number of rows.",
            expected=f"{len(truth):,} answers, one for each row of truth",
            got=f"{len(answer):,} answers",
            do="Pass the answers for exactly the rows that are scored, in the same order.",
        )
    if weight is None:
        return
    if weight.shape[-1:] != (len(truth),):
        raise DataError(
            "The weights do not fit the rows.",
            expected=f"{len(truth):,} weights on the last axis",
            got=f"an array of shape {weight.shape}",
            do="Pass one weight for each row, in the same order.",
        )
    if weight.size and not weight.min() >= 0:
        raise DataError(
            "A row's weight is negative or not a number.",
            expected="weights of nought or more",
            got=f"smallest weight {weight.min()}",
            do="Mend the column of weights.",
        )


def all_rows(
    truth: Shaped[np.ndarray, "rows ..."], weight: Float[np.ndarray, "*resamples rows"] | None
) -> Float[np.ndarray, "*resamples rows"]:
    """The weights as given, or one for every row."""
    return np.ones(len(truth)) if weight is None else np.asarray(weight, dtype=np.float64)


def divide(top: np.ndarray | float, bottom: np.ndarray | float) -> Value:
    """`top / bottom`, NaN where both are nought, without a warning."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.divide(top, bottom)


def dot(
    left: Float[np.ndarray, "*resamples rows"], right: Float[np.ndarray, "*resamples rows"]
) -> np.ndarray:
    """The sum of products over the last axis.

    Not a BLAS product: several of these are computed at once, each in a thread, and the threads
    of BLAS would wait for one another.

    Example:
        >>> dot(np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([1.0, 10.0]))
        array([21., 43.])
    """
    return np.einsum("...i,...i->...", left, right)


def mean_over_rows(
    contribution: Float[np.ndarray, " rows"],
    weight: Float[np.ndarray, "*resamples rows"] | None = None,
) -> Value:
    """The weighted mean of one number per row: sum(w·c) / sum(w).

    Returns:
        One number per set of weights; NaN where the weights add up to nought.

    Example:
        >>> counts = np.array([[1.0, 1.0, 1.0], [3.0, 0.0, 0.0]])
        >>> mean_over_rows(np.array([1.0, 2.0, 6.0]), counts)
        array([3., 1.])
    """
    weight = all_rows(contribution, weight)
    return divide(dot(weight, contribution), weight.sum(-1))


def sums_by_code(
    code: Int[np.ndarray, " rows"],
    weight: Float[np.ndarray, "*resamples rows"],
    num_codes: int,
) -> Float[np.ndarray, "*resamples codes"]:
    """The sum of the weights of the rows that share a code, for each code.

    Example:
        >>> sums_by_code(np.array([0, 2, 2]), np.array([1.0, 2.0, 3.0]), 4)
        array([1., 0., 5., 0.])
    """
    if not weight.size or not num_codes:
        return np.zeros((*weight.shape[:-1], num_codes))
    if num_codes <= _FEW_CODES:
        shares = [dot(weight, (code == one).astype(np.float64)) for one in range(num_codes)]
        return np.stack(shares, axis=-1)
    sets = weight.reshape(-1, weight.shape[-1])
    place = code + num_codes * np.arange(len(sets))[:, None]
    sums = np.bincount(place.ravel(), weights=sets.ravel(), minlength=num_codes * len(sets))
    return sums.reshape(*weight.shape[:-1], num_codes)


def mean_where(
    values: Float[np.ndarray, "*resamples items"], used: np.ndarray
) -> Float[np.ndarray, "*resamples"] | np.floating:
    """The mean over the last axis of the items that are used; NaN where there are none."""
    return divide(np.where(used, values, 0.0).sum(-1), used.sum(-1))


def weighted_median(
    values: Float[np.ndarray, " rows"], weight: Float[np.ndarray, "*resamples rows"]
) -> Value:
    """The value with half of the weight on either side.

    Where exactly half lies below, the mean of the two neighbours, so that equal weights give the
    usual median.

    Example:
        >>> float(weighted_median(np.array([1.0, 2.0, 9.0]), np.array([1.0, 1.0, 5.0])))
        9.0
    """
    if not len(values):
        return np.full(weight.shape[:-1], np.nan)[()]
    order = np.argsort(values, kind="stable")
    ordered = values[order]
    below = np.cumsum(weight[..., order], axis=-1)
    total = below[..., -1:]
    # Sums of weights are rounded: a hair is allowed before "at least half" and "more than half".
    hair = 1e-12 * total
    lower = np.argmax(below >= total / 2 - hair, axis=-1)
    upper = np.argmax(below > total / 2 + hair, axis=-1)
    return np.where(total[..., 0] > 0, (ordered[lower] + ordered[upper]) / 2, np.nan)[()]
