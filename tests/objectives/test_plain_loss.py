"""Any module with any loss function: the right mean, whatever is added up and weighted."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from fathom.base.errors import RecipeError
from fathom.base.tensors import Batch, Field, Loss
from fathom.objectives.objective import Phase
from fathom.objectives.supervised import PlainLoss

NUM, WIDTH, OUT = 11, 5, 3


def _batch(weight: Tensor | None = None) -> Batch:
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(NUM, WIDTH, generator=generator)
    y = torch.randn(NUM, OUT, generator=generator)
    used = torch.ones(NUM) if weight is None else weight
    return Batch({"x": Field(x)}, {"y": Field(y)}, used, torch.arange(NUM))


def _layer() -> nn.Module:
    torch.manual_seed(0)
    return nn.Linear(WIDTH, OUT)


def _per_example(output: Tensor, target: Tensor) -> Tensor:
    return (output - target).square()


@pytest.mark.parametrize("function", [functional.mse_loss, _per_example, nn.MSELoss()])
def test_the_mean_is_the_functions_own_and_pieces_add_up_to_it(function) -> None:
    objective, layer, batch = PlainLoss(function), _layer(), _batch()
    whole = objective.loss(layer, batch, Phase())
    expected = functional.mse_loss(layer(batch.inputs["x"].data), batch.targets["y"].data)
    assert torch.allclose(whole.mean(), expected)
    parts = [
        objective.loss(layer, batch.rows(rows), Phase()) for rows in (slice(0, 4), slice(4, NUM))
    ]
    assert torch.allclose(sum(parts, Loss({})).mean(), expected)


def test_weights_count_rows() -> None:
    weight = torch.tensor([2.0, *[0.0] * 4, *[1.0] * 6])
    layer, batch = _layer(), _batch(weight)
    found = PlainLoss(_per_example).loss(layer, batch, Phase()).mean()
    index = torch.tensor([0, 0, *range(5, NUM)])
    again = functional.mse_loss(
        layer(batch.inputs["x"].data[index]), batch.targets["y"].data[index]
    )
    assert torch.allclose(found, again)


def test_a_scalar_with_weights_is_refused() -> None:
    batch = _batch(torch.arange(NUM).float())
    with pytest.raises(RecipeError, match="has averaged them away") as caught:
        PlainLoss(functional.mse_loss).loss(_layer(), batch, Phase())
    assert 'reduction="none"' in caught.value.do


def test_a_loss_of_another_length_is_refused() -> None:
    with pytest.raises(RecipeError, match="neither a scalar nor one loss per example") as caught:
        PlainLoss(lambda output, target: output.sum(0)).loss(_layer(), _batch(), Phase())
    assert caught.value.got == f"shape [{OUT}]"


def test_long_sums_are_not_taken_in_bf16() -> None:
    ones = torch.ones(1001, dtype=torch.bfloat16)
    batch = Batch({"x": Field(ones)}, {"y": Field(ones)}, torch.ones(1001), torch.arange(1001))
    for function in (lambda output, target: output * target, lambda output, target: output.mean()):
        loss = PlainLoss(function).loss(nn.Identity(), batch, Phase())
        assert float(loss.parts["loss"][0]) == 1001


def test_several_inputs_come_in_their_order() -> None:
    batch = _batch()
    two = Batch(
        {**batch.inputs, "z": batch.targets["y"]}, batch.targets, batch.weight, batch.example
    )

    class Difference(nn.Module):
        def forward(self, x: Tensor, z: Tensor) -> Tensor:
            return z + 2

    loss = PlainLoss(functional.mse_loss).loss(Difference(), two, Phase())
    assert float(loss.mean()) == pytest.approx(4)


def test_the_weights_of_a_loss_that_is_a_module_are_its_objectives() -> None:
    assert set(PlainLoss(nn.CrossEntropyLoss(torch.ones(3))).state_dict()) == {"function.weight"}
