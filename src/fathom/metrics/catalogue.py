"""The metrics of each task, in the order in which they are shown, and the one that decides."""

from functools import partial

import numpy as np

from fathom.base.errors import RecipeError, listed, nearest
from fathom.metrics.labels import (
    accuracy,
    balanced_accuracy,
    f1,
    matthews_corrcoef,
    precision,
    recall,
)
from fathom.metrics.numbers import (
    interval_coverage,
    interval_width,
    mae,
    mape,
    median_absolute_error,
    near_zero,
    r2,
    rmse,
)
from fathom.metrics.probabilities import brier_score, expected_calibration_error, log_loss
from fathom.metrics.ranking import average_precision, roc_auc
from fathom.metrics.record import Metric, Task
from fathom.metrics.sets import set_average_precision, set_f1, subset_accuracy


def _constant_truth(truth: np.ndarray, _answer: np.ndarray) -> str:
    return "the true values are all the same" if np.ptp(truth) == 0 else ""


def _near_zero_truth(truth: np.ndarray, _answer: np.ndarray) -> str:
    if num_near := int(near_zero(truth).sum()):
        return f"{num_near:,} true values are so near nought that a percentage says nothing"
    return ""


def _one_class(truth: np.ndarray, _answer: np.ndarray) -> str:
    return "all rows are of one class" if (truth == truth[0]).all() else ""


def _nothing_to_find(truth: np.ndarray, _answer: np.ndarray) -> str:
    return "" if (truth == 1).any() else "no row has the positive class"


def _no_labels(truth: np.ndarray, _answer: np.ndarray) -> str:
    return "" if (truth == 1).any() else "no row carries any label"


_REGRESSION = (
    Metric(
        name="rmse",
        greater_is_better=False,
        needs="number",
        sentence="Typical size of the error in the target's unit, large errors counting most.",
        compute=rmse,
        span=(0.0, np.inf),
    ),
    Metric(
        name="mae",
        greater_is_better=False,
        needs="number",
        sentence="Mean size of the error in the target's unit.",
        compute=mae,
        span=(0.0, np.inf),
    ),
    Metric(
        name="median_absolute_error",
        greater_is_better=False,
        needs="number",
        sentence="Half of the rows have a smaller error than this, in the target's unit.",
        compute=median_absolute_error,
        span=(0.0, np.inf),
    ),
    Metric(
        name="r2",
        greater_is_better=True,
        needs="number",
        sentence="Share of the target's variance that is explained: 1 is perfect, 0 is no better "
        "than always saying the mean.",
        compute=r2,
        span=(-np.inf, 1.0),
        reason=_constant_truth,
    ),
    Metric(
        name="mape",
        greater_is_better=False,
        needs="number",
        sentence="Mean error as a share of the true value: 0.1 is ten per cent off.",
        compute=mape,
        span=(0.0, np.inf),
        reason=_near_zero_truth,
    ),
    Metric(
        name="interval_coverage",
        greater_is_better=None,
        needs="interval",
        sentence="Share of rows whose true value lies inside its interval; it should meet the "
        "level that the intervals were made for.",
        compute=interval_coverage,
        share=True,
    ),
    Metric(
        name="interval_width",
        greater_is_better=False,
        needs="interval",
        sentence="Mean width of the intervals in the target's unit; narrow is worth something "
        "only when the coverage is right.",
        compute=interval_width,
        span=(0.0, np.inf),
    ),
)

_ACCURACY = Metric(
    name="accuracy",
    greater_is_better=True,
    needs="label",
    sentence="Share of rows that were given their true class.",
    compute=accuracy,
    share=True,
)
_BALANCED_ACCURACY = Metric(
    name="balanced_accuracy",
    greater_is_better=True,
    needs="label",
    sentence="Mean over the classes of the share of each that was found, rare classes counting "
    "as much as common ones.",
    compute=balanced_accuracy,
)
_F1_MACRO = Metric(
    name="f1_macro",
    greater_is_better=True,
    needs="label",
    sentence="Mean over the classes of F1, the balance of finding a class and not crying wolf.",
    compute=partial(f1, average="macro"),
)
_MATTHEWS = Metric(
    name="matthews_corrcoef",
    greater_is_better=True,
    needs="label",
    sentence="Correlation of true and given classes: 1 is perfect, 0 is chance.",
    compute=matthews_corrcoef,
    span=(-1.0, 1.0),
    reason=_one_class,
)
_LOG_LOSS = Metric(
    name="log_loss",
    greater_is_better=False,
    needs="probability",
    sentence="How surprised the probabilities were by the truth; confident mistakes cost most.",
    compute=log_loss,
    span=(0.0, np.inf),
)
_BRIER = Metric(
    name="brier_score",
    greater_is_better=False,
    needs="probability",
    sentence="Mean squared distance of the probabilities from what happened.",
    compute=brier_score,
    span=(0.0, 2.0),
)
_CALIBRATION = Metric(
    name="expected_calibration_error",
    greater_is_better=False,
    needs="probability",
    sentence="How far claimed probabilities are from observed shares: 0.05 is five points off.",
    compute=expected_calibration_error,
    headline=False,
)

_BINARY = (
    Metric(
        name="roc_auc",
        greater_is_better=True,
        needs="probability",
        sentence="Chance that a row of the positive class is scored above a row of the other: "
        "0.5 is guessing, 1 is perfect.",
        compute=roc_auc,
        reason=_one_class,
    ),
    Metric(
        name="average_precision",
        greater_is_better=True,
        needs="probability",
        sentence="Precision averaged over how much is found; guessing scores the share of the "
        "positive class.",
        compute=average_precision,
        reason=_nothing_to_find,
    ),
    _LOG_LOSS,
    _BRIER,
    _ACCURACY,
    _BALANCED_ACCURACY,
    Metric(
        name="f1",
        greater_is_better=True,
        needs="label",
        sentence="Balance of precision and recall for the positive class.",
        compute=f1,
    ),
    Metric(
        name="precision",
        greater_is_better=True,
        needs="label",
        sentence="Of the rows called positive, the share that truly are.",
        compute=precision,
    ),
    Metric(
        name="recall",
        greater_is_better=True,
        needs="label",
        sentence="Of the rows that truly are positive, the share that was found.",
        compute=recall,
        reason=_nothing_to_find,
    ),
    _MATTHEWS,
    _CALIBRATION,
)

_MULTICLASS = (
    _LOG_LOSS,
    _ACCURACY,
    _BALANCED_ACCURACY,
    _F1_MACRO,
    Metric(
        name="f1_weighted",
        greater_is_better=True,
        needs="label",
        sentence="Mean over the classes of F1, each by how common it is.",
        compute=partial(f1, average="weighted"),
    ),
    _MATTHEWS,
    Metric(
        name="roc_auc",
        greater_is_better=True,
        needs="probability",
        sentence="Chance that a row of a class is scored above a row of another for that class, "
        "averaged over the classes: 0.5 is guessing, 1 is perfect.",
        compute=roc_auc,
        reason=_one_class,
    ),
    _BRIER,
    _CALIBRATION,
)

_MULTILABEL = (
    Metric(
        name="average_precision",
        greater_is_better=True,
        needs="probability",
        sentence="Precision averaged over how much is found, then over the labels; guessing "
        "scores each label's share.",
        compute=set_average_precision,
        reason=_no_labels,
    ),
    Metric(
        name="f1_micro",
        greater_is_better=True,
        needs="label",
        sentence="Balance of precision and recall over all labels of all rows together.",
        compute=partial(set_f1, average="micro"),
        reason=_no_labels,
    ),
    Metric(
        name="f1_macro",
        greater_is_better=True,
        needs="label",
        sentence="Balance of precision and recall for each label, then averaged over the labels.",
        compute=partial(set_f1, average="macro"),
        reason=_no_labels,
    ),
    Metric(
        name="subset_accuracy",
        greater_is_better=True,
        needs="label",
        sentence="Share of rows whose whole set of labels is right.",
        compute=subset_accuracy,
        share=True,
    ),
)

METRICS: dict[Task, dict[str, Metric]] = {
    "regression": {metric.name: metric for metric in _REGRESSION},
    "binary": {metric.name: metric for metric in _BINARY},
    "multiclass": {metric.name: metric for metric in _MULTICLASS},
    "multilabel": {metric.name: metric for metric in _MULTILABEL},
}
"""Task -> name -> metric, in the order in which they are shown."""

PRIMARY: dict[Task, str] = {
    "regression": "rmse",
    "binary": "roc_auc",
    "multiclass": "log_loss",
    "multilabel": "average_precision",
}
"""The one metric per task that the verdict is about.

rmse: smallest for the conditional mean, in the target's unit, what squared-error training seeks.
roc_auc: unmoved by how rare the positive class is, by the threshold and by calibration, so that
neither side wins by a cut; guessing is 0.5 whatever the data. log_loss: a proper score that looks
at every class's probability; the mean of many one-against-rest AUCs hides which classes are
confused. average_precision: needs no threshold per label and stays telling when labels are rare.
"""


def metric_named(task: Task, name: str | None = None) -> Metric:
    """The metric of that name, or the task's primary one.

    Raises:
        RecipeError: the task has no such metric; the nearest name is told.

    Example:
        >>> metric_named("regression").name
        'rmse'
    """
    table = METRICS[task]
    if name is None:
        return table[PRIMARY[task]]
    if name not in table:
        raise RecipeError(
            f"There is no metric '{name}' for {task}.",
            expected=f"one of {listed(table, most=20)}",
            got=f"'{name}'",
            do=nearest(name, table) or "Choose one of these.",
        )
    return table[name]
