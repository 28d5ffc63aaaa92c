"""The baseline for pictures: what the most alike training pictures are."""

import numpy as np
from jaxtyping import Float, Int

from fathom.base.errors import DataError
from fathom.base.seeds import numpy_generator
from fathom.evaluation.baseline_records import BaselineData, BaselinePlan, Fit, Labelled, Predict
from fathom.metrics.record import Answer

_NEIGHBOURS = 10
# The search compares every picture that is asked for with every one that is known.
_MOST_ROWS = 50_000


def fit_nearest(train: Labelled, plan: BaselinePlan) -> Fit:
    """The mean of the ten nearest rows by the distance of their numbers as they stand.

    Classes get one more vote, spread as the training rows are, so that none is impossible.

    Raises:
        DataError: there are no numbers.
    """
    if train.data.numbers.shape[1] == 0:
        raise DataError("There is no column of numbers to measure distances by.")

    def fit(data: Labelled) -> Predict:
        from sklearn.neighbors import NearestNeighbors

        known = _some(data, plan)
        middle = np.nan_to_num(_mean(known.data.numbers))
        num = min(_NEIGHBOURS, len(known.truth))
        search = NearestNeighbors(n_neighbors=num, algorithm="brute")
        search.fit(_filled(known.data, middle))
        votes, every = _votes(known, plan), _weight(known)

        def answer(asked: BaselineData) -> Answer:
            _, near = search.kneighbors(_filled(asked, middle))
            return _answer(votes, every, np.asarray(near), plan)

        return answer

    return fit


def limits_of_nearest(train: Labelled, plan: BaselinePlan) -> str:
    """What was cut from it, in words; "" = nothing."""
    num = len(train.truth)
    return f"on {_MOST_ROWS:,} of {num:,} rows" if num > _MOST_ROWS else ""


def _some(data: Labelled, plan: BaselinePlan) -> Labelled:
    num = len(data.truth)
    if num <= _MOST_ROWS:
        return data
    generator = numpy_generator(plan.seed, "baselines", "nearest")
    return data.at(np.sort(generator.choice(num, _MOST_ROWS, replace=False)))


def _mean(numbers: Float[np.ndarray, "rows numbers"]) -> Float[np.ndarray, " numbers"]:
    known = ~np.isnan(numbers)
    return np.where(known, numbers, 0).sum(0) / np.maximum(known.sum(0), 1)


def _filled(
    data: BaselineData, middle: Float[np.ndarray, " numbers"]
) -> Float[np.ndarray, "rows numbers"]:
    return np.where(np.isnan(data.numbers), middle, data.numbers).astype(np.float32)


def _weight(data: Labelled) -> Float[np.ndarray, " rows"]:
    return np.ones(len(data.truth)) if data.weight is None else data.weight


def _votes(data: Labelled, plan: BaselinePlan) -> Float[np.ndarray, "rows answers"]:
    """What each row says: a number, a class as one of several, or a set."""
    truth = data.truth
    if plan.task == "regression":
        return truth.astype(np.float64)[:, None]
    return truth.astype(np.float64) if truth.ndim == 2 else np.eye(plan.num_classes)[truth]


def _answer(
    votes: Float[np.ndarray, "rows answers"],
    weight: Float[np.ndarray, " rows"],
    near: Int[np.ndarray, "asked neighbours"],
    plan: BaselinePlan,
) -> Answer:
    heard = weight[near][..., None]
    total, count = (votes[near] * heard).sum(1), heard.sum(1)
    if plan.task == "regression":
        return Answer(number=(total / np.maximum(count, 1e-300))[:, 0])
    usual = np.average(votes, axis=0, weights=weight)
    share = (total + usual * weight.mean()) / (count + weight.mean())
    return Answer.of_sets(share) if plan.task == "multilabel" else Answer.of_classes(share)
