"""The contract of a head: features to raw output, output to loss, output to answer."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from fathom.base.tensors import Features, Field, Form, Loss
from fathom.layers.members import MemberLinear


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a head says of some examples, in the space of its fitted target.

    Attributes:
        value: a number per example, transformed as the target was; None for classes.
        quantiles: ["examples", "levels"], if the head was trained for quantiles.
        probability: ["examples", "classes"]; None for numbers.
    """

    value: np.ndarray | None = None
    quantiles: np.ndarray | None = None
    probability: np.ndarray | None = None


@dataclass(frozen=True, kw_only=True)
class AnswerSettings:
    """What was chosen on validation rows for turning outputs into answers.

    Attributes:
        temperature: logits are divided by it; above 1 makes probabilities more modest.
    """

    temperature: float = 1.0


class Head(nn.Module, ABC):
    """Turns features into raw outputs, losses and answers.

    Attributes:
        needs: the forms of features it can work on.
    """

    needs: frozenset[Form]

    @abstractmethod
    def forward(self, features: Features, teacher: Field | None = None) -> Tensor:
        """Raw output in fp32: ["batch", "out"], or ["batch", "members", "out"].

        Args:
            features: what the body of the network made of the inputs.
            teacher: the true target, for heads that answer step by step; others ignore it.
        """

    @abstractmethod
    def loss(self, output: Tensor, target: Field, weight: Float[Tensor, " batch"]) -> Loss:
        """Sum and count of the loss over the examples whose target is present."""

    @abstractmethod
    def answer(self, output: Tensor, settings: AnswerSettings) -> Answer:
        """The members' common answer."""


def output_layer(
    dim_in: int, dim_out: int, members: int | None, generator: torch.Generator
) -> nn.Module:
    """The last linear layer: one for all, or one for each member."""
    if members is not None:
        return MemberLinear(members, dim_in, dim_out, generator)
    layer = nn.Linear(dim_in, dim_out)
    bound = dim_in**-0.5
    with torch.no_grad():
        layer.weight.uniform_(-bound, bound, generator=generator)
        layer.bias.zero_()
    return layer


def weighted(
    per_example: Float[Tensor, "batch *members"],
    target: Field,
    weight: Float[Tensor, " batch"],
    name: str = "loss",
) -> Loss:
    """Losses of examples (and members) as a weighted sum and count; absent targets count 0."""
    if per_example.ndim == 2:
        per_example = per_example.mean(1)
    if target.mask is not None:
        weight = weight * target.mask
        per_example = torch.where(target.mask, per_example, torch.zeros_like(per_example))
    return Loss({name: ((per_example * weight).sum(), weight.sum())})
