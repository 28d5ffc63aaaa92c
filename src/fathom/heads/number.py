"""Answers that are numbers: a mean, a median, or quantiles."""

from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

from fathom.base.tensors import Features, Field, Loss
from fathom.heads.head import Answer, AnswerSettings, Head, filled, output_layer, weighted
from fathom.losses.regression import (
    huber,
    mean_absolute_error,
    mean_squared_error,
    quantile,
)

NumberLoss = Literal["mean_squared_error", "mean_absolute_error", "huber", "quantile"]
DEFAULT_LEVELS = (0.05, 0.25, 0.5, 0.75, 0.95)


class NumberHead(Head[Tensor]):
    """A number per example, or several quantiles of it.

    Args:
        dim_in: width of the features.
        members: how many members the features have, None for a single network.
        loss: which loss is descended.
        levels: the quantiles to learn when the loss is "quantile"; 0.5 must be among them.
        generator: where initial weights are drawn from.
    """

    needs = frozenset({"vector"})

    def __init__(
        self,
        dim_in: int,
        members: int | None,
        loss: NumberLoss,
        generator: torch.Generator,
        levels: tuple[float, ...] = DEFAULT_LEVELS,
    ) -> None:
        super().__init__()
        self.loss_name: NumberLoss = loss
        self.levels = levels if loss == "quantile" else ()
        self.layer = output_layer(dim_in, max(len(self.levels), 1), members, generator)

    def forward(self, features: Features, teacher: Field | None = None) -> Tensor:
        return self.layer(features.tensor).float()

    def loss(self, output: Tensor, target: Field, weight: Float[Tensor, " batch"]) -> Loss:
        truth = filled(target) if output.ndim == 2 else filled(target).unsqueeze(1)
        if self.loss_name == "quantile":
            per_example = quantile(output, truth.expand(output.shape[:-1]), self.levels)
        else:
            single = output.squeeze(-1)
            function = {
                "mean_squared_error": mean_squared_error,
                "mean_absolute_error": mean_absolute_error,
                "huber": huber,
            }[self.loss_name]
            per_example = function(single, truth.expand(single.shape))
        return weighted(per_example, target, weight)

    def answer(self, output: Tensor, settings: AnswerSettings) -> Answer:
        common = output.mean(1) if output.ndim == 3 else output
        if not self.levels:
            return Answer(value=common.squeeze(-1).cpu().numpy())
        # Learnt quantiles may cross; sorted they never do and are never further from the truth.
        ordered = common.sort(dim=-1).values.cpu().numpy()
        return Answer(value=ordered[:, self.levels.index(0.5)], quantiles=ordered)
