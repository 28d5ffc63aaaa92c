"""Scores of one run, computed here for every peer alike from its stored predictions."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from sklearn.metrics import roc_auc_score

from benchmarks.tables.datasets import Task
from benchmarks.tables.files import read_rows

# A true label that was given less than this counts as if it had been given this: a class that no
# training row had would cost infinitely much otherwise. It is about float32's resolution at 1.
PROBABILITY_FLOOR = 1e-7


@dataclass(frozen=True)
class RowLosses:
    """What each test row cost, for paired tests.

    Attributes:
        main: squared error, or minus the logarithm of the true label's probability.
        wrong: whether the most probable label is not the true one; None for regression.
    """

    main: np.ndarray
    wrong: np.ndarray | None


def targets(task: Task, *, training: bool = False) -> np.ndarray:
    """The target column as the file has it: numbers for regression, text for classification."""
    header, *rows = read_rows(task.train if training else task.test)
    column = header.index(task.target)
    return np.array(
        [row[column] for row in rows], dtype=float if task.type == "regression" else str
    )


def row_losses(task: Task, predictions: Path) -> RowLosses:
    """The losses row by row, from the file that a peer wrote."""
    true = targets(task)
    with np.load(predictions) as stored:
        if task.type == "regression":
            return RowLosses((stored["prediction"] - true) ** 2, None)
        probability, classes = _probability(stored)
    given = (probability * (classes[None, :] == true[:, None])).sum(axis=1)
    wrong = classes[probability.argmax(axis=1)] != true
    return RowLosses(-np.log(np.maximum(given, PROBABILITY_FLOOR)), wrong)


def score(task: Task, predictions: Path) -> dict[str, float]:
    """All metrics of one run.

    Regression: `rmse`, and `rmse_ratio` = rmse / standard deviation of the test targets.
    Classification: `error`; `error_ratio` = error / error of always answering the label that is
    most frequent in training; `log_loss`; `roc_auc` (several classes: mean of one against rest,
    over the classes that the test rows have).
    """
    losses = row_losses(task, predictions)
    true = targets(task)
    if losses.wrong is None:
        rmse = float(np.sqrt(losses.main.mean()))
        return {"rmse": rmse, "rmse_ratio": rmse / float(true.std())}
    labels, counts = np.unique(targets(task, training=True), return_counts=True)
    error = float(losses.wrong.mean())
    majority_error = float((true != labels[counts.argmax()]).mean())
    with np.load(predictions) as stored:
        probability, classes = _probability(stored)
    return {
        "error": error,
        "error_ratio": error / majority_error if majority_error else float("nan"),
        "log_loss": float(losses.main.mean()),
        "roc_auc": _roc_auc(true, probability, classes),
    }


def _probability(stored: np.lib.npyio.NpzFile) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities whose rows sum to one, and the classes of their columns."""
    probability = stored["probability"].astype(float)
    return probability / probability.sum(axis=1, keepdims=True), stored["classes"]


def _roc_auc(true: np.ndarray, probability: np.ndarray, classes: np.ndarray) -> float:
    if len(classes) == 2:
        return float(roc_auc_score(true == classes[1], probability[:, 1]))
    areas = [
        roc_auc_score(true == label, probability[:, column])
        for column, label in enumerate(classes)
        if 0 < (true == label).sum() < len(true)
    ]
    return float(np.mean(areas))
