"""Sets: several labels in one cell, such as "drama|comedy"."""

import json
from dataclasses import asdict, dataclass, fields
from typing import Any, ClassVar

import numpy as np
import polars as pl
import torch
from jaxtyping import Bool

from fathom.base.errors import RecipeError
from fathom.base.files import plain
from fathom.base.tensors import Field
from fathom.columns.cells import MARKERS, clean, counted
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
from fathom.columns.words import WordCounts, at_least_one, strangers

SEPARATORS = ("|", ";", ",")


@dataclass(frozen=True, kw_only=True)
class Set(Kind):
    """A column with several labels per cell, in no order.

    Cells may be lists of their own type, JSON lists, or text with a separator.

    Attributes:
        separator: what stands between labels; None = whichever of "|", ";" and "," is in most
            cells. Recognition settles it, so that later files are read alike.
        max_levels: the most frequent labels that are learned.
        min_count: rows that a label must stand in to be learned.

    Raises:
        RecipeError: the separator is empty, or a count is less than 1.

    Example:
        >>> kind = Set()
        >>> values = kind.parse(pl.Series(["a|b", "b", None, "c|b"]))
        >>> fitted = kind.freeze(kind.summarise(values))
        >>> fitted.levels, fitted.transform(values).data.tolist()[0]
        (('b', 'a', 'c'), [1.0, 1.0, 0.0])
        >>> fitted.decode(fitted.transform(values))[3]
        ('b', 'c')
    """

    separator: str | None = None
    max_levels: int = 1_000
    min_count: int = 1

    name: ClassVar[KindName] = "set"

    def __post_init__(self) -> None:
        at_least_one("set", max_levels=self.max_levels, min_count=self.min_count)
        if self.separator == "":
            raise RecipeError(
                "Labels must be separated by something.",
                where="set(separator=…)",
                expected="a sign such as '|' or ';'",
                got="nothing",
                do="Leave separator out to have it found.",
            )

    def parse(self, raw: pl.Series) -> Values:
        if raw.dtype.is_nested():
            return _values([_labels(cell) for cell in raw.to_list()])
        cells = clean(raw)
        separator = self.separator or find_separator(cells.text)
        table: dict[str | None, tuple[str, ...] | None] = {None: None}
        broken: set[str | None] = set()
        words = cells.text.to_list()
        for cell in dict.fromkeys(word for word in words if word is not None):
            bracketed = cell.startswith("[") and cell.endswith("]")
            found = _json_list(cell) if bracketed else None
            if found is None:
                found = _labels(cell[bracketed : len(cell) - bracketed].split(separator))
                broken.update([cell] * bracketed)
            table[cell] = found
        unread = np.fromiter((word in broken for word in words), bool, len(words))
        told = counted("a broken JSON list split at its separators", unread, cells.text)
        return _values([table[word] for word in words], (*cells.repairs, *told))

    def summarise(self, values: Values, weight: np.ndarray | None = None) -> WordCounts:
        return WordCounts.of(values, weight)

    def freeze(self, stats: Stats) -> "FittedSet":
        assert isinstance(stats, WordCounts), "a set is frozen from counts of labels"
        levels = stats.ranked(self.max_levels, self.min_count)
        return FittedSet(
            levels=levels,
            counts=tuple(stats.rows[label] for label in levels),
            weights=tuple(stats.weights[label] for label in levels),
            count=stats.count,
            num_missing=stats.num_missing,
        )


@dataclass(frozen=True, kw_only=True)
class FittedSet(FittedColumn):
    """A set as the training rows showed it.

    Attributes:
        levels: the labels, most frequent first, then by name.
        counts: training rows of each.
        weights: their sum of weights.
        count: rows with a value.
        num_missing: rows without one.
    """

    levels: tuple[str, ...]
    counts: tuple[int, ...]
    weights: tuple[float, ...]
    count: int
    num_missing: int

    kind: ClassVar[KindName] = "set"

    @property
    def num_levels(self) -> int:
        """How many labels there are."""
        return len(self.levels)

    def transform(self, values: Values, anchor: Anchor | None = None) -> Field:
        """1 for each label of a row, float32 ["batch", "levels"]; labels not learned leave none."""
        place = {label: index for index, label in enumerate(self.levels)}
        data = torch.zeros(len(values), len(self.levels))
        for row in np.flatnonzero(values.present).tolist():
            known = [place[label] for label in values.data[row] if label in place]
            data[row, known] = 1.0
        return Field(data, torch.from_numpy(values.present.copy()))

    def decode(self, field: Field, anchor: Anchor | None = None) -> list[Any]:
        """Tuples of the labels whose value is one half or more, in the order of `levels`."""
        chosen = (field.data.detach().cpu() >= 0.5).tolist()
        labels = [
            tuple(label for label, there in zip(self.levels, row, strict=True) if there)
            for row in chosen
        ]
        return only_present(labels, field)

    def strange(self, values: Values) -> Bool[np.ndarray, " rows"]:
        """True for cells with a label that the training rows do not have."""
        known = set(self.levels)
        return values.present & np.fromiter(
            (not known.issuperset(cell or ()) for cell in values.data), bool, len(values)
        )

    def unfamiliar(self, values: Values) -> tuple[Repair, ...]:
        """How many labels the training rows do not have."""
        labels = [label for cell in values.data[values.present] for label in cell]
        words = np.fromiter(labels, object, len(labels))
        return strangers(Values(words, np.ones(len(labels), dtype=bool)), self.levels)

    def to_dict(self) -> dict[str, Any]:
        return {"kind": self.kind, **plain(asdict(self))}

    @classmethod
    def from_dict(cls, content: dict[str, Any]) -> "FittedSet":
        facts = {field.name: content[field.name] for field in fields(cls)}
        for name in ("levels", "counts", "weights"):
            facts[name] = tuple(facts[name])
        return cls(**facts)


def find_separator(text: pl.Series) -> str:
    """Of "|", ";" and "," the one in most cells that are not JSON lists; the first of several."""
    cells = text.drop_nulls()
    loose = cells.filter(~cells.str.contains(r"^\[.*\]$"))
    loose = loose if len(loose) else cells
    found = {sign: loose.str.contains(sign, literal=True).sum() for sign in SEPARATORS}
    return max(SEPARATORS, key=lambda sign: found[sign])


def _labels(cell: list[Any] | None) -> tuple[str, ...] | None:
    """Different labels of one cell in their order, without blanks and markers."""
    if cell is None:
        return None
    labels = (str(label).strip() for label in cell if label is not None)
    return tuple(dict.fromkeys(label for label in labels if label and label not in MARKERS))


def _json_list(cell: str) -> tuple[str, ...] | None:
    """The labels of a JSON list, written with either kind of quotes; None when it is not one."""
    for written in (cell, cell.replace("'", '"')):
        try:
            found = json.loads(written)
        except json.JSONDecodeError:
            continue
        if isinstance(found, list):
            return _labels(found)
    return None


def _values(cells: list[tuple[str, ...] | None], repairs: tuple[Repair, ...] = ()) -> Values:
    data = np.fromiter((() if cell is None else cell for cell in cells), object, len(cells))
    return Values(data, np.array([cell is not None for cell in cells], dtype=bool), repairs)
