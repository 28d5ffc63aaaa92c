"""Pictures mixed with others of the same step, and their targets with them.

The whole batch of a step is mixed before anything splits it, so that accumulation and a lack of
memory change nothing; who is mixed with whom follows from (seed, step, example) alone.
"""

from dataclasses import dataclass, replace
from functools import lru_cache

import torch
from jaxtyping import Bool, Float, Int, UInt8
from torch import Tensor

from fathom.base.seeds import uniform
from fathom.base.tensors import Batch, Field, Mixed
from fathom.tables.pieces import pieces

_ORDER, _SHARE, _CUT, _RIGHT, _DOWN, _NUM_DRAWS = range(6)
_KNOTS = 1025
Pixels = UInt8[Tensor, "batch channels height width"]


@dataclass(frozen=True, kw_only=True)
class Mixing:
    """How the pictures of a batch are mixed with one another.

    With both, each picture is mixed in one of the two ways.

    Attributes:
        mixup: alpha of the share of a picture in a blend of two, which is drawn from
            Beta(alpha, alpha); 0 = off.
        cutmix: likewise of the share that is left of a picture when a rectangle of its own form
            comes from another; 0 = off.

    Source: Zhang et al., "mixup: beyond empirical risk minimization", 2018; Yun et al., "CutMix",
        2019 (its rectangles may reach over the edge, ours lie within).
    """

    mixup: float = 0.0
    cutmix: float = 0.0

    def __bool__(self) -> bool:
        return self.mixup > 0 or self.cutmix > 0

    def apply(self, batch: Batch, seed: int) -> Batch:
        """The batch with its pictures mixed, and what is needed to mix the losses.

        Args:
            batch: whole, of a step; its one input are pictures.
            seed: of the training.

        Example:
            >>> pixels = torch.tensor([0, 100], dtype=torch.uint8).reshape(2, 1, 1, 1)
            >>> batch = Batch({"image_0": Field(pixels)}, {}, torch.ones(2), torch.arange(2))
            >>> mixed = Mixing(mixup=1.0).apply(batch, 0)
            >>> share, blend = mixed.mixed.share, mixed.inputs["image_0"].data[:, 0, 0, 0]
            >>> torch.equal(blend[1], (100 * share[1]).round().byte())
            True
        """
        if not self:
            return batch
        example = batch.example
        draws = uniform(seed, "mix", batch.step, example=example, num=_NUM_DRAWS)
        partner = _next_in_order(draws[:, _ORDER])
        ((name, field),) = batch.inputs.items()
        share = self._share(draws)
        if field.mask is not None:  # without two pictures there is nothing to mix
            share = torch.where(field.mask & field.mask[partner], share, 1.0)
        pixels, found = field.data, torch.empty_like(field.data)
        for some in pieces(pixels):
            own, cut = pixels[some], self._cut(draws[some])
            part, share[some] = _parts(own, share[some], cut, draws[some])
            found[some] = _blended(own, pixels[partner[some]], part)
        inputs = {name: Field(found, field.mask)}
        targets = {name: field.rows(partner) for name, field in batch.targets.items()}
        return replace(batch, inputs=inputs, mixed=Mixed(targets, batch.weight[partner], share))

    def _cut(self, draws: Float[Tensor, "batch draws"]) -> Bool[Tensor, " batch"]:
        """Which pictures get a rectangle; the others are blended."""
        chance = float(self.cutmix > 0) / (1 + float(self.mixup > 0))
        return draws[:, _CUT] < chance

    def _share(self, draws: Float[Tensor, "batch draws"]) -> Float[Tensor, " batch"]:
        found = [
            _beta(draws[:, _SHARE], alpha) if alpha else draws[:, _SHARE]
            for alpha in (self.cutmix, self.mixup)
        ]
        return torch.where(self._cut(draws), *found)


def _next_in_order(draw: Float[Tensor, " batch"]) -> Int[Tensor, " batch"]:
    """For each the one with the next larger number, for the last the first: nobody gets itself."""
    order = torch.argsort(draw, stable=True)
    partner = torch.empty_like(order)
    partner[order] = order.roll(-1)
    return partner


def _parts(
    pixels: Pixels,
    share: Float[Tensor, " batch"],
    cut: Bool[Tensor, " batch"],
    draws: Float[Tensor, "batch draws"],
) -> tuple[Float[Tensor, "batch height width"], Float[Tensor, " batch"]]:
    """What of each pixel is the picture's own, and its mean, which is what counts in the loss."""
    inside = torch.ones(len(pixels), *pixels.shape[2:], dtype=torch.bool, device=pixels.device)
    hole = torch.ones_like(share)
    for axis, place in ((2, _DOWN), (3, _RIGHT)):
        size = pixels.shape[axis]
        length = (size * (1 - share).sqrt()).round().long()
        first = (draws[:, place] * (size + 1 - length)).long()
        at = torch.arange(size, device=pixels.device) - first[:, None]
        within = (at >= 0) & (at < length[:, None])
        inside &= within[:, :, None] if axis == 2 else within[:, None, :]
        hole = hole * (length / size)
    share = torch.where(cut, 1 - hole, share)
    blend = share[:, None, None].expand(inside.shape)
    return torch.where(cut[:, None, None], (~inside).float(), blend), share


def _blended(
    own: Pixels, other: Pixels, part: Float[Tensor, "batch height width"]
) -> Float[Tensor, "batch channels height width"]:
    """Each picture and its partner, by parts, in whole numbers."""
    part = part[:, None]
    return (own * part).add_(other * (1 - part)).round_()


def _beta(draw: Float[Tensor, " batch"], alpha: float) -> Float[Tensor, " batch"]:
    """Numbers distributed as Beta(alpha, alpha), from numbers that lie evenly in 0 to 1."""
    knots = _quantiles(alpha, draw.device)
    place = draw * (_KNOTS - 1)
    before = place.long().clamp(max=_KNOTS - 2)
    return torch.lerp(knots[before], knots[before + 1], place - before)


@lru_cache(maxsize=8)
def _quantiles(alpha: float, device: torch.device) -> Float[Tensor, " knots"]:
    from scipy.special import betaincinv

    evenly = torch.linspace(0, 1, _KNOTS, dtype=torch.float64).numpy()
    return torch.from_numpy(betaincinv(alpha, alpha, evenly)).float().to(device)
