"""Identifiers: names and numbers that tell rows apart. Carried along, never learned from."""

from dataclasses import asdict, dataclass
from typing import Any, ClassVar

import numpy as np
import polars as pl
from jaxtyping import Bool

from fathom.base.errors import DataError
from fathom.base.tensors import Field
from fathom.columns.cells import clean
from fathom.columns.kind import Anchor, FittedColumn, Kind, KindName, Repair, Stats, Values


@dataclass(frozen=True)
class Presence(Stats):
    """How many rows have a value and how many have none."""

    count: int
    num_missing: int

    @classmethod
    def of(cls, values: Values) -> "Presence":
        present = int(values.present.sum())
        return cls(present, len(values) - present)

    def merge(self, other: Stats) -> "Presence":
        assert isinstance(other, Presence), "statistics of one column are of one kind"
        return Presence(self.count + other.count, self.num_missing + other.num_missing)


@dataclass(frozen=True, kw_only=True)
class Identifier(Kind):
    """A column that tells rows apart: a number of a customer, a name of a file.

    Example:
        >>> values = Identifier().parse(pl.Series(["A7", None]))
        >>> values.data[0], values.present.tolist()
        ('A7', [True, False])
    """

    name: ClassVar[KindName] = "identifier"

    def parse(self, raw: pl.Series) -> Values:
        cells = clean(raw)
        return Values(cells.words(), cells.present, cells.repairs)

    def summarise(self, values: Values, weight: np.ndarray | None = None) -> Presence:
        return Presence.of(values)

    def freeze(self, stats: Stats) -> "FittedIdentifier":
        assert isinstance(stats, Presence), "an identifier is frozen from counts of rows"
        return FittedIdentifier(count=stats.count, num_missing=stats.num_missing)


@dataclass(frozen=True, kw_only=True)
class FittedIdentifier(FittedColumn):
    """An identifier: how many rows have a value.

    Attributes:
        count: rows with a value.
        num_missing: rows without one.
    """

    count: int
    num_missing: int

    kind: ClassVar[KindName] = "identifier"

    def transform(self, values: Values, anchor: Anchor | None = None) -> Field:
        """Never works.

        Raises:
            DataError: always, and says what to do.
        """
        raise not_learned_from(self.kind)

    def decode(self, field: Field, anchor: Anchor | None = None) -> list[Any]:
        """Never works, as `transform`."""
        raise not_learned_from(self.kind)

    def strange(self, values: Values) -> Bool[np.ndarray, " rows"]:
        """Never: no cell is used."""
        return np.zeros(len(values), dtype=bool)

    def unfamiliar(self, values: Values) -> tuple[Repair, ...]:
        """Nothing: no cell is used."""
        return ()

    def to_dict(self) -> dict[str, Any]:
        return {"kind": self.kind, **asdict(self)}

    @classmethod
    def from_dict(cls, content: dict[str, Any]) -> "FittedIdentifier":
        return cls(count=content["count"], num_missing=content["num_missing"])


def not_learned_from(kind: KindName) -> DataError:
    """The four beats for a column that has no tensors."""
    return DataError(
        f"A column of the kind '{kind}' cannot be turned into tensors.",
        expected="a kind that is learned from, such as number or category",
        got=f"the kind '{kind}'",
        do="Leave the column out, or say what it is with --kind COLUMN=KIND.",
    )
