"""Convolutional networks for pictures: from pixels to one vector a picture."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from fathom.layers.convolution import Convolution
from fathom.layers.initialise import initialise
from fathom.layers.pooling import maximum_of_places
from fathom.layers.whitening import PatchWhitening


class PictureNet(nn.Module, ABC):
    """From pictures, ["batch", "channels", "height", "width"], to a vector of length `dim_out`."""

    dim_out: int

    @property
    @abstractmethod
    def layers(self) -> tuple[str, ...]:
        """The dotted names of its parts, the one that sees the picture first."""


class Flat(PictureNet):
    """All pixels in a row, for a feed-forward network that knows nothing of pictures.

    Args:
        channels, height, width: of the pictures.

    Example:
        >>> Flat(1, 28, 28)(torch.zeros(3, 1, 28, 28)).shape
        torch.Size([3, 784])
    """

    def __init__(self, channels: int, height: int, width: int) -> None:
        super().__init__()
        self.dim_out = channels * height * width

    @property
    def layers(self) -> tuple[str, ...]:
        return ()

    def forward(
        self, x: Float[Tensor, "batch channels height width"]
    ) -> Float[Tensor, "batch dim_out"]:
        return x.flatten(1)


class LeNet(PictureNet):
    """The classic that fits on a slide: two convolutions with pooling, then a layer.

    Args:
        channels: of the pictures.
        height, width: of the pictures, at least 12 each.
        generator: where the initial weights are drawn from.

    Source: LeCun, Bottou, Bengio, Haffner, "Gradient-based learning applied to document
        recognition", 1998; here with ReLU and maximum pooling.

    Example:
        >>> LeNet(1, 28, 28, torch.Generator())(torch.zeros(3, 1, 28, 28)).shape
        torch.Size([3, 84])
    """

    def __init__(self, channels: int, height: int, width: int, generator: torch.Generator) -> None:
        super().__init__()
        self.first = _convolution(channels, 6, 5, generator, padding=2)
        self.second = _convolution(6, 16, 5, generator, padding=2)
        self.pool = nn.MaxPool2d(2)
        self.layer = nn.Linear(16 * (height // 4) * (width // 4), 84)
        initialise(self.layer, "kaiming_normal", generator, "relu")
        self.dim_out = 84

    @property
    def layers(self) -> tuple[str, ...]:
        return "first", "second", "layer"

    def forward(
        self, x: Float[Tensor, "batch channels height width"]
    ) -> Float[Tensor, "batch dim_out"]:
        x = self.pool(torch.relu(self.first(x)))
        x = self.pool(torch.relu(self.second(x)))
        return torch.relu(self.layer(x.flatten(1)))


@dataclass(frozen=True, kw_only=True)
class ResidualShape:
    """What a fast residual network looks like.

    Attributes:
        widths: channels of each stage; every stage halves the picture.
        depth: convolutions in a stage after the one that widens it.
        whiten: whether the first layer whitens patches; else it is learned.
    """

    widths: tuple[int, ...] = (64, 128, 256)
    depth: int = 1
    whiten: bool = True


class FastResidual(PictureNet):
    """A shallow, wide residual network in the manner of the CIFAR speed records.

    The first layer sees whitened patches; each stage widens, halves the picture by its maxima, then
    adds what further convolutions find. The vector is the maximum and the mean over all places.

    Args:
        patches: the first layer; has `dim_out`.
        shape: of the stages.
        generator: where the initial weights are drawn from.

    Source: Coleman et al., DAWNBench, 2017 (ResNet-9 of David Page, 2018); Jordan, "94 % on
        CIFAR-10 in 3.29 seconds on a single GPU", arXiv 2404.00498, for the patches and stages.

    Example:
        >>> shape, generator = ResidualShape(widths=(8, 16)), torch.Generator()
        >>> net = FastResidual(LearnedPatches(3, 4, generator), shape, generator)
        >>> net(torch.zeros(2, 3, 32, 32)).shape
        torch.Size([2, 32])
    """

    def __init__(
        self,
        patches: "PatchWhitening | LearnedPatches",
        shape: ResidualShape,
        generator: torch.Generator,
    ) -> None:
        super().__init__()
        self.patches = patches
        self.stages = nn.ModuleList()
        dim = patches.dim_out
        for width in shape.widths:
            self.stages.append(Stage(dim, width, shape.depth, generator))
            dim = width
        self.dim_out = 2 * dim

    @property
    def layers(self) -> tuple[str, ...]:
        return "patches", *(f"stages.{number}" for number in range(len(self.stages)))

    def forward(
        self, x: Float[Tensor, "batch channels height width"]
    ) -> Float[Tensor, "batch dim_out"]:
        x = torch.relu(self.patches(x))
        for stage in self.stages:
            x = stage(x)
        return torch.cat([maximum_of_places(x), x.mean((2, 3))], dim=1)


class LearnedPatches(nn.Module):
    """A first layer that finds its own filters, for pictures of which nothing is known before.

    Args:
        channels: of the pictures.
        dim_out: filters.
        generator: where the initial weights are drawn from.
    """

    def __init__(self, channels: int, dim_out: int, generator: torch.Generator) -> None:
        super().__init__()
        self.convolution = _convolution(channels, dim_out, 3, generator, padding=1)
        self.norm = nn.BatchNorm2d(dim_out)
        self.dim_out = dim_out

    def forward(
        self, x: Float[Tensor, "b c h w"], bias: Float[Tensor, " d"] | None = None
    ) -> Float[Tensor, "b d h w"]:
        seen = self.norm(self.convolution(x))
        return seen if bias is None else seen + bias.to(seen.dtype)[:, None, None]


class Stage(nn.Module):
    """Wider, half as large, then convolutions whose findings are added.

    Args:
        dim_in, dim_out: channels before and after.
        depth: convolutions whose findings are added.
        generator: where the initial weights are drawn from.
    """

    def __init__(self, dim_in: int, dim_out: int, depth: int, generator: torch.Generator) -> None:
        super().__init__()
        self.widen = _convolution(dim_in, dim_out, 3, generator, padding=1)
        self.pool = nn.MaxPool2d(2, ceil_mode=True)
        self.norm = nn.BatchNorm2d(dim_out)
        self.rest = nn.Sequential(*(Block(dim_out, dim_out, generator) for _ in range(depth)))

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b d i j"]:
        # Pooled before the norm: a quarter of the numbers to normalise.
        x = torch.relu(self.norm(self.pool(self.widen(x))))
        return x + self.rest(x)


class Block(nn.Module):
    """Convolution, norm, bend.

    Args:
        dim_in, dim_out: channels before and after.
        generator: where the initial weights are drawn from.
    """

    def __init__(self, dim_in: int, dim_out: int, generator: torch.Generator) -> None:
        super().__init__()
        self.convolution = _convolution(dim_in, dim_out, 3, generator, padding=1)
        self.norm = nn.BatchNorm2d(dim_out)

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b d h w"]:
        return torch.relu(self.norm(self.convolution(x)))


def _convolution(
    dim_in: int, dim_out: int, side: int, generator: torch.Generator, padding: int
) -> nn.Conv2d:
    # A norm or a pooling with a bend follows: no bias is needed.
    made = Convolution(dim_in, dim_out, side, padding=padding, bias=False)
    initialise(made, "kaiming_normal", generator, "relu")
    return made
