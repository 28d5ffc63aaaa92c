"""A network for small pictures that learns as much as can be in few steps."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from fathom.layers.convolution import Convolution
from fathom.layers.initialise import initialise
from fathom.layers.pooling import maximum_of_places
from fathom.layers.whitening import PatchWhitening
from fathom.nets.convolution import LearnedPatches, PictureNet

# The answers begin near to each other, so that the first steps are calm.
_SCALE = 1 / 9


@dataclass(frozen=True, kw_only=True)
class QuickShape:
    """What a quick network looks like.

    Attributes:
        widths: channels of each stage; every stage halves the picture.
        depth: convolutions in a stage.
    """

    widths: tuple[int, ...] = (64, 256, 256)
    depth: int = 2


class Quick(PictureNet):
    """Plain stages without sums; each convolution begins by passing on what it sees.

    The first layer sees whitened patches, and learns only where each pattern begins to count. A
    stage is a convolution, the maximum of each square of four places, a norm and a bend, then more
    convolutions, norms and bends. The vector is the maximum over all places, made small.

    Args:
        patches: the first layer; has `dim_out`.
        shape: of the stages.
        generator: where the initial weights are drawn from.

    Source: Jordan, "94 % on CIFAR-10 in 3.29 seconds on a single GPU", arXiv 2404.00498.

    Example:
        >>> shape, generator = QuickShape(widths=(8, 16)), torch.Generator()
        >>> net = Quick(LearnedPatches(3, 4, generator), shape, generator)
        >>> net(torch.zeros(2, 3, 32, 32)).shape
        torch.Size([2, 16])
    """

    def __init__(
        self,
        patches: PatchWhitening | LearnedPatches,
        shape: QuickShape,
        generator: torch.Generator,
    ) -> None:
        super().__init__()
        self.patches = patches
        self.threshold = nn.Parameter(torch.zeros(patches.dim_out))
        self.stages = nn.ModuleList()
        dim = patches.dim_out
        for width in shape.widths:
            self.stages.append(_stage(dim, width, shape.depth, generator))
            dim = width
        self.dim_out = dim

    @property
    def layers(self) -> tuple[str, ...]:
        return "patches", *(f"stages.{number}" for number in range(len(self.stages)))

    def forward(
        self, x: Float[Tensor, "batch channels height width"]
    ) -> Float[Tensor, "batch dim_out"]:
        # Within the convolution it costs nothing; added afterwards it is a pass over the memory.
        x = nn.functional.gelu(self.patches(x, self.threshold))
        for stage in self.stages:
            x = stage(x)
        return maximum_of_places(x) * _SCALE


class Halve(nn.Module):
    """The maximum of each square of four places; what is one place high or wide stays so."""

    def forward(self, x: Float[Tensor, "b d h w"]) -> Float[Tensor, "b d i j"]:
        side = tuple(min(2, length) for length in x.shape[2:])
        return nn.functional.max_pool2d(x, side)


def _stage(dim_in: int, dim_out: int, depth: int, generator: torch.Generator) -> nn.Sequential:
    parts: list[nn.Module] = []
    for level in range(depth):
        parts.append(_passing(dim_in if level == 0 else dim_out, dim_out, generator))
        if level == 0:
            parts.append(Halve())
        parts += [_norm(dim_out), nn.GELU()]
    return nn.Sequential(*parts)


def _passing(dim_in: int, dim_out: int, generator: torch.Generator) -> nn.Conv2d:
    """A convolution whose first filters pass on a channel each; the others are drawn."""
    made = Convolution(dim_in, dim_out, 3, padding=1, bias=False)
    initialise(made, "default", generator)
    with torch.no_grad():
        nn.init.dirac_(made.weight[:dim_in])
    return made


def _norm(dim: int) -> nn.BatchNorm2d:
    """With a short memory, since trainings are short, and without a scale of its own."""
    made = nn.BatchNorm2d(dim, momentum=0.4)
    made.weight.requires_grad_(False)
    return made
