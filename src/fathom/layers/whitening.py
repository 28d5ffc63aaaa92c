"""The first look at a picture: patches without what all patches have in common.

Neighbouring pixels are nearly equal, so that plain patches tell mostly how bright they are. In
whitened ones every pattern varies equally, and the layers behind start with edges and colours
instead of having to find them. The filters follow from the training pictures and do not learn.
"""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import conv2d

_LEAST_VARIANCE = 5e-4

Texture = Float[np.ndarray, "channels channels down right"]


@dataclass(frozen=True, kw_only=True)
class Patches:
    """Which patches are looked at.

    Attributes:
        side: of each, in pixels; at most 4.
        stride: pixels from one to the next.
    """

    side: int = 2
    stride: int = 1

    @classmethod
    def suited(cls, channels: int, height: int, width: int) -> "Patches":
        """Overlapping ones for small pictures, side by side for larger ones.

        Example:
            >>> Patches.suited(3, 32, 32), Patches.suited(1, 128, 128)
            (Patches(side=2, stride=1), Patches(side=4, stride=4))
        """
        longest = max(height, width)
        stride = 1 if longest <= 40 else 2 if longest <= 80 else 4
        return cls(side=max(stride, 3 if channels == 1 else 2), stride=stride)


class PatchWhitening(nn.Module):
    """Patches as sums of their principal patterns, each with variance 1, and their negatives.

    Args:
        texture: covariance of pixels by channel and displacement: `texture[a, b, 3 + i, 3 + j]` is
            that of channel a with channel b, i pixels further down and j to the right.
        patches: which.

    Source: Jordan, "94 % on CIFAR-10 in 3.29 seconds on a single GPU", arXiv 2404.00498, after
        Page, 2018; here from the covariance by displacement.

    Example:
        >>> still = np.zeros((1, 1, 7, 7))
        >>> still[0, 0, 3, 3] = 1.0  # pixels that have nothing to do with each other
        >>> layer = PatchWhitening(still, Patches(side=2))
        >>> layer(torch.randn(5, 1, 8, 8)).shape
        torch.Size([5, 8, 7, 7])
    """

    weight: Tensor

    def __init__(self, texture: Texture, patches: Patches) -> None:
        super().__init__()
        variance, patterns = np.linalg.eigh(patch_covariance(texture, patches.side))
        filters = patterns.T / np.sqrt(np.maximum(variance, 0) + _LEAST_VARIANCE)[:, None]
        filters = filters[::-1].reshape(-1, len(texture), patches.side, patches.side)
        weight = torch.from_numpy(np.concatenate([filters, -filters])).float()
        self.register_buffer("weight", weight.contiguous())
        self.stride = patches.stride
        self.dim_out = len(weight)

    def forward(
        self, x: Float[Tensor, "b c h w"], bias: Float[Tensor, " d"] | None = None
    ) -> Float[Tensor, "b d i j"]:
        bias = bias if bias is None else bias.to(x.dtype)
        return conv2d(x, self.weight.to(x.dtype), bias, stride=self.stride)


def patch_covariance(texture: Texture, side: int) -> Float[np.ndarray, "pixels pixels"]:
    """Of the pixels of a patch with each other, channel by channel, row by row."""
    channel, row, column = (axis.ravel() for axis in np.indices((len(texture), side, side)))
    reach = texture.shape[-1] // 2
    down = row[None] - row[:, None] + reach
    right = column[None] - column[:, None] + reach
    found = texture[channel[:, None], channel[None], down, right]
    return (found + found.T) / 2
