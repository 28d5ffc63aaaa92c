"""The one list: which encoder reads a block, which head answers a target; putting them together."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import torch
from torch import nn

from fathom.base.errors import RecipeError, listed, nearest
from fathom.base.seeds import torch_generator
from fathom.columns.category import FittedCategory
from fathom.columns.flag import FittedFlag
from fathom.columns.image import FittedImage
from fathom.columns.number import FittedNumber
from fathom.columns.set import FittedSet
from fathom.encoders.categories import CategoriesEncoder
from fathom.encoders.encoder import Encoder
from fathom.encoders.image import ImageEncoder
from fathom.encoders.numbers import NumbersEncoder
from fathom.encoders.plain import PlainEncoder
from fathom.heads.category import CategoryHead, CategoryLoss
from fathom.heads.head import Head
from fathom.heads.labels import SetHead
from fathom.heads.number import NumberHead, NumberLoss
from fathom.models.network import Network, SideBySide
from fathom.models.picture_nets import (
    PICTURE_NETWORKS,
    PictureNetworkName,
    PictureShape,
    build_picture_net,
    check_shape,
)
from fathom.models.preparation import Column, Preparation, head_name, num_parts
from fathom.nets.mlp import MLP, EnsembleMLP, Shape

NETWORKS: dict[str, str] = {
    "ensemble": "Many feed-forward networks that share their layers (TabM); the default.",
    "mlp": "One plain feed-forward network.",
    "linear": "A weighted sum of the inputs; simple enough to be read.",
}
NetworkName = Literal["ensemble", "mlp", "linear"]


@dataclass(frozen=True, kw_only=True)
class NetworkPlan:
    """What the network looks like.

    Attributes:
        name: a word of `NETWORKS`.
        members: how many networks the ensemble holds.
        shape: hidden layers.
        pictures: a word of `PICTURE_NETWORKS`, for each column of pictures.
        picture_shape: what that one looks like; None = as usual, or it has no choices.
        both_sides: whether answers see pictures and their mirror images.
        nudged: whether answers see pictures moved by a pixel, too.
        picture_dim: length of the vector of a picture beside other inputs.
        number_dim: length of the vector of a number; 0 = the plain number.
        category_dim: length of the vector of a category.
        seed: where the initial weights come from.
    """

    name: NetworkName = "ensemble"
    members: int = 16
    shape: Shape = field(default_factory=Shape)
    pictures: PictureNetworkName = "residual"
    picture_shape: PictureShape | None = None
    both_sides: bool = False
    nudged: bool = False
    picture_dim: int = 32
    number_dim: int = 16
    category_dim: int = 16
    seed: int = 0

    def __post_init__(self) -> None:
        _check_word("network.name", "network", self.name, NETWORKS)
        words = PICTURE_NETWORKS
        _check_word("network.pictures", "network for pictures", self.pictures, words)
        check_shape(self.pictures, self.picture_shape)


def _check_word(key: str, what: str, word: str, known: Mapping[str, str]) -> None:
    if word not in known:
        raise RecipeError(
            f"There is no {what} called '{word}'.",
            where=key,
            expected=listed(known),
            got=f"'{word}'",
            do=nearest(word, known) or "Choose one of these.",
        )


@dataclass(frozen=True, kw_only=True)
class HeadPlan:
    """How answers are learned.

    Attributes:
        number_loss: for targets that are numbers.
        category_loss: for targets that are words.
        label_smoothing: share of the truth spread over all classes.
        class_weights: target column -> weight of each class; none = all the same.
    """

    number_loss: NumberLoss = "mean_squared_error"
    category_loss: CategoryLoss = "cross_entropy"
    label_smoothing: float = 0.0
    class_weights: Mapping[str, tuple[float, ...]] | None = None


def build_network(
    preparation: Preparation, plan: NetworkPlan, heads: HeadPlan | None = None
) -> Network:
    """The network for a preparation. The same seed gives the same weights."""
    encoders = {
        name: _encoder(name, columns, preparation, plan)
        for name, columns in preparation.blocks.items()
    }
    dim = sum(encoder.dim_out for encoder in encoders.values())
    net = _net(dim, plan)
    made = {
        head_name(number): _head(column, number, net, plan, heads or HeadPlan())
        for number, column in enumerate(preparation.targets)
    }
    return Network(encoders, SideBySide(net, net.members), made)


def _encoder(
    name: str, columns: tuple[Column, ...], preparation: Preparation, plan: NetworkPlan
) -> Encoder:
    generator = torch_generator(plan.seed, "encoder", name)
    missing = [column.fitted.num_missing > 0 for column in columns]  # pyright: ignore[reportAttributeAccessIssue]
    if name == "numbers":
        numbers = [c.fitted for c in columns if isinstance(c.fitted, FittedNumber)]
        edges = [number.edges(preparation.num_bins) for number in numbers]
        dim = 0 if plan.name == "linear" else plan.number_dim
        values = [number.repeated_values(preparation.least_repeats) for number in numbers]
        return NumbersEncoder(edges, missing, preparation.projections, dim, generator, values)
    if isinstance(columns[0].fitted, FittedImage):
        alone = len(preparation.inputs) == 1
        return _pictures(columns[0].fitted, plan, None if alone else plan.picture_dim, generator)
    if name == "categories":
        codes = [c.fitted.num_codes for c in columns if isinstance(c.fitted, FittedCategory)]
        return CategoriesEncoder(codes, plan.category_dim, generator)
    sizes = [num_parts(column) for column in columns]
    signs = [m for m, size in zip(missing, sizes, strict=True) for m in [m] + [False] * (size - 1)]
    return PlainEncoder(sum(sizes), signs)


def _pictures(
    fitted: FittedImage, plan: NetworkPlan, dim: int | None, generator: torch.Generator
) -> ImageEncoder:
    return ImageEncoder(
        build_picture_net(plan.pictures, plan.picture_shape, fitted, generator),
        fitted.mean,
        fitted.standard_deviation,
        missing=fitted.num_missing > 0,
        dim=dim,
        generator=generator,
        both_sides=plan.both_sides,
        nudged=plan.nudged,
    )


class Straight(nn.Module):
    """No hidden layer at all: the heads see the encoders' features."""

    members = None

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.dim_out = dim

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x


def _net(dim: int, plan: NetworkPlan) -> MLP | EnsembleMLP | Straight:
    generator = torch_generator(plan.seed, "body")
    if plan.name == "linear":
        return Straight(dim)
    if plan.name == "mlp":
        return MLP(dim, plan.shape, generator)
    return EnsembleMLP(dim, plan.members, plan.shape, generator)


def _head(
    column: Column,
    number: int,
    net: MLP | EnsembleMLP | Straight,
    plan: NetworkPlan,
    heads: HeadPlan,
) -> Head[torch.Tensor]:
    generator = torch_generator(plan.seed, "head", number)
    dim, members, fitted = net.dim_out, net.members, column.fitted
    if isinstance(fitted, FittedNumber):
        return NumberHead(dim, members, heads.number_loss, generator)
    if isinstance(fitted, FittedSet):
        return SetHead(dim, fitted.num_levels, members, generator)
    assert isinstance(fitted, FittedCategory | FittedFlag), "other kinds were refused before"
    weights = (heads.class_weights or {}).get(column.name)
    return CategoryHead(
        dim,
        len(fitted.levels),
        members,
        generator,
        heads.category_loss,
        heads.label_smoothing,
        weights,
    )
