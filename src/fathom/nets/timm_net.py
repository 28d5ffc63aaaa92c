"""Networks for pictures that learned elsewhere, as the package timm builds them."""

from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from fathom.base.errors import RunError, listed
from fathom.nets.convolution import PictureNet
from fathom.nets.foreign import ForeignShape, drawn_from

_HALVED = 32  # five times each side is halved


@dataclass(frozen=True, kw_only=True)
class TimmShape(ForeignShape):
    """What a network of timm looks like.

    Attributes:
        architecture: the name by which timm knows it.
        channels, height, width: of the pictures that it learned on.
        pooling: how places become one vector, where that was said; "" = as usual.
        patch: the side of a patch where it sees patches, in pixels; 0 = it does not.
        fixed: whether it takes pictures of its one size only.
        depth: layers that stand one behind the other.
    """

    architecture: str
    channels: int = 3
    height: int = 224
    width: int = 224
    pooling: str = ""
    patch: int = 0
    fixed: bool = False
    depth: int = 0

    @property
    def multiple(self) -> int:
        return 0 if self.fixed else self.patch or _HALVED

    @property
    def num_layers(self) -> int:
        return self.depth


class TimmNet(PictureNet):
    """A network of timm as a network for pictures; the vector is what its own classifier sees.

    Args:
        shape: what it looks like.
        generator: where the initial weights are drawn from.

    Raises:
        RunError: timm cannot be imported, or has no such network.

    Source: Wightman, "PyTorch Image Models", 2019.
    """

    def __init__(self, shape: TimmShape, generator: torch.Generator) -> None:
        super().__init__()
        with drawn_from(generator):
            self.model = _built(shape)[0]
        self.dim_out = int(getattr(self.model, "head_hidden_size", None) or _width(self.model))
        self.names = tuple(f"model.{name}" for name in _layers(self.model))

    @property
    def layers(self) -> tuple[str, ...]:
        return self.names

    def forward(
        self, x: Float[Tensor, "batch channels height width"]
    ) -> Float[Tensor, "batch dim_out"]:
        return self.model(x)


def shape_of_timm(architecture: str, size: tuple[int, int, int], pooling: str = "") -> TimmShape:
    """The shape of a network of timm.

    Args:
        architecture: the name by which timm knows it.
        size: channels, height and width of the pictures that it learned on.
        pooling: how places become one vector; "" = as usual.

    Raises:
        RunError: timm cannot be imported, or has no such network.
    """
    channels, height, width = size
    said = TimmShape(
        architecture=architecture, channels=channels, height=height, width=width, pooling=pooling
    )
    model, fixed = _built(said)
    patch = getattr(getattr(model, "patch_embed", None), "patch_size", 0)
    patch = max(patch) if isinstance(patch, tuple) else int(patch)
    return TimmShape(
        architecture=architecture,
        channels=channels,
        height=height,
        width=width,
        pooling=pooling,
        patch=patch,
        fixed=fixed,
        depth=len([*_layers(model)]),
    )


def weights_of_timm(shape: TimmShape, stored: dict[str, Tensor], head: str) -> dict[str, Tensor]:
    """The weights of `TimmNet` out of those of a model.safetensors, the classifier left out.

    Args:
        shape: what it looks like.
        stored: the weights by name.
        head: the dotted name of the classifier in them.

    Raises:
        ValueError, RuntimeError: they do not fit the shape.
    """
    model, _ = _built(shape)
    kept = {n: t.float() if t.is_floating_point() else t for n, t in stored.items()
            if not (head and n.startswith(f"{head}."))}  # fmt: skip
    wanted = model.state_dict()
    odd = [name for name in {*wanted} ^ {*kept} if not name.endswith("num_batches_tracked")]
    if odd:
        raise ValueError(f"weights that only one of both has: {listed(sorted(odd), most=3)}")
    model.load_state_dict(kept, strict=False)
    return {f"model.{name}": tensor.detach().clone() for name, tensor in model.state_dict().items()}


def _built(shape: TimmShape) -> tuple[Any, bool]:
    """The network without its classifier, and whether it takes pictures of one size only."""
    timm = _timm()
    if not timm.is_model(shape.architecture):
        raise RunError(
            "timm has no network of this name.",
            expected="an architecture of timm.list_models()",
            got=f"'{shape.architecture}', with timm {timm.__version__}",
            do="Update timm, or take another network.",
        )
    said: dict[str, Any] = {"num_classes": 0, "in_chans": shape.channels}
    if shape.pooling:
        said["global_pool"] = shape.pooling
    size = {"img_size": (shape.height, shape.width)}
    # Those that see patches know positions; some of them only those of one size.
    for more, fixed in (({**size, "dynamic_img_size": True}, False), (size, True)):
        try:
            return timm.create_model(shape.architecture, pretrained=False, **said, **more), fixed
        except TypeError:
            continue
    return timm.create_model(shape.architecture, pretrained=False, **said), False


def _width(model: Any) -> int:
    return model.num_features


def _layers(model: nn.Module) -> Iterator[str]:
    """Parts in the order in which a picture goes through them; stages one by one.

    Weights that stand in no part (positions, the token of the class) come first, as what they are
    added to.
    """
    yield from (name for name, _ in model.named_parameters(recurse=False))
    for name, part in model.named_children():
        if not any(True for _ in part.parameters()):
            continue
        several = isinstance(part, nn.Sequential | nn.ModuleList) and len(part) > 1
        yield from (
            (f"{name}.{inner}" for inner, _ in part.named_children()) if several else (name,)
        )


def _timm() -> Any:
    """The package, which is imported here and no sooner."""
    try:
        return import_module("timm")
    except (ImportError, RuntimeError, OSError) as error:  # torchvision fails in its own ways
        raise RunError(
            "A network of the package timm needs timm, which cannot be imported.",
            expected="timm, and a torchvision that was built for this PyTorch",
            got=(str(error).splitlines() or [type(error).__name__])[0],
            do="Install both (they are no extra of fathom-learn, since torchvision must match "
            "PyTorch), or take a network in the format of transformers.",
        ) from error
