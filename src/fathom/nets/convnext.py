"""A small network in the manner of ConvNeXt, for larger pictures: wide views, cheaply had."""

from dataclasses import dataclass
from itertools import pairwise

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from fathom.layers.initialise import initialise
from fathom.layers.norm import ChannelNorm, LayerNorm
from fathom.nets.convolution import PictureNet

# What each block finds counts little at first, so that a deep network begins as a shallow one.
_FIRST_SCALE = 0.1


@dataclass(frozen=True, kw_only=True)
class ConvNextShape:
    """What a network in the manner of ConvNeXt looks like.

    Attributes:
        widths: channels of each stage; every stage but the first halves the picture.
        depths: blocks in each stage, as many as there are widths.
        expansion: a block widens to so many times its channels, then narrows again.
        side: of the windows in which a block looks around, in places; odd.
    """

    widths: tuple[int, ...] = (48, 96, 192)
    depths: tuple[int, ...] = (2, 2, 4)
    expansion: int = 4
    side: int = 7


def suited_stride(height: int, width: int) -> int:
    """Pixels from one patch of the stem to the next: small pictures are not cut down at once.

    Example:
        >>> suited_stride(8, 8), suited_stride(28, 28), suited_stride(128, 96)
        (1, 2, 4)
    """
    shortest = min(height, width)
    return 1 if shortest < 16 else 2 if shortest < 64 else 4


class ConvNext(PictureNet):
    """A stem of patches, then stages of blocks that look around by channel and mix by place.

    The vector is the mean over all places, normalised.

    Args:
        channels, height, width: of the pictures; any size.
        shape: of the stages.
        generator: where the initial weights are drawn from.

    Source: Liu, Mao, Wu, Feichtenhofer, Darrell, Xie, "A ConvNet for the 2020s", 2022; here
        patches overlap and halvings look at 3 × 3 places, so that no pixel of an odd size is lost.

    Example:
        >>> shape = ConvNextShape(widths=(8, 16), depths=(1, 1))
        >>> ConvNext(3, 30, 41, shape, torch.Generator())(torch.zeros(2, 3, 30, 41)).shape
        torch.Size([2, 16])
    """

    def __init__(
        self,
        channels: int,
        height: int,
        width: int,
        shape: ConvNextShape,
        generator: torch.Generator,
    ) -> None:
        super().__init__()
        self.stem = Shrink(channels, shape.widths[0], suited_stride(height, width), generator)
        self.stages = nn.ModuleList()
        dims = pairwise((shape.widths[0], *shape.widths))
        for number, ((dim_in, dim_out), depth) in enumerate(zip(dims, shape.depths, strict=True)):
            first: nn.Module = Halve(dim_in, dim_out, generator) if number else nn.Identity()
            blocks = (ConvNextBlock(dim_out, shape, generator) for _ in range(depth))
            self.stages.append(nn.Sequential(first, *blocks))
        self.norm = LayerNorm(shape.widths[-1])
        self.dim_out = shape.widths[-1]

    @property
    def layers(self) -> tuple[str, ...]:
        return "stem", *(f"stages.{number}" for number in range(len(self.stages))), "norm"

    def forward(
        self, x: Float[Tensor, "batch channels height width"]
    ) -> Float[Tensor, "batch dim_out"]:
        x = self.stem(x)
        for stage in self.stages:
            x = stage(x)
        return self.norm(x.mean((2, 3)))


class Shrink(nn.Module):
    """Overlapping patches as vectors, normalised; a patch reaches to the middle of the next.

    Args:
        dim_in, dim_out: channels before and after.
        stride: places from one patch to the next.
        generator: where the initial weights are drawn from.
    """

    def __init__(self, dim_in: int, dim_out: int, stride: int, generator: torch.Generator) -> None:
        super().__init__()
        side = max(3, 2 * stride - 1)
        self.convolution = nn.Conv2d(dim_in, dim_out, side, stride=stride, padding=side // 2)
        initialise(self.convolution, "lecun_normal", generator)
        self.norm = ChannelNorm(dim_out)

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b d i j"]:
        return self.norm(self.convolution(x))


class Halve(nn.Module):
    """Half as high and half as wide, rounded up, with other channels; normalised before.

    Args:
        dim_in, dim_out: channels before and after.
        generator: where the initial weights are drawn from.
    """

    def __init__(self, dim_in: int, dim_out: int, generator: torch.Generator) -> None:
        super().__init__()
        self.norm = ChannelNorm(dim_in)
        self.convolution = nn.Conv2d(dim_in, dim_out, 3, stride=2, padding=1)
        initialise(self.convolution, "lecun_normal", generator)

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b d i j"]:
        return self.convolution(self.norm(x))


class ConvNextBlock(nn.Module):
    """Look around in each channel by itself, then mix the channels of each place.

        x + scale · narrow(gelu(widen(norm(around(x)))))

    Args:
        dim: channels, which stay as many.
        shape: how far it looks and how wide it becomes.
        generator: where the initial weights are drawn from.
    """

    def __init__(self, dim: int, shape: ConvNextShape, generator: torch.Generator) -> None:
        super().__init__()
        side, wide = shape.side, shape.expansion * dim
        self.around = nn.Conv2d(dim, dim, side, padding=side // 2, groups=dim)
        self.norm = ChannelNorm(dim)
        self.widen = nn.Conv2d(dim, wide, 1)
        self.narrow = nn.Conv2d(wide, dim, 1)
        self.scale = nn.Parameter(torch.full((dim,), _FIRST_SCALE))
        for layer in (self.around, self.widen, self.narrow):
            initialise(layer, "lecun_normal", generator)

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        found = self.narrow(F.gelu(self.widen(self.norm(self.around(x)))))
        return x + self.scale[:, None, None] * found
