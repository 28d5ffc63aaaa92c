"""Answers that are one of several words."""

from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

from fathom.base.tensors import Features, Field, Loss
from fathom.heads.head import Answer, AnswerSettings, Head, filled, output_layer, weighted
from fathom.losses.classification import cross_entropy, focal

CategoryLoss = Literal["cross_entropy", "focal"]


class CategoryHead(Head[Tensor]):
    """A probability for each class. Two classes are two logits, like any other number.

    Args:
        dim_in: width of the features.
        num_classes: how many classes.
        members: how many members the features have, None for a single network.
        loss: which loss is descended.
        label_smoothing: share of the truth spread over all classes in training.
        class_weight: how much each class counts in the loss; None = all the same.
        generator: where initial weights are drawn from.
    """

    needs = frozenset({"vector"})

    def __init__(
        self,
        dim_in: int,
        num_classes: int,
        members: int | None,
        generator: torch.Generator,
        loss: CategoryLoss = "cross_entropy",
        label_smoothing: float = 0.0,
        class_weight: tuple[float, ...] | None = None,
    ) -> None:
        super().__init__()
        self.loss_name: CategoryLoss = loss
        self.label_smoothing = label_smoothing
        self.layer = output_layer(dim_in, num_classes, members, generator)
        self.class_weight: Tensor | None
        self.register_buffer(
            "class_weight", None if class_weight is None else torch.tensor(class_weight)
        )

    def forward(self, features: Features, teacher: Field | None = None) -> Tensor:
        return self.layer(features.tensor).float()

    def loss(self, output: Tensor, target: Field, weight: Float[Tensor, " batch"]) -> Loss:
        truth = filled(target)
        if output.ndim == 3:
            truth = truth.unsqueeze(1).expand(-1, output.shape[1], *truth.shape[1:])
        if self.loss_name == "focal":
            per_example = focal(output, truth)
        else:
            smoothing = self.label_smoothing if self.training else 0.0
            per_example = cross_entropy(output, truth, label_smoothing=smoothing)
        if self.class_weight is not None and self.training:
            weight = weight * self.class_weight[filled(target)]
        return weighted(per_example, target, weight)

    def answer(self, output: Tensor, settings: AnswerSettings) -> Answer:
        common = output
        if output.ndim == 3:
            # Members vote with probabilities; the logit of their mean takes the temperature.
            common = output.softmax(-1).mean(1).clamp_min(1e-12).log()
        return Answer(probability=(common / settings.temperature).softmax(-1).cpu().numpy())
