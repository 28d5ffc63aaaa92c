"""What a metric is, and what a model answers: the two records that scoring is made of."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from jaxtyping import Float, Int, Shaped

from fathom.metrics.weights import Value

Task = Literal["regression", "binary", "multiclass", "multilabel"]
Need = Literal["label", "probability", "number", "interval"]

Compute = Callable[[np.ndarray, np.ndarray, np.ndarray | None], Value]
Reason = Callable[[np.ndarray, np.ndarray], str]
"""(truth, answer) of the rows that count -> why the metric cannot be had from these rows, or ""."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a model or a baseline says about some rows; only what the task has is filled.

    Attributes:
        number: a predicted number per row (regression).
        interval: its lower and upper bound.
        probability: one column per class, or per label of a set.
        label: the decided class code per row, or 0/1 per label of a set.
    """

    number: Float[np.ndarray, " rows"] | None = None
    interval: Float[np.ndarray, "rows 2"] | None = None
    probability: Float[np.ndarray, "rows classes"] | None = None
    label: Int[np.ndarray, "rows ..."] | None = None

    @classmethod
    def of_classes(
        cls, probability: Float[np.ndarray, "rows classes"], threshold: float | None = None
    ) -> "Answer":
        """Probabilities with the class that follows from them.

        Args:
            probability: one column per class; each row adds up to one.
            threshold: with two classes, class 1 is given from this probability on; None gives
                the most probable class.

        Example:
            >>> Answer.of_classes(np.array([[0.6, 0.4], [0.3, 0.7]]), threshold=0.4).label
            array([1, 1])
        """
        if threshold is None:
            return cls(probability=probability, label=probability.argmax(axis=1))
        return cls(probability=probability, label=(probability[:, 1] >= threshold).astype(np.int64))

    @classmethod
    def of_sets(
        cls, probability: Float[np.ndarray, "rows labels"], threshold: float = 0.5
    ) -> "Answer":
        """Probabilities per label, and the labels whose probability reaches the threshold."""
        return cls(probability=probability, label=(probability >= threshold).astype(np.int64))

    def part(self, needs: Need) -> Shaped[np.ndarray, "rows ..."] | None:
        """The array that a metric needs; None when this answer has none."""
        parts = {
            "label": self.label,
            "probability": self.probability,
            "number": self.number,
            "interval": self.interval,
        }
        return parts[needs]

    def rows(self, index: np.ndarray) -> "Answer":
        """The same answer for some rows only."""
        return Answer(
            number=None if self.number is None else self.number[index],
            interval=None if self.interval is None else self.interval[index],
            probability=None if self.probability is None else self.probability[index],
            label=None if self.label is None else self.label[index],
        )


def always(_truth: np.ndarray, _answer: np.ndarray) -> str:
    """The reason of a metric that can be had from any rows: none."""
    return ""


@dataclass(frozen=True, kw_only=True)
class Metric:
    """A way to score answers.

    Attributes:
        name: scikit-learn's name in snake case.
        greater_is_better: the direction; None where neither is (coverage should meet its level).
        needs: which part of an answer it looks at.
        sentence: what it is, for a newcomer.
        compute: the function of truth, that part, and row weights.
        reason: why it cannot be had from some rows.
        span: the smallest and the largest value there can be.
        share: it is the mean over rows of a yes or no, so that exact bounds exist.
        headline: scored with an interval. The others are shown without one: resampling inflates
            them.
    """

    name: str
    greater_is_better: bool | None
    needs: Need
    sentence: str
    compute: Compute = field(repr=False)
    reason: Reason = field(default=always, repr=False)
    span: tuple[float, float] = (0.0, 1.0)
    share: bool = False
    headline: bool = True

    @property
    def perfect(self) -> float | None:
        """The value of answers without a fault; None where no direction is better."""
        if self.greater_is_better is None:
            return None
        return self.span[1] if self.greater_is_better else self.span[0]

    def why_absent(
        self, truth: np.ndarray, answer: Answer, weight: np.ndarray | None = None
    ) -> str:
        """Why the metric cannot be had here, in a sentence's half; "" when it can.

        Example:
            >>> from fathom.metrics.catalogue import METRICS
            >>> half = Answer.of_classes(np.full((3, 2), 0.5))
            >>> METRICS["binary"]["roc_auc"].why_absent(np.array([1, 1, 1]), half)
            'all rows are of one class'
        """
        part = answer.part(self.needs)
        if part is None:
            return f"there is no {self.needs} among the answers"
        used = np.ones(len(truth), dtype=bool) if weight is None else weight > 0
        if not used.any():
            return "there are no rows to score"
        num_bad = int((~np.isfinite(part[used])).reshape(int(used.sum()), -1).any(axis=1).sum())
        if num_bad:
            return f"{num_bad:,} of {int(used.sum()):,} answers are not finite numbers"
        return self.reason(truth[used], part[used])

    def value(self, truth: np.ndarray, answer: Answer, weight: np.ndarray | None = None) -> float:
        """The score as one number; NaN where `why_absent` gives a reason."""
        part = answer.part(self.needs)
        if part is None or self.why_absent(truth, answer, weight):
            return float("nan")
        return float(self.compute(truth, part, weight))
