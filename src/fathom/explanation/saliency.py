"""Where in a picture an answer comes from: gradients at its pixels and at the last map."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import conv2d, pad

Plane = Float[Tensor, "height width"]
Score = Callable[[Float[Tensor, "1 channels height width"]], Tensor]
"""From the pixels of one picture to a single number, such as the logit of a class."""


@dataclass(frozen=True)
class Saliency:
    """What one score rests on, place by place.

    Attributes:
        pixels: how strongly the score reacts to each pixel.
        places: what each place of the last map of features adds to the score, as large as that
            map is; None = the network has no such map.
    """

    pixels: Plane
    places: Plane | None


def saliency(
    score: Score,
    pixels: Float[Tensor, "1 channels height width"],
    net: nn.Module,
    mirrored: bool = False,
) -> Saliency:
    """The gradient of a score at the pixels, and what the places of the last map add to it.

    Args:
        score: computed by way of `net`.
        pixels: of one picture.
        net: what reads the picture; its last output with places is the map.
        mirrored: whether `score` has `net` read the mirror image too, after the picture itself.

    Source: Simonyan, Vedaldi, Zisserman, "Deep inside convolutional networks", 2014 (gradients);
        Draelos, Carin, "Use HiResCAM instead of Grad-CAM", 2020 (maps; where the map is averaged
        before a linear layer this is the class-activation map of Zhou et al., 2016).

    Example:
        >>> net = nn.Conv2d(1, 1, 1, bias=False)
        >>> found = saliency(lambda x: 3 * net(x)[0, 0, 0, 1], torch.ones(1, 1, 2, 2), net)
        >>> bool(found.pixels[0, 1] == 3 * net.weight.abs().item()), found.pixels[1].tolist()
        (True, [0.0, 0.0])
    """
    pixels = pixels.detach().float().requires_grad_()
    with torch.enable_grad(), maps_of(net) as readings:
        value = score(pixels)
        last = [maps[-1][1] for maps in readings if maps and maps[-1][1].requires_grad]
        gradient, *rest = torch.autograd.grad(value, [pixels, *last], allow_unused=True)
    planes = [
        evidence(one.detach()[0], slope[0])
        for one, slope in zip(last, rest, strict=True)
        if slope is not None
    ]
    if mirrored and len(planes) > 1:
        planes[1] = planes[1].flip(1)
    return Saliency(
        torch.zeros(pixels.shape[2:]) if gradient is None else gradient[0].abs().amax(0),
        torch.stack(planes).sum(0) if planes else None,
    )


def evidence(
    found: Float[Tensor, "channels rows columns"], gradient: Float[Tensor, "channels rows columns"]
) -> Plane:
    """What each place of a map adds to a score: each channel times the score's slope there.

    Example:
        >>> evidence(torch.full((2, 1, 1), 3.0), torch.tensor([[[2.0]], [[-1.0]]]))
        tensor([[3.]])
    """
    return (found * gradient).sum(0)


def smoothed(plane: Plane, width: float) -> Plane:
    """A plane under a bell curve of this standard deviation, in pixels; edges are repeated.

    Example:
        >>> spot = torch.zeros(5, 5)
        >>> spot[2, 2] = 1.0
        >>> round(float(smoothed(spot, 0.5).sum()), 6)
        1.0
    """
    far = max(1, round(3 * width))
    at = torch.arange(-far, far + 1, dtype=plane.dtype)
    bell = torch.exp(-0.5 * (at / width) ** 2)
    bell = bell / bell.sum()
    wide = pad(plane[None, None], (far, far, far, far), mode="replicate")
    return conv2d(conv2d(wide, bell[None, None, None, :]), bell[None, None, :, None])[0, 0]


@contextmanager
def maps_of(net: nn.Module) -> Iterator[list[list[tuple[str, Tensor]]]]:
    """For each time that `net` is asked: (module, output) of all within that gives on a map.

    They stand in the order in which they are ready, `net` itself last.

    Example:
        >>> net = nn.Sequential(nn.Conv2d(1, 4, 3), nn.Flatten())
        >>> with maps_of(net) as readings:
        ...     _ = net(torch.zeros(1, 1, 5, 5))
        >>> [(name, list(found.shape)) for name, found in readings[0]]
        [('0', [1, 4, 3, 3])]
    """
    readings: list[list[tuple[str, Tensor]]] = []

    def begin(module: nn.Module, inputs: object) -> None:
        readings.append([])

    def note(name: str) -> Callable[[nn.Module, object, object], None]:
        def keep(module: nn.Module, inputs: object, output: object) -> None:
            if isinstance(output, Tensor) and output.ndim == 4 and output.shape[2:].numel() > 1:
                readings[-1].append((name, output))

        return keep

    handles = [net.register_forward_pre_hook(begin)]
    handles += [module.register_forward_hook(note(name)) for name, module in net.named_modules()]
    try:
        yield readings
    finally:
        for handle in handles:
            handle.remove()
