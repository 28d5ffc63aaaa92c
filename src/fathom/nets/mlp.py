"""Feed-forward networks for rows of features: linear, plain, and an efficient ensemble."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from fathom.layers.activation import activation
from fathom.layers.dropout import Dropout
from fathom.layers.initialise import initialise
from fathom.layers.members import MemberScale
from fathom.layers.norm import norm


@dataclass(frozen=True, kw_only=True)
class Shape:
    """What the hidden layers of a feed-forward network look like.

    Attributes:
        width: units in each hidden layer.
        depth: how many hidden layers.
        activation: its word, e.g. "relu".
        norm: "none", "batch", "layer", "rms": before each activation.
        dropout: share of the units silenced in each training step.
        initialisation: its word, e.g. "kaiming_uniform".
    """

    width: int = 256
    depth: int = 2
    activation: str = "relu"
    norm: str = "none"
    dropout: float = 0.0
    initialisation: str = "default"


def hidden_layers(dim_in: int, shape: Shape, generator: torch.Generator) -> nn.Sequential:
    """linear → norm → activation → dropout, `depth` times."""
    bricks: list[nn.Module] = []
    for level in range(shape.depth):
        linear = nn.Linear(dim_in if level == 0 else shape.width, shape.width)
        initialise(linear, shape.initialisation, generator, shape.activation)
        bricks.append(linear)
        if shape.norm != "none":
            bricks.append(norm(shape.norm, shape.width))
        bricks.append(activation(shape.activation))
        if shape.dropout > 0:
            bricks.append(Dropout(shape.dropout))
    return nn.Sequential(*bricks)


class MLP(nn.Module):
    """The plain feed-forward network: linear layers with bends between them.

    Args:
        dim_in: width of the input.
        shape: what its hidden layers look like.
        generator: where the initial weights are drawn from.

    Example:
        >>> MLP(5, Shape(width=7), torch.Generator())(torch.zeros(3, 5)).shape
        torch.Size([3, 7])
    """

    members = None

    def __init__(self, dim_in: int, shape: Shape, generator: torch.Generator) -> None:
        super().__init__()
        self.layers = hidden_layers(dim_in, shape, generator)
        self.dim_out = shape.width if shape.depth else dim_in

    def forward(self, x: Float[Tensor, "batch dim_in"]) -> Float[Tensor, "batch dim_out"]:
        return self.layers(x)


class EnsembleMLP(nn.Module):
    """Many feed-forward networks in one: each member sees its own view, all share the layers.

        h = mix(x),  h[member] = h · r[member],  then the same hidden layers for every member

    Costs little more than one network of the same total batch and answers like an ensemble:
    the members' mistakes differ and average out. The first, linear layer is shared before the
    members part, so that wide inputs (bins of many numbers) cost one pass and not one per member.

    Args:
        dim_in: width of the input.
        num_members: how many members.
        shape: what the shared hidden layers look like.
        generator: where the initial weights are drawn from.

    Source: Gorishniy, Kotelnikov, Babenko, "TabM: Advancing Tabular Deep Learning with
        Parameter-Efficient Ensembling", 2024 (there: TabM-mini, without the mixing layer;
        members = k).

    Example:
        >>> net = EnsembleMLP(5, 2, Shape(width=7), torch.Generator())
        >>> net(torch.zeros(3, 5)).shape
        torch.Size([3, 2, 7])
    """

    def __init__(
        self, dim_in: int, num_members: int, shape: Shape, generator: torch.Generator
    ) -> None:
        super().__init__()
        self.members = num_members
        self.mix = nn.Linear(dim_in, shape.width)
        initialise(self.mix, shape.initialisation, generator, "identity")
        self.view = MemberScale(num_members, shape.width, generator)
        self.layers = hidden_layers(shape.width, shape, generator)
        self.dim_out = shape.width

    def forward(self, x: Float[Tensor, "batch dim_in"]) -> Float[Tensor, "batch members dim_out"]:
        return self.layers(self.view(self.mix(x)))
