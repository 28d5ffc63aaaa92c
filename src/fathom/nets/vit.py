"""A small vision transformer: a picture as patches that look at one another."""

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from fathom.layers.initialise import initialise
from fathom.layers.norm import ChannelNorm, LayerNorm
from fathom.nets.convolution import PictureNet

_FEWEST, _MOST = 48, 200
_USUAL_HEAD = 32
# The longest wave of the positions, in places; a picture has a few dozen of them at most.
_LONGEST_WAVE = 100.0


@dataclass(frozen=True, kw_only=True)
class VitShape:
    """What a vision transformer looks like.

    Attributes:
        dim: length of the vector of a patch.
        depth: blocks, one after the other.
        expansion: the layers of a block widen to so many times `dim`, then narrow again.
        dropout: share of what a block adds that is silenced in each training step.
    """

    dim: int = 192
    depth: int = 6
    expansion: int = 2
    dropout: float = 0.0

    @property
    def num_heads(self) -> int:
        """Of about 32 numbers each, and as many as divide `dim`."""
        most = max(1, self.dim // _USUAL_HEAD)
        return next(num for num in range(most, 0, -1) if self.dim % num == 0)


def suited_side(height: int, width: int) -> int:
    """Side of the square patches, in pixels, that makes between 48 and 200 of them.

    Of those that do, the one that covers least beyond the picture's edge, then the largest. A
    picture with fewer pixels is cut into single ones.

    Example:
        >>> suited_side(28, 28), suited_side(32, 32), suited_side(128, 96), suited_side(8, 8)
        (4, 4, 16, 1)
    """
    sides = range(1, max(height, width) + 1)
    numbers = {side: math.prod(patches_of(height, width, side)) for side in sides}
    fitting = [side for side, number in numbers.items() if _FEWEST <= number <= _MOST]
    return min(fitting, key=lambda side: (numbers[side] * side**2, -side), default=1)


def patches_of(height: int, width: int, side: int) -> tuple[int, int]:
    """How many patches lie below and beside one another.

    Example:
        >>> patches_of(28, 30, 4)
        (7, 8)
    """
    return math.ceil(height / side), math.ceil(width / side)


class Vit(PictureNet):
    """Patches with their positions, then blocks in which each looks at all others.

    The vector is the mean over all patches, each normalised. Between the blocks the patches lie
    as a map, ["batch", "dim", "rows", "columns"], so that it can be seen what each place holds.

    Args:
        channels, height, width: of the pictures; any size.
        shape: of the blocks.
        generator: where the initial weights are drawn from.

    Source: Dosovitskiy et al., "An image is worth 16x16 words", 2021; fixed positions and the mean
        in place of a class token: Beyer, Zhai, Kolesnikov, "Better plain ViT baselines for
        ImageNet-1k", arXiv 2205.01580.

    Example:
        >>> net = Vit(3, 30, 41, VitShape(dim=24, depth=2), torch.Generator())
        >>> net(torch.zeros(2, 3, 30, 41)).shape
        torch.Size([2, 24])
    """

    def __init__(
        self, channels: int, height: int, width: int, shape: VitShape, generator: torch.Generator
    ) -> None:
        super().__init__()
        self.patches = PatchVectors(channels, height, width, shape.dim, generator)
        self.blocks = nn.ModuleList(VitBlock(shape, generator) for _ in range(shape.depth))
        self.norm = ChannelNorm(shape.dim)
        self.dim_out = shape.dim

    @property
    def layers(self) -> tuple[str, ...]:
        return "patches", *(f"blocks.{number}" for number in range(len(self.blocks))), "norm"

    def forward(
        self, x: Float[Tensor, "batch channels height width"]
    ) -> Float[Tensor, "batch dim_out"]:
        x = self.patches(x)
        for block in self.blocks:
            x = block(x)
        return self.norm(x).mean((2, 3))


class PatchVectors(nn.Module):
    """Each patch as a vector, with where it lies added.

    Where the patches reach beyond the picture, they see nought there, which is its mean.

    Args:
        channels, height, width: of the pictures.
        dim: length of the vectors.
        generator: where the initial weights are drawn from.
    """

    positions: Tensor

    def __init__(
        self, channels: int, height: int, width: int, dim: int, generator: torch.Generator
    ) -> None:
        super().__init__()
        side = suited_side(height, width)
        rows, columns = patches_of(height, width, side)
        self.convolution = nn.Conv2d(channels, dim, side, stride=side)
        initialise(self.convolution, "lecun_normal", generator)
        self.register_buffer("positions", waves(dim, rows, columns), persistent=False)
        down, right = rows * side - height, columns * side - width
        self.margin = (right // 2, right - right // 2, down // 2, down - down // 2)

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b d i j"]:
        return self.convolution(F.pad(x, self.margin)) + self.positions


def waves(dim: int, rows: int, columns: int) -> Float[Tensor, "dim rows columns"]:
    """For each place of a map its row and column as sines and cosines of several lengths.

    Places near to each other get vectors near to each other. What cannot be split into four equal
    parts stays nought.

    Example:
        >>> found = waves(8, 2, 3)
        >>> found.shape, bool(found[0, 1, 0] == torch.tensor(1.0).sin())
        (torch.Size([8, 2, 3]), True)
    """
    num = dim // 4
    speed = _LONGEST_WAVE ** -(torch.arange(num) / max(num, 1))
    down = speed[:, None] * torch.arange(rows)
    right = speed[:, None] * torch.arange(columns)
    found = torch.zeros(dim, rows, columns)
    for place, wave in enumerate((down.sin(), down.cos())):
        found[place * num : (place + 1) * num] = wave[:, :, None]
    for place, wave in enumerate((right.sin(), right.cos()), start=2):
        found[place * num : (place + 1) * num] = wave[:, None, :]
    return found


class VitBlock(nn.Module):
    """Each patch looks at all, then thinks by itself; what both find is added.

        x + attend(norm(x)),   then   x + narrow(gelu(widen(norm(x))))

    Args:
        shape: its sizes.
        generator: where the initial weights are drawn from.
    """

    def __init__(self, shape: VitShape, generator: torch.Generator) -> None:
        super().__init__()
        dim, wide = shape.dim, shape.expansion * shape.dim
        self.norm_around, self.norm_within = LayerNorm(dim), LayerNorm(dim)
        self.attend = Attention(dim, shape.num_heads, generator)
        self.widen, self.narrow = nn.Linear(dim, wide), nn.Linear(wide, dim)
        self.dropout = nn.Dropout(shape.dropout) if shape.dropout > 0 else nn.Identity()
        for layer in (self.widen, self.narrow):
            initialise(layer, "lecun_normal", generator)

    def forward(self, x: Float[Tensor, "b d i j"]) -> Float[Tensor, "b d i j"]:
        # With the channels last in memory, as the encoder gives pictures, this copies nothing.
        tokens = x.flatten(2).transpose(1, 2)
        tokens = tokens + self.dropout(self.attend(self.norm_around(tokens)))
        found = self.narrow(F.gelu(self.widen(self.norm_within(tokens))))
        return (tokens + self.dropout(found)).transpose(1, 2).unflatten(2, x.shape[2:])


class Attention(nn.Module):
    """Each token becomes a mean of what all hold, weighted by how well they answer its query.

        softmax(query · keyᵀ / √head) · value,   for several heads, then mixed

    Query, key and value are matrices of their own, so that muon sees three and not one.

    Args:
        dim: length of a token.
        num_heads: a divisor of it.
        generator: where the initial weights are drawn from.

    Source: Vaswani et al., "Attention is all you need", 2017.
    """

    def __init__(self, dim: int, num_heads: int, generator: torch.Generator) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.query, self.key, self.value, self.mix = (nn.Linear(dim, dim) for _ in range(4))
        for layer in (self.query, self.key, self.value, self.mix):
            initialise(layer, "lecun_normal", generator)

    def forward(self, x: Float[Tensor, "b tokens d"]) -> Float[Tensor, "b tokens d"]:
        query, key, value = (self._heads(layer(x)) for layer in (self.query, self.key, self.value))
        found = F.scaled_dot_product_attention(query, key, value)
        return self.mix(found.transpose(1, 2).flatten(2))

    def _heads(self, x: Float[Tensor, "b tokens d"]) -> Float[Tensor, "b heads tokens part"]:
        return x.unflatten(2, (self.num_heads, -1)).transpose(1, 2)
