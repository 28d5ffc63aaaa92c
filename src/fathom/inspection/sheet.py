"""The one input of every finding: a table, what its columns are, and what is to be learned."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from fathom.base.errors import RecipeError, listed, nearest
from fathom.base.seeds import numpy_generator
from fathom.columns.cells import clean
from fathom.columns.image import named_if_readable
from fathom.columns.kind import Recognised, Values
from fathom.inspection.column import Column
from fathom.inspection.hashing import Hashes
from fathom.tables.schema import cells_of
from fathom.tables.table import Table

_SAMPLE = 20_000


@dataclass(frozen=True, eq=False)
class Sheet:
    """A table as it is inspected.

    Attributes:
        table: the cells as they were read.
        recognised: column -> what it is; for other files, what the training rows said it is.
        values: column -> its parsed cells, for the columns of `recognised` that the table has.
        targets: the columns to be learned; may be empty.
        part: what rows these are: "train", "validation" or "test".
        group: the column said to hold what rows belong together; "" = none.
        time_column: the column said to hold the time; "" = none.
        weight: the column said to hold how much each row counts; "" = none.
        origin: which row of its source, from 0, each row is; None = they are all, in order.

    Raises:
        RecipeError: a target is not a column.
    """

    table: Table
    recognised: Mapping[str, Recognised]
    values: Mapping[str, Values]
    targets: tuple[str, ...] = ()
    part: str = "train"
    group: str = ""
    time_column: str = ""
    weight: str = ""
    origin: np.ndarray | None = None

    def __post_init__(self) -> None:
        for name in self.targets:
            if name not in self.values:
                raise RecipeError(
                    "The target is not a column of the table.",
                    where=self.table.source.name,
                    expected=f"one of {listed(self.values)}",
                    got=f"'{name}'",
                    do=nearest(name, self.values) or "Name one of the columns.",
                )

    @classmethod
    def of(
        cls,
        table: Table,
        recognised: Mapping[str, Recognised],
        targets: tuple[str, ...] = (),
        part: str = "train",
    ) -> "Sheet":
        """A sheet with the cells parsed as their kinds say.

        A target that another file lacks is left out: such files have nothing to compare it with.

        Args:
            table: the cells.
            recognised: column -> what it is.
            targets: the columns to be learned.
            part: what rows these are.
        """
        here = [name for name in table.columns if name in recognised]
        values = {name: recognised[name].kind.parse(cells_of(table, name, recognised[name].kind))
                  for name in here}  # fmt: skip
        if part != "train":
            targets = tuple(name for name in targets if name in values)
        return cls(table, recognised, values, targets, part)

    @property
    def num_rows(self) -> int:
        """How many rows there are."""
        return self.table.num_rows

    @cached_property
    def columns(self) -> dict[str, Column]:
        """Every column, in the order of the table."""
        return {name: self._column(name) for name in self.table.columns if name in self.values}

    def _column(self, name: str) -> Column:
        found, values = self.recognised[name], self.values[name]
        if found.kind.name == "ignored":
            # Its cells stay as they stand, "?" and all; here it counts that they say nothing.
            cells = clean(self.table.column(name))
            values = Values(cells.words(), cells.present, cells.repairs)
        if found.kind.name == "image":
            # Copies of a picture are the same word, whatever their files are called.
            values = named_if_readable(values, self.part)
        return Column(name, found.kind.name, values, found.said)

    @property
    def inputs(self) -> list[Column]:
        """What may be learned from: no column with another part, no identifier, none ignored."""
        return [
            column
            for name, column in self.columns.items()
            if column.used and name not in (*self.targets, self.group, self.weight)
        ]

    @property
    def learned(self) -> list[Column]:
        """The targets."""
        return [self.columns[name] for name in self.targets]

    @cached_property
    def sample(self) -> "Sheet":
        """The same sheet, with some random rows only where there are very many.

        For statistics of which a sample says as much as all rows; always the same sample.
        """
        if self.num_rows <= _SAMPLE:
            return self
        generator = numpy_generator(0, "inspection", "sample", self.num_rows)
        return self.rows(np.sort(generator.choice(self.num_rows, _SAMPLE, replace=False)))

    def rows(self, index: np.ndarray) -> "Sheet":
        """The same sheet for some rows only."""
        values = {name: column.rows(index) for name, column in self.values.items()}
        return replace(self, table=self.table.rows(index), values=values)


def row_hashes(columns: list[Column], num_rows: int) -> Hashes:
    """One number per row, equal where all these columns agree.

    It is a sum over columns, so that one column's part can be taken away again.

    Example:
        >>> values = Values(np.array([1.0, 2.0, 1.0]), np.ones(3, dtype=bool))
        >>> hashes = row_hashes([Column("a", "number", values)], 3)
        >>> bool(hashes[0] == hashes[2]), bool(hashes[0] == hashes[1])
        (True, False)
    """
    total = np.zeros(num_rows, dtype=np.uint64)
    for column in columns:
        total += column.row_part
    return total
