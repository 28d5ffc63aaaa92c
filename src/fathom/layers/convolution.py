"""A convolution whose weights learn quickly on processors that multiply bf16 in tiles."""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

# What oneDNN multiplies at a time for the gradient of weights: places of one row of a picture.
_PLACES = 32


class Convolution(nn.Conv2d):
    """`nn.Conv2d`, and where rows are short the gradient of its weights is found sooner.

    On a processor with bf16 matrix units oneDNN fills a tile of 32 places from one row of one
    picture: a row of 7 leaves three quarters of the work undone, one of 3 nine tenths. Pictures
    are therefore laid side by side, with columns of nought between them, for that one product. The
    sums are the same.

    Arguments as `nn.Conv2d`.

    Attributes:
        together: whether pictures may be laid side by side.

    Example:
        >>> Convolution(3, 8, 3, padding=1)(torch.zeros(2, 3, 7, 7)).shape
        torch.Size([2, 8, 7, 7])
    """

    together = True

    def forward(self, input: Float[Tensor, "b c h w"]) -> Float[Tensor, "b d i j"]:
        together = self._num_together(input)
        if together < 2:
            return super().forward(input)
        x, weight = input.bfloat16(), self.weight.bfloat16()
        found = _SideBySide.apply(x, weight, self.padding, together)
        return found if self.bias is None else found + self.bias.to(x.dtype)[:, None, None]

    def _num_together(self, x: Tensor) -> int:
        """How many pictures are laid side by side; 0 = none, since it would not help."""
        if not self.together or not (torch.is_grad_enabled() and self.weight.requires_grad):
            return 0
        if x.device.type != "cpu" or x.ndim != 4 or _precision(x) != torch.bfloat16:
            return 0
        plain = self.groups == 1 and self.stride == (1, 1) and self.dilation == (1, 1)
        centred = self.padding == tuple(side // 2 for side in self.kernel_size)
        if not plain or not centred or self.padding_mode != "zeros":
            return 0
        return min(_PLACES // (x.shape[3] + int(self.padding[1])), len(x))


def pictures_apart(network: nn.Module) -> None:
    """From now on it lays nothing side by side: its operations are those that count.

    Example:
        >>> network = nn.Sequential(Convolution(3, 8, 3, padding=1))
        >>> pictures_apart(network)
        >>> network[0].together
        False
    """
    for module in network.modules():
        if isinstance(module, Convolution):
            module.together = False


def _precision(x: Tensor) -> torch.dtype:
    return torch.get_autocast_dtype("cpu") if torch.is_autocast_enabled("cpu") else x.dtype


class _SideBySide(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, x: Tensor, weight: Tensor, padding: tuple[int, int], together: int
    ) -> Tensor:
        ctx.save_for_backward(x, weight)
        ctx.padding, ctx.together = padding, together
        return nn.functional.conv2d(x, weight, padding=padding)

    @staticmethod
    def backward(ctx: Any, *of_answers: Tensor) -> tuple[Tensor | None, Tensor | None, None, None]:
        (of_answer,) = of_answers
        x, weight = ctx.saved_tensors
        of_x = of_weight = None
        if ctx.needs_input_grad[0]:
            of_x = _gradient(of_answer, x, weight, ctx.padding, 0)
        if ctx.needs_input_grad[1]:
            gap = ctx.padding[1]
            wide, of_wide = (side_by_side(one, ctx.together, gap) for one in (x, of_answer))
            of_weight = _gradient(of_wide, wide, weight, ctx.padding, 1)
        return of_x, of_weight, None, None


def _gradient(
    of_answer: Tensor, x: Tensor, weight: Tensor, padding: tuple[int, int], which: int
) -> Tensor:
    """Of the pictures (0) or of the weights (1)."""
    wanted = [which == place for place in range(3)]
    return torch.ops.aten.convolution_backward(
        of_answer, x, weight, None, [1, 1], padding, [1, 1], False, [0, 0], 1, wanted
    )[which]


def side_by_side(x: Float[Tensor, "b c h w"], together: int, gap: int) -> Float[Tensor, "g c h v"]:
    """So many pictures in a row, a gap of nought after each; places without a picture are nought.

    Example:
        >>> side_by_side(torch.ones(3, 1, 1, 2), together=2, gap=1)[:, 0, 0]
        tensor([[1., 1., 0., 1., 1., 0.],
                [1., 1., 0., 0., 0., 0.]])
    """
    num, channels, height, width = x.shape
    whole, rest = divmod(num, together)
    wide = x.new_empty(whole + bool(rest), height, together, width + gap, channels)
    wide[:, :, :, width:] = 0
    places, rows = wide.transpose(1, 2)[..., :width, :], x.permute(0, 2, 3, 1)
    full = rows[: num - rest]
    places[:whole] = full.reshape(whole, together, height, width, channels)
    if rest:
        places[whole, :rest] = rows[num - rest :]
        places[whole, rest:] = 0
    return wide.view(len(wide), height, together * (width + gap), channels).permute(0, 3, 1, 2)
