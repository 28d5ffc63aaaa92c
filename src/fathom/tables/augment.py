"""Pictures changed a little at every step, so that a network cannot learn them by heart.

Each picture of a batch is changed by itself, all at once, where they lie. What is drawn belongs to
the example and the step: a batch that is split, and a training that is resumed, see the same.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor

from fathom.base.seeds import uniform

Pixels = UInt8[Tensor, "batch channels height width"]
Draws = Float[Tensor, "batch draws"]
_NUM_DRAWS = 5


@dataclass(frozen=True, kw_only=True)
class Augmentation:
    """What may happen to a picture in training.

    Attributes:
        flip: mirrored left to right, every other time.
        shift: moved by up to so many pixels each way; its edges are repeated.
        cutout: a square with sides of so many pixels is emptied.
    """

    flip: bool = False
    shift: int = 0
    cutout: int = 0

    def __bool__(self) -> bool:
        return self.flip or self.shift > 0 or self.cutout > 0

    def apply(self, pixels: Pixels, example: Int[Tensor, " batch"], seed: int, step: int) -> Pixels:
        """Every picture changed by what its example and the step draw.

        Args:
            pixels: of the pictures.
            example: who each of them is.
            seed: of the training.
            step: of the training.

        Example:
            >>> pixels = torch.arange(12, dtype=torch.uint8).reshape(1, 1, 3, 4)
            >>> moved = Augmentation(shift=1).apply(pixels, torch.tensor([5]), 0, 7)
            >>> moved.shape, moved.dtype
            (torch.Size([1, 1, 3, 4]), torch.uint8)
        """
        if not self:
            return pixels
        draws = uniform(seed, "augment", step, example=example, num=_NUM_DRAWS)
        rows, columns = self._places(pixels, draws)
        batch = torch.arange(len(pixels), device=pixels.device)[:, None, None]
        # Channels last while gathering: what belongs together is copied together.
        found = pixels.permute(0, 2, 3, 1)[batch, rows[:, :, None], columns[:, None, :]]
        return self._cut(found.permute(0, 3, 1, 2), draws)

    def _places(self, pixels: Pixels, draws: Draws) -> tuple[Tensor, Tensor]:
        """The row and the column that each pixel is taken from."""
        height, width = pixels.shape[2:]
        far = 2 * self.shift + 1
        down, right = ((draws[:, place] * far).long() - self.shift for place in (0, 1))
        rows = torch.arange(height, device=pixels.device) + down[:, None]
        columns = torch.arange(width, device=pixels.device) + right[:, None]
        if self.flip:
            mirrored = (draws[:, 2] < 0.5)[:, None]
            columns = torch.where(mirrored, width - 1 - columns, columns)
        return rows.clamp(0, height - 1), columns.clamp(0, width - 1)

    def _cut(self, pixels: Pixels, draws: Draws) -> Pixels:
        if self.cutout == 0:
            return pixels
        height, width = pixels.shape[2:]
        hole = torch.ones(len(pixels), height, width, dtype=torch.bool, device=pixels.device)
        for axis, size, place in ((1, height, 3), (2, width, 4)):
            first = (draws[:, place] * (size + self.cutout)).long() - self.cutout
            at = torch.arange(size, device=pixels.device) - first[:, None]
            inside = (at >= 0) & (at < self.cutout)
            hole &= inside[:, :, None] if axis == 1 else inside[:, None, :]
        return pixels.masked_fill(hole[:, None], 0)
