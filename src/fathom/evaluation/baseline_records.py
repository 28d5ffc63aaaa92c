"""What baselines are given: plain arrays of numbers and category codes, truth and weights."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int, Shaped

from fathom.base.errors import DataError
from fathom.metrics.record import Answer, Task
from fathom.metrics.weights import check_rows


@dataclass(frozen=True, kw_only=True)
class BaselineData:
    """The columns of some rows.

    Attributes:
        numbers: one column per number (dates included), NaN where missing.
        categories: one column per category, codes from 0, -1 where missing.

    Raises:
        DataError: the two do not have the same rows.
    """

    numbers: Float[np.ndarray, "rows numbers"]
    categories: Int[np.ndarray, "rows categories"]

    def __post_init__(self) -> None:
        if len(self.numbers) != len(self.categories):
            raise DataError(
                "Numbers and categories do not have the same rows.",
                expected=f"{len(self.numbers):,} rows of categories",
                got=f"{len(self.categories):,}",
                do="Pass both for the same rows; a set without columns has shape (rows, 0).",
            )

    def __len__(self) -> int:
        return len(self.numbers)

    @property
    def num_columns(self) -> int:
        """Numbers and categories together."""
        return self.numbers.shape[1] + self.categories.shape[1]

    def at(self, index: np.ndarray) -> "BaselineData":
        """The same columns for some rows only."""
        return BaselineData(numbers=self.numbers[index], categories=self.categories[index])


@dataclass(frozen=True, kw_only=True)
class Labelled:
    """Rows to learn from.

    Attributes:
        data: their columns.
        truth: what is predicted, as in `Rows`.
        weight: how much each row counts; None = all alike.
        cluster: what each row belongs to, so that cross-validation does not tear it apart.
    """

    data: BaselineData
    truth: Shaped[np.ndarray, "rows ..."]
    weight: Float[np.ndarray, " rows"] | None = None
    cluster: Shaped[np.ndarray, " rows"] | None = None

    def __post_init__(self) -> None:
        check_rows(self.truth, self.data.numbers, self.weight)

    def at(self, index: np.ndarray) -> "Labelled":
        """Some of the rows."""
        return Labelled(
            data=self.data.at(index),
            truth=self.truth[index],
            weight=None if self.weight is None else self.weight[index],
            cluster=None if self.cluster is None else self.cluster[index],
        )

    def joined(self, other: "Labelled") -> "Labelled":
        """Both sets of rows, these first."""
        return Labelled(
            data=BaselineData(
                numbers=np.concatenate([self.data.numbers, other.data.numbers]),
                categories=np.concatenate([self.data.categories, other.data.categories]),
            ),
            truth=np.concatenate([self.truth, other.truth]),
            weight=_joined_weights(self, other),
        )


def _joined_weights(first: Labelled, second: Labelled) -> Float[np.ndarray, " rows"] | None:
    if first.weight is None and second.weight is None:
        return None
    parts = [np.ones(len(p.truth)) if p.weight is None else p.weight for p in (first, second)]
    return np.concatenate(parts)


@dataclass(frozen=True, kw_only=True)
class BaselinePlan:
    """What the baselines are to do.

    Attributes:
        task: what is predicted.
        num_classes: classes (or labels of a set); 0 for regression.
        metric: the primary metric: the constant is the median where it counts absolute errors.
        seed: for folds and trees.
        threads: at most so many. One, since these models are fitted in very many small steps:
            threads that wait for each other in each of them gain little, and lose all on a
            machine that has other work (measured: 25 s in place of 4 for a linear model of 1,800
            rows, 54 s in place of 0.05 for twenty trees).
    """

    task: Task
    num_classes: int = 0
    metric: str = ""
    seed: int = 0
    threads: int = 1


Predict = Callable[[BaselineData], Answer]
Fit = Callable[[Labelled], Predict]
