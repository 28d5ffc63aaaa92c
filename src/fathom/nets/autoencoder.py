"""Pictures through a narrow place and back: what they have in common must fit into a short code."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from fathom.base.errors import RecipeError
from fathom.layers.initialise import initialise
from fathom.nets.convolution import Block, PictureNet


@dataclass(frozen=True, kw_only=True)
class AutoencoderShape:
    """What a convolutional autoencoder looks like.

    Attributes:
        dim_code: length of the code, all that is left of a picture half-way.
        widths: channels of each stage on the way down, which halves the picture; on the way back
            the same in reverse.

    Raises:
        RecipeError: a code of no length, or no stage.
    """

    dim_code: int = 32
    widths: tuple[int, ...] = (16, 32, 64)

    def __post_init__(self) -> None:
        if self.dim_code < 1 or not self.widths or min(self.widths) < 1:
            raise RecipeError(
                "An autoencoder needs a code and at least one stage.",
                where="AutoencoderShape",
                expected="dim_code of 1 or more, widths such as (16, 32)",
                got=f"dim_code = {self.dim_code}, widths = {self.widths}",
                do="Choose a longer code, or name the channels of each stage.",
            )


class Autoencoder(nn.Module):
    """From a picture to a code and back to a picture of the same size.

        decode(code(encoder(x)))

    Trained to give back what it saw (`fathom.objectives.reconstruction.Reconstruction`), it learns
    what its pictures have in common; one that is unlike them comes back badly.

    Args:
        channels, height, width: of the pictures; any size.
        shape: the code and the stages.
        generator: where the initial weights are drawn from.
        encoder: what reads the pictures; None = convolutions by the same shape. Networks that end
            in a mean over all places have forgotten where things lie, and give blurred pictures.

    Source: Hinton and Salakhutdinov, "Reducing the dimensionality of data with neural networks",
        2006; with convolutions: Masci et al., "Stacked convolutional auto-encoders", 2011.

    Example:
        >>> net = Autoencoder(1, 28, 30, AutoencoderShape(dim_code=5), torch.Generator())
        >>> pictures = torch.zeros(2, 1, 28, 30)
        >>> net.encode(pictures).shape, net(pictures).shape
        (torch.Size([2, 5]), torch.Size([2, 1, 28, 30]))
    """

    def __init__(
        self,
        channels: int,
        height: int,
        width: int,
        shape: AutoencoderShape,
        generator: torch.Generator,
        encoder: PictureNet | None = None,
    ) -> None:
        super().__init__()
        size = (channels, height, width)
        self.encoder = encoder or Funnel(*size, shape.widths, generator)
        self.code = nn.Linear(self.encoder.dim_out, shape.dim_code)
        initialise(self.code, "lecun_normal", generator)
        self.decoder = Decoder(*size, shape, generator)
        self.dim_code = shape.dim_code

    def encode(self, x: Float[Tensor, "batch channels height width"]) -> Float[Tensor, "batch d"]:
        """The codes of pictures."""
        return self.code(self.encoder(x))

    def decode(self, code: Float[Tensor, "batch d"]) -> Float[Tensor, "batch channels h w"]:
        """The pictures of codes."""
        return self.decoder(code)

    def forward(
        self, x: Float[Tensor, "batch channels height width"]
    ) -> Float[Tensor, "batch channels height width"]:
        return self.decode(self.encode(x))


def halvings(height: int, width: int, num: int) -> list[tuple[int, int]]:
    """A size, and what is left of it when it is halved so many times, rounded up.

    Example:
        >>> halvings(28, 9, 3)
        [(28, 9), (14, 5), (7, 3), (4, 2)]
    """
    found = [(height, width)]
    for _ in range(num):
        rows, columns = found[-1]
        found.append(((rows + 1) // 2, (columns + 1) // 2))
    return found


class Funnel(PictureNet):
    """Convolutions that halve the picture at each stage; the vector is all that is left, by place.

    Args:
        channels, height, width: of the pictures.
        widths: channels of each stage.
        generator: where the initial weights are drawn from.
    """

    def __init__(
        self,
        channels: int,
        height: int,
        width: int,
        widths: Sequence[int],
        generator: torch.Generator,
    ) -> None:
        super().__init__()
        dims = pairwise((channels, *widths))
        self.stages = nn.ModuleList(Narrowing(*pair, generator) for pair in dims)
        rows, columns = halvings(height, width, len(widths))[-1]
        self.dim_out = widths[-1] * rows * columns

    @property
    def layers(self) -> tuple[str, ...]:
        return tuple(f"stages.{number}" for number in range(len(self.stages)))

    def forward(
        self, x: Float[Tensor, "batch channels height width"]
    ) -> Float[Tensor, "batch dim_out"]:
        for stage in self.stages:
            x = stage(x)
        return x.flatten(1)


class Narrowing(nn.Module):
    """Half as high and half as wide, rounded up: convolution, norm, bend.

    Args:
        dim_in, dim_out: channels before and after.
        generator: where the initial weights are drawn from.
    """

    def __init__(self, dim_in: int, dim_out: int, generator: torch.Generator) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(dim_in, dim_out, 3, stride=2, padding=1, bias=False)
        initialise(self.convolution, "kaiming_normal", generator, "relu")
        self.norm = nn.BatchNorm2d(dim_out)

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b d i j"]:
        return torch.relu(self.norm(self.convolution(x)))


class Decoder(nn.Module):
    """From a code to a picture: spread over a small map, then doubled stage by stage.

    Places are repeated and convolved, since transposed convolutions leave the pattern of a
    chessboard.

    Args:
        channels, height, width: of the pictures.
        shape: the code and the stages.
        generator: where the initial weights are drawn from.

    Source: Odena, Dumoulin, Olah, "Deconvolution and checkerboard artifacts", 2016.
    """

    def __init__(
        self,
        channels: int,
        height: int,
        width: int,
        shape: AutoencoderShape,
        generator: torch.Generator,
    ) -> None:
        super().__init__()
        *larger, (rows, columns) = halvings(height, width, len(shape.widths))
        upwards = shape.widths[::-1]
        self.start = (upwards[0], rows, columns)
        self.sizes = larger[::-1]
        self.spread = nn.Linear(shape.dim_code, upwards[0] * rows * columns)
        initialise(self.spread, "kaiming_normal", generator, "relu")
        dims = pairwise((*upwards, upwards[-1]))
        self.stages = nn.ModuleList(Block(*pair, generator) for pair in dims)
        self.last = nn.Conv2d(upwards[-1], channels, 3, padding=1)
        initialise(self.last, "lecun_normal", generator)

    def forward(self, code: Float[Tensor, "batch d"]) -> Float[Tensor, "batch channels h w"]:
        x = torch.relu(self.spread(code)).unflatten(1, self.start)
        for size, stage in zip(self.sizes, self.stages, strict=True):
            x = stage(F.interpolate(x, size=size))
        return self.last(x)
