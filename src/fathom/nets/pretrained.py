"""Networks for pictures that learned elsewhere, as the package transformers builds them."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields
from importlib import import_module
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from fathom.base.errors import MissingExtra, RunError, listed
from fathom.nets.convolution import PictureNet
from fathom.nets.foreign import ForeignShape, drawn_from

_OLDEST = 5


@dataclass(frozen=True)
class Architecture:
    """Where transformers keeps what belongs to one type of model.

    Attributes:
        config, model: names of its classes.
        stem, blocks, end: names of the modules that see the picture first, of the list of those
            that follow, and of the norm behind them; "" = there is none.
        tokens: whether the picture becomes tokens; else a map.
        options: of the class.
    """

    config: str
    model: str
    stem: str
    blocks: str
    end: str = "layernorm"
    tokens: bool = False
    options: tuple[tuple[str, Any], ...] = ()


_STEM, _STAGES, _LAYERS = "embeddings", "encoder.stages", "encoder.layer"
# The pooled vector of a ViT is left out: a layer of its own that only some of them were given.
ARCHITECTURES: dict[str, Architecture] = {
    "resnet": Architecture("ResNetConfig", "ResNetModel", "embedder", _STAGES, ""),
    "convnext": Architecture("ConvNextConfig", "ConvNextModel", _STEM, _STAGES),
    "convnextv2": Architecture("ConvNextV2Config", "ConvNextV2Model", _STEM, _STAGES),
    "vit": Architecture(
        "ViTConfig",
        "ViTModel",
        _STEM,
        "layers",
        tokens=True,
        options=(("add_pooling_layer", False),),
    ),
    "dinov2": Architecture("Dinov2Config", "Dinov2Model", _STEM, _LAYERS, tokens=True),
    "dinov2_with_registers": Architecture(
        "Dinov2WithRegistersConfig", "Dinov2WithRegistersModel", _STEM, _LAYERS, tokens=True
    ),
}


@dataclass(frozen=True, kw_only=True)
class PretrainedShape(ForeignShape):
    """What a network from elsewhere looks like.

    Attributes:
        model_type: a word of `ARCHITECTURES`.
        config: its sizes under the names of transformers, as JSON.

    Example:
        >>> PretrainedShape(model_type="vit", config='{"patch_size": 14}').facts["patch_size"]
        14
    """

    model_type: str
    config: str

    @property
    def facts(self) -> dict[str, Any]:
        """The sizes by name."""
        return json.loads(self.config)

    @property
    def num_layers(self) -> int:
        return int(self.facts.get("num_hidden_layers", 0))

    @property
    def multiple(self) -> int:
        if not ARCHITECTURES[self.model_type].tokens:
            return 32  # five times each side is halved
        patch = self.facts["patch_size"]
        return int(max(patch) if isinstance(patch, list) else patch)


class Pretrained(PictureNet):
    """A network of transformers as a network for pictures.

    Of a map the vector is its mean over all places (for ConvNeXt normalised), as in the network's
    own classifier. Of tokens it is the class token beside the mean of the patches: training with
    classes gathers what it needs in the first; training without them leaves much in the second.

    Args:
        shape: what it looks like.
        generator: where the initial weights are drawn from.

    Raises:
        MissingExtra: transformers is not installed.

    Source: He et al., "Deep residual learning", 2016; Liu et al., "A ConvNet for the 2020s", 2022;
        Woo et al., "ConvNeXt V2", 2023; Dosovitskiy et al., "An image is worth 16x16 words", 2021;
        Oquab et al., "DINOv2", 2023, which answers from the same two vectors; Darcet et al.,
        "Vision transformers need registers", 2024.
    """

    def __init__(self, shape: PretrainedShape, generator: torch.Generator) -> None:
        super().__init__()
        known = ARCHITECTURES[shape.model_type]
        config = _config(known, shape.facts)
        with drawn_from(generator):
            self.model: nn.Module = _class(known.model)(config, **dict(known.options))
        for name, parameter in self.model.named_parameters():
            # Only pretraining hides patches: no answer depends on what stands in their place.
            parameter.requires_grad_(not name.endswith("mask_token"))
        self.tokens = known.tokens
        self.options = {"interpolate_pos_encoding": True} if shape.model_type == "vit" else {}
        # Registers stand between the class token and the patches, and say nothing of a place.
        self.num_before = 1 + int(shape.facts.get("num_register_tokens", 0))
        dim = config.hidden_size if known.tokens else config.hidden_sizes[-1]
        self.dim_out = 2 * dim if known.tokens else dim
        self.names = _layers(known, self.model)

    @property
    def layers(self) -> tuple[str, ...]:
        return self.names

    def forward(
        self, x: Float[Tensor, "batch channels height width"]
    ) -> Float[Tensor, "batch dim_out"]:
        found = self.model(x, **self.options)
        if not self.tokens:
            return found.pooler_output.flatten(1)
        tokens = found.last_hidden_state
        return torch.cat([tokens[:, 0], tokens[:, self.num_before :].mean(1)], dim=1)


def _layers(known: Architecture, model: nn.Module) -> tuple[str, ...]:
    num = len(list(model.get_submodule(known.blocks).children()))
    blocks = [f"{known.blocks}.{number}" for number in range(num)]
    return tuple(f"model.{name}" for name in (known.stem, *blocks, known.end) if name)


def shape_of(model_type: str, facts: Mapping[str, Any]) -> PretrainedShape:
    """The shape out of what a config.json says, with transformers' own values where it is silent.

    Names that are none of a size are left out: nothing of a file chooses what code is run.

    Raises:
        MissingExtra: transformers is not installed.
        ValueError, TypeError: what the file says cannot be.
    """
    kind = _class(ARCHITECTURES[model_type].config)
    config = _config(ARCHITECTURES[model_type], facts)
    sizes = {name: getattr(config, name) for name in _names(kind)}
    return PretrainedShape(model_type=model_type, config=json.dumps(sizes, sort_keys=True))


def weights_of(shape: PretrainedShape, stored: dict[str, Tensor]) -> dict[str, Tensor]:
    """The weights of `Pretrained` out of those of a model.safetensors, heads left out.

    transformers finds them, as it knows the names that they had in its earlier versions.

    Raises:
        MissingExtra: transformers is not installed.
        RuntimeError, ValueError: they do not fit the shape.
    """
    known = ARCHITECTURES[shape.model_type]
    with _quiet():
        model, told = _class(known.model).from_pretrained(
            None,
            config=_config(known, shape.facts),
            state_dict=stored,
            output_loading_info=True,
            dtype=torch.float32,
            **dict(known.options),
        )
    absent = sorted(told["missing_keys"])
    if absent:
        raise ValueError(f"no weights called {listed(absent, most=3)}")
    found = model.state_dict()
    return {f"model.{name}": tensor.detach().clone() for name, tensor in found.items()}


def _config(known: Architecture, facts: Mapping[str, Any]) -> Any:
    kind = _class(known.config)
    return kind(**{name: facts[name] for name in _names(kind) if name in facts})


def _names(kind: type[Any]) -> list[str]:
    """The sizes of one type of model: what all types have in common tells other things."""
    common = {one.name for one in fields(_class("PreTrainedConfig"))}
    names = (one.name for one in fields(kind))
    return [name for name in names if name not in common and not name.startswith("_")]


def _class(name: str) -> type[Any]:
    """A class of transformers, which is imported here and no sooner: it takes seconds."""
    try:
        package = import_module("transformers")
    except ImportError as error:
        what = "A network of the package transformers"
        raise MissingExtra("transformers", "transformers", what) from error
    if int(package.__version__.partition(".")[0]) < _OLDEST:
        raise RunError(
            "The package 'transformers' is too old.",
            expected=f"version {_OLDEST} or newer",
            got=package.__version__,
            do="pip install --upgrade 'fathom-learn[transformers]'",
        )
    return getattr(package, name)


@contextmanager
def _quiet() -> Iterator[None]:
    """No bars and no reports of heads left out, which we leave out on purpose."""
    logging = import_module("transformers.utils.logging")
    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()
