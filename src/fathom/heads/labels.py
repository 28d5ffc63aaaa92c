"""Answers that are any number of words out of a list."""

import torch
from jaxtyping import Float
from torch import Tensor

from fathom.base.tensors import Features, Field, Loss
from fathom.heads.head import Answer, AnswerSettings, Head, filled, output_layer, weighted
from fathom.losses.classification import binary_cross_entropy


class SetHead(Head[Tensor]):
    """A probability for each label of a set, each on its own.

    Args:
        dim_in: width of the features.
        num_labels: how many labels there are.
        members: how many members the features have, None for a single network.
        generator: where initial weights are drawn from.
    """

    needs = frozenset({"vector"})

    def __init__(
        self, dim_in: int, num_labels: int, members: int | None, generator: torch.Generator
    ) -> None:
        super().__init__()
        self.layer = output_layer(dim_in, num_labels, members, generator)

    def forward(self, features: Features, teacher: Field | None = None) -> Tensor:
        return self.layer(features.tensor).float()

    def loss(self, output: Tensor, target: Field, weight: Float[Tensor, " batch"]) -> Loss:
        truth = filled(target) if output.ndim == 2 else filled(target).unsqueeze(1)
        per_label = binary_cross_entropy(output, truth.expand(output.shape))
        return weighted(per_label.mean(-1), target, weight)

    def answer(self, output: Tensor, settings: AnswerSettings) -> Answer:
        logits = output / settings.temperature
        common = logits.sigmoid().mean(1) if output.ndim == 3 else logits.sigmoid()
        return Answer(probability=common.cpu().numpy())
