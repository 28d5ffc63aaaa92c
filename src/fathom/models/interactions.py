"""Pairs of numbers that tell more together than apart, found on the training rows.

A network with bins for single columns must build every oblique border out of axis-parallel
steps. For the few pairs that matter (longitude and latitude, angle of attack and velocity) it is
given turned axes with bins of their own.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from fathom.base.seeds import numpy_generator
from fathom.encoders.numbers import Projection

_MAIN_BINS, _PAIR_BINS = 32, 12
_SHRINK = 3.0
_MOST_COLUMNS = 40
_MOST_ROWS = 50_000


@dataclass(frozen=True)
class PairGain:
    """How much of the squared error left by single columns a pair explains on held-out rows.

    Attributes:
        first, second: which columns.
        gain: share of the remaining sum of squares; below zero = nothing but noise.
    """

    first: int
    second: int
    gain: float


def find_pairs(
    numbers: Float[np.ndarray, "rows columns"],
    target: Float[np.ndarray, "rows outputs"],
    seed: int,
    most: int,
    least_gain: float,
) -> list[PairGain]:
    """The pairs with the largest gain, best first.

    An additive model of binned columns is fitted first; each pair's table of cell means is then
    fitted to the residuals of one half of the rows and judged on the other, and the other way
    round. Cost: columns² · rows, on at most 40 columns and 50,000 rows.

    Args:
        numbers: transformed columns, no gaps.
        target: standardised target, or one column per class.
        seed: for the halves.
        most: how many pairs at most.
        least_gain: pairs below it are left out.

    Source: the idea of ranking pairs on residuals is that of Lou, Caruana, Gehrke, Hooker,
        "Accurate intelligible models with pairwise interactions", 2013 (there: FAST).
    """
    random = numpy_generator(seed, "pairs")
    if len(numbers) > _MOST_ROWS:
        rows = random.choice(len(numbers), _MOST_ROWS, replace=False)
        numbers, target = numbers[rows], target[rows]
    codes = np.stack([_bins(column, _MAIN_BINS) for column in numbers.T], axis=1)
    residual, strength = _additive_residual(codes, target)
    chosen = np.sort(np.argsort(-strength, kind="stable")[:_MOST_COLUMNS])
    coarse = {int(c): _bins(numbers[:, c], _PAIR_BINS) for c in chosen}
    half = random.random(len(numbers)) < 0.5
    total = float((residual**2).sum()) or 1.0
    found = [
        PairGain(int(a), int(b), _gain(coarse[a] * _PAIR_BINS + coarse[b], residual, half) / total)
        for place, a in enumerate(coarse)
        for b in list(coarse)[place + 1 :]
    ]
    kept = [pair for pair in found if pair.gain >= least_gain]
    return sorted(kept, key=lambda pair: (-pair.gain, pair.first, pair.second))[:most]


def turned_axes(
    numbers: Float[np.ndarray, "rows columns"], pair: PairGain, angles: int, num_bins: int
) -> list[Projection]:
    """Evenly turned axes of one pair, the two columns' own axes left out.

    Args:
        numbers: transformed columns of the training rows.
        pair: which two.
        angles: how many axes a half-turn is divided into.
        num_bins: bins of each made number.
    """
    x, y = numbers[:, pair.first], numbers[:, pair.second]
    size_x, size_y = x.std() or 1.0, y.std() or 1.0
    made: list[Projection] = []
    for turn in np.linspace(0, np.pi, angles, endpoint=False)[1:]:
        if np.isclose(turn, np.pi / 2):
            continue
        a, b = float(np.cos(turn) / size_x), float(np.sin(turn) / size_y)
        edges = np.unique(np.quantile(a * x + b * y, np.linspace(0, 1, num_bins + 1)))
        if len(edges) >= 2:
            made.append(Projection(pair.first, pair.second, a, b, tuple(map(float, edges))))
    return made


def _bins(column: Float[np.ndarray, " rows"], num_bins: int) -> Int[np.ndarray, " rows"]:
    inner = np.unique(np.quantile(column, np.linspace(0, 1, num_bins + 1)[1:-1]))
    return np.searchsorted(inner, column, side="right")


def _additive_residual(
    codes: Int[np.ndarray, "rows columns"], target: Float[np.ndarray, "rows outputs"]
) -> tuple[Float[np.ndarray, "rows outputs"], Float[np.ndarray, " columns"]]:
    """What single columns leave unexplained (two rounds of back-fitting), and each one's part."""
    residual = target - target.mean(0)
    effects = np.zeros((codes.shape[1], _MAIN_BINS, target.shape[1]))
    for _ in range(2):
        for column, code in enumerate(codes.T):
            residual += effects[column][code]
            count = np.bincount(code, minlength=_MAIN_BINS)[:, None] + _SHRINK
            effects[column] = _sums(code, residual, _MAIN_BINS) / count
            residual -= effects[column][code]
    strength = np.array(
        [(effects[c][code] ** 2).sum() for c, code in enumerate(codes.T)], dtype=np.float64
    )
    return residual, strength


def _gain(
    cell: Int[np.ndarray, " rows"], residual: Float[np.ndarray, "rows outputs"], half: np.ndarray
) -> float:
    """Fall of the squared error when each half is told by the other half's cell means."""
    size = _PAIR_BINS * _PAIR_BINS
    sums = [_sums(cell[part], residual[part], size) for part in (half, ~half)]
    counts = [np.bincount(cell[part], minlength=size)[:, None] for part in (half, ~half)]
    gain = 0.0
    for here, there in ((0, 1), (1, 0)):
        mean = sums[here] / (counts[here] + _SHRINK)
        gain += float((2 * mean * sums[there] - mean**2 * counts[there]).sum())
    return gain


def _sums(
    code: Int[np.ndarray, " rows"], values: Float[np.ndarray, "rows outputs"], size: int
) -> Float[np.ndarray, "size outputs"]:
    columns = [np.bincount(code, column, minlength=size) for column in values.T]
    return np.stack(columns, axis=1)
