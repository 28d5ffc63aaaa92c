"""Every head: shapes, gradients, masks, weights, members, and one batch learned by heart."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from fathom.base.tensors import Features, Field
from fathom.heads.category import CategoryHead
from fathom.heads.head import Answer, AnswerSettings, Head, joined, weighted
from fathom.heads.labels import SetHead
from fathom.heads.number import DEFAULT_LEVELS, NumberHead, NumberLoss

NUM, WIDTH, MEMBERS, CLASSES, LABELS = 13, 7, 5, 3, 11

Make = Callable[[int | None, torch.Generator], Head[Any]]


def _number(loss: NumberLoss) -> Make:
    return lambda members, generator: NumberHead(WIDTH, members, loss, generator)


def _class(**options: Any) -> Make:
    return lambda members, generator: CategoryHead(WIDTH, CLASSES, members, generator, **options)


@dataclass(frozen=True)
class Case:
    """A head with a target for it.

    Attributes:
        make: from members and generator to the head.
        target: true data for the batch.
        out: width of the output.
    """

    make: Make
    target: Tensor
    out: int


_DRAW = np.random.default_rng(0)
_NUMBERS = torch.from_numpy(_DRAW.normal(size=NUM)).float()
_CODES = torch.arange(NUM) % CLASSES
_HOT = torch.from_numpy(_DRAW.random((NUM, LABELS)) < 0.3).float()

CASES = {
    "mean_squared_error": Case(_number("mean_squared_error"), _NUMBERS, 1),
    "mean_absolute_error": Case(_number("mean_absolute_error"), _NUMBERS, 1),
    "huber": Case(_number("huber"), _NUMBERS, 1),
    "quantile": Case(_number("quantile"), _NUMBERS, len(DEFAULT_LEVELS)),
    "cross_entropy": Case(_class(), _CODES, CLASSES),
    "focal": Case(_class(loss="focal"), _CODES, CLASSES),
    "class_weight": Case(_class(class_weight=(0.5, 1.0, 2.0)), _CODES, CLASSES),
    "set": Case(
        lambda members, generator: SetHead(WIDTH, LABELS, members, generator), _HOT, LABELS
    ),
}
BOTH = pytest.mark.parametrize("members", [None, MEMBERS])
ALL = pytest.mark.parametrize("name", CASES)


def _head(name: str, members: int | None, seed: int = 0) -> Head[Any]:
    return CASES[name].make(members, torch.Generator().manual_seed(seed))


def _features(members: int | None) -> Features:
    shape = (NUM, WIDTH) if members is None else (NUM, members, WIDTH)
    data = torch.randn(shape, generator=torch.Generator().manual_seed(1))
    return Features("vector", data, members=members)


def _target(name: str, mask: Tensor | None = None) -> Field:
    return Field(CASES[name].target, torch.ones(NUM, dtype=torch.bool) if mask is None else mask)


@ALL
@BOTH
def test_outputs_have_their_shape_in_fp32(name: str, members: int | None) -> None:
    head = _head(name, members)
    output = head(_features(members))
    axes = (NUM,) if members is None else (NUM, members)
    assert output.shape == (*axes, CASES[name].out)
    assert output.dtype == torch.float32
    assert "vector" in head.needs
    with torch.autocast("cpu", torch.bfloat16):
        assert head(_features(members)).dtype == torch.float32


@ALL
@BOTH
def test_the_gradient_reaches_every_parameter(name: str, members: int | None) -> None:
    head = _head(name, members)
    head.loss(head(_features(members)), _target(name), torch.ones(NUM)).mean().backward()
    for parameter in head.parameters():
        assert parameter.grad is not None
        assert bool((parameter.grad != 0).any(-1).all())


@ALL
@BOTH
def test_absent_targets_and_rows_of_weight_0_count_nothing(name: str, members: int | None) -> None:
    head, features = _head(name, members), _features(members)
    output = head(features).detach()
    keep = torch.arange(NUM) % 4 != 0
    some = head.loss(output[keep], _target(name).rows(keep), torch.ones(int(keep.sum())))
    masked = head.loss(output, _target(name, keep), torch.ones(NUM))
    light = head.loss(output, _target(name), keep.float())
    for found in (masked, light):
        assert torch.allclose(found.mean(), some.mean())
        assert torch.allclose(found.parts["loss"][1], some.parts["loss"][1])
    twice = head.loss(output, _target(name), 1 + keep.float())
    whole = head.loss(output, _target(name), torch.ones(NUM)) + some
    assert torch.allclose(twice.mean(), whole.mean())


@ALL
def test_absent_targets_may_hold_anything(name: str) -> None:
    head, keep = _head(name, None), torch.arange(NUM) > 2
    data = CASES[name].target.clone()
    data[~keep] = float("nan") if data.is_floating_point() else -999
    loss = head.loss(head(_features(None)), Field(data, keep), torch.ones(NUM)).mean()
    loss.backward()
    assert all(bool(torch.isfinite(p.grad).all()) for p in head.parameters())  # pyright: ignore[reportArgumentType]


@ALL
def test_members_that_agree_are_like_one(name: str) -> None:
    head = _head(name, None)
    output = head(_features(None)).detach()
    alike = output.unsqueeze(1).expand(-1, MEMBERS, -1)
    one = head.loss(output, _target(name), torch.ones(NUM))
    many = head.loss(alike, _target(name), torch.ones(NUM))
    assert torch.allclose(one.mean(), many.mean(), rtol=1e-5)
    _same(head.answer(output, AnswerSettings()), head.answer(alike, AnswerSettings()))


def _same(one: Answer, two: Answer) -> None:
    for part in ("value", "quantiles", "probability"):
        first, second = getattr(one, part), getattr(two, part)
        assert (first is None) == (second is None)
        if first is not None:
            np.testing.assert_allclose(first, second, rtol=1e-5, atol=1e-6)


@ALL
@BOTH
def test_answers_fit_and_can_be_cut_and_joined(name: str, members: int | None) -> None:
    head = _head(name, members)
    output = head(_features(members)).detach()
    whole = head.answer(output, AnswerSettings())
    if whole.probability is not None:
        assert whole.probability.shape == (NUM, CASES[name].out)
        assert whole.value is None
        assert bool(((whole.probability >= 0) & (whole.probability <= 1)).all())
        if name != "set":
            np.testing.assert_allclose(whole.probability.sum(1), 1, rtol=1e-5)
    else:
        assert whole.value is not None
        assert whole.value.shape == (NUM,)
    if whole.quantiles is not None:
        assert bool((np.diff(whole.quantiles, axis=1) >= 0).all())
    parts = [head.answer(output[rows], AnswerSettings()) for rows in (slice(0, 5), slice(5, NUM))]
    _same(joined(parts), whole)
    _same(whole.rows(np.arange(5)), parts[0])


@pytest.mark.parametrize("name", ["cross_entropy", "set"])
def test_a_high_temperature_makes_modest(name: str) -> None:
    head = _head(name, MEMBERS)
    output = 5 * head(_features(MEMBERS)).detach()
    bold, modest = (head.answer(output, AnswerSettings(temperature=t)) for t in (1.0, 9.0))
    assert bold.probability is not None
    assert modest.probability is not None
    middle = 0.5 if name == "set" else 1 / CLASSES
    far = np.abs(bold.probability - middle).mean()
    assert np.abs(modest.probability - middle).mean() < far


@ALL
@BOTH
def test_one_batch_is_learned_by_heart(name: str, members: int | None) -> None:
    head = _head(name, members)
    shape = (NUM, WIDTH) if members is None else (NUM, members, WIDTH)
    data = torch.nn.Parameter(torch.randn(shape, generator=torch.Generator().manual_seed(2)))
    optimizer = torch.optim.Adam([data, *head.parameters()], lr=0.1)
    losses: list[float] = []
    for _ in range(150):
        optimizer.zero_grad()
        output = head(Features("vector", data, members=members))
        loss = head.loss(output, _target(name), torch.ones(NUM)).mean()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.05 * losses[0]


@ALL
@BOTH
def test_the_same_seed_gives_the_same_weights(name: str, members: int | None) -> None:
    one, two, other = (_head(name, members, seed).state_dict() for seed in (0, 0, 1))
    assert all(torch.equal(one[key], two[key]) for key in one)
    assert not all(torch.equal(one[key], other[key]) for key in one)


PLACES = 4


def test_weighted_counts_places_one_by_one() -> None:
    per_place = torch.rand(NUM, PLACES, generator=torch.Generator().manual_seed(0))
    mask = torch.arange(PLACES) < torch.arange(NUM)[:, None] % (PLACES + 1)
    weight = torch.arange(NUM) + 0.5
    total, count = weighted(per_place, Field(torch.zeros(NUM, PLACES), mask), weight).parts["loss"]
    rows = [(r, p) for r in range(NUM) for p in range(PLACES) if mask[r, p]]
    assert float(total) == pytest.approx(sum(float(per_place[r, p] * weight[r]) for r, p in rows))
    assert float(count) == pytest.approx(sum(float(weight[r]) for r, _ in rows))
    lengths = mask.sum(1)
    other = weighted(per_place, Field(torch.zeros(NUM, PLACES), lengths=lengths), weight)
    assert torch.equal(other.parts["loss"][0], total)
    assert torch.equal(other.parts["loss"][1], count)


def test_weighted_minds_nothing_at_absent_places() -> None:
    per_place, mask = torch.tensor([[1.0, torch.nan], [torch.inf, 3.0]]), torch.eye(2) > 0
    total, count = weighted(per_place, Field(torch.zeros(2, 2), mask), torch.ones(2)).parts["loss"]
    assert (float(total), float(count)) == (4, 2)


def test_weighted_averages_what_the_mask_does_not_tell_apart() -> None:
    per_place = torch.rand(NUM, PLACES, 3, generator=torch.Generator().manual_seed(0))
    weight, mask = torch.rand(NUM), torch.arange(NUM) % 3 > 0
    total, count = weighted(per_place, Field(torch.zeros(NUM), mask), weight, "box").parts["box"]
    expected = (per_place.mean((1, 2)) * weight * mask).sum()
    assert torch.allclose(total, expected)
    assert torch.allclose(count, (weight * mask).sum())


def test_fields_of_answers_are_joined_too() -> None:
    parts = [
        Answer(field=Field(torch.ones(2, width, 4)), score=np.full((2, width), 0.5))
        for width in (3, 5)
    ]
    whole = joined(parts)
    assert whole.field is not None
    assert whole.score is not None
    assert whole.field.data.shape == (4, 5, 4)
    assert whole.field.mask is not None
    assert whole.field.mask.sum(1).tolist() == [3, 3, 5, 5]
    assert whole.score.tolist()[0] == [0.5, 0.5, 0.5, 0.0, 0.0]
    assert whole.rows(np.array([3])).field.data.shape == (1, 5, 4)  # pyright: ignore[reportOptionalMemberAccess]
