"""Columns that are left out: constant, empty, or of a kind that is not learned from yet."""

from dataclasses import asdict, dataclass
from typing import Any, ClassVar

import numpy as np
import polars as pl
from jaxtyping import Bool

from fathom.base.tensors import Field
from fathom.columns.cells import as_text
from fathom.columns.identifier import Presence, not_learned_from
from fathom.columns.kind import Anchor, FittedColumn, Kind, KindName, Repair, Stats, Values


@dataclass(frozen=True, kw_only=True)
class Ignored(Kind):
    """A column that is left out; its cells stay as they stand.

    Example:
        >>> Ignored().parse(pl.Series([" a ", None])).data.tolist()
        [' a ', '']
    """

    name: ClassVar[KindName] = "ignored"

    def parse(self, raw: pl.Series) -> Values:
        text = as_text(raw)
        data = np.empty(len(text), dtype=object)
        data[:] = text.fill_null("").to_list()
        return Values(data, text.is_not_null().to_numpy())

    def summarise(self, values: Values, weight: np.ndarray | None = None) -> Presence:
        return Presence.of(values)

    def freeze(self, stats: Stats) -> "FittedIgnored":
        assert isinstance(stats, Presence), "an ignored column is frozen from counts of rows"
        return FittedIgnored(count=stats.count, num_missing=stats.num_missing)


@dataclass(frozen=True, kw_only=True)
class FittedIgnored(FittedColumn):
    """An ignored column: how many rows have a value.

    Attributes:
        count: rows with a value.
        num_missing: rows without one.
    """

    count: int
    num_missing: int

    kind: ClassVar[KindName] = "ignored"

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
    def from_dict(cls, content: dict[str, Any]) -> "FittedIgnored":
        return cls(count=content["count"], num_missing=content["num_missing"])
