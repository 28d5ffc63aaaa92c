"""The networks for pictures by name: what each looks like, and how it is built."""

from collections.abc import Mapping
from typing import Any, Literal

import torch

from fathom.base.errors import RecipeError
from fathom.columns.image import FittedImage
from fathom.layers.whitening import Patches, PatchWhitening
from fathom.nets.convnext import ConvNext, ConvNextShape
from fathom.nets.convolution import (
    FastResidual,
    Flat,
    LearnedPatches,
    LeNet,
    PictureNet,
    ResidualShape,
)
from fathom.nets.pretrained import Pretrained, PretrainedShape
from fathom.nets.quick import Quick, QuickShape
from fathom.nets.timm_net import TimmNet, TimmShape
from fathom.nets.vit import Vit, VitShape

PICTURE_NETWORKS: dict[str, str] = {
    "residual": "A fast residual network; the default.",
    "quick": "Stages without sums that learn much in few steps; for small pictures.",
    "convnext": "Wide views by channel, then mixed place by place; for larger pictures.",
    "vit": "Patches that look at one another: a transformer; for many pictures.",
    "lenet": "The classic of two convolutions; simple enough to be drawn.",
    "flat": "The pixels in a row: all that follows is up to `network.name`.",
    "pretrained": "One of the package transformers, which `transfer.from` names.",
    "timm": "One of the package timm, which `transfer.from` names.",
}
PictureNetworkName = Literal[
    "residual", "quick", "convnext", "vit", "lenet", "flat", "pretrained", "timm"
]
PictureShape = ResidualShape | QuickShape | ConvNextShape | VitShape | PretrainedShape | TimmShape
FOREIGN: tuple[PictureNetworkName, ...] = ("pretrained", "timm")

# Those that can look otherwise; the others are always the same.
SHAPES: dict[str, type[PictureShape]] = {
    "residual": ResidualShape,
    "quick": QuickShape,
    "convnext": ConvNextShape,
    "vit": VitShape,
    "pretrained": PretrainedShape,
    "timm": TimmShape,
}
_USUAL: dict[str, PictureShape] = {
    "residual": ResidualShape(),
    "quick": QuickShape(),
    "convnext": ConvNextShape(),
    "vit": VitShape(),
}


def usual_shape(name: PictureNetworkName) -> PictureShape | None:
    """What a network looks like where nothing is said; None = it has no choices, or none is usual.

    Example:
        >>> usual_shape("vit").depth, usual_shape("lenet")
        (6, None)
    """
    return _USUAL.get(name)


def check_shape(name: PictureNetworkName, shape: PictureShape | None) -> None:
    """A shape is of the network that shall have it, or left out.

    Raises:
        RecipeError: it is another's, or left out where no shape is usual.
    """
    wanted = SHAPES.get(name)
    if shape is None and name in FOREIGN:
        raise RecipeError(
            "What a network from elsewhere looks like must be said.",
            where="picture_shape",
            expected=f"a {SHAPES[name].__name__}",
            got="none",
            do="Name the network to start from with transfer.from.",
        )
    if shape is not None and (wanted is None or not isinstance(shape, wanted)):
        raise RecipeError(
            f"The shape does not belong to the network for pictures '{name}'.",
            where="picture_shape",
            expected="none: it has no choices" if wanted is None else f"a {wanted.__name__}",
            got=f"a {type(shape).__name__}",
            do="Leave it out for the usual one, or give that of the network.",
        )


def shape_from(name: PictureNetworkName, facts: Mapping[str, Any] | None) -> PictureShape | None:
    """A shape as it was stored, by `dataclasses.asdict`.

    Raises:
        TypeError: what was stored does not fit the network.

    Example:
        >>> shape_from("residual", {"widths": [8, 16], "depth": 1, "whiten": True})
        ResidualShape(widths=(8, 16), depth=1, whiten=True)
    """
    if name not in SHAPES or facts is None:
        return None
    known: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value for key, value in facts.items()
    }
    return SHAPES[name](**known)


def stored_shape(facts: dict[str, Any]) -> PictureShape | None:
    """The shape out of stored facts, which it is taken from; older ones call it "residual".

    Example:
        >>> facts = {"pictures": "lenet", "residual": {"widths": [8], "depth": 1, "whiten": True}}
        >>> stored_shape(facts), facts
        (None, {'pictures': 'lenet'})
    """
    key = "residual" if "residual" in facts else "picture_shape"
    return shape_from(facts["pictures"], facts.pop(key))


def build_picture_net(
    name: PictureNetworkName,
    shape: PictureShape | None,
    fitted: FittedImage,
    generator: torch.Generator,
) -> PictureNet:
    """The network of that name for pictures as they were fitted; no shape = the usual one."""
    shape = shape or usual_shape(name)
    size = (fitted.channels, fitted.height, fitted.width)
    if isinstance(shape, PretrainedShape):
        return Pretrained(shape, generator)
    if isinstance(shape, TimmShape):
        return TimmNet(shape, generator)
    if isinstance(shape, ResidualShape):
        patches = _patches(fitted, shape.widths[0], generator, whiten=shape.whiten)
        return FastResidual(patches, shape, generator)
    if isinstance(shape, QuickShape):
        patches = _patches(fitted, shape.widths[0], generator)
        return Quick(patches, shape, generator)
    if isinstance(shape, ConvNextShape):
        return ConvNext(*size, shape, generator)
    if isinstance(shape, VitShape):
        return Vit(*size, shape, generator)
    return LeNet(*size, generator) if name == "lenet" else Flat(*size)


def _patches(
    fitted: FittedImage, width: int, generator: torch.Generator, *, whiten: bool = True
) -> PatchWhitening | LearnedPatches:
    if not whiten:
        return LearnedPatches(fitted.channels, width // 2, generator)
    suited = Patches.suited(fitted.channels, fitted.height, fitted.width)
    return PatchWhitening(fitted.unit_texture, suited)
