"""Paired tests between two peers on the same test rows."""

from dataclasses import dataclass

import numpy as np
from scipy import stats

from benchmarks.tables import datasets, metrics, results
from benchmarks.tables.cells import Cell

# Above this, a difference is called a tie.
LEVEL = 0.01


@dataclass(frozen=True)
class Comparison:
    """How one peer stands to another by one loss: negative difference = lower loss = better."""

    difference: float
    p: float

    @property
    def verdict(self) -> str:
        """`better`, `worse` or `tie`."""
        if not self.p < LEVEL:  # not a number (two identical peers) is a tie too
            return "tie"
        return "better" if self.difference < 0 else "worse"


def by_mean(losses: np.ndarray, reference: np.ndarray) -> Comparison:
    """Student's t over the rows' differences of squared error or log loss.

    Every row is one observation: losses of a row that several splits or seeds tested come in
    averaged, otherwise the rows would be counted more often than they are there.
    """
    difference = losses - reference
    if len(difference) < 2 or not difference.any():
        return Comparison(float(difference.mean()), 1.0)
    return Comparison(float(difference.mean()), float(stats.ttest_1samp(difference, 0.0).pvalue))


def by_errors(wrong: np.ndarray, reference: np.ndarray) -> Comparison:
    """McNemar's exact test: among rows that one peer gets wrong more often, who wins?

    With one answer per row this is McNemar's test; with several, a sign test over their means.
    """
    difference = wrong.astype(float) - reference.astype(float)
    worse, better = int((difference > 0).sum()), int((difference < 0).sum())
    p = stats.binomtest(worse, worse + better).pvalue if worse + better else 1.0
    return Comparison(float(difference.mean()), float(p))


def mean_by_row(rows: np.ndarray, values: np.ndarray) -> np.ndarray:
    """The mean of the values of each distinct row, in the order of the rows' numbers."""
    _, place = np.unique(rows, return_inverse=True)
    return np.bincount(place, weights=values) / np.bincount(place)


def compare(cell: Cell | None, reference: Cell | None) -> dict[str, Comparison]:
    """The tests on the runs (task and seed) that both peers have."""
    if cell is None or reference is None:
        return {}
    mine = {(record["task"], record["seed"]): record for record in cell.ok}
    other = {(record["task"], record["seed"]): record for record in reference.ok}
    rows, losses = [], []
    for key in sorted(mine.keys() & other.keys()):
        files = [results.predictions_of(record) for record in (mine[key], other[key])]
        if all(file.exists() for file in files):
            task = datasets.load(key[0])
            rows.append(task.test_rows)
            losses.append([metrics.row_losses(task, file) for file in files])
    if not rows:
        return {}
    main = _both_sides(rows, [[side.main for side in pair] for pair in losses])
    if losses[0][0].wrong is None:
        return {"squared error": by_mean(*main)}
    wrong = _both_sides(rows, [[side.wrong for side in pair] for pair in losses])
    return {"log loss": by_mean(*main), "errors": by_errors(*wrong)}


def _both_sides(rows: list, losses: list) -> list[np.ndarray]:
    """All runs' losses put together, one mean per distinct row, for either side."""
    return [
        mean_by_row(np.concatenate(rows), np.concatenate([pair[side] for pair in losses]))
        for side in (0, 1)
    ]
