"""One column as the inspection looks at it, with what several findings need of it."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Float, Int

from fathom.columns.kind import KindName, Values
from fathom.inspection.hashing import Hashes, hash_numbers, hash_words, salted


def codes_of(keys: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Number the distinct values in ascending order.

    What `numpy.unique` does, without its stable sort, which costs more than all the rest.

    Returns:
        The code of each key; for each code the first place it stands, and how often.

    Example:
        >>> [part.tolist() for part in codes_of(np.array([5.0, 2.0, 5.0]))]
        [[1, 0, 1], [1, 0], [1, 2]]
    """
    order = np.argsort(keys)
    ranked = keys[order]
    new = np.ones(len(keys), dtype=bool)
    new[1:] = ranked[1:] != ranked[:-1]
    starts = np.flatnonzero(new)
    codes = np.empty(len(keys), dtype=np.int64)
    codes[order] = np.cumsum(new) - 1
    first = np.minimum.reduceat(order, starts) if len(starts) else starts
    return codes, first, np.diff(np.append(starts, len(keys)))


@dataclass(frozen=True, eq=False)
class Levels:
    """The distinct values of a column. Those of numbers and dates are in ascending order.

    Attributes:
        codes: which level each row has; rows without a value have the code `num`.
        counts: rows of each level.
        first: the first row of each level.
        num_absent: rows without a value.
    """

    codes: Int[np.ndarray, " rows"]
    counts: Int[np.ndarray, " levels"]
    first: Int[np.ndarray, " levels"]
    num_absent: int

    @property
    def num(self) -> int:
        """How many distinct values there are; "no value" is not one of them."""
        return len(self.counts)

    @property
    def sizes(self) -> Int[np.ndarray, " codes"]:
        """Rows of each code, that of "no value" included when it occurs."""
        return np.append(self.counts, self.num_absent) if self.num_absent else self.counts


@dataclass(frozen=True, eq=False)
class Column:
    """A column with its kind and its parsed values.

    Attributes:
        name: of the column.
        kind: the name of its kind.
        values: its parsed cells.
        said: True when the person said what kind it is.

    Example:
        >>> column = Column("a", "number", Values(np.array([2.0, 1.0, 2.0]), np.ones(3, bool)))
        >>> column.levels.codes.tolist(), column.levels.counts.tolist(), column.word(0)
        ([1, 0, 1], [1, 2], '1')
    """

    name: str
    kind: KindName
    values: Values
    said: bool = False

    def __len__(self) -> int:
        return len(self.values)

    @property
    def numeric(self) -> bool:
        """Whether the values are numbers: numbers and dates."""
        return self.kind in ("number", "date")

    @property
    def used(self) -> bool:
        """Whether it is of a kind that is learned from."""
        return self.kind not in ("identifier", "ignored")

    @property
    def present(self) -> Bool[np.ndarray, " rows"]:
        """True where there is a value."""
        return self.values.present

    @property
    def num_present(self) -> int:
        """Rows with a value."""
        return len(self) - self.levels.num_absent

    @cached_property
    def numbers(self) -> Float[np.ndarray, " present"]:
        """The values that are there, in the order of the rows; of numeric columns only."""
        return self.values.data[self.present].astype(np.float64)

    @cached_property
    def hashes(self) -> Hashes:
        """One number per row, equal for equal values."""
        hashed = hash_numbers if self.numeric else hash_words
        return hashed(self.values.data, self.present)

    @cached_property
    def levels(self) -> Levels:
        """The distinct values."""
        rows = np.flatnonzero(self.present)
        inverse, first, counts = codes_of(self.numbers if self.numeric else self.hashes[rows])
        codes = np.full(len(self), len(counts), dtype=np.int64)
        codes[rows] = inverse
        return Levels(codes, counts, rows[first], len(self) - len(rows))

    @cached_property
    def row_part(self) -> Hashes:
        """What this column adds to the hashes of rows."""
        return salted(self.hashes, self.name)

    @cached_property
    def chance(self) -> float:
        """How likely two different rows agree here: Σ n_k·(n_k − 1) / (n·(n − 1)).

        Two files of pictures never agree by chance.
        """
        if self.kind == "image":
            return 0.0
        sizes, rows = self.levels.sizes.astype(np.float64), float(len(self))
        return float((sizes * (sizes - 1)).sum() / max(rows * (rows - 1), 1.0))

    def rows(self, index: np.ndarray) -> "Column":
        """The same column for some rows only."""
        return Column(self.name, self.kind, self.values.rows(index), self.said)

    def word(self, code: int) -> str:
        """A level as a word."""
        value = self.values.data[self.levels.first[code]]
        if self.kind == "number":
            return f"{value:.12g}"
        if self.kind == "date":
            return str(np.datetime64(int(value), "s")).removesuffix("T00:00:00")
        return "|".join(value) if isinstance(value, tuple) else str(value)

    def counts(self) -> dict[str, int]:
        """Rows of each level by its word, the most frequent first."""
        order = np.argsort(-self.levels.counts, kind="stable")
        return {self.word(int(code)): int(self.levels.counts[code]) for code in order}


def median_of(numbers: np.ndarray) -> float:
    """The median, also where the sum of two numbers would be infinite.

    Example:
        >>> median_of(np.array([1e308, 1.2e308, 0.0, 1.5e308]))
        1.1e+308
    """
    return 2 * float(np.median(numbers / 2))
