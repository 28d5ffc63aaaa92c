"""Pictures changed a little at every step, so that a network cannot learn them by heart.

Each picture of a batch is changed by itself, all at once, where they lie. What is drawn belongs to
the example and the step: a batch that is split, and a training that is resumed, see the same.
"""

import math
from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Bool, Float, Int, UInt8
from torch import Tensor

from fathom.base.seeds import uniform
from fathom.tables.pieces import pieces
from fathom.tables.tones import blurred, mean_grey, relit
from fathom.tables.warp import Maps, warped

Pixels = UInt8[Tensor, "batch channels height width"]
Draws = Float[Tensor, "batch draws"]
Flip = Literal["none", "random", "alternating"]
(
    _DOWN,
    _RIGHT,
    _MIRROR,
    _HOLE_DOWN,
    _HOLE_RIGHT,
    _ANGLE,
    _ZOOM,
    _AREA,
    _FORM,
    _CROP_RIGHT,
    _CROP_DOWN,
    _BRIGHT,
    _CONTRAST,
    _COLOUR,
    _BLUR,
    _SIGMA,
    _NUM_DRAWS,
) = range(17)
# A crop may be wider or higher than the picture's own form by a third.
_MOST_FORM = 4 / 3
_LEAST_SIGMA, _MOST_SIGMA = 0.5, 1.5


@dataclass(frozen=True, kw_only=True)
class Augmentation:
    """What may happen to a picture in training.

    Attributes:
        flip: mirrored left to right: "random", half of the times; "alternating", in every second
            epoch, beginning with either; or "none".
        shift: moved by up to so many pixels each way; its edges are repeated.
        cutout: a square with sides of so many pixels is emptied.
        rotate: turned by up to so many degrees each way.
        scale: zoomed in or out by up to this share.
        crop: a part of at least this share of the area fills the picture; 1 = all of it.
        colour: brightness, contrast and saturation change by up to this share.
        blur: how likely it is put out of focus, 0 to 1.

    Source: Jordan, "94% on CIFAR-10 in 3.29 seconds on a single GPU", 2024 (alternating flip);
        Szegedy et al., "Going deeper with convolutions", 2015 (crops of random area and form).
    """

    flip: Flip = "none"
    shift: int = 0
    cutout: int = 0
    rotate: float = 0.0
    scale: float = 0.0
    crop: float = 1.0
    colour: float = 0.0
    blur: float = 0.0

    def __bool__(self) -> bool:
        return self != Augmentation()

    @property
    def _between_pixels(self) -> bool:
        """Whether new pixels lie between old ones, so that values are interpolated."""
        return self.rotate > 0 or self.scale > 0 or self.crop < 1

    @property
    def _other_values(self) -> bool:
        return self._between_pixels or self.colour > 0 or self.blur > 0

    def apply(
        self, pixels: Pixels, example: Int[Tensor, " batch"], seed: int, step: int, epoch: int = 0
    ) -> Pixels:
        """Every picture changed by what its example and the step draw.

        Args:
            pixels: of the pictures.
            example: who each of them is.
            seed: of the training.
            step: of the training.
            epoch: how often all examples were seen before; alternating flips turn with it.

        Example:
            >>> pixels = torch.arange(12, dtype=torch.uint8).reshape(1, 1, 3, 4)
            >>> moved = Augmentation(shift=1).apply(pixels, torch.tensor([5]), 0, 7)
            >>> moved.shape, moved.dtype
            (torch.Size([1, 1, 3, 4]), torch.uint8)
        """
        if not self:
            return pixels
        draws = uniform(seed, "augment", step, example=example, num=_NUM_DRAWS)
        mirrored = self._mirrored(example, draws, seed, epoch)
        if (self.flip != "none" or self.shift) and not self._between_pixels:
            pixels = self._gathered(pixels, draws, mirrored)
        if self._other_values:
            pixels = self._computed(pixels, draws, mirrored)
        return self._cut(pixels, draws)

    def _mirrored(
        self, example: Int[Tensor, " batch"], draws: Draws, seed: int, epoch: int
    ) -> Bool[Tensor, " batch"]:
        if self.flip == "alternating":
            first = uniform(seed, "first flip", example=example, num=1)[:, 0] < 0.5
            return first ^ bool(epoch % 2)
        chance = 0.5 if self.flip == "random" else 0.0
        return draws[:, _MIRROR] < chance

    def _moved(self, draws: Draws) -> Int[Tensor, "batch 2"]:
        """Whole pixels (right, down) between a pixel and the one that it is taken from."""
        far = 2 * self.shift + 1
        return (draws[:, [_RIGHT, _DOWN]] * far).long() - self.shift

    def _gathered(self, pixels: Pixels, draws: Draws, mirrored: Tensor) -> Pixels:
        """Whole pixels taken from elsewhere, as they are: first rows, then places in them."""
        num, channels, height, width = pixels.shape
        move, device = self._moved(draws), pixels.device
        rows = (torch.arange(height, device=device) + move[:, 1, None]).clamp(0, height - 1)
        rows += height * torch.arange(num, device=device)[:, None]
        columns = torch.arange(width, device=device) + move[:, 0, None]
        columns = torch.where(mirrored[:, None], width - 1 - columns, columns).clamp(0, width - 1)
        # The channels of a pixel lie side by side, as convolutions want them.
        found = pixels.permute(0, 2, 3, 1).reshape(num * height, width * channels)
        found = found.index_select(0, rows.flatten()).view(num, height, width * channels)
        places = (channels * columns[:, :, None] + torch.arange(channels, device=device)).flatten(1)
        found = found.gather(2, places[:, None].expand_as(found))
        return found.view(num, height, width, channels).permute(0, 3, 1, 2)

    def _computed(self, pixels: Pixels, draws: Draws, mirrored: Tensor) -> Pixels:
        """New values from old ones, rounded once."""
        maps = self._maps(pixels, draws, mirrored) if self._between_pixels else None
        found = torch.empty_like(pixels)
        for some in pieces(pixels):
            values = pixels[some].float()
            if maps is not None:
                values = warped(values, maps.rows(some))
            values = self._toned(values, pixels[some], draws[some])
            found[some] = values.round_().clamp_(0, 255)
        return found

    def _maps(self, pixels: Pixels, draws: Draws, mirrored: Tensor) -> Maps:
        angle = math.radians(self.rotate) * (2 * draws[:, _ANGLE] - 1)
        zoom = (1 + self.scale) ** (2 * draws[:, _ZOOM].double() - 1)
        area = self.crop + (1 - self.crop) * draws[:, _AREA].double()
        form = _MOST_FORM ** (2 * draws[:, _FORM].double() - 1)
        # Neither side may reach beyond the picture, and the area stays what was drawn.
        wide = torch.minimum(torch.maximum((area * form).sqrt(), area), torch.ones_like(area))
        high = area / wide
        room = torch.stack([1 - wide, 1 - high], dim=1)
        sides = torch.tensor([pixels.shape[3], pixels.shape[2]], device=pixels.device)
        aside = room * (draws[:, [_CROP_RIGHT, _CROP_DOWN]] - 0.5) * sides
        maps = Maps.of(angle, wide / zoom, high / zoom, aside + self._moved(draws))
        return maps.mirrored(mirrored)

    def _toned(self, values: Tensor, pixels: Pixels, draws: Draws) -> Tensor:
        if self.colour:
            bright, contrast, colour = (
                1 + self.colour * (2 * draws[:, place] - 1)
                for place in (_BRIGHT, _CONTRAST, _COLOUR)
            )
            values = relit(values, bright, contrast, colour, mean_grey(pixels))
        if self.blur:
            sigma = _LEAST_SIGMA + (_MOST_SIGMA - _LEAST_SIGMA) * draws[:, _SIGMA]
            values = blurred(values, torch.where(draws[:, _BLUR] < self.blur, sigma, 0.0))
        return values

    def _cut(self, pixels: Pixels, draws: Draws) -> Pixels:
        if self.cutout == 0:
            return pixels
        height, width = pixels.shape[2:]
        hole = torch.ones(len(pixels), height, width, dtype=torch.bool, device=pixels.device)
        for axis, size, place in ((1, height, _HOLE_DOWN), (2, width, _HOLE_RIGHT)):
            # Its middle lies within the picture: a quarter of it or more is seen.
            first = (draws[:, place] * size).long() - self.cutout // 2
            at = torch.arange(size, device=pixels.device) - first[:, None]
            inside = (at >= 0) & (at < self.cutout)
            hole &= inside[:, :, None] if axis == 1 else inside[:, None, :]
        return pixels.masked_fill(hole[:, None], 0)
