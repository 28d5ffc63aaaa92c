"""Pictures: 8-bit pixels brought to mean 0 and deviation 1, through a network of their own."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from fathom.base.tensors import Features, Field
from fathom.encoders.encoder import Encoder
from fathom.layers.initialise import initialise
from fathom.layers.norm import LayerNorm


class ImageEncoder(Encoder):
    """A picture as a vector.

    Args:
        net: from pixels, ["batch", "channels", "height", "width"], to a vector; has `dim_out`.
        mean, deviation: of the training pictures by channel, 0 to 1.
        missing: whether pictures can be missing, so that a sign says so.
        dim: length of the vector beside other inputs, which a longer one would drown; None = as
            long as the net's.
        generator: where the weights of that step are drawn from.
        both_sides: whether an answer sees the mean of a picture and its mirror image. In training
            it sees one of them.
        nudged: whether an answer sees, for half of the whole, the picture moved by a pixel to both
            sides along the diagonal, too.

    Source: views that are moved: Jordan, "94 % on CIFAR-10 in 3.29 seconds on a single GPU",
        arXiv 2404.00498.
    """

    mean: Tensor
    scale: Tensor

    def __init__(
        self,
        net: nn.Module,
        mean: Sequence[float],
        deviation: Sequence[float],
        *,
        missing: bool,
        dim: int | None = None,
        generator: torch.Generator | None = None,
        both_sides: bool = False,
        nudged: bool = False,
    ) -> None:
        super().__init__()
        dim_net = int(net.dim_out)  # pyright: ignore[reportArgumentType]
        self.net = net
        self.view: nn.Module = nn.Identity()
        if dim is not None:
            layer = nn.Linear(dim_net, dim)
            initialise(layer, "default", generator or torch.Generator())
            self.view = nn.Sequential(LayerNorm(dim_net), layer)
        self.register_buffer("mean", 255 * torch.tensor(mean).reshape(1, -1, 1, 1))
        self.register_buffer("scale", 1 / (255 * torch.tensor(deviation).reshape(1, -1, 1, 1)))
        self.missing = missing
        self.both_sides, self.nudged, self.plain = both_sides, nudged, False
        # How pixels lie in memory: no part of the model, but of how quickly it is computed.
        self.memory_format = torch.channels_last
        self.dim_out = (dim or dim_net) + int(missing)

    def forward(self, field: Field) -> Features:
        pixels = (field.data - self.mean).mul_(self.scale)
        pixels = pixels.contiguous(memory_format=self.memory_format)
        vector = self.view(self._seen(pixels))
        if field.mask is not None:  # where there is no picture, it tells nothing
            vector = torch.where(field.mask[:, None], vector, 0.0)
        if not self.missing:
            return Features("vector", vector)
        there = field.mask if field.mask is not None else vector.new_ones(len(field)).bool()
        sign = (~there).to(vector.dtype)[:, None]
        return Features("vector", torch.cat([vector, sign], dim=1))

    def _seen(self, pixels: Tensor) -> Tensor:
        """What the net says, of several views of each picture in an answer."""
        if self.training or self.plain:
            return self.net(pixels)
        vector = self._sides(pixels)
        if not self.nudged:
            return vector
        height, width = pixels.shape[2:]
        wide = nn.functional.pad(pixels, (1, 1, 1, 1), mode="replicate")
        moved = [wide[:, :, by : by + height, by : by + width] for by in (0, 2)]
        return vector / 2 + sum(self._sides(view) for view in moved) / 4

    def _sides(self, pixels: Tensor) -> Tensor:
        if not self.both_sides:
            return self.net(pixels)
        return (self.net(pixels) + self.net(pixels.flip(3))) / 2


@contextmanager
def one_view(network: nn.Module) -> Iterator[None]:
    """Pictures are seen as they are and once: up to six times as quick as an answer is.

    Enough where figures are compared with one another only, such as those of two steps.
    """
    encoders = [module for module in network.modules() if isinstance(module, ImageEncoder)]
    for encoder in encoders:
        encoder.plain = True
    try:
        yield
    finally:
        for encoder in encoders:
            encoder.plain = False
