"""Numbers to the scale that networks like, and back. Tensors only, so that it can be exported."""

from dataclasses import dataclass
from typing import Any, Literal

import torch
from jaxtyping import Float
from torch import Tensor

Scaling = Literal["standard", "min_max", "robust", "quantile", "none"]
SCALINGS: tuple[Scaling, ...] = ("standard", "min_max", "robust", "quantile", "none")
# The ends of the quantile grid stand at ±3.09, as a thousandth of a normal distribution.
_TAIL = 1e-3


@dataclass(frozen=True)
class Scaler:
    """One column's way to the network's scale: an optional logarithm, a shift, a bend.

    In this order, with x in the person's unit:

        x ← sign(x) · log(1 + |x|)                     if `log`
        z = (x − centre) / scale                       or, with a `grid`, z = Φ⁻¹(share below x)
        y = z / √(1 + (z / clip)²)                     if `clip`: smooth, between −clip and clip

    Attributes:
        centre: what becomes 0.
        scale: what becomes 1.
        log: take the signed logarithm first.
        clip: bound of the smooth clipping; None = no clipping.
        low: z of the smallest training value.
        high: z of the largest training value.
        grid: training quantiles (after the logarithm) at equal steps of share; empty for the
            linear scalings.

    Source: Holzmüller, Grinsztajn, Steinwart (2024), "Better by default" (RealMLP): the robust
    scale and the smooth clipping.

    Example:
        >>> scaler = Scaler(centre=10.0, scale=2.0, clip=3.0, low=-1.0, high=1.0)
        >>> y = scaler.forward(torch.tensor([10.0, 12.0, 1e9]))
        >>> [round(value, 4) for value in y.tolist()]
        [0.0, 0.9487, 3.0]
        >>> [round(value, 4) for value in scaler.inverse(y)[:2].tolist()]
        [10.0, 12.0]
    """

    centre: float = 0.0
    scale: float = 1.0
    log: bool = False
    clip: float | None = None
    low: float = 0.0
    high: float = 0.0
    grid: tuple[float, ...] = ()

    @property
    def linear(self) -> bool:
        """True for a shift and a factor only."""
        return not (self.log or self.clip or self.grid)

    def forward(self, x: Float[Tensor, "..."]) -> Float[Tensor, "..."]:
        """From the person's unit to the network's; computed and returned in float64."""
        x = x.double()
        if self.log:
            x = x.sign() * x.abs().log1p()
        z = self._to_normal(x) if self.grid else (x - self.centre) / self.scale
        if self.clip is None:
            return z
        # r / √(1 + r²) = sin(atan r), which cannot overflow.
        return self.clip * (z / self.clip).atan().sin()

    def inverse(self, y: Float[Tensor, "..."]) -> Float[Tensor, "..."]:
        """Back to the person's unit, in float64.

        Where the way back is steep (after clipping or a logarithm) answers stay within the
        training range widened by its own width on either side; elsewhere they are free.
        """
        z = y.double()
        if self.clip is not None:
            z = self.clip * (z / self.clip).clamp(-1, 1).asin().tan()
        if self.clip is not None or self.log:
            width = self.high - self.low
            z = z.clamp(self.low - width, self.high + width)
        x = self._from_normal(z) if self.grid else z * self.scale + self.centre
        return x.sign() * x.abs().clamp(max=700.0).expm1() if self.log else x

    def _to_normal(self, x: Tensor) -> Tensor:
        """Through the grid to the share below x, then to the normal distribution.

        A value that fills several steps of the grid stands at their middle.
        """
        grid = torch.tensor(self.grid, dtype=torch.float64)
        values, first, last = _plateaus(grid)
        at = (torch.searchsorted(values, x, right=True) - 1).clamp(0, len(values) - 1)
        after = (at + 1).clamp(max=len(values) - 1)
        width = (values[after] - values[at]).clamp_min(torch.finfo(torch.float64).tiny)
        part = ((x - values[at]) / width).clamp(0, 1)
        between = last[at] + part * (first[after] - last[at])
        share = torch.where(x <= values[at], (first[at] + last[at]) / 2, between)
        # Outside of the grid: its ends. NaN stays NaN.
        share = torch.where(at == after, (first[at] + last[at]) / 2, share) + 0 * part
        return torch.special.ndtri(_TAIL + (1 - 2 * _TAIL) * share)

    def _from_normal(self, z: Tensor) -> Tensor:
        grid = torch.tensor(self.grid, dtype=torch.float64)
        share = (torch.special.ndtr(z) - _TAIL) / (1 - 2 * _TAIL)
        place = share.clamp(0, 1) * (len(grid) - 1)
        below = place.nan_to_num(0).floor().long().clamp(max=len(grid) - 2)
        part = place - below
        return grid[below] * (1 - part) + grid[below + 1] * part

    @classmethod
    def from_dict(cls, content: dict[str, Any]) -> "Scaler":
        """From what `dataclasses.asdict` gave, by way of JSON."""
        return cls(**{**content, "grid": tuple(content["grid"])})


def _plateaus(grid: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The distinct values of a sorted grid, and the shares where each begins and ends."""
    values, counts = torch.unique_consecutive(grid, return_counts=True)
    stop = counts.cumsum(0)
    step = max(len(grid) - 1, 1)
    return values, (stop - counts) / step, (stop - 1) / step
