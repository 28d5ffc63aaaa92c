"""What one pass keeps of a column of numbers: moments, and a histogram that merges without loss.

Both can be merged in any grouping of the parts, which streaming and federated learning need.
"""

from dataclasses import dataclass

import numpy as np

MOST_VALUES = 65_536
_MANTISSA = 52


@dataclass(frozen=True)
class Moments:
    """Weight, mean and sum of squared deviations.

    Attributes:
        weight: the sum of weights.
        mean: the weighted mean, 0 without values.
        squares: Σ wᵢ (xᵢ − mean)².

    Source: Chan, Golub, LeVeque (1983), "Algorithms for computing the sample variance".

    Example:
        >>> x = np.array([1.0, 2.0, 6.0])
        >>> both = Moments.of(x[:1], np.ones(1)).merge(Moments.of(x[1:], np.ones(2)))
        >>> both.mean, round(both.standard_deviation, 6)
        (3.0, 2.160247)
    """

    weight: float = 0.0
    mean: float = 0.0
    squares: float = 0.0

    @classmethod
    def of(cls, data: np.ndarray, weight: np.ndarray) -> "Moments":
        """The moments of some values, each with its weight."""
        total = float(weight.sum())
        if total <= 0:
            return cls()
        with np.errstate(over="ignore", invalid="ignore"):
            mean = float((data * (weight / total)).sum())
            squares = float((weight * (data - mean) ** 2).sum())
        return cls(total, mean, squares)

    def merge(self, other: "Moments") -> "Moments":
        """The moments of both parts together."""
        total = self.weight + other.weight
        if total <= 0:
            return self
        step = other.mean - self.mean
        share = other.weight / total
        # The square is split so that it overflows to infinity, never to an exception.
        between = step * self.weight * share * step
        return Moments(total, self.mean + step * share, self.squares + other.squares + between)

    @property
    def standard_deviation(self) -> float:
        """√(squares / weight), of the rows themselves (no correction for a sample)."""
        return float(np.sqrt(self.squares / self.weight)) if self.weight > 0 else 0.0


@dataclass(frozen=True)
class Histogram:
    """Weights of distinct values; of buckets that widen only when there are too many values.

    Up to `MOST_VALUES` distinct values everything is kept as it is. Beyond, the last bits of the
    mantissa are dropped, as few as will do, so a bucket is narrow relative to its value: ordinary
    measurements keep three to four digits. How many bits stay depends on the values alone, not on
    the order or the grouping of the parts. Frequent values are never lost, as they could be in a
    sample.

    Attributes:
        values: sorted, one per bucket: the smallest value seen in it.
        weights: the sum of weights in each.
        bits: bits of the mantissa that tell buckets apart; 52 = every value has its own.

    Example:
        >>> histogram = Histogram.of(np.array([3.0, 1.0, 3.0]), np.array([1.0, 2.0, 1.0]))
        >>> histogram.values.tolist(), histogram.weights.tolist(), histogram.exact
        ([1.0, 3.0], [2.0, 2.0], True)
    """

    values: np.ndarray
    weights: np.ndarray
    bits: int = _MANTISSA

    @classmethod
    def of(cls, data: np.ndarray, weight: np.ndarray) -> "Histogram":
        """The histogram of some values, each with its weight."""
        data = data + 0.0  # minus zero is zero
        order = np.argsort(data, kind="stable")
        return _pooled(data[order], weight[order], _MANTISSA)

    def merge(self, other: "Histogram") -> "Histogram":
        """The histogram of both parts together."""
        values = np.concatenate([self.values, other.values])
        weights = np.concatenate([self.weights, other.weights])
        order = np.argsort(values, kind="stable")
        return _pooled(values[order], weights[order], min(self.bits, other.bits))

    @property
    def exact(self) -> bool:
        """True when every distinct value has a bucket of its own."""
        return self.bits == _MANTISSA

    def quantiles(self, levels: np.ndarray, count: int) -> np.ndarray:
        """Quantiles, linear between neighbouring rows as in `numpy.quantile`.

        Args:
            levels: between 0 and 1.
            count: how many rows there were; weights are scaled to add up to it, so that equal
                weights give what no weights give.

        Returns:
            one value per level, each between the smallest and the largest seen; zeros when there
            is nothing.
        """
        if len(self.values) == 0:
            return np.zeros(len(levels))
        ends = np.cumsum(self.weights)
        position = levels * (count - 1)
        floor = np.floor(position)
        below = self._at(floor, ends, count)
        above = self._at(np.minimum(floor + 1, count - 1), ends, count)
        part = position - floor
        return np.where(above > below, below * (1 - part) + above * part, below)

    def _at(self, row: np.ndarray, ends: np.ndarray, count: int) -> np.ndarray:
        """The value of the row-th of all rows in order; the middle of a row decides."""
        place = (row + 0.5) * (ends[-1] / count)
        return self.values[np.minimum(np.searchsorted(ends, place), len(self.values) - 1)]

    def cuts(self, levels: np.ndarray, count: int, most: float) -> np.ndarray:
        """Quantiles when no value counts for more than a share `most` of the whole weight.

        Where a value has to be counted for less, they are values that were seen, not points
        between them.

        Example:
            >>> histogram = Histogram.of(np.array([0.0] * 17 + [1.0, 2.0, 5.0]), np.ones(20))
            >>> histogram.cuts(np.linspace(0, 1, 5), 20, 0.05).tolist()
            [0.0, 0.0, 1.0, 2.0, 5.0]
        """
        if len(self.values) == 0 or self.weights.max() <= most * self.weights.sum():
            return self.quantiles(levels, count)
        ends = np.cumsum(np.minimum(self.weights, most * self.weights.sum()))
        place = np.searchsorted(ends, levels * ends[-1] * (1 - 1e-12))
        return self.values[np.minimum(place, len(self.values) - 1)]

    def most_frequent(self) -> tuple[float, float]:
        """The value with the largest weight (the smallest of several) and its share."""
        if len(self.values) == 0:
            return 0.0, 0.0
        top = int(np.argmax(self.weights))
        return float(self.values[top]), float(self.weights[top] / self.weights.sum())


def _truncated(data: np.ndarray, bits: int) -> np.ndarray:
    """Bucket keys: the value with only `bits` of its mantissa (towards zero, hence in order)."""
    keep = np.int64(-1) << np.int64(_MANTISSA - bits)
    return (data.view(np.int64) & keep).view(np.float64)


def _pooled(values: np.ndarray, weights: np.ndarray, bits: int) -> Histogram:
    """Sorted values pooled into buckets, with the most bits that keep their number in bounds."""
    starts = _starts(_truncated(values, bits))
    low, high = -1, bits
    while len(starts) > MOST_VALUES and high - low > 1:
        middle = (low + high) // 2
        tried = _starts(_truncated(values, middle))
        low, high = (middle, high) if len(tried) <= MOST_VALUES else (low, middle)
    if low >= 0:
        bits, starts = low, _starts(_truncated(values, low))
    if len(starts) == 0:
        return Histogram(values, weights, bits)
    # Parts that were pooled already may interleave: the first of a bucket is its smallest.
    return Histogram(values[starts], np.add.reduceat(weights, starts), bits)


def _starts(keys: np.ndarray) -> np.ndarray:
    """Where each run of equal keys begins."""
    if len(keys) == 0:
        return np.empty(0, dtype=np.int64)
    return np.flatnonzero(np.concatenate([[True], keys[1:] != keys[:-1]]))
