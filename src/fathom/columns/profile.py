"""What one look at a column shows: the facts that recognising its kind goes by."""

import re
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
import polars as pl

from fathom.columns.cells import MARKERS, clean
from fathom.columns.numerals import read_numbers
from fathom.columns.timestamps import day_order, read_timestamps

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
    def words(self) -> dict[str, int]:
        """Distinct cells, most frequent first (then by name), with their rows."""
        table = self.text.drop_nulls().alias("word").value_counts()
        table = table.sort("count", "word", descending=[True, False])
        return dict(zip(table["word"].to_list(), table["count"].to_list(), strict=True))

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

    @cached_property
    def num_present(self) -> int:
        """Rows with a value."""
        return sum(self.words.values())

    @property
    def num_distinct(self) -> int:
        """Distinct values."""
        return len(self.words)

    @property
    def share_distinct(self) -> float:
        """Distinct values per row with a value."""
        return self.num_distinct / max(self.num_present, 1)

    @cached_property
    def numbers(self) -> np.ndarray:
        """The cells that are numbers, in the order of the rows."""
        values = read_numbers(self.raw if self.form == "number" else self.text)
        return values.data[values.present]

    @property
    def share_numbers(self) -> float:
        """The share of the rows with a value whose value is a number."""
        if self.form in ("flag", "date", "set"):
            return 0.0
        return len(self.numbers) / max(self.num_present, 1)

    @cached_property
    def whole(self) -> bool:
        """Whether there are numbers and all are whole."""
        return len(self.numbers) > 0 and bool((self.numbers == np.floor(self.numbers)).all())

    @cached_property
    def digits_only(self) -> bool:
        """Whether every cell is written with digits alone, as numbers of things are."""
        if self.raw.dtype.is_float() or self.num_distinct == 0:
            return False
        return bool(self.text.drop_nulls().str.contains(r"^\d+$").all())

    @cached_property
    def leading_zeros(self) -> int:
        """Rows whose digits begin with a zero that a number would not have."""
        if self.raw.dtype != pl.String:
            return 0
        return int(self.text.drop_nulls().str.contains(r"^0\d+$").sum())

    @cached_property
    def timestamps(self) -> np.ndarray:
        """Seconds for each distinct word, NaN where it is no date."""
        words = pl.Series(list(self.words), dtype=pl.String)
        return read_timestamps(words, day_order(self.text).order)

    @property
    def share_dates(self) -> float:
        """The share of the rows with a value whose value is a date."""
        rows = np.array(list(self.words.values()), dtype=np.float64)
        return float(rows[~np.isnan(self.timestamps)].sum() / max(self.num_present, 1))

    @cached_property
    def words_per_cell(self) -> float:
        """How many words a cell has, on average over distinct cells."""
        counts = [len(word.split()) for word in list(self.words)[:1_000]]
        return sum(counts) / max(len(counts), 1)

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
        """A few of the distinct cells in quotes, for reasons."""
        cells = [word if len(word) <= 30 else word[:27] + "…" for word in list(self.words)[:most]]
        return ", ".join(f"'{cell}'" for cell in cells)

    def span(self) -> str:
        """The range of the numbers, for reasons."""
        return f"{self.numbers.min():g} to {self.numbers.max():g}"
