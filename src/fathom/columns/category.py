"""Categories: one word of a list per row."""

from dataclasses import asdict, dataclass, fields
from typing import Any, ClassVar

import numpy as np
import polars as pl
import torch
from jaxtyping import Bool

from fathom.base.files import plain
from fathom.base.tensors import Field
from fathom.columns.cells import clean
from fathom.columns.kind import (
    Anchor,
    FittedColumn,
    Kind,
    KindName,
    Repair,
    Stats,
    Values,
    only_present,
)
from fathom.columns.words import WordCounts, at_least_one, reconcile_words, stranger_rows, strangers


@dataclass(frozen=True, kw_only=True)
class Category(Kind):
    """A column with one word of a list per row.

    Attributes:
        max_levels: the most frequent words that get a code of their own; the rest counts as
            unseen.
        min_count: rows that a word must stand in to get a code of its own.
        markers: read "?", "NA", "None" and the like as absent; False keeps them as words, for
            lists in which "None" is an answer.

    Raises:
        RecipeError: `max_levels` or `min_count` is less than 1.

    Example:
        >>> category = Category()
        >>> values = category.parse(pl.Series(["red", "blue", "red", "?"]))
        >>> fitted = category.freeze(category.summarise(values))
        >>> fitted.levels, fitted.transform(values).data.tolist()
        (('red', 'blue'), [0, 1, 0, 2])
    """

    max_levels: int = 10_000
    min_count: int = 1
    markers: bool = True

    name: ClassVar[KindName] = "category"

    def __post_init__(self) -> None:
        at_least_one("category", max_levels=self.max_levels, min_count=self.min_count)

    def parse(self, raw: pl.Series) -> Values:
        cells = clean(raw, markers=self.markers)
        return Values(cells.words(), cells.present, cells.repairs)

    def summarise(self, values: Values, weight: np.ndarray | None = None) -> WordCounts:
        return WordCounts.of(values, weight)

    def freeze(self, stats: Stats) -> "FittedCategory":
        assert isinstance(stats, WordCounts), "a category is frozen from counts of words"
        levels = stats.ranked(self.max_levels, self.min_count)
        return FittedCategory(
            levels=levels,
            counts=tuple(stats.rows[word] for word in levels),
            weights=tuple(stats.weights[word] for word in levels),
            count=stats.count,
            num_missing=stats.num_missing,
            num_rare=sum(stats.rows.values()) - sum(stats.rows[word] for word in levels),
        )


@dataclass(frozen=True, kw_only=True)
class FittedCategory(FittedColumn):
    """A category as the training rows showed it.

    Codes: 0 to num_levels − 1 = the levels; num_levels = absent; num_levels + 1 = unseen or rare.
    As an input a column has `num_codes` codes; a target only learns the levels.

    Attributes:
        levels: the words, most frequent first, then by name.
        counts: training rows of each.
        weights: their sum of weights.
        count: rows with a value.
        num_missing: rows without one.
        num_rare: rows whose word was too rare to be a level.
    """

    levels: tuple[str, ...]
    counts: tuple[int, ...]
    weights: tuple[float, ...]
    count: int
    num_missing: int
    num_rare: int

    kind: ClassVar[KindName] = "category"

    @property
    def num_levels(self) -> int:
        """How many words have a code of their own."""
        return len(self.levels)

    @property
    def num_codes(self) -> int:
        """All codes, those for absent and for unseen included."""
        return len(self.levels) + 2

    @property
    def missing_code(self) -> int:
        """The code of an absent value."""
        return len(self.levels)

    @property
    def unseen_code(self) -> int:
        """The code of a word that is not a level."""
        return len(self.levels) + 1

    def reconcile(self, values: Values) -> Values:
        """Words written as the training rows wrote them; `transform` does this too, silently."""
        return reconcile_words(values, self.levels)

    def transform(self, values: Values, anchor: Anchor | None = None) -> Field:
        """Codes, int64 ["batch"]; the mask is False where absent (an unseen word is present)."""
        words = self.reconcile(values).data
        code = {word: index for index, word in enumerate(self.levels)}
        unseen = self.unseen_code
        codes = np.fromiter((code.get(word, unseen) for word in words), np.int64, len(words))
        codes[~values.present] = self.missing_code
        return Field(torch.from_numpy(codes), torch.from_numpy(values.present.copy()))

    def decode(self, field: Field, anchor: Anchor | None = None) -> list[Any]:
        """Words; None for the codes of absent and unseen."""
        words = [*self.levels, None, None]
        return only_present([words[code] for code in field.data.detach().cpu().tolist()], field)

    def strange(self, values: Values) -> Bool[np.ndarray, " rows"]:
        """True for cells with words that are not levels, even after `reconcile`."""
        return stranger_rows(self.reconcile(values), self.levels)

    def unfamiliar(self, values: Values) -> tuple[Repair, ...]:
        """How many cells hold words that are not levels, even after `reconcile`."""
        return strangers(self.reconcile(values), self.levels)

    def to_dict(self) -> dict[str, Any]:
        return {"kind": self.kind, **plain(asdict(self))}

    @classmethod
    def from_dict(cls, content: dict[str, Any]) -> "FittedCategory":
        facts = {field.name: content[field.name] for field in fields(cls)}
        for name in ("levels", "counts", "weights"):
            facts[name] = tuple(facts[name])
        return cls(**facts)
