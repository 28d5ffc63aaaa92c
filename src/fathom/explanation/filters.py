"""What a convolutional network is made of: the filters of its first layer, its maps by stage."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from fathom.explanation.saliency import maps_of
from fathom.layers.whitening import PatchWhitening


@dataclass(frozen=True)
class Filters:
    """Of the first layer.

    Attributes:
        weight: the patterns that it looks for.
        learned: whether training changes them.
    """

    weight: Float[Tensor, "filters channels height width"]
    learned: bool


def first_filters(net: nn.Module) -> Filters | None:
    """The filters of the first convolution; None where there is none.

    Example:
        >>> found = first_filters(nn.Sequential(nn.Conv2d(3, 8, 5), nn.Conv2d(8, 2, 1)))
        >>> list(found.weight.shape), found.learned
        ([8, 3, 5, 5], True)
    """
    for module in net.modules():
        if isinstance(module, nn.Conv2d | PatchWhitening):
            learned = isinstance(module.weight, nn.Parameter)
            return Filters(module.weight.detach(), learned)
    return None


def stage_maps(
    net: nn.Module, read: Callable[[], object]
) -> list[tuple[str, Float[Tensor, "channels rows columns"]]]:
    """(stage, its map) of one picture, for the stages that a network is written in.

    Stages are the network's own parts and those of its lists; what is inside of them is not.

    Args:
        net: what reads the picture.
        read: has `net` read one picture; only the first reading counts.

    Example:
        >>> net, x = nn.Sequential(nn.Conv2d(1, 4, 3), nn.MaxPool2d(2)), torch.zeros(1, 1, 8, 8)
        >>> [(name, list(one.shape)) for name, one in stage_maps(net, lambda: net(x))]
        [('0', [4, 6, 6]), ('1', [4, 3, 3])]
    """
    lists = {name for name, one in net.named_modules() if isinstance(one, nn.ModuleList)}
    with torch.no_grad(), maps_of(net) as readings:
        read()
    maps = readings[0] if readings else []
    return [(name, one[0]) for name, one in maps if name and _owner(name) in {"", *lists}]


def _owner(name: str) -> str:
    return name.rpartition(".")[0]


def strongest(
    found: Float[Tensor, "channels rows columns"], most: int
) -> Float[Tensor, "some rows columns"]:
    """The channels that vary most over the picture, the strongest first.

    Example:
        >>> maps = torch.stack([torch.zeros(2, 2), torch.eye(2), 3 * torch.eye(2)])
        >>> strongest(maps, 2).amax((1, 2)).tolist()
        [3.0, 1.0]
    """
    spread = found.flatten(1).std(1, correction=0)
    return found[spread.argsort(descending=True, stable=True)[:most]]
