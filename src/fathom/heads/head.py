"""The contract of a head: features to raw output, output to loss, output to answer."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from fathom.base.tensors import Features, Field, Form, Loss, stacked
from fathom.layers.members import MemberLinear


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a head says of some examples, in the space of its fitted target.

    Attributes:
        value: a number per example, transformed as the target was; None for classes.
        quantiles: ["examples", "levels"], if the head was trained for quantiles.
        probability: ["examples", "classes"]; None for numbers.
        field: for answers of several parts (words, boxes, paths), in the form that the fitted
            target's `transform` gives, for its `decode`; ragged ones with lengths or mask.
        score: how sure each part of `field` is, ["examples", "parts"].
    """

    value: np.ndarray | None = None
    quantiles: np.ndarray | None = None
    probability: np.ndarray | None = None
    field: Field | None = None
    score: np.ndarray | None = None

    def rows(self, index: np.ndarray) -> "Answer":
        """The same answer for some examples only."""
        return Answer(
            value=None if self.value is None else self.value[index],
            quantiles=None if self.quantiles is None else self.quantiles[index],
            probability=None if self.probability is None else self.probability[index],
            field=None if self.field is None else self.field.rows(torch.from_numpy(index)),
            score=None if self.score is None else self.score[index],
        )


@dataclass(frozen=True, kw_only=True)
class AnswerSettings:
    """What was chosen on validation rows for turning outputs into answers.

    Attributes:
        temperature: logits are divided by it; above 1 makes probabilities more modest.
    """

    temperature: float = 1.0


Output = TypeVar("Output")


class Head(nn.Module, ABC, Generic[Output]):
    """Turns features into raw outputs, losses and answers.

    The output is known to the head alone: a tensor ["batch", "out"] or ["batch", "members",
    "out"] for numbers and classes, a record of tensors for boxes. A head that answers step by
    step hands its features on when it has no teacher, and takes its steps in `answer`, where the
    settings are.

    Attributes:
        needs: the forms of features it can work on.
    """

    needs: frozenset[Form]

    @abstractmethod
    def forward(self, features: Features, teacher: Field | None = None) -> Output:
        """Raw output, in fp32.

        Args:
            features: what the body of the network made of the inputs.
            teacher: the true target, for heads that answer step by step; others ignore it.
        """

    @abstractmethod
    def loss(self, output: Output, target: Field, weight: Float[Tensor, " batch"]) -> Loss:
        """Sum and count of the loss over the examples whose target is present."""

    @abstractmethod
    def answer(self, output: Output, settings: AnswerSettings) -> Answer:
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


def filled(target: Field) -> Tensor:
    """The target's data with 0 where it is absent.

    What stands there means nothing and may be NaN; a loss of NaN that counts 0 would still make
    every gradient NaN.

    Example:
        >>> filled(Field(torch.tensor([3.0, torch.nan]), torch.tensor([True, False])))
        tensor([3., 0.])
    """
    present = target.present()
    if present is None:
        return target.data
    present = present.reshape(*present.shape, *[1] * (target.data.ndim - present.ndim))
    return torch.where(present, target.data, torch.zeros_like(target.data))


def weighted(
    per_place: Float[Tensor, "batch *places"],
    target: Field,
    weight: Float[Tensor, " batch"],
    name: str = "loss",
) -> Loss:
    """Losses of examples, or of places in each (words, steps ahead, boxes), as sum and count.

    What the target says is absent (by mask or lengths) counts 0. Axes beyond those of the mask
    (members of an ensemble, numbers of a box) are averaged first, so that an example counts
    the same however many of them there are.

    Args:
        per_place: the loss of each place; its leading axes are those of the target's mask.
        target: says what is there; no mask = every example, counted once.
        weight: how much each example counts.
        name: of the part of the loss.

    Example:
        >>> target = Field(torch.zeros(2, 3), lengths=torch.tensor([3, 1]))
        >>> loss = weighted(torch.tensor([[1.0, 1, 1], [5, 9, 9]]), target, torch.ones(2))
        >>> loss.parts["loss"]
        (tensor(8.), tensor(4.))
    """
    mask = target.present()
    axes = 1 if mask is None else mask.ndim
    if per_place.ndim > axes:
        per_place = per_place.flatten(axes).mean(-1)
    weight = weight.reshape(-1, *[1] * (axes - 1)).expand(per_place.shape)
    if mask is not None:
        weight = weight * mask
        per_place = torch.where(mask, per_place, torch.zeros_like(per_place))
    return Loss({name: ((per_place * weight).sum(), weight.sum())})


def joined(answers: Sequence[Answer]) -> Answer:
    """The answers to several batches, one after the other; ragged fields become equally long."""
    whole: dict[str, np.ndarray | None] = {}
    for name in ("value", "quantiles", "probability"):
        parts = [getattr(answer, name) for answer in answers]
        whole[name] = None if parts[0] is None else np.concatenate(parts)
    fields = [answer.field for answer in answers if answer.field is not None]
    scores = [answer.score for answer in answers if answer.score is not None]
    widest = max((score.shape[1] for score in scores), default=0)
    filled = [np.pad(score, ((0, 0), (0, widest - score.shape[1]))) for score in scores]
    return Answer(
        **whole,
        field=stacked(fields) if fields else None,
        score=np.concatenate(filled) if filled else None,
    )
