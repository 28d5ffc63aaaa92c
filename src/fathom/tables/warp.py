"""Pictures turned, zoomed, cropped, moved and mirrored in one sampling, each by its own map.

Every map says, for a place in the new picture, which place of the old one is shown there. Places
are counted in pixels from the middle. Maps are multiplied before a picture is touched, so that it
is interpolated once, however many changes there are.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import grid_sample

Each = Float[Tensor, " batch"]


@dataclass(frozen=True)
class Maps:
    """For each picture, the affine map from new places to old ones.

        old = turn · new + move

    Attributes:
        turn: by picture, the matrix for (right, down).
        move: by picture, pixels (right, down).
    """

    turn: Float[Tensor, "batch 2 2"]
    move: Float[Tensor, "batch 2"]

    @classmethod
    def of(cls, angle: Each, wide: Each, high: Each, move: Float[Tensor, "batch 2"]) -> "Maps":
        """Maps that show a turned window of the old picture.

        Args:
            angle: by which what is shown is turned to the left, in radians.
            wide, high: sides of the window, as shares of the picture's.
            move: from the middle of the picture to that of the window, in pixels.
        """
        # In double precision, so that how many there are at once does not show in the last bit.
        cosine, sine = torch.cos(angle.double()), torch.sin(angle.double())
        rows = [cosine * wide, -sine * high, sine * wide, cosine * high]
        return cls(torch.stack(rows, dim=1).reshape(-1, 2, 2).float(), move.float())

    def mirrored(self, which: Tensor) -> "Maps":
        """The same maps, into the mirror image of the old picture where `which` says so."""
        sign = torch.where(which, -1.0, 1.0)[:, None]
        sides = torch.cat([sign, torch.ones_like(sign)], dim=1)
        return Maps(self.turn * sides[:, :, None], self.move * sides)

    def rows(self, index: slice) -> "Maps":
        """Those of some pictures only."""
        return Maps(self.turn[index], self.move[index])


def warped(
    pixels: Float[Tensor, "batch channels height width"], maps: Maps
) -> Float[Tensor, "batch channels height width"]:
    """Each picture through its map: bilinear between pixels, edges repeated beyond them.

    Example:
        >>> pixels = torch.arange(4.0).reshape(1, 1, 2, 2)
        >>> one, none = torch.ones(1), torch.zeros(1, 2)
        >>> quarter = Maps.of(one * torch.pi / 2, one, one, none)
        >>> torch.allclose(warped(pixels, quarter), pixels.rot90(1, (2, 3)), atol=1e-5)
        True
    """
    height, width = pixels.shape[2:]
    right = torch.arange(width, device=pixels.device) - (width - 1) / 2
    down = torch.arange(height, device=pixels.device) - (height - 1) / 2
    grid = pixels.new_empty(len(pixels), height, width, 2)
    for axis, length in ((0, width), (1, height)):
        # The operator wants half a picture's side to be 1.
        turn, move = maps.turn[:, axis] * (2 / length), maps.move[:, axis] * (2 / length)
        across = turn[:, 0, None] * right + move[:, None]
        along = turn[:, 1, None] * down
        torch.add(across[:, None, :], along[:, :, None], out=grid[..., axis])
    return grid_sample(pixels, grid, padding_mode="border", align_corners=False)
