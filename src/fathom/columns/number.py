"""Numbers: measurements, counts, amounts."""

from dataclasses import dataclass, fields
from typing import Any, ClassVar, Literal

import numpy as np
import polars as pl
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from fathom.base.errors import RecipeError, listed, nearest
from fathom.base.files import plain
from fathom.base.tensors import Field
from fathom.columns.histogram import Histogram, Moments
from fathom.columns.kind import (
    Anchor,
    FittedColumn,
    Kind,
    KindName,
    Repair,
    Stats,
    Values,
    only_present,
)
from fathom.columns.numerals import Decimal, read_numbers
from fathom.columns.scaling import SCALINGS, Scaler, Scaling

Impute = Literal["mean", "median", "zero"]
_GRID = np.linspace(0.0, 1.0, 257)
_ROBUST_CLIP = 3.0
_MOST_SHARE = 1 / 64
# Differences of what is clamped here still fit into float32.
_LARGEST = 1e37


@dataclass(frozen=True)
class NumberStats(Stats):
    """One pass over numbers.

    Attributes:
        count: values present.
        num_missing: rows without a value.
        moments: of the values.
        log_moments: of their signed logarithm.
        histogram: their distribution.
        whole: the weight of whole numbers.
    """

    count: int
    num_missing: int
    moments: Moments
    log_moments: Moments
    histogram: Histogram
    whole: float

    def merge(self, other: Stats) -> "NumberStats":
        assert isinstance(other, NumberStats), "statistics of one column are of one kind"
        return NumberStats(
            self.count + other.count,
            self.num_missing + other.num_missing,
            self.moments.merge(other.moments),
            self.log_moments.merge(other.log_moments),
            self.histogram.merge(other.histogram),
            self.whole + other.whole,
        )


@dataclass(frozen=True, kw_only=True)
class Number(Kind):
    """A column of numbers.

    Attributes:
        scaling: "standard" (mean 0, standard deviation 1), "min_max" (training range to 0..1),
            "robust" (median 0, interquartile range 1, then clipped smoothly at ±3), "quantile"
            (to a normal distribution, through the training quantiles), "none".
        clip: bound of the smooth clipping y = z / √(1 + (z / clip)²) after the scaling. None is
            the scaling's own habit: 3 for "robust", no clipping for the others. 0 = no clipping.
        impute: what stands in for an absent value (the mask tells it apart): the mean or the
            median of the training rows, or zero, all in the person's unit.
        log: take sign(x) · log(1 + |x|) before the scaling, for amounts over many magnitudes.
        decimal: how "1,234" is read: "point" = thousands, "comma" = decimals, "auto" = decided
            over the column. Recognition settles it, so that later files are read alike.

    Raises:
        RecipeError: an option has a value that does not exist.

    Example:
        >>> number = Number()
        >>> values = number.parse(pl.Series(["1", "2", "?", "6"]))
        >>> fitted = number.freeze(number.summarise(values))
        >>> fitted.mean, fitted.num_missing
        (3.0, 1)
        >>> fitted.decode(fitted.transform(values))
        [1.0, 2.0, None, 6.0]
    """

    scaling: Scaling = "standard"
    clip: float | None = None
    impute: Impute = "mean"
    log: bool = False
    decimal: Decimal = "auto"

    name: ClassVar[KindName] = "number"

    def __post_init__(self) -> None:
        _one_of("scaling", self.scaling, SCALINGS)
        _one_of("impute", self.impute, ("mean", "median", "zero"))
        _one_of("decimal", self.decimal, ("auto", "point", "comma"))
        if self.clip is not None and not self.clip >= 0:
            raise RecipeError(
                "The bound of the clipping must not be negative.",
                where="number(clip=…)",
                expected="a number of standard units such as 3, or 0 for no clipping",
                got=str(self.clip),
                do="Leave clip out to have the habit of the scaling.",
            )

    def parse(self, raw: pl.Series) -> Values:
        return read_numbers(raw, self.decimal)

    def summarise(self, values: Values, weight: np.ndarray | None = None) -> NumberStats:
        """One pass. Rows of weight 0 are left out of everything but `num_missing`."""
        weight = np.ones(len(values)) if weight is None else weight.astype(np.float64)
        used = values.present & (weight > 0)
        data, weight = values.data[used].astype(np.float64), weight[used]
        return NumberStats(
            count=int(used.sum()),
            num_missing=int((~values.present).sum()),
            moments=Moments.of(data, weight),
            log_moments=Moments.of(np.sign(data) * np.log1p(np.abs(data)), weight),
            histogram=Histogram.of(data, weight),
            whole=float(weight[data == np.floor(data)].sum()),
        )

    def freeze(self, stats: Stats) -> "FittedNumber":
        assert isinstance(stats, NumberStats), "a number is frozen from the statistics of numbers"
        histogram = stats.histogram
        quantiles = histogram.quantiles(_GRID, stats.count)
        frequent, share = histogram.most_frequent()
        mean = min(max(stats.moments.mean, quantiles[0]), quantiles[-1])
        median = float(quantiles[len(quantiles) // 2])
        return FittedNumber(
            count=stats.count,
            num_missing=stats.num_missing,
            mean=float(mean),
            standard_deviation=_finite(stats.moments.standard_deviation),
            minimum=float(quantiles[0]),
            maximum=float(quantiles[-1]),
            median=median,
            quantiles=tuple(quantiles.tolist()),
            cuts=tuple(histogram.cuts(_GRID, stats.count, _MOST_SHARE).tolist()),
            num_distinct=len(histogram.values),
            distinct_exact=histogram.exact,
            share_whole=stats.whole / stats.moments.weight if stats.count else 0.0,
            most_frequent=frequent,
            most_frequent_share=share,
            fill={"mean": float(mean), "median": median, "zero": 0.0}[self.impute],
            scaler=self._scaler(stats, quantiles),
        )

    def _scaler(self, stats: NumberStats, quantiles: np.ndarray) -> Scaler:
        clip = self.clip if self.clip is not None else _ROBUST_CLIP * (self.scaling == "robust")
        grid = np.sign(quantiles) * np.log1p(np.abs(quantiles)) if self.log else quantiles
        moments = stats.log_moments if self.log else stats.moments
        low, first, middle, third, high = grid[[0, 64, 128, 192, 256]].tolist()
        if self.scaling == "standard":
            centre, scale = moments.mean, moments.standard_deviation
        elif self.scaling == "min_max":
            centre, scale = low, high - low
        elif self.scaling == "robust":
            centre, scale = middle, third - first or (high - low) / 2
        else:
            centre, scale = 0.0, 1.0
        # A constant column has a spread of rounding errors only: leave its unit alone.
        if not np.isfinite(scale) or low == high or scale <= 1e-14 * max(abs(low), abs(high)):
            centre, scale = middle, 1.0
        free = Scaler(centre=float(centre), scale=float(scale), log=self.log)
        if self.scaling == "quantile":
            free = Scaler(log=self.log, grid=tuple(grid.tolist()))
        ends = free.forward(torch.tensor([quantiles[0], quantiles[-1]], dtype=torch.float64))
        return Scaler(
            centre=free.centre,
            scale=free.scale,
            log=self.log,
            clip=float(clip) or None,
            low=float(ends[0]),
            high=float(ends[1]),
            grid=free.grid,
        )


@dataclass(frozen=True, kw_only=True)
class FittedNumber(FittedColumn):
    """A column of numbers as the training rows showed it. All facts are in the person's unit.

    Attributes:
        count: values present.
        num_missing: rows without a value.
        mean, standard_deviation, minimum, maximum, median: of the values, weighted.
        quantiles: 257 of them, at equal steps from the minimum to the maximum.
        cuts: the same with no value counted for more than a 64th of all rows, so that a column
            that is mostly zero still has its other values told apart.
        num_distinct: distinct values; a lower bound when `distinct_exact` is False.
        distinct_exact: whether the values were few enough to be kept apart.
        share_whole: the share of whole numbers.
        most_frequent: the most frequent value.
        most_frequent_share: its share.
        fill: what stands in for an absent value.
        scaler: the way to the network's scale and back.
    """

    count: int
    num_missing: int
    mean: float
    standard_deviation: float
    minimum: float
    maximum: float
    median: float
    quantiles: tuple[float, ...]
    cuts: tuple[float, ...]
    num_distinct: int
    distinct_exact: bool
    share_whole: float
    most_frequent: float
    most_frequent_share: float
    fill: float
    scaler: Scaler

    kind: ClassVar[KindName] = "number"

    def transform(self, values: Values, anchor: Anchor | None = None) -> Field:
        """Numbers on the network's scale, float32 ["batch"]; the mask is False where absent."""
        present = torch.from_numpy(values.present.copy())
        data = torch.from_numpy(values.data.astype(np.float64))
        return Field(self.scale(torch.where(present, data, self.fill)), present)

    def scale(self, x: Float[Tensor, "..."]) -> Float[Tensor, "..."]:
        """Numbers in the person's unit to the network's scale, float32 of any shape."""
        return self.scaler.forward(x).clamp(-_LARGEST, _LARGEST).float()

    def unscale(self, y: Float[Tensor, "..."]) -> Float[Tensor, "..."]:
        """Back from the network's scale to the person's unit, float64 of any shape."""
        return self.scaler.inverse(y)

    def decode(self, field: Field, anchor: Anchor | None = None) -> list[Any]:
        """Numbers in the person's unit; on a linear scale without the noise of float32."""
        numbers = self.unscale(field.data.detach().cpu()).numpy()
        if self.scaler.linear:
            finest = 6 - int(np.floor(np.log10(self.scaler.scale)))
            numbers = np.round(numbers, min(max(finest, -300), 300))
        return only_present(numbers.tolist(), field)

    def edges(self, num_bins: int) -> np.ndarray:
        """Edges of bins on the network's scale, each with about equally many training rows.

        A frequent value counts as one bin's worth at most.

        For piecewise-linear embeddings. Bins that would be empty are joined, so there may be
        fewer than asked for, never more than 256.

        Returns:
            float32, strictly increasing, at least 2 (a constant column gets one bin around it).

        Raises:
            RecipeError: `num_bins` is less than 1.

        Source: Gorishniy, Rubachev, Babenko (2022), "On Embeddings for Numerical Features in
        Tabular Deep Learning".

        Example:
            >>> number = Number(scaling="none")
            >>> values = number.parse(pl.Series(range(9)))
            >>> number.freeze(number.summarise(values)).edges(4).tolist()
            [0.0, 2.0, 4.0, 6.0, 8.0]
        """
        if num_bins < 1:
            raise RecipeError(
                "A column cannot be cut into less than one bin.",
                where="num_bins",
                expected="1 or more",
                got=str(num_bins),
                do="Ask for 8 to 64 bins.",
            )
        last = len(self.cuts) - 1
        picked = np.round(np.linspace(0, last, min(num_bins, last) + 1)).astype(int)
        edges = np.unique(self.scale(torch.tensor(self.cuts, dtype=torch.float64)[picked]).numpy())
        if len(edges) > 1:
            return edges
        half = np.maximum(np.float32(0.5), np.abs(edges[0]) * np.float32(1e-6))
        return np.array([edges[0] - half, edges[0] + half], dtype=np.float32)

    def repeated_values(self, least: int) -> np.ndarray:
        """The values of a column that repeats a few, on the network's scale; else none.

        Args:
            least: rows that each distinct value must have on average; 0 = never.

        Returns:
            float32, strictly increasing; very rare values may be absent.
        """
        few = self.distinct_exact and self.num_distinct <= len(self.cuts)
        if least == 0 or not few or self.count < least * self.num_distinct:
            return np.empty(0, dtype=np.float32)
        return np.unique(self.scale(torch.tensor(self.cuts, dtype=torch.float64)).numpy())

    def strange(self, values: Values) -> Bool[np.ndarray, " rows"]:
        """True for values outside the training range."""
        data = np.where(values.present, values.data, self.minimum)
        return ((data < self.minimum) | (data > self.maximum)) & (self.count > 0)

    def unfamiliar(self, values: Values) -> tuple[Repair, ...]:
        """How many values lie outside the training range; they are used as they are."""
        outside = values.data[self.strange(values)]
        if len(outside) == 0:
            return ()
        what = f"outside the training range {self.minimum:g} to {self.maximum:g}"
        return (Repair(what, len(outside), tuple(f"{x:g}" for x in dict.fromkeys(outside[:3]))),)

    def to_dict(self) -> dict[str, Any]:
        # Not `asdict`, which copies each of the many quantiles.
        facts = {field.name: getattr(self, field.name) for field in fields(self)}
        scaler = {field.name: getattr(self.scaler, field.name) for field in fields(self.scaler)}
        return {"kind": self.kind, **plain({**facts, "scaler": scaler})}

    @classmethod
    def from_dict(cls, content: dict[str, Any]) -> "FittedNumber":
        facts = {field.name: content[field.name] for field in fields(cls)}
        facts["quantiles"] = tuple(content["quantiles"])
        facts["cuts"] = tuple(content["cuts"])
        facts["scaler"] = Scaler.from_dict(content["scaler"])
        return cls(**facts)


def _finite(value: float) -> float:
    """Overflow as the largest number, which JSON can hold."""
    return min(value, float(np.finfo(np.float64).max))


def _one_of(option: str, value: str, options: tuple[str, ...]) -> None:
    if value not in options:
        raise RecipeError(
            f"There is no {option} called '{value}' for numbers.",
            where=f"number({option}=…)",
            expected=listed(options),
            got=f"'{value}'",
            do=nearest(value, options) or f"Choose one of {listed(options)}.",
        )
