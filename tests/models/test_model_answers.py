"""Answers of a model: in the person's unit, batch by batch, averaged over parts."""

from collections.abc import Callable

import numpy as np
import pytest
import torch

from fathom.columns.number import FittedNumber
from fathom.heads.head import Answer, AnswerSettings
from fathom.models.model import Model, average, class_names, in_unit, run_network
from fathom.tables.batches import RowExamples
from fathom.tables.table import Table

MakeModel = Callable[..., Model]


def _there(part: np.ndarray | None) -> np.ndarray:
    assert part is not None
    return part


def _examples(model: Model, table: Table, repeat: int = 1) -> RowExamples:
    inputs = model.preparation.input_fields(model.preparation.parse(table))
    index = torch.arange(table.num_rows).repeat(repeat)
    fields = {name: field.rows(index) for name, field in inputs.items()}
    return RowExamples(fields, {}, torch.ones(len(index)))


def test_rows_asked_in_several_batches_are_answered_alike(
    make_model: MakeModel, table: Table
) -> None:
    model = make_model(number_loss="quantile")
    network = model.parts[0].network
    once = run_network(network, _examples(model, table))
    # 61 rows 37 times are more than one batch holds.
    many = run_network(network, _examples(model, table, 37))
    for name, answer in once.items():
        for part in ("value", "quantiles", "probability"):
            first, all_of_them = getattr(answer, part), getattr(many[name], part)
            if first is not None:
                tiled = np.tile(first, (37, *[1] * (first.ndim - 1)))
                np.testing.assert_allclose(all_of_them, tiled, rtol=1e-5, atol=1e-6)
    assert not network.training


def test_numbers_are_answered_in_the_persons_unit(make_model: MakeModel, table: Table) -> None:
    model = make_model("mlp", ("price",), number_loss="quantile")
    (column,) = model.targets
    assert isinstance(column.fitted, FittedNumber)
    raw = run_network(model.parts[0].network, _examples(model, table))["target_0"]
    told = model.answer(table)["price"]
    scaler = column.fitted.scaler
    for scaled, unit in ((raw.value, told.value), (raw.quantiles, told.quantiles)):
        expected = _there(scaled).astype(np.float64) * scaler.scale + scaler.centre
        np.testing.assert_allclose(_there(unit), expected, rtol=1e-9)


def test_parts_are_averaged_class_by_class(make_model: MakeModel, table: Table) -> None:
    model = make_model(num_parts=3)
    common = model.answer(table)
    parts = model.answers_by_part(model.preparation.parse(table))
    for column in model.targets:
        for kind in ("value", "probability"):
            each = [getattr(answer[column.name], kind) for answer in parts]
            if each[0] is not None:
                np.testing.assert_allclose(getattr(common[column.name], kind), np.mean(each, 0))
    assert class_names(model.targets[0]) == ()
    assert set(class_names(model.targets[1])) == {"brick", "wood", "glass"}


def test_settings_belong_to_their_target(make_model: MakeModel, table: Table) -> None:
    model = make_model("mlp")
    settings = {"style": AnswerSettings(temperature=5.0)}
    plain = model.answer(table)
    warm = Model(model.parts, model.plan, model.heads, settings).answer(table)
    same, other = (answer["sold"].probability for answer in (plain, warm))
    np.testing.assert_array_equal(_there(same), _there(other))
    logits = np.log(_there(plain["style"].probability)) / 5
    expected = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    np.testing.assert_allclose(_there(warm["style"].probability), expected, rtol=1e-4)


def test_one_answer_is_its_own_average() -> None:
    answer = Answer(value=np.arange(3.0))
    assert average([answer]) is answer


@pytest.mark.parametrize("target", ["style", "sold", "tags"])
def test_words_have_no_unit(target: str, make_model: MakeModel, table: Table) -> None:
    model = make_model("mlp", (target,))
    raw = run_network(model.parts[0].network, _examples(model, table))["target_0"]
    assert in_unit(model.targets[0], raw) is raw
