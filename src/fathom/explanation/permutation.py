"""How much each column matters: how much worse the model becomes when the column is shuffled."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from fathom.base.seeds import numpy_generator

_RESAMPLES = 400

LossOfRows = Callable[[str, Int[np.ndarray, " rows"]], Float[np.ndarray, " rows"]]


@dataclass(frozen=True)
class ColumnImportance:
    """What shuffling one column costs.

    Attributes:
        column: its name.
        rise: how much the loss rises; below zero = shuffling did not hurt.
        low, high: ends of the 95 % interval over rows.
    """

    column: str
    rise: float
    low: float
    high: float


@dataclass(frozen=True)
class Shuffling:
    """How the shuffling is done.

    Attributes:
        repeats: how often each column is shuffled; the losses are averaged.
        seed: where the shuffles start.
        root: give the rise of the square root of the mean loss (rmse), not of the mean loss.
    """

    repeats: int = 3
    seed: int = 0
    root: bool = False


def permutation_importance(
    columns: Sequence[str],
    base: Float[np.ndarray, " rows"],
    loss_of_rows: LossOfRows,
    plan: Shuffling,
) -> list[ColumnImportance]:
    """Shuffle one column at a time and compare the losses, row by row.

    A column that repeats what another says looks unimportant here: the other stands in for it.

    Args:
        columns: the columns' names.
        base: the loss of each row as it stands.
        loss_of_rows: (column, order) -> the loss of each row when that column's values are taken
            from the rows in that order.
        plan: repeats and seed.

    Returns:
        One record per column, the most important first.

    Source: Breiman, "Random forests", 2001; Fisher, Rudin, Dominici, "All models are wrong, but
        many are useful", 2019.

    Example:
        >>> x = np.arange(50.0)
        >>> loss = lambda column, order: (x[order] - x) ** 2 if column == "x" else 0 * x
        >>> found = permutation_importance(["z", "x"], 0 * x, loss, Shuffling())
        >>> [(item.column, item.low > 0) for item in found]
        [('x', True), ('z', False)]
    """
    num = len(base)
    weights = numpy_generator(plan.seed, "importance", "rows").multinomial(
        num, np.full(num, 1 / num), size=_RESAMPLES
    )
    found = [_importance(name, base, loss_of_rows, plan, weights / num) for name in columns]
    return sorted(found, key=lambda item: -item.rise)


def _importance(
    name: str,
    base: Float[np.ndarray, " rows"],
    loss_of_rows: LossOfRows,
    plan: Shuffling,
    weights: Float[np.ndarray, "resamples rows"],
) -> ColumnImportance:
    shuffled = np.zeros(len(base))
    for repeat in range(plan.repeats):
        order = numpy_generator(plan.seed, "importance", name, repeat).permutation(len(base))
        shuffled += loss_of_rows(name, order) / plan.repeats
    measure = np.sqrt if plan.root else np.asarray
    spread = measure(weights @ shuffled) - measure(weights @ base)
    low, high = np.quantile(spread, [0.025, 0.975])
    rise = float(measure(shuffled.mean()) - measure(base.mean()))
    return ColumnImportance(name, rise, float(low), float(high))
