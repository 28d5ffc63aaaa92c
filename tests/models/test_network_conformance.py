"""Every network for tables: shapes, gradients, seeds, saving, one batch learned by heart."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from fathom.base.errors import RecipeError
from fathom.base.tensors import Batch, Features, Field, Loss
from fathom.encoders.encoder import Encoder
from fathom.heads.head import Answer, AnswerSettings, Head, weighted
from fathom.models.assemble import NETWORKS, NetworkPlan
from fathom.models.model import Model, load_model, run_network, save_model
from fathom.models.network import Network, SideBySide
from fathom.objectives.objective import Phase
from fathom.objectives.supervised import Supervised
from fathom.tables.batches import RowExamples
from fathom.tables.table import Table

MakeModel = Callable[..., Model]
ALL = pytest.mark.parametrize("name", NETWORKS)


def _batch(model: Model, table: Table) -> Batch:
    preparation = model.preparation
    values = preparation.parse(table)
    num = table.num_rows
    inputs, targets = preparation.input_fields(values), preparation.target_fields(values)
    return Batch(inputs, targets, torch.ones(num), torch.arange(num))


@ALL
def test_outputs_by_head_in_fp32(name: str, make_model: MakeModel, table: Table) -> None:
    model = make_model(name)
    outputs = model.parts[0].network(_batch(model, table).inputs)
    members = (3,) if name == "ensemble" else ()
    shapes = {key: tuple(output.shape[1:]) for key, output in outputs.items()}
    assert shapes == {
        "target_0": (*members, 1),
        "target_1": (*members, 3),
        "target_2": (*members, 2),
        "target_3": (*members, 3),
    }
    assert {output.dtype for output in outputs.values()} == {torch.float32}


@ALL
def test_the_gradient_reaches_every_parameter(
    name: str, make_model: MakeModel, table: Table
) -> None:
    model = make_model(name)
    network = model.parts[0].network
    Supervised().loss(network, _batch(model, table), Phase()).mean().backward()
    for key, parameter in network.named_parameters():
        assert parameter.grad is not None, key
        assert bool(parameter.grad.any()), key


@ALL
def test_the_same_seed_gives_the_same_weights(name: str, make_model: MakeModel) -> None:
    first, other = (part.network.state_dict() for part in make_model(name, num_parts=2).parts)
    again = make_model(name).parts[0].network.state_dict()
    assert first.keys() == again.keys() == other.keys()
    assert all(torch.equal(first[key], again[key]) for key in first)
    assert not all(torch.equal(first[key], other[key]) for key in first)


@ALL
def test_one_batch_is_learned_by_heart(name: str, make_model: MakeModel, table: Table) -> None:
    model = make_model(name, ("price",))
    network, batch = model.parts[0].network, _batch(model, table).rows(slice(0, 13))
    network.eval()
    optimizer = torch.optim.Adam(network.parameters(), lr=0.03)
    losses: list[float] = []
    for _ in range(150):
        optimizer.zero_grad()
        loss = Supervised().loss(network, batch, Phase()).mean()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.05 * losses[0]


@ALL
def test_saved_and_loaded_it_answers_alike(
    name: str, make_model: MakeModel, table: Table, tmp_path: Path
) -> None:
    model = make_model(name, num_parts=2)
    save_model(model, tmp_path)
    loaded = load_model(tmp_path)
    before, after = model.answer(table), loaded.answer(table)
    assert before.keys() == after.keys()
    for column, answer in before.items():
        for part in ("value", "quantiles", "probability"):
            first, second = getattr(answer, part), getattr(after[column], part)
            np.testing.assert_array_equal(first, second)


def test_an_unknown_network_is_refused() -> None:
    with pytest.raises(RecipeError, match="no network called 'assemble'") as caught:
        NetworkPlan(name="assemble")  # pyright: ignore[reportArgumentType]
    assert "'ensemble'" in caught.value.do


def test_vectors_stand_side_by_side_in_their_order() -> None:
    parts = {
        "a": Features("vector", torch.full((2, 3), 1.0)),
        "b": Features("vector", torch.full((2, 5), 2.0)),
    }
    features = SideBySide(nn.Identity(), members=7)(parts)
    assert features.form == "vector"
    assert features.members == 7
    assert features.tensor[0].tolist() == [1.0] * 3 + [2.0] * 5


# Networks whose features are not vectors and whose answers are not numbers: the contracts in
# another use than that of tables.


class _Pyramid(Encoder):
    """A picture as two maps."""

    dim_out = 4

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.fine, self.coarse = nn.Conv2d(1, 4, 4, 4), nn.Conv2d(4, 4, 2, 2)

    def forward(self, field: Field) -> Features:
        fine = self.fine(field.data).relu()
        return Features("pyramid", (fine, self.coarse(fine)))


class _OnlyOne(nn.Module):
    def forward(self, parts: dict[str, Features]) -> Features:
        return next(iter(parts.values()))


class _Boxes(Head[tuple[Tensor, Tensor]]):
    """The two surest boxes of each picture; the output is a pair of tensors."""

    needs = frozenset({"pyramid"})

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(1)
        self.layer = nn.Conv2d(4, 5, 1)

    def forward(self, features: Features, teacher: Field | None = None) -> tuple[Tensor, Tensor]:
        raw = torch.cat([self.layer(level).flatten(2) for level in features.data], dim=2)
        return raw[:, 0], raw[:, 1:].transpose(1, 2)

    def loss(self, output: tuple[Tensor, Tensor], target: Field, weight: Tensor) -> Loss:
        score, place = output
        best = score.argmax(1)
        made = place[torch.arange(len(best)), best][:, None]
        near = weighted((made - target.data).abs(), target, weight)
        quiet = weighted(score.square(), Field(score), weight, "score")
        return Loss({**near.parts, **quiet.parts})

    def answer(self, output: tuple[Tensor, Tensor], settings: AnswerSettings) -> Answer:
        score, best = output[0].topk(2, dim=1)
        boxes = output[1].gather(1, best[..., None].expand(-1, -1, 4))
        return Answer(field=Field(boxes, score > 0), score=score.numpy())


@pytest.mark.parametrize("num", [7, 2053])
def test_boxes_from_a_pyramid_go_through_the_same_network(num: int) -> None:
    generator = torch.Generator().manual_seed(0)
    network = Network({"image_0": _Pyramid()}, _OnlyOne(), {"target_0": _Boxes()})
    pictures = torch.rand(num, 1, 8, 8, generator=generator)
    mask = torch.arange(3) < torch.randint(0, 4, (num, 1), generator=generator)
    truth = Field(torch.rand(num, 3, 4, generator=generator), mask)
    inputs = {"image_0": Field(pictures)}
    batch = Batch(inputs, {"target_0": truth}, torch.ones(num), torch.arange(num))
    loss = Supervised().loss(network, batch, Phase())
    assert list(loss.parts) == ["target_0", "target_0.score"]
    assert float(loss.parts["target_0"][1]) == float(mask.sum())
    loss.mean().backward()
    assert all(p.grad is not None for p in network.parameters())
    # 2053 pictures are answered in two batches.
    (answer,) = run_network(network, RowExamples(inputs, {}, torch.ones(num))).values()
    assert answer.field is not None
    assert answer.score is not None
    assert answer.field.data.shape == (num, 2, 4)
    alone = RowExamples({"image_0": Field(pictures[-1:])}, {}, torch.ones(1))
    (last,) = run_network(network, alone).values()
    assert last.score is not None
    np.testing.assert_allclose(last.score, answer.score[-1:], rtol=1e-5)
