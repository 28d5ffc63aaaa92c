"""The rows that are scored: truth, weights, and what belongs together."""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float, Int, Shaped

from fathom.base.errors import DataError
from fathom.metrics.record import Answer, Task
from fathom.metrics.weights import check_rows


@dataclass(frozen=True, kw_only=True)
class Rows:
    """What is known of the rows that are scored.

    Attributes:
        task: what is predicted.
        truth: numbers; class codes from 0, -1 for a class that was not among the training rows;
            or 0/1 per label of a set.
        weight: how much each row counts; None = all alike.
        cluster: what each row belongs to (patient, speaker, article): rows of one cluster stand
            or fall together. None = every row stands for itself.
        classes: the names of the classes or labels, in the order of the codes.

    Raises:
        DataError: lengths differ, or a true value is missing or out of range.
    """

    task: Task
    truth: Shaped[np.ndarray, "rows ..."]
    weight: Float[np.ndarray, " rows"] | None = None
    cluster: Shaped[np.ndarray, " rows"] | None = None
    classes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        check_rows(self.truth, self.truth, self.weight)
        if self.cluster is not None:
            check_rows(self.truth, self.cluster)
        if self.task == "regression":
            num_bad = int((~np.isfinite(self.truth)).sum())
            if num_bad:
                raise DataError(
                    "Some rows to score have no true value.",
                    expected="a finite number in each of them",
                    got=f"{num_bad:,} of {len(self.truth):,} rows without one",
                    do="Leave these rows out and count them.",
                )
        elif len(self.truth):
            self._check_codes()

    def _check_codes(self) -> None:
        least, most = (0, 1) if self.task == "multilabel" else (-1, len(self.classes) - 1)
        if self.task != "multilabel" and not self.classes:
            most = int(self.truth.max())
        if self.truth.min() < least or self.truth.max() > most:
            raise DataError(
                "A true class is not one of the codes.",
                expected=f"codes from {least} to {most}",
                got=f"codes from {self.truth.min()} to {self.truth.max()}",
                do="Code the classes by their place in the list of names.",
            )

    def __len__(self) -> int:
        return len(self.truth)

    def units(self) -> Int[np.ndarray, " rows"]:
        """Which unit of resampling each row belongs to: its cluster, or the row itself."""
        if self.cluster is None:
            return np.arange(len(self))
        return np.unique(self.cluster, return_inverse=True)[1]

    @property
    def unit_name(self) -> str:
        """What is resampled, in the plural."""
        return "rows" if self.cluster is None else "clusters"

    def at(self, index: np.ndarray) -> "Rows":
        """The same for some rows only."""
        return replace(
            self,
            truth=self.truth[index],
            weight=None if self.weight is None else self.weight[index],
            cluster=None if self.cluster is None else self.cluster[index],
        )

    def known(self) -> np.ndarray:
        """True for rows whose class was among the training rows."""
        if self.task in ("regression", "multilabel"):
            return np.ones(len(self), dtype=bool)
        return self.truth >= 0

    def smallest_side(self) -> int | None:
        """With two classes, the units of the rarer one: what a ranking really rests on."""
        if self.task != "binary":
            return None
        units = self.units()
        return min(len(np.unique(units[self.truth == code])) for code in (0, 1))


def check_answer(rows: Rows, answer: Answer, name: str) -> None:
    """Stop when an answer does not fit the rows it is scored on.

    Raises:
        DataError: another number of rows, or of classes.
    """
    for part in (answer.number, answer.interval, answer.probability, answer.label):
        if part is not None:
            check_rows(rows.truth, part)
    columns = None if answer.probability is None else answer.probability.shape[1:]
    if columns is not None and rows.classes and columns != (len(rows.classes),):
        raise DataError(
            "The probabilities do not fit the classes.",
            where=name,
            expected=f"one column for each of {len(rows.classes)} classes",
            got=f"an array of shape {answer.probability.shape}"
            if answer.probability is not None
            else "",
            do="Pass the probabilities with one column per class, in the order of the names.",
        )
