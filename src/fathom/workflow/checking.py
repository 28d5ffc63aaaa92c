"""What every check of a training measures on the rows that are held out for choosing."""

from collections.abc import Callable

import numpy as np
from torch import Tensor, nn

from fathom.base.precision import Precision
from fathom.columns.number import FittedNumber
from fathom.encoders.image import one_view
from fathom.evaluation.calibrate import tempered_loss
from fathom.heads.head import Answer
from fathom.models.model import run_network
from fathom.models.network import Network
from fathom.models.preparation import Preparation, head_name
from fathom.tables.batches import RowExamples


def validator(
    preparation: Preparation,
    examples: RowExamples,
    precision: Precision = "fp32",
    *,
    tempered: bool = False,
) -> Callable[[nn.Module], dict[str, float]]:
    """What every check measures: "loss" sums one honest figure per target.

    Numbers: mean squared error of the members' common answer in standard units (the pinball or
    absolute loss where that is what was asked for); classes: log loss of their common
    probability. The common answer, not the members' own losses, is what is kept. Of a picture
    it is made of one view: steps are compared with one another here, and with nothing else.

    Args:
        preparation: tells the targets.
        examples: the held rows.
        precision: that of the steps: checks are a part of the training, and in bf16 as much
            quicker as these. What the finished model answers is computed in fp32.
        tempered: whether classes are judged at the temperature that suits them best.
    """

    def validate(network: nn.Module) -> dict[str, float]:
        assert isinstance(network, Network), "the workflow trains its own networks"
        with one_view(network):
            answers = run_network(network, examples, precision=precision)
        total = 0.0
        for place, column in enumerate(preparation.targets):
            name = head_name(place)
            head, target = network.head(name), examples.targets[name]
            known, weight = target.mask, examples.weight
            total += _figure(
                answers[name], target.data, known, weight, column.fitted, head, tempered=tempered
            )
        return {"loss": total}

    return validate


def _figure(
    answer: Answer,
    truth: Tensor,
    mask: Tensor | None,
    weight: Tensor,
    fitted: object,
    head: nn.Module,
    *,
    tempered: bool,
) -> float:
    known = np.ones(len(truth), dtype=bool) if mask is None else mask.cpu().numpy()
    weights = weight.cpu().numpy()[known].astype(np.float64)
    true = truth.cpu().numpy()[known]
    if isinstance(fitted, FittedNumber):
        assert answer.value is not None, "numbers are answered by values"
        error = true - answer.value[known]
        if answer.quantiles is not None:
            levels = np.array(head.levels)
            gap = true[:, None] - answer.quantiles[known]
            loss = np.maximum(levels * gap, (levels - 1) * gap).mean(1)
        elif head.loss_name == "mean_absolute_error":
            loss = np.abs(error)
        else:
            loss = error**2
    else:
        assert answer.probability is not None, "classes are answered by probabilities"
        chance = np.clip(answer.probability[known], 1e-7, 1 - 1e-7)
        if true.ndim == 2:
            loss = -(true * np.log(chance) + (1 - true) * np.log1p(-chance)).mean(1)
        else:
            if tempered and weights.sum() > 0:
                return tempered_loss(true, np.log(chance), weights)
            loss = -np.log(chance[np.arange(len(true)), true])
    return float((loss * weights).sum() / max(weights.sum(), 1e-12))
