"""What one look at a column shows: the facts that recognising its kind goes by."""

import re
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
import polars as pl

from fathom.columns.cells import MARKERS, as_text, clean
from fathom.columns.kind import Values
from fathom.columns.numerals import INFINITE, read_numbers
from fathom.columns.timestamps import DayOrder, day_order, read_timestamps

_MOST_WORDS = 50
_MOST_SAMPLED = 10_000
# A column whose distinct cells are less often numbers than this is not read as numbers at all.
_HARDLY_ANY = 0.02

Form = Literal["text", "nominal", "number", "flag", "date", "set"]

IDENTIFIER_WORDS = frozenset({"id", "ids", "uuid", "guid", "key", "code", "zip", "zipcode"})
TIME_WORDS = frozenset({"time", "timestamp", "date", "datetime", "ts", "epoch", "when"})


@dataclass(frozen=True, eq=False)
class Profile:
    """A column at one look. Everything is found on demand and kept.

    Attributes:
        name: of the column.
        raw: its cells.
    """

    name: str
    raw: pl.Series

    @cached_property
    def form(self) -> Form:
        """What the type of the cells says."""
        dtype = self.raw.dtype
        if dtype == pl.Boolean:
            return "flag"
        if dtype in (pl.Date, pl.Datetime):
            return "date"
        if dtype in (pl.List, pl.Array):
            return "set"
        if dtype in (pl.Categorical, pl.Enum):
            return "nominal"
        return "number" if dtype.is_numeric() else "text"

    @cached_property
    def text(self) -> pl.Series:
        """Clean cells in the order of the rows, null where absent."""
        return clean(self.raw).text

    @cached_property
    def cells(self) -> pl.Series:
        """What is present, in the order of the rows: numbers that are typed so, else clean text."""
        cells = self.raw.fill_nan(None) if self.raw.dtype.is_float() else self.raw
        return (cells if self.form == "number" else self.text).drop_nulls()

    @cached_property
    def words(self) -> dict[str, int]:
        """The most frequent distinct cells (of several the first by name), with their rows."""
        table = self.cells.alias("word").value_counts()
        table = table.top_k(_MOST_WORDS, by=["count", "word"], reverse=[False, True])
        table = table.sort("count", "word", descending=[True, False])
        return dict(zip(as_text(table["word"]).to_list(), table["count"].to_list(), strict=True))

    @cached_property
    def sample(self) -> pl.Series:
        """Distinct cells as text; of very many some, spread over their first appearances."""
        step = max(1, -(-self.num_distinct // _MOST_SAMPLED))
        return as_text(self._distinct[::step])

    @cached_property
    def _distinct(self) -> pl.Series:
        return self.cells.unique(maintain_order=True)

    @cached_property
    def markers(self) -> dict[str, int]:
        """Cells that were taken for "no value" though they are not empty, with their rows."""
        if self.raw.dtype != pl.String:
            return {}
        text = clean(self.raw, markers=False).text
        table = text.filter(text.is_in(list(MARKERS))).alias("word").value_counts()
        return dict(zip(table["word"].to_list(), table["count"].to_list(), strict=True))

    @property
    def num_rows(self) -> int:
        """Rows, with or without a value."""
        return len(self.raw)

    @property
    def num_present(self) -> int:
        """Rows with a value."""
        return len(self.cells)

    @property
    def num_distinct(self) -> int:
        """Distinct values."""
        return len(self._distinct)

    @property
    def share_distinct(self) -> float:
        """Distinct values per row with a value."""
        return self.num_distinct / max(self.num_present, 1)

    @cached_property
    def _read(self) -> Values | None:
        """The cells read as numbers; None when hardly any is one."""
        if self.form == "text":
            some = read_numbers(self.sample).present
            if some.sum() <= _HARDLY_ANY * len(some):
                return None
        return read_numbers(self.raw if self.form == "number" else self.text)

    @cached_property
    def numbers(self) -> np.ndarray:
        """The cells that are finite numbers, in the order of the rows; none when hardly any is."""
        return np.empty(0) if self._read is None else self._read.data[self._read.present]

    @property
    def num_infinite(self) -> int:
        """Rows whose cell is an infinite number."""
        repairs = () if self._read is None else self._read.repairs
        return sum(repair.count for repair in repairs if repair.what == INFINITE)

    @property
    def share_numbers(self) -> float:
        """The share of the rows with a value whose value is a number, infinite ones included."""
        if self.form in ("flag", "date", "set") or len(self.numbers) == 0:
            return 0.0
        return (len(self.numbers) + self.num_infinite) / max(self.num_present, 1)

    @cached_property
    def whole(self) -> bool:
        """Whether there are numbers and all are whole."""
        return len(self.numbers) > 0 and bool((self.numbers == np.floor(self.numbers)).all())

    @cached_property
    def digits_only(self) -> bool:
        """Whether every cell is written with digits alone, as numbers of things are."""
        if self.raw.dtype.is_float() or self.num_present == 0:
            return False
        return bool(as_text(self.cells).str.contains(r"^\d+$").all())

    @cached_property
    def leading_zeros(self) -> int:
        """Rows whose digits begin with a zero that a number would not have."""
        if self.raw.dtype != pl.String:
            return 0
        return int(self.cells.str.contains(r"^0\d+$").sum())

    @cached_property
    def day_order(self) -> DayOrder:
        """Which of the two small numbers in "3/4/2018" is the day."""
        return day_order(self.text)

    @cached_property
    def share_dates(self) -> float:
        """The share of the sample that are dates."""
        seconds = read_timestamps(self.sample, day_order(self.sample).order)
        return float((~np.isnan(seconds)).mean()) if len(seconds) else 0.0

    @cached_property
    def words_per_cell(self) -> float:
        """How many words a cell has, on average over the sample."""
        counts = self.sample.str.count_matches(r"\S+")
        return float(counts.to_numpy().mean()) if len(counts) else 0.0

    @cached_property
    def name_words(self) -> tuple[str, ...]:
        """The name in small words: "movieId" is movie, id."""
        found = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+", self.name)
        return tuple(word.lower() for word in found)

    @property
    def named_identifier(self) -> bool:
        """Whether the name ends as names of identifiers do."""
        return bool(self.name_words) and self.name_words[-1] in IDENTIFIER_WORDS

    @property
    def named_time(self) -> bool:
        """Whether the name speaks of time."""
        return any(word in TIME_WORDS for word in self.name_words)

    def shown(self, most: int = 3) -> str:
        """A few of the distinct cells in quotes, for reasons; alike once cut: shown once."""
        words = list(self.words)[: 10 * most]
        cells = dict.fromkeys(word if len(word) <= 30 else word[:29] + "…" for word in words)
        return ", ".join(f"'{cell}'" for cell in list(cells)[:most])

    def span(self) -> str:
        """The range of the numbers, for reasons."""
        return f"{self.numbers.min():g} to {self.numbers.max():g}"
