"""A convolution whose weights learn quickly on processors that multiply bf16 in tiles."""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

# What oneDNN multiplies at a time, places of one row of a picture: for the gradient of weights, and
# for all else.
_PLACES, _PLACES_OF_A_TILE = 32, 16


class Convolution(nn.Conv2d):
    """`nn.Conv2d`, and where rows are short its answers and gradients are found sooner.

    On a processor with bf16 matrix units oneDNN fills a tile of 16 or, for the gradient of weights,
    32 places from one row of one picture: of the latter a row of 7 leaves three quarters empty,
    one of 3 nine tenths. Pictures are therefore laid side by side, with columns of nought between
    them: for the gradient of weights, and where rows fill less than half of 16 for all three
    products. The sums are the same.

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
        ctx.padding, ctx.together = padding, together
        ctx.short = 2 * x.shape[3] <= _PLACES_OF_A_TILE
        if not ctx.short:
            ctx.save_for_backward(x, weight)
            return nn.functional.conv2d(x, weight, padding=padding)
        wide = side_by_side(x, together, padding[1])
        ctx.save_for_backward(wide, weight)
        found = nn.functional.conv2d(wide, weight, padding=padding)
        return apart(found, len(x), together, padding[1])

    @staticmethod
    def backward(ctx: Any, *of_answers: Tensor) -> tuple[Tensor | None, Tensor | None, None, None]:
        (of_answer,) = of_answers
        x, weight = ctx.saved_tensors
        together, gap, wanted = ctx.together, ctx.padding[1], ctx.needs_input_grad
        of_wide = side_by_side(of_answer, together, gap)
        of_x = of_weight = None
        if ctx.short:
            of_x, of_weight = _gradients(of_wide, x, weight, ctx.padding, wanted[:2])
            of_x = None if of_x is None else apart(of_x, len(of_answer), together, gap)
            return of_x, of_weight, None, None
        if wanted[0]:
            of_x, _ = _gradients(of_answer, x, weight, ctx.padding, (True, False))
        if wanted[1]:
            wide = side_by_side(x, together, gap)
            _, of_weight = _gradients(of_wide, wide, weight, ctx.padding, (False, True))
        return of_x, of_weight, None, None


def _gradients(
    of_answer: Tensor,
    x: Tensor,
    weight: Tensor,
    padding: tuple[int, int],
    wanted: tuple[bool, bool],
) -> tuple[Tensor | None, Tensor | None]:
    """Of the pictures and of the weights, where they are wanted."""
    of_x, of_weight, _ = torch.ops.aten.convolution_backward(
        of_answer, x, weight, None, [1, 1], padding, [1, 1], False, [0, 0], 1, [*wanted, False]
    )
    return of_x, of_weight


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


def apart(
    wide: Float[Tensor, "g c h v"], num: int, together: int, gap: int
) -> Float[Tensor, "b c h w"]:
    """The pictures that `side_by_side` laid in rows, each by itself again.

    Example:
        >>> x = torch.arange(6.0).reshape(3, 1, 1, 2)
        >>> apart(side_by_side(x, together=2, gap=1), num=3, together=2, gap=1).flatten().tolist()
        [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]
    """
    rows, channels, height, length = wide.shape
    width = length // together - gap
    places = wide.permute(0, 2, 3, 1).reshape(rows, height, together, width + gap, channels)
    alone = places[:, :, :, :width].transpose(1, 2).reshape(-1, height, width, channels)
    return alone[:num].permute(0, 3, 1, 2)
