"""What a network must beat: a constant, a linear model and boosted trees, with the same rows.

Each baseline learns on the training rows to be judged on the validation rows, where the strongest
is chosen, and then on both to answer the test rows. One that fails is stated as absent, with the
reason.
"""

import contextlib
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float, Shaped

from fathom.base.errors import RecipeError, listed, nearest
from fathom.evaluation.baseline_models import (
    fit_boosted_trees,
    fit_linear,
    limits_of_linear,
    limits_of_trees,
)
from fathom.evaluation.baseline_records import BaselineData, BaselinePlan, Fit, Labelled, Predict
from fathom.evaluation.nearest_model import fit_nearest, limits_of_nearest
from fathom.evaluation.rows import Rows
from fathom.metrics.record import Answer, Metric
from fathom.metrics.weights import weighted_median

_ABSOLUTE = ("mae", "median_absolute_error", "mape")


@dataclass(frozen=True, kw_only=True)
class Baseline:
    """A baseline's answers, or why there are none.

    Attributes:
        name: "constant", "linear", "boosted_trees" or "nearest".
        validation: its answers for the validation rows, from the training rows alone.
        test: its answers for the test rows, from training and validation rows.
        absent: why it has no answers; "" when it has.
        limits: what was cut from it to keep it to a few seconds; "" = nothing.
        notes: what should be known of it.
        seconds: how long it took.
    """

    name: str
    validation: Answer | None = None
    test: Answer | None = None
    absent: str = ""
    limits: str = ""
    notes: tuple[str, ...] = ()
    seconds: float = 0.0


def fit_constant(train: Labelled, plan: BaselinePlan) -> Fit:
    """Always the same answer: the weighted mean (the median where absolute errors are counted),
    the class frequencies, or each label's share."""

    def fit(data: Labelled) -> Predict:
        weight = np.ones(len(data.truth)) if data.weight is None else data.weight
        if plan.task == "regression":
            number = _middle(data.truth, weight, median=plan.metric in _ABSOLUTE)
            return lambda asked: Answer(number=np.full(len(asked), number))
        if plan.task == "multilabel":
            share = weight @ data.truth / weight.sum()
            return lambda asked: Answer.of_sets(np.tile(share, (len(asked), 1)))
        counts = np.bincount(data.truth, weights=weight, minlength=plan.num_classes)
        share = counts / counts.sum()
        return lambda asked: Answer.of_classes(np.tile(share, (len(asked), 1)))

    return fit


def _middle(
    truth: Shaped[np.ndarray, " rows"], weight: Float[np.ndarray, " rows"], *, median: bool
) -> float:
    return float(weighted_median(truth, weight) if median else np.average(truth, weights=weight))


BASELINES: dict[str, Callable[[Labelled, BaselinePlan], Fit]] = {
    "constant": fit_constant,
    "linear": fit_linear,
    "boosted_trees": fit_boosted_trees,
    "nearest": fit_nearest,
}
"""Name -> builder, the simplest first."""
FOR_TABLES = ("constant", "linear", "boosted_trees")
# Trees that cut at single pixels learn slowly and little of pictures.
FOR_PICTURES = ("constant", "linear", "nearest")

_LIMITS: dict[str, Callable[[Labelled, BaselinePlan], str]] = {
    "linear": limits_of_linear,
    "boosted_trees": limits_of_trees,
    "nearest": limits_of_nearest,
}


def run_baselines(
    train: Labelled,
    validation: Labelled,
    test: BaselineData,
    plan: BaselinePlan,
    names: Sequence[str] = FOR_TABLES,
) -> list[Baseline]:
    """Fit the baselines and let them answer.

    Args:
        train: the rows that the network learned from, with the same weights.
        validation: the rows that it was chosen on.
        test: rows to answer.
        plan: task, metric, seed, threads.
        names: which baselines, from `BASELINES`.

    Returns:
        One record per name, in that order; a failed one says why.

    Raises:
        RecipeError: no such baseline.
    """
    for name in names:
        if name not in BASELINES:
            raise RecipeError(
                f"There is no baseline '{name}'.",
                expected=f"one of {listed(BASELINES)}",
                got=f"'{name}'",
                do=nearest(name, BASELINES) or "Choose one of these.",
            )
    return [_run(name, train, validation, test, plan) for name in names]


def _run(
    name: str, train: Labelled, validation: Labelled, test: BaselineData, plan: BaselinePlan
) -> Baseline:
    start = time.perf_counter()
    # Products of a linear fit are small: threads wait for each other, for minutes where the machine
    # has other work.
    threads = 1 if name == "linear" else plan.threads
    with warnings.catch_warnings(record=True) as caught, _threads(threads):
        warnings.simplefilter("always")
        try:
            fit = BASELINES[name](train, plan)
            found = Baseline(
                name=name,
                limits=_LIMITS[name](train, plan) if name in _LIMITS else "",
                validation=fit(train)(validation.data),
                test=fit(train.joined(validation))(test),
            )
        except (ValueError, RuntimeError, ArithmeticError, MemoryError, ImportError) as error:
            reason = (str(error).splitlines() or [""])[0] or type(error).__name__
            found = Baseline(name=name, absent=f"could not be fitted: {reason}")
    notes = sorted({str(warning.message).splitlines()[0] for warning in caught})
    return replace(found, notes=tuple(notes), seconds=time.perf_counter() - start)


def _threads(threads: int) -> contextlib.AbstractContextManager[object]:
    """At most so many threads for scikit-learn and what it calls."""
    from threadpoolctl import threadpool_limits

    return threadpool_limits(limits=threads)


def strongest_on_validation(
    baselines: Sequence[Baseline], validation: Rows, metric: Metric
) -> str | None:
    """The name of the baseline with the best metric on validation rows, never on test rows.

    Of equals the simplest, which comes first. None when no baseline has an answer.
    """
    best: tuple[float, str] | None = None
    sign = 1.0 if metric.greater_is_better else -1.0
    for baseline in baselines:
        if baseline.validation is None:
            continue
        value = sign * metric.value(validation.truth, baseline.validation, validation.weight)
        if np.isfinite(value) and (best is None or value > best[0]):
            best = (value, baseline.name)
    return None if best is None else best[1]
