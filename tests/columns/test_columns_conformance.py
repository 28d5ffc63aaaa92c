"""One suite for every kind: what the floors above may rely on."""

import dataclasses
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch

from fathom.base.errors import DataError
from fathom.base.tensors import Field
from fathom.columns.catalogue import KINDS, Fitted, fitted_from_dict, kind_from_dict, kind_to_dict
from fathom.columns.category import Category
from fathom.columns.date import Date
from fathom.columns.flag import Flag
from fathom.columns.identifier import Identifier
from fathom.columns.ignored import Ignored
from fathom.columns.image import Image
from fathom.columns.kind import Kind, Values
from fathom.columns.number import Number
from fathom.columns.set import Set

Cells = Sequence[str | None]
NUM_ROWS = 53
PARTS = (7, 17, 29)


@dataclass
class Case:
    kind: Kind
    cells: list[str]
    later: list[str]  # cells with something that the training rows do not have
    num_unfamiliar: int
    dtype: torch.dtype
    trailing: tuple[int, ...] = ()  # axes after "batch"
    decoded: list[Any] = field(default_factory=list)  # what the cells come back as


def _cycle(cells: list[str], num_rows: int = NUM_ROWS) -> list[str]:
    return [cells[(row + row // 7) % len(cells)] for row in range(num_rows)]


_NUMBERS = [f"{(row * 37 % 101) / 4 - 5}" for row in range(NUM_ROWS)]
_DAYS = [f"20{17 + row % 5}-{1 + row % 11:02d}-{1 + row * 5 % 23:02d}" for row in range(NUM_ROWS)]
_WORDS = _cycle(["red", "green", "blue", "red", "grey"])
_FLAGS = _cycle(["yes", "no", "yes"])
_SETS = _cycle(["a|b", "b", "c|a|b", "a", "b|d", "d"])


def _sorted_sets() -> list[tuple[str, ...]]:
    count = {label: sum(label in cell.split("|") for cell in _SETS) for label in "abcd"}
    order = sorted(count, key=lambda label: (-count[label], label))
    return [tuple(label for label in order if label in cell.split("|")) for cell in _SETS]


def _number(**options: Any) -> Case:
    decoded = [float(cell) for cell in _NUMBERS]
    return Case(Number(**options), _NUMBERS, ["1e9", "0", "-1e9"], 2, torch.float32, (), decoded)


CASES = {
    **{f"number_{scaling}": _number(scaling=scaling) for scaling in ("standard", "min_max")},
    **{f"number_{scaling}": _number(scaling=scaling) for scaling in ("robust", "quantile", "none")},
    "number_log": _number(log=True),
    "number_clip": _number(clip=2.0),
    "category": Case(Category(), _WORDS, ["violet", "red"], 1, torch.int64, (), _WORDS),
    "flag": Case(Flag(), _FLAGS, ["perhaps", "no"], 1, torch.float32, (), _FLAGS),
    "date": Case(Date(), _DAYS, ["2051-01-02", "2018-02-03"], 1, torch.float32, (5,), _DAYS),
    "set": Case(Set(), _SETS, ["a|z", "z"], 2, torch.float32, (4,), _sorted_sets()),
    "identifier": Case(Identifier(), [f"row {i}" for i in range(NUM_ROWS)], [], 0, torch.float32),
    "ignored": Case(Ignored(), _cycle(["x", "y"]), [], 0, torch.float32),
}
LEARNED = {name: case for name, case in CASES.items() if name not in ("identifier", "ignored")}


def _fit(kind: Kind, cells: Cells) -> Fitted:
    fitted = kind.freeze(kind.summarise(_values(kind, cells)))
    assert isinstance(fitted, Fitted)
    return fitted


def _values(kind: Kind, cells: Cells) -> Values:
    return kind.parse(pl.Series(cells, dtype=pl.String))


def _close(left: Any, right: Any) -> bool:
    """Equal, but for the last bits of floats."""
    if isinstance(left, dict):
        return left.keys() == right.keys() and all(_close(left[key], right[key]) for key in left)
    if isinstance(left, list):
        return len(left) == len(right) and all(map(_close, left, right))
    if isinstance(left, float):
        return right == pytest.approx(left, rel=1e-12, abs=1e-9)
    return left == right


def test_every_kind_has_a_case() -> None:
    # Pictures have a suite of their own, since their cells are files.
    assert {type(case.kind) for case in CASES.values()} | {Image} == set(KINDS)


@pytest.mark.parametrize("name", LEARNED)
def test_decode_gives_the_cells_back(name: str) -> None:
    case = LEARNED[name]
    fitted = _fit(case.kind, case.cells)
    decoded = fitted.decode(fitted.transform(_values(case.kind, case.cells)))
    if isinstance(case.decoded[0], float):
        assert decoded == pytest.approx(case.decoded, abs=1e-5)
    else:
        assert decoded == case.decoded


@pytest.mark.parametrize("name", LEARNED)
def test_shapes_types_and_repeatability(name: str) -> None:
    case = LEARNED[name]
    fitted, values = _fit(case.kind, case.cells), _values(case.kind, case.cells)
    result, again = fitted.transform(values), fitted.transform(values)
    assert result.data.shape == (NUM_ROWS, *case.trailing)
    assert result.data.dtype == case.dtype
    assert result.mask is not None
    assert result.mask.shape == (NUM_ROWS,)
    assert bool(result.mask.all())
    assert torch.equal(result.data, again.data)


@pytest.mark.parametrize("name", LEARNED)
def test_each_row_is_transformed_by_itself(name: str) -> None:
    case = LEARNED[name]
    fitted, values = _fit(case.kind, case.cells), _values(case.kind, case.cells)
    order = np.random.default_rng(0).permutation(NUM_ROWS)[:31]
    some = fitted.transform(values.rows(order))
    assert torch.equal(some.data, fitted.transform(values).data[order])


@pytest.mark.parametrize("name", CASES)
def test_json_round_trip(name: str) -> None:
    case = CASES[name]
    fitted = _fit(case.kind, [*case.cells, None])
    content = json.loads(json.dumps(fitted.to_dict(), allow_nan=False))
    assert content["kind"] == fitted.kind == case.kind.name
    assert fitted_from_dict(content) == fitted
    written = json.loads(json.dumps(kind_to_dict(case.kind), allow_nan=False))
    assert kind_from_dict(written) == case.kind


@pytest.mark.parametrize("name", CASES)
def test_statistics_merge_in_any_grouping(name: str) -> None:
    case = CASES[name]
    values = _values(case.kind, [*case.cells[:-3], None, "?", None])
    cuts = np.split(np.arange(NUM_ROWS), np.cumsum(PARTS)[:-1])
    one, two, three = (case.kind.summarise(values.rows(cut)) for cut in cuts)
    nothing = case.kind.summarise(values.rows(np.arange(0)))
    whole = case.kind.freeze(case.kind.summarise(values)).to_dict()
    for merged in (
        one.merge(two).merge(three),
        one.merge(two.merge(three)),
        three.merge(nothing).merge(one.merge(two)),
    ):
        assert _close(case.kind.freeze(merged).to_dict(), whole)


@pytest.mark.parametrize("name", LEARNED)
def test_a_weight_of_two_counts_like_two_rows_and_zero_like_none(name: str) -> None:
    case = LEARNED[name]
    weight = np.arange(NUM_ROWS) % 3
    values = _values(case.kind, case.cells)
    repeated = values.rows(np.repeat(np.arange(NUM_ROWS), weight))
    weighted = case.kind.freeze(case.kind.summarise(values, weight.astype(np.float64))).to_dict()
    twice = case.kind.freeze(case.kind.summarise(repeated)).to_dict()
    for fact in ("mean", "standard_deviation", "minimum", "maximum", "levels", "weights", "share"):
        assert _close(weighted.get(fact), twice.get(fact)), fact


@pytest.mark.parametrize("name", LEARNED)
def test_absent_values_are_masked_and_finite(name: str) -> None:
    case = LEARNED[name]
    fitted = _fit(case.kind, [*case.cells, None])
    result = fitted.transform(_values(case.kind, [None, case.cells[0], "", " ? ", "NA"]))
    assert result.mask is not None
    assert result.mask.tolist() == [False, True, False, False, False]
    assert bool(torch.isfinite(result.data).all())
    assert torch.equal(result.data[0], result.data[4])
    decoded = fitted.decode(result)
    assert [word is None for word in decoded] == [True, False, True, True, True]


@pytest.mark.parametrize("name", LEARNED)
def test_a_column_without_any_value_can_be_fitted(name: str) -> None:
    kind = LEARNED[name].kind
    fitted = _fit(kind, [None, "?", None])
    result = fitted.transform(_values(kind, [None, LEARNED[name].cells[0]]))
    assert bool(torch.isfinite(result.data).all())
    assert fitted_from_dict(json.loads(json.dumps(fitted.to_dict(), allow_nan=False))) == fitted


@pytest.mark.parametrize("name", LEARNED)
def test_what_training_never_saw_is_used_and_flagged(name: str) -> None:
    case = LEARNED[name]
    fitted, later = _fit(case.kind, case.cells), _values(case.kind, case.later)
    assert bool(torch.isfinite(fitted.transform(later).data).all())
    fitted.decode(fitted.transform(later))
    (repair,) = fitted.unfamiliar(later)
    assert repair.count == case.num_unfamiliar
    strange = fitted.strange(later)
    assert (strange.shape, strange.dtype) == ((len(case.later),), bool)
    alone = [bool(fitted.unfamiliar(_values(case.kind, [cell]))) for cell in case.later]
    assert strange.tolist() == alone, "the rows are those that are counted"
    assert not fitted.strange(_values(case.kind, case.cells)).any()
    assert 0 < len(repair.examples) <= 3
    assert fitted.unfamiliar(_values(case.kind, case.cells)) == ()


@pytest.mark.parametrize("name", ["identifier", "ignored"])
def test_kinds_that_are_not_learned_from_say_so(name: str) -> None:
    case = CASES[name]
    fitted, values = _fit(case.kind, case.cells), _values(case.kind, case.cells)
    assert list(values.data) == case.cells
    with pytest.raises(DataError, match=f"kind '{name}' cannot be turned into tensors"):
        fitted.transform(values)
    with pytest.raises(DataError, match="--kind COLUMN=KIND"):
        fitted.decode(Field(torch.zeros(2)))
    assert fitted.unfamiliar(values) == ()
    assert fitted.strange(values).tolist() == [False] * len(case.cells)


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize(
    "raw",
    [
        pl.Series(
            ["", " ", "?", "ä", "\u00a0", "1,2,3", "[", "[1", "'", "''", "()", "%", "$", None]
        ),
        pl.Series(["99/99/9999", "1e999", "-", "+", "--5", "1.2.3,4", "🙂", "a\nb", "0x1F", "∞"]),
        pl.Series([1, None, 2**62]),
        pl.Series([0.5, float("nan"), float("inf")]),
        pl.Series([True, None, False]),
        pl.Series([date(2020, 2, 29), None]),
        pl.Series([["a", None], None, []]),
        pl.Series(["a", "b", None], dtype=pl.Categorical),
        pl.Series([None, None]),
        pl.Series([], dtype=pl.String),
    ],
    ids=lambda raw: f"{raw.dtype}_{len(raw)}",
)
def test_parse_never_fails_and_keeps_every_row(name: str, raw: pl.Series) -> None:
    values = CASES[name].kind.parse(raw)
    assert len(values.data) == len(values.present) == len(raw)
    assert values.present.dtype == bool


@pytest.mark.parametrize("name", CASES)
def test_what_is_fitted_is_frozen(name: str) -> None:
    fitted = _fit(CASES[name].kind, CASES[name].cells)
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(fitted, "count", 0)  # noqa: B010
