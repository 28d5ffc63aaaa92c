"""Rows into training, validation and test: random, stratified, grouped, by time, or in folds."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from fathom.base.errors import DataError, RecipeError
from fathom.base.seeds import numpy_generator

Method = Literal["random", "stratified", "grouped", "time"]


@dataclass(frozen=True, kw_only=True)
class SplitPlan:
    """How rows are split.

    Attributes:
        method: "random"; "stratified" (each part gets its share of each stratum, where strata are
            known: test rows of which nothing may be known are drawn by lot);
            "grouped" (rows of one entity stay together); "time" (the latest rows are tested).
        test_share: of all rows, when no test file is given.
        validation_share: of the rest, when no validation file is given and there are no folds.
        folds: 0 = one validation part; else so many parts, each validated in turn.
        seed: where the shuffle starts.
    """

    method: Method = "random"
    test_share: float = 0.2
    validation_share: float = 0.15
    folds: int = 0
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("test_share", "validation_share"):
            share = getattr(self, name)
            if not 0 <= share < 1:
                raise RecipeError(
                    f"{name} is not a share of the rows.",
                    where=f"split.{name}",
                    expected="a number from 0 up to, not including, 1",
                    got=str(share),
                    do="0.2 holds one row in five out.",
                )
        if self.folds == 1 or self.folds < 0:
            raise RecipeError(
                "One fold cannot be validated against the others.",
                where="split.folds",
                expected="0 (a single validation part) or at least 2",
                got=str(self.folds),
                do="Choose 5, or 0.",
            )


@dataclass(frozen=True, eq=False)
class RowFacts:
    """What the splitter may know of each row.

    Attributes:
        cluster: rows with the same number never part: copies, and rows of one group.
        stratum: the class or target range; None where that is unknown or of no use.
        moment: sorts rows in time; None without a time column.
    """

    cluster: np.ndarray
    stratum: np.ndarray | None = None
    moment: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.cluster)

    def rows(self, index: np.ndarray) -> "RowFacts":
        """The facts of some rows only."""
        return RowFacts(
            self.cluster[index],
            None if self.stratum is None else self.stratum[index],
            None if self.moment is None else self.moment[index],
        )


def hold_out(
    facts: RowFacts, share: float, plan: SplitPlan, stream: str
) -> tuple[np.ndarray, np.ndarray]:
    """Split rows in two.

    Args:
        facts: of all rows.
        share: of the rows that the second part should get; met as nearly as clusters allow.
        plan: method and seed.
        stream: which split this is, so that test and validation are drawn independently.

    Returns:
        Row positions of the first and of the second part, each in ascending order.

    Raises:
        DataError: there are too few rows (or groups) for both parts to have one.

    Example:
        >>> facts = RowFacts(np.array([0, 1, 1, 2, 3]))
        >>> rest, held = hold_out(facts, 0.4, SplitPlan(), "test")
        >>> len(rest) + len(held)
        5
    """
    if len(np.unique(facts.cluster)) < 2:
        raise _too_few(facts, 2, stream)
    if plan.method == "time" and facts.moment is not None:
        held = _latest(facts, share)
    else:
        held = _drawn(facts, share, plan, stream)
    return np.flatnonzero(~held), np.flatnonzero(held)


def fold_numbers(facts: RowFacts, plan: SplitPlan) -> np.ndarray:
    """Which fold each row is validated in.

    Rows of a cluster share a fold; strata are spread evenly. By time, fold i holds the i-th
    stretch of time.

    Raises:
        DataError: fewer clusters than folds.
    """
    if len(np.unique(facts.cluster)) < plan.folds:
        raise _too_few(facts, plan.folds, "folds")
    if plan.method == "time" and facts.moment is not None:
        return (_rank(facts.moment) * plan.folds // len(facts)).astype(np.int64)
    fold = np.zeros(len(facts), dtype=np.int64)
    sizes = np.zeros(plan.folds)
    by_stratum: dict[tuple[int, int], int] = {}
    for members, stratum in _clusters(facts, plan, "folds"):
        filled = [by_stratum.get((stratum, number), 0) for number in range(plan.folds)]
        best = min(range(plan.folds), key=lambda number: (filled[number], sizes[number], number))
        fold[members] = best
        sizes[best] += len(members)
        by_stratum[stratum, best] = filled[best] + len(members)
    return fold


def _drawn(facts: RowFacts, share: float, plan: SplitPlan, stream: str) -> np.ndarray:
    """Fill the held part cluster by cluster, each stratum up to its own share."""
    held = np.zeros(len(facts), dtype=bool)
    strata = facts.stratum if plan.method == "stratified" else None
    codes = np.zeros(len(facts), dtype=np.int64) if strata is None else strata
    wanted = np.bincount(codes) * share
    taken = np.zeros(len(wanted))
    for members, stratum in _clusters(facts, plan, stream):
        # Half a cluster over is as good as half a cluster under.
        if taken[stratum] + len(members) / 2 <= wanted[stratum]:
            held[members] = True
            taken[stratum] += len(members)
    if not held.any():
        members, _ = next(iter(_clusters(facts, plan, stream)))
        held[members] = True
    if held.all():
        held[facts.cluster == facts.cluster[0]] = False
    return held


def _clusters(facts: RowFacts, plan: SplitPlan, stream: str) -> list[tuple[np.ndarray, int]]:
    """The rows of each cluster, clusters shuffled, with the stratum of the first row."""
    order = np.argsort(facts.cluster, kind="stable")
    starts = np.flatnonzero(np.diff(facts.cluster[order], prepend=facts.cluster[order[0]] - 1))
    groups = np.split(order, starts[1:])
    shuffled = numpy_generator(plan.seed, "split", stream).permutation(len(groups))
    strata = facts.stratum if plan.method == "stratified" else None
    return [
        (groups[number], 0 if strata is None else int(strata[groups[number][0]]))
        for number in shuffled
    ]


def _latest(facts: RowFacts, share: float) -> np.ndarray:
    """The latest rows; rows of one moment stay together."""
    assert facts.moment is not None, "a split by time has moments"
    place = min(len(facts) - 1, max(1, round(len(facts) * (1 - share))))
    border = np.sort(facts.moment)[place]
    held = facts.moment >= border
    if held.all():
        held = facts.moment > border
    if not held.any():
        raise DataError(
            "All rows have the same time, so they cannot be split by it.",
            expected="at least two different times",
            got="one",
            do="Leave --time-column out, or name another column.",
        )
    return held


def _rank(moment: np.ndarray) -> np.ndarray:
    """Position in time, the same for rows of one moment."""
    return np.searchsorted(np.sort(moment), moment, side="left")


def _too_few(facts: RowFacts, needed: int, stream: str) -> DataError:
    clusters = len(np.unique(facts.cluster))
    do = "Bring more rows; from about 100 on a score begins to mean something."
    if stream == "folds" and clusters > 1:
        do = f"Choose at most {clusters} folds; 5 or 10 are usual."
    return DataError(
        "There are too few different rows to split.",
        where=f"split ({stream})",
        expected=f"at least {needed} rows (or groups of rows) that differ",
        got=f"{clusters} among {len(facts)} rows",
        do=do,
    )
