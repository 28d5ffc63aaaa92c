"""Conformal answers from out-of-fold rows: every training row calibrates, none twice its own.

For small data, where keeping rows aside costs too much. One model per fold; each row is judged by
the model that did not see it.
"""

import math

import numpy as np
from jaxtyping import Bool, Float, Int

from fathom.base.errors import DataError
from fathom.evaluation.conformal import check_enough, with_top
from fathom.evaluation.counting import Counting, weighted_places
from fathom.metrics.weights import check_rows

_CELLS_AT_ONCE = 1 << 22


def check_folds(
    fold: Int[np.ndarray, " rows"], num_models: int, scores: Float[np.ndarray, " rows"]
) -> None:
    """Stop when folds, models and scores do not fit together.

    Raises:
        DataError: a row names a fold without a model, or lengths differ.
    """
    check_rows(scores, fold)
    if len(fold) and (fold.min() < 0 or fold.max() >= num_models):
        raise DataError(
            "A row belongs to a fold that has no model.",
            expected=f"folds from 0 to {num_models - 1}",
            got=f"folds from {fold.min()} to {fold.max()}",
            do="Pass one set of predictions per fold.",
        )


def cross_interval(
    residual: Float[np.ndarray, " rows"],
    fold: Int[np.ndarray, " rows"],
    predictions: Float[np.ndarray, "folds new"],
    miss: float = 0.1,
    counting: Counting | None = None,
) -> Float[np.ndarray, "new 2"]:
    """CV+ intervals: quantiles of (fold model's prediction ∓ out-of-fold residual).

    The lower bound is the floor(miss·(n + 1))-th smallest of prediction_fold(i) - residual_i, the
    upper the ceil((1 - miss)·(n + 1))-th smallest of the sums. Promised is a coverage of at least
    1 - 2·miss (less a small term for few folds); about 1 - miss is what is met in practice.

    Args:
        residual: |truth - prediction| of each training row by the model that did not see it.
        fold: which fold each training row was in.
        predictions: each fold's model on the new rows.
        miss: the chance of missing the truth.
        counting: what each training row counts; None = all alike.

    Returns:
        Lower and upper bound per new row.

    Raises:
        DataError: too few rows, or folds that do not fit.

    Source: Barber et al., Predictive inference with the jackknife+, 2021.

    Example:
        >>> cross_interval(np.ones(9), np.repeat([0, 1, 2], 3), np.zeros((3, 1)), miss=0.1)
        array([[-1.,  1.]])
    """
    check_folds(fold, len(predictions), residual)
    num = len(residual)
    counting = counting or Counting.of(num)
    check_enough(counting, miss)
    lower_place = max(math.floor(miss * (num + 1) + 1e-9), 1) - 1
    upper_place = math.ceil((1 - miss) * (num + 1) - 1e-9) - 1
    bounds = np.empty((predictions.shape[1], 2))
    at_once = max(1, _CELLS_AT_ONCE // num)
    for start in range(0, len(bounds), at_once):
        centre = predictions[:, start : start + at_once][fold]
        reach = residual[:, None]
        if counting.alike:  # the same, without sorting
            lower = np.partition(centre - reach, lower_place, axis=0)[lower_place]
            upper = np.partition(centre + reach, upper_place, axis=0)[upper_place]
        else:
            lower = -weighted_places(reach - centre, counting, miss)
            upper = weighted_places(centre + reach, counting, miss)
        bounds[start : start + at_once] = np.stack([lower, upper], axis=1)
    return bounds


def cross_sets(
    scores: Float[np.ndarray, " rows"],
    fold: Int[np.ndarray, " rows"],
    new_scores: Float[np.ndarray, "folds new classes"],
    miss: float = 0.1,
    counting: Counting | None = None,
) -> Bool[np.ndarray, "new classes"]:
    """Cross-conformal sets: a class is in when enough out-of-fold rows were at least as strange.

    A class stays in when (1 + number of rows i with score_i ≥ its score under i's fold model)
    / (n + 1) exceeds `miss`. Promised and met: as `cross_interval`.

    Args:
        scores: strangeness of each training row's true class by the model that did not see it,
            1 - probability for example.
        fold: which fold each training row was in.
        new_scores: strangeness of each class of each new row, by each fold's model.
        miss: the chance of missing the true class.
        counting: what each training row counts; None = all alike.

    Returns:
        True for each class in the set; the least strange class is always in.

    Source: Vovk, Cross-conformal predictors, 2015.
    """
    check_folds(fold, len(new_scores), scores)
    counting = counting or Counting.of(len(scores))
    check_enough(counting, miss)
    stranger = np.zeros(new_scores.shape[1:])
    for place, new in enumerate(new_scores):
        inside = np.flatnonzero(fold == place)
        order = inside[np.argsort(scores[inside], kind="stable")]
        # The share of the rows from each place on; nothing beyond the last.
        onwards = np.append(np.cumsum(counting.share[order][::-1])[::-1], 0.0)
        stranger += onwards[np.searchsorted(scores[order], new, side="left")]
    itself = 1 / counting.units
    sets = (itself + stranger) / (1 + itself) > miss + 1e-9
    return with_top(-new_scores.mean(axis=0), sets)
