"""How much each column matters: how much worse the model becomes when the column is shuffled."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from fathom.base.seeds import numpy_generator

_RESAMPLES = 400

LossOfRows = Callable[[Sequence[str], Int[np.ndarray, " rows"]], Float[np.ndarray, " rows"]]


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
        loss_of_rows: (columns, order) -> the loss of each row when the values of these columns
            are taken from the rows in that order.
        plan: repeats and seed.

    Returns:
        One record per column, the most important first.

    Source: Breiman, "Random forests", 2001; Fisher, Rudin, Dominici, "All models are wrong, but
        many are useful", 2019.

    Example:
        >>> x = np.arange(50.0)
        >>> loss = lambda columns, order: (x[order] - x) ** 2 if "x" in columns else 0 * x
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


def most_important_blocks(
    columns: Sequence[str],
    base: Float[np.ndarray, " rows"],
    loss_of_rows: LossOfRows,
    size: int,
    most: int,
    seed: int = 0,
) -> tuple[list[str], float]:
    """The blocks of neighbouring columns that cost most when each is shuffled as a whole.

    For very wide tables, where shuffling every column by itself takes too long: an important
    column makes its block important, and the blocks that hardly matter need no closer look. Their
    columns together cannot matter more than their block, unless two of them cancel out.

    Args:
        columns: the columns' names.
        base: the loss of each row as it stands.
        loss_of_rows: as for `permutation_importance`.
        size: columns in a block.
        most: blocks that are kept.
        seed: where the shuffles start.

    Returns:
        The columns of the blocks that are kept, in their order; and the largest rise of the mean
        loss that a block left out has.

    Example:
        >>> x = np.arange(50.0)
        >>> loss = lambda columns, order: (x[order] - x) ** 2 if "d" in columns else 0 * x
        >>> most_important_blocks("abcde", 0 * x, loss, size=2, most=1)
        (['c', 'd'], 0.0)
    """
    blocks = [list(columns[start : start + size]) for start in range(0, len(columns), size)]
    rises: list[float] = []
    for place, block in enumerate(blocks):
        order = numpy_generator(seed, "importance", "block", place).permutation(len(base))
        rises.append(float((loss_of_rows(block, order) - base).mean()))
    ranked = np.argsort(-np.array(rises), kind="stable")
    kept = [name for place in sorted(ranked[:most].tolist()) for name in blocks[place]]
    return kept, max((rises[place] for place in ranked[most:].tolist()), default=0.0)


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
        shuffled += loss_of_rows([name], order) / plan.repeats
    measure = np.sqrt if plan.root else np.asarray
    spread = measure(weights @ shuffled) - measure(weights @ base)
    low, high = np.quantile(spread, [0.025, 0.975])
    rise = float(measure(shuffled.mean()) - measure(base.mean()))
    return ColumnImportance(name, rise, float(low), float(high))
