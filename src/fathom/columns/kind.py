"""The contract of a kind: recognise, parse, summarise, freeze; then transform and decode.

`Number()` is what the person or the plan says a column is, with its options; summarising the
training rows and freezing gives a `FittedNumber`, another, frozen object that transforms values
to tensors and decodes tensors to the person's words.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

import numpy as np
import polars as pl

from fathom.base.tensors import Field, Stored

KindName = Literal["number", "category", "flag", "date", "set", "image", "identifier", "ignored"]


@dataclass(frozen=True)
class Repair:
    """Something parsing mended, counted, so that the person is told.

    Attributes:
        what: in plain words, e.g. "decimal comma read as a point".
        count: how many cells.
        examples: a few of the cells as they stood.
    """

    what: str
    count: int
    examples: tuple[str, ...] = ()


@dataclass(frozen=True)
class Values:
    """Parsed cells of one column: typed data and what is present.

    Attributes:
        data: number, date: float64 (dates as seconds since 1970-01-01 UTC); category, flag,
            identifier: a NumPy object array of str; set: an object array of tuples of str;
            image: an object array of the bytes of files, or their paths.
            Where a value is absent the content is meaningless.
        present: True where there is a value.
        repairs: what was mended on the way.
    """

    data: np.ndarray
    present: np.ndarray
    repairs: tuple[Repair, ...] = ()

    def __len__(self) -> int:
        return len(self.present)

    def rows(self, index: np.ndarray) -> "Values":
        """The same column for some rows only."""
        return Values(self.data[index], self.present[index], self.repairs)


def only_present(words: list[Any], field: Field) -> list[Any]:
    """Decoded rows, with None for those that the field's mask says are absent."""
    if field.mask is None:
        return words
    present = field.mask.detach().cpu().tolist()
    return [word if there else None for word, there in zip(words, present, strict=True)]


@dataclass(frozen=True)
class Evidence:
    """Why a column may be of a kind.

    Attributes:
        kind: the kind's name.
        confidence: 0 to 1; the highest wins.
        reason: one sentence with the figures, e.g. "9 distinct words in 32,561 rows".
    """

    kind: KindName
    confidence: float
    reason: str


class Stats(ABC):
    """What one pass over some rows learned about a column. `merge` is associative."""

    @abstractmethod
    def merge(self, other: "Stats") -> "Stats":
        """The statistics of both parts together."""


@dataclass(frozen=True)
class Anchor:
    """The column that values point into: a box into its picture, a span into its text.

    Attributes:
        column: as fitted, for how it was cut or scaled.
        values: the same rows of it.
    """

    column: "FittedColumn"
    values: Values


class FittedColumn(ABC):
    """A column as it was found on the training rows. Frozen; JSON in, JSON out.

    It publishes facts (mean, quantiles, vocabulary); encoders and heads ask for them.
    """

    kind: ClassVar[KindName]

    @abstractmethod
    def transform(self, values: Values, anchor: Anchor | None = None) -> Field | Stored:
        """Values to tensors with one row per example.

        Args:
            values: parsed cells.
            anchor: the column that they point into (spans, boxes); None for most kinds.
        """

    @abstractmethod
    def decode(self, field: Field, anchor: Anchor | None = None) -> list[Any]:
        """Tensors back to the person's words.

        Args:
            field: in the form that `transform` gives; what its mask says is absent becomes None.
            anchor: the column that answers point into (spans, boxes); None for most kinds.
        """

    @abstractmethod
    def to_dict(self) -> dict[str, Any]:
        """Everything as plain JSON values, under "kind" its kind."""


@dataclass(frozen=True, kw_only=True)
class Kind(ABC):
    """What a column is said or found to be, with its options."""

    name: ClassVar[KindName]

    @abstractmethod
    def parse(self, raw: pl.Series) -> Values:
        """Messy cells (strings, or already typed) to typed values and what is present."""

    @abstractmethod
    def summarise(self, values: Values, weight: np.ndarray | None = None) -> Stats:
        """One pass over some rows."""

    @abstractmethod
    def freeze(self, stats: Stats) -> FittedColumn:
        """What was learned, as a frozen object."""


@dataclass(frozen=True)
class Recognised:
    """What inference says of one column.

    Attributes:
        column: its name.
        kind: the chosen kind, options and all.
        evidence: for every kind considered, best first.
        said: True when the person said it.
        doubt: what was settled by mere habit, as nothing in the column decides it; "" = nothing.
    """

    column: str
    kind: Kind
    evidence: tuple[Evidence, ...] = field(default_factory=tuple)
    said: bool = False
    doubt: str = ""

    @property
    def reason(self) -> str:
        """Why this kind."""
        return self.evidence[0].reason if self.evidence else "said"
