"""How well each class is found: the table under the score."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from fathom.base.errors import DataError
from fathom.evaluation.rows import Rows
from fathom.metrics.labels import ClassCounts, class_counts
from fathom.metrics.record import Answer
from fathom.metrics.sets import label_counts


@dataclass(frozen=True)
class ClassScore:
    """One class (or label) of the scored rows.

    Attributes:
        name: its name.
        num_rows: rows that truly have it.
        precision: of the rows given it, the share that truly have it; None when none was.
        recall: of the rows that have it, the share that was found; None when none has.
        f1: the harmonic mean of both; None when no row has it or was given it.
    """

    name: str
    num_rows: int
    precision: float | None
    recall: float | None
    f1: float | None

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def class_scores(rows: Rows, answer: Answer) -> list[ClassScore]:
    """Precision, recall and F1 of each class, in the order of the codes.

    Rows of a class that was not among the training rows are left out.

    Raises:
        DataError: the answer has no decided classes.

    Example:
        >>> rows = Rows(task="binary", truth=np.array([0, 0, 1]), classes=("no", "yes"))
        >>> class_scores(rows, Answer(label=np.array([0, 1, 1])))[1]
        ClassScore(name='yes', num_rows=1, precision=0.5, recall=1.0, f1=0.6666666666666666)
    """
    if answer.label is None:
        raise DataError("There are no decided classes to score.", do="Pass an answer with labels.")
    known = rows.known()
    truth, label = rows.truth[known], answer.label[known]
    weight = None if rows.weight is None else rows.weight[known]
    if rows.task == "multilabel":
        counts, num_rows = label_counts(truth, label, weight), truth.sum(axis=0)
    else:
        counts = class_counts(truth, label, weight, len(rows.classes))
        num_rows = np.bincount(truth, minlength=len(counts.true))
    names = rows.classes or tuple(str(code) for code in range(len(num_rows)))
    return [_one(counts, place, name, int(num_rows[place])) for place, name in enumerate(names)]


def _one(counts: ClassCounts, place: int, name: str, num_rows: int) -> ClassScore:
    given, true = counts.given[place] > 0, counts.true[place] > 0
    return ClassScore(
        name,
        num_rows,
        float(counts.precision()[place]) if given else None,
        float(counts.recall()[place]) if true else None,
        float(counts.f1()[place]) if given or true else None,
    )
