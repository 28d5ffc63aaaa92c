"""What was fitted on the training rows: how a table becomes the fields that a network reads."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from fathom.base.errors import DataError, listed
from fathom.base.tensors import Field, Stored
from fathom.columns.catalogue import fitted_from_dict, kind_from_dict, kind_to_dict
from fathom.columns.category import FittedCategory
from fathom.columns.date import FittedDate
from fathom.columns.flag import FittedFlag
from fathom.columns.image import FittedImage
from fathom.columns.kind import FittedColumn, Kind, Values
from fathom.columns.number import FittedNumber
from fathom.columns.set import FittedSet
from fathom.encoders.numbers import Projection
from fathom.models.interactions import find_pairs, turned_axes
from fathom.tables.schema import Schema, parse_columns
from fathom.tables.table import Table

# Kinds whose columns travel together, one field for all of them.
BLOCKS = {
    "number": "numbers",
    "category": "categories",
    "flag": "flags",
    "date": "dates",
    "set": "sets",
}
_LARGEST = 1e100


@dataclass(frozen=True, kw_only=True)
class PreparationPlan:
    """How numbers are made ready.

    Attributes:
        num_bins: bins of the piecewise-linear encoding of a number.
        least_repeats: a column whose values stand in so many rows each, on average, gets a vector
            for each value; 0 = never.
        num_pairs: at most so many pairs of numbers get turned axes; 0 = none.
        num_angles: axes in a half-turn of a pair.
        least_gain: share of the unexplained sum of squares below which a pair is left out.
        least_share: pairs with less than this share of the best pair's gain are left out too.
        seed: for the search of pairs.
    """

    num_bins: int = 48
    least_repeats: int = 20
    num_pairs: int = 4
    num_angles: int = 16
    least_gain: float = 0.02
    least_share: float = 0.4
    seed: int = 0


@dataclass(frozen=True)
class Column:
    """One column, as it is parsed and as it was found.

    Attributes:
        name: in the person's table.
        kind: how its cells are read.
        fitted: what the training rows showed.
    """

    name: str
    kind: Kind
    fitted: FittedColumn

    def to_dict(self) -> dict[str, Any]:
        return {"name": self.name, "kind": kind_to_dict(self.kind), "fitted": self.fitted.to_dict()}

    @classmethod
    def from_dict(cls, content: dict[str, Any]) -> "Column":
        kind = kind_from_dict(content["kind"])
        return cls(content["name"], kind, fitted_from_dict(content["fitted"]))


@dataclass(frozen=True)
class Preparation:
    """All fitted columns, inputs and targets.

    Attributes:
        inputs: the columns that the network sees, in the table's order.
        targets: the columns that it answers.
        projections: numbers made of pairs of numbers.
        num_bins: bins of the piecewise-linear encoding.
        least_repeats: see `PreparationPlan`.
    """

    inputs: tuple[Column, ...]
    targets: tuple[Column, ...]
    projections: tuple[Projection, ...] = ()
    num_bins: int = 48
    least_repeats: int = 0

    @property
    def blocks(self) -> dict[str, tuple[Column, ...]]:
        """Field name -> its columns; only those that have some."""
        found = {
            name: tuple(column for column in self.inputs if column.kind.name == kind)
            for kind, name in BLOCKS.items()
        }
        pictures = [column for column in self.inputs if column.kind.name == "image"]
        found |= {f"image_{place}": (column,) for place, column in enumerate(pictures)}
        return {name: columns for name, columns in found.items() if columns}

    @property
    def kinds(self) -> dict[str, Kind]:
        """How every column is read."""
        return {column.name: column.kind for column in (*self.inputs, *self.targets)}

    def parse(self, table: Table) -> dict[str, Values]:
        """Typed values of the columns that the table has; absent inputs as missing in every row."""
        found = parse_columns(table, self.kinds)
        for column in self.inputs:
            if column.name not in found:
                found[column.name] = absent(column.kind, table.num_rows)
        return found

    def input_fields(self, values: Mapping[str, Values]) -> dict[str, Field | Stored]:
        """What the network reads, one field per block; pictures have one for each column."""
        return {
            name: _stack(columns, values)
            if name in BLOCKS.values()
            else columns[0].fitted.transform(values[columns[0].name])
            for name, columns in self.blocks.items()
        }

    def once_decoded(self, fields: Mapping[str, Field | Stored]) -> "Preparation":
        """The same, now that it is known which pictures of the training rows can be decoded.

        Args:
            fields: what `input_fields` made of these rows.
        """
        seen = {
            self.blocks[name][0].name: field
            for name, field in fields.items()
            if isinstance(field, Stored)
        }
        inputs = tuple(
            replace(column, fitted=column.fitted.once_decoded(seen[column.name]))
            if isinstance(column.fitted, FittedImage) and column.name in seen
            else column
            for column in self.inputs
        )
        return replace(self, inputs=inputs)

    def target_fields(self, values: Mapping[str, Values]) -> dict[str, Field]:
        """What the network should answer, one field per target."""
        return {
            head_name(number): target_field(column.fitted, values[column.name])
            for number, column in enumerate(self.targets)
        }

    def places(self) -> dict[str, tuple[str, slice | None]]:
        """Input column -> its field, and where in it the column's parts stand; None = it is all."""
        found: dict[str, tuple[str, slice | None]] = {}
        for block, columns in self.blocks.items():
            if block not in BLOCKS.values():
                found[columns[0].name] = block, None
                continue
            start = 0
            for column in columns:
                stop = start + num_parts(column)
                found[column.name] = (block, slice(start, stop))
                start = stop
        return found

    def to_dict(self) -> dict[str, Any]:
        return {
            "inputs": [column.to_dict() for column in self.inputs],
            "targets": [column.to_dict() for column in self.targets],
            "projections": [asdict(projection) for projection in self.projections],
            "num_bins": self.num_bins,
            "least_repeats": self.least_repeats,
        }

    @classmethod
    def from_dict(cls, content: dict[str, Any]) -> "Preparation":
        made = [{**item, "edges": tuple(item["edges"])} for item in content["projections"]]
        return cls(
            tuple(Column.from_dict(item) for item in content["inputs"]),
            tuple(Column.from_dict(item) for item in content["targets"]),
            tuple(Projection(**item) for item in made),
            content["num_bins"],
            content["least_repeats"],
        )


def num_parts(column: Column) -> int:
    """How many numbers a column puts into its field."""
    fitted = column.fitted
    if isinstance(fitted, FittedSet):
        return fitted.num_levels
    return len(fitted.parts) if isinstance(fitted, FittedDate) else 1


def head_name(number: int) -> str:
    """The name of a target's head, ours, never the person's."""
    return f"target_{number}"


def fit_preparation(
    schema: Schema,
    values: Mapping[str, Values],
    weight: Float[np.ndarray, " rows"],
    plan: PreparationPlan,
    targets: tuple[Column, ...],
) -> Preparation:
    """Fit every input and find the pairs, on these rows only.

    Args:
        schema: which columns are inputs, of which kind.
        values: parsed training rows.
        weight: how much each row counts.
        plan: bins and pairs.
        targets: fitted by `fit_targets`, the same for all parts of a model, so that their
            answers can be averaged class by class.

    Raises:
        DataError: no input is left.
    """
    inputs = tuple(_fit(schema, name, values, weight) for name in schema.inputs)
    if not inputs:
        raise DataError(
            "No column is left to learn from.",
            expected="at least one input that varies",
            got=f"only {listed(schema.columns)}",
            do="Bring more columns, or say a column's kind with --kind COLUMN=KIND.",
        )
    plain = Preparation(inputs, targets, (), plan.num_bins, plan.least_repeats)
    return replace(plain, projections=_projections(plain, values, plan))


def fit_targets(
    schema: Schema, values: Mapping[str, Values], weight: Float[np.ndarray, " rows"]
) -> tuple[Column, ...]:
    """Fit the targets.

    Raises:
        DataError: a target does not vary or cannot be one.
    """
    targets = tuple(_fit(schema, name, values, weight) for name in schema.roles.targets)
    for column in targets:
        check_target(column)
    return targets


def check_target(column: Column) -> None:
    """A target must vary.

    Raises:
        DataError: one class only, a constant number, no value at all, numbers whose squares are
            infinite.
    """
    fitted = column.fitted
    if isinstance(fitted, FittedNumber):
        check_size(column.name, max(abs(fitted.minimum), abs(fitted.maximum)))
        _check_spread(column.name, fitted)
        different, got = fitted.num_distinct, f"{fitted.num_distinct} different values"
    elif isinstance(fitted, FittedFlag):
        different = 2 if 0 < fitted.share < 1 else 1
        got = f"only '{fitted.levels[round(fitted.share)]}'"
    elif isinstance(fitted, FittedCategory | FittedSet):
        different, got = len(fitted.levels), f"only {listed(fitted.levels)}"
    else:
        raise DataError(
            f"A column of kind {column.kind.name} cannot be a target.",
            where=f"column '{column.name}'",
            expected="number, category, flag or set",
            got=column.kind.name,
            do="Turn it into a number in the file, such as days since a date."
            if column.kind.name == "date"
            else f"Say its kind: --kind {column.name}=number (or category).",
        )
    enough = 1 if isinstance(fitted, FittedSet) else 2
    if different < enough:
        raise DataError(
            "The target does not vary in the training rows, so there is nothing to learn.",
            where=f"column '{column.name}'",
            expected="at least two different values",
            got=got if different else "no value at all",
            do="Name another target, or bring rows of every class.",
        )


def check_size(name: str, largest: float) -> None:
    """Errors must have squares.

    Raises:
        DataError: the largest of a target's numbers is too large for that.
    """
    if largest > _LARGEST:
        raise DataError(
            "The target's numbers are too large to compute with.",
            where=f"column '{name}'",
            expected=f"numbers up to {_LARGEST:.0e}, whose squares are finite",
            got=f"{largest:.3g}",
            do="Divide them by a power of ten, or correct those that are mistakes.",
        )


def _check_spread(name: str, fitted: FittedNumber) -> None:
    """Squares of differences that vanish would leave nothing to learn from or to score."""
    if fitted.num_distinct > 1 and fitted.standard_deviation < 1 / _LARGEST:
        raise DataError(
            "The target's numbers differ too little to compute with.",
            where=f"column '{name}'",
            expected=f"a standard deviation of {1 / _LARGEST:.0e} or more, whose square is not 0",
            got=f"numbers from {fitted.minimum:.3g} to {fitted.maximum:.3g}",
            do="Multiply them by a power of ten.",
        )


def target_field(fitted: FittedColumn, values: Values) -> Field:
    """A target as its head wants it: classes as codes, all else as the column transforms."""
    field = fitted.transform(values)
    assert isinstance(field, Field), "a target is never stored elsewhere"
    present = field.mask if field.mask is not None else torch.ones(len(values), dtype=torch.bool)
    if isinstance(fitted, FittedFlag):
        return Field(torch.where(present, field.data, 0).long(), present)
    if isinstance(fitted, FittedCategory):
        known = present & (field.data < fitted.num_levels)
        return Field(torch.where(known, field.data, 0), known)
    return Field(field.data, present)


def absent(kind: Kind, num_rows: int) -> Values:
    """A column that is not there: missing in every row."""
    textual = kind.name in ("category", "flag", "set", "image")
    data = np.full(num_rows, "" if textual else 0.0, dtype=object if textual else np.float64)
    return Values(data, np.zeros(num_rows, dtype=bool))


def _fit(
    schema: Schema, name: str, values: Mapping[str, Values], weight: Float[np.ndarray, " rows"]
) -> Column:
    kind = schema.columns[name].kind
    return Column(name, kind, kind.freeze(kind.summarise(values[name], weight)))


def _stack(columns: tuple[Column, ...], values: Mapping[str, Values]) -> Field:
    """One field for several columns: parts side by side, a mask for each part."""
    data: list[Tensor] = []
    mask: list[Tensor] = []
    for column in columns:
        field = column.fitted.transform(values[column.name])
        assert isinstance(field, Field), "what is stored elsewhere has a block of its own"
        parts = field.data if field.data.ndim == 2 else field.data.unsqueeze(1)
        present = field.mask if field.mask is not None else torch.ones(len(field), dtype=torch.bool)
        data.append(parts)
        mask.append(present.unsqueeze(1).expand(-1, parts.shape[1]))
    return Field(torch.cat(data, dim=1).contiguous(), torch.cat(mask, dim=1).contiguous())


def _projections(
    plain: Preparation, values: Mapping[str, Values], plan: PreparationPlan
) -> tuple[Projection, ...]:
    columns = plain.blocks.get("numbers", ())
    if plan.num_pairs == 0 or len(columns) < 2:
        return ()
    known, target = _outputs(plain.targets[0].fitted, values[plain.targets[0].name])
    numbers = _stack(columns, values).data.numpy()[known].astype(np.float64)
    found = find_pairs(numbers, target, plan.seed, plan.num_pairs, plan.least_gain)
    found = [pair for pair in found if pair.gain >= plan.least_share * found[0].gain]
    made = [axis for p in found for axis in turned_axes(numbers, p, plan.num_angles, plan.num_bins)]
    return tuple(made)


def _outputs(fitted: FittedColumn, values: Values) -> tuple[np.ndarray, np.ndarray]:
    """Rows whose target is known, and the target there as columns of numbers."""
    field = target_field(fitted, values)
    assert field.mask is not None, "a target says where it is present"
    known = field.mask.numpy()
    data = field.data.numpy()[known]
    if isinstance(fitted, FittedCategory):
        return known, np.eye(fitted.num_levels)[data][:, :16]
    return known, data.reshape(len(data), -1).astype(np.float64)[:, :16]
