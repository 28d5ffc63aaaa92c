"""Which column plays which part, and what kind each one is."""

import os
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import polars as pl

from fathom.base.errors import DataError, RecipeError, listed, nearest
from fathom.columns.catalogue import kind_from_name
from fathom.columns.kind import Evidence, Kind, KindName, Recognised, Values
from fathom.columns.picture import PICTURE_ENDINGS
from fathom.columns.recognise import recognise, recognise_target
from fathom.tables.table import Table

# Sums of squares of larger ones would be infinite.
_LARGEST_WEIGHT = 1e100
UNUSED = ("identifier", "ignored")
# What `Path` would leave out of a path.
_ODD = re.compile(r"//|(?:^|/)\.(?:/|$)|/$")

# What a file declares, against what the cells look like: the file knows better here.
_TOLD: dict[tuple[str, str], KindName] = {
    ("nominal", "number"): "category",
    ("numeric", "category"): "number",
}


@dataclass(frozen=True, kw_only=True)
class Roles:
    """What the person said of columns.

    Attributes:
        targets: what is to be learned.
        weight: how much each row counts.
        group: rows of one value belong together.
        time: when each row happened.
        kinds: column -> kind, where the person said one.
    """

    targets: tuple[str, ...] = ()
    weight: str | None = None
    group: str | None = None
    time: str | None = None
    kinds: Mapping[str, str] = field(default_factory=dict[str, str])

    def check(self, table: Table) -> None:
        """Every named column exists, and none plays two parts that exclude each other.

        Raises:
            RecipeError: a column is missing; the nearest name is shown.
        """
        named = [("target", t) for t in self.targets]
        named += [(part, getattr(self, part)) for part in ("weight", "group", "time")]
        named += [("kind", column) for column in self.kinds]
        for part, column in named:
            if column is not None and column not in table.columns:
                raise RecipeError(
                    f"There is no column '{column}' to be the {part}.",
                    where=table.source.name,
                    expected=f"one of {listed(table.columns)}",
                    got=f"'{column}'",
                    do=nearest(column, table.columns) or "Name a column that exists.",
                )
        check_one_of_each(table, [column for _, column in named if column is not None])
        twice = [name for name in self.targets if self.targets.count(name) > 1]
        if twice:
            raise RecipeError(
                f"The target '{twice[0]}' is named twice.",
                where="target",
                got=listed(self.targets),
                do="Name each target once.",
            )
        if self.weight in self.targets:
            raise RecipeError(
                f"'{self.weight}' is named both as a target and as the weight of rows.",
                where="target, weight",
                got=listed([*self.targets, self.weight]),
                do="Name another column as the weight, or none.",
            )

    @property
    def set_aside(self) -> tuple[str, ...]:
        """Columns that are not inputs because they play another part."""
        aside = [*self.targets, self.weight, self.group]
        return tuple(name for name in aside if name is not None)


def check_like(table: Table, known: Collection[str]) -> None:
    """Where another table had one column of a name, this one may not have several.

    Args:
        table: some rows.
        known: the columns of the other; "a_2" says that two were called "a" there as well.

    Raises:
        DataError: two columns of the file have one name.
    """
    check_one_of_each(table, (name for name in known if f"{name}_2" not in known))


def check_one_of_each(table: Table, names: Iterable[str]) -> None:
    """A name that is to mean one column may not be that of several.

    Raises:
        DataError: two columns of the file have it; one of them was renamed when it was read.
    """
    twice = [name for name in names if name in table.repeated]
    if twice:
        raise DataError(
            f"Several columns are called '{twice[0]}', so it is not clear which one is meant.",
            where=table.source.name,
            expected=f"one column '{twice[0]}'",
            got=listed(name for name in table.columns if _stem(name) == twice[0])
            + ", after the others were renamed",
            do="Give each column a name of its own in the file, or name all columns with --names.",
        )


def _stem(name: str) -> str:
    """A name without the number that made it unlike another."""
    head, sign, number = name.rpartition("_")
    return head if sign and number.isdigit() else name


@dataclass(frozen=True)
class Schema:
    """The kinds of all columns, as found on the training rows or said.

    Attributes:
        roles: which column plays which part.
        columns: every column of the table, with its kind and the reason.
    """

    roles: Roles
    columns: dict[str, Recognised]

    @property
    def inputs(self) -> tuple[str, ...]:
        """The columns that the network sees."""
        return tuple(
            name
            for name, found in self.columns.items()
            if name not in self.roles.set_aside and found.kind.name not in UNUSED
        )

    @property
    def kinds(self) -> dict[str, Kind]:
        """How every column is read."""
        return {name: found.kind for name, found in self.columns.items()}

    def without(self, columns: Mapping[str, str]) -> "Schema":
        """The same schema with some columns ignored, each for a reason."""
        ignored = kind_from_name("ignored")
        changed = dict(self.columns)
        for name, why in columns.items():
            found = self.columns[name]
            evidence = (Evidence("ignored", 1.0, f"left out: {why}"), *found.evidence)
            changed[name] = replace(found, kind=ignored, evidence=evidence, doubt="")
        return Schema(self.roles, changed)

    @property
    def described(self) -> dict[str, tuple[str, str]]:
        """Column -> its kind, in the person's words where there are some, and the reason."""
        return {
            name: (self.roles.kinds.get(name, found.kind.name), found.reason)
            for name, found in self.columns.items()
        }


def infer_schema(table: Table, roles: Roles) -> Schema:
    """The kind of every column, from these rows only.

    Args:
        table: the training rows.
        roles: what the person said.

    Raises:
        RecipeError: a named column or kind does not exist.
    """
    roles.check(table)
    found = {name: _recognised(table, roles, name) for name in table.columns}
    return Schema(roles, found)


def _recognised(table: Table, roles: Roles, name: str) -> Recognised:
    raw, said = located(table, name), roles.kinds.get(name)
    if name in roles.targets:
        return recognise_target(raw, name=name, declared=said)
    if said is not None:
        return recognise(raw, name=name, declared=said)
    found = recognise(raw, name=name)
    told = _TOLD.get((table.source.declared.get(name, ""), found.kind.name))
    if told is None:
        return found
    settled = recognise(raw, name=name, declared=told)
    reason = f"the file declares it {table.source.declared[name]}; else {found.reason}"
    others = tuple(item for item in found.evidence if item.kind != told)
    return Recognised(name, settled.kind, (Evidence(told, 1.0, reason), *others))


def parse_columns(table: Table, kinds: Mapping[str, Kind]) -> dict[str, Values]:
    """Typed values of those columns that the table has."""
    there = set(table.columns)
    return {name: kind.parse(cells_of(table, name, kind)) for name, kind in kinds.items()
            if name in there}  # fmt: skip


def cells_of(table: Table, name: str, kind: Kind) -> pl.Series:
    """The raw cells of a column; names of pictures as they are seen from here."""
    return located(table, name) if kind.name == "image" else table.column(name)


def located(table: Table, name: str) -> pl.Series:
    """The raw cells of a column; if they name pictures, by paths from here, not from the table."""
    raw, folder = table.column(name), table.source.folder
    if raw.dtype != pl.String or not folder:
        return raw
    first = raw.drop_nulls().head(1).to_list()
    if not first or not first[0].lower().endswith(PICTURE_ENDINGS):
        return raw
    found = [cell and below(folder, cell) for cell in raw.to_list()]
    return pl.Series(name, found, dtype=pl.String)


def below(folder: str, name: str) -> str:
    """The path of a file named from a folder, as `Path` would write it, in a tenth of its time.

    Example:
        >>> below("data/./cats", "a.png"), below("data", "/cats/a.png"), below(".", "a.png")
        ('data/cats/a.png', '/cats/a.png', 'a.png')
    """
    joined = f"{folder}/{name}"
    if os.sep != "/" or name[0] == "/" or _ODD.search(joined):
        return str(Path(folder) / name)
    return joined


def row_weights(table: Table, column: str | None, origin: np.ndarray | None = None) -> np.ndarray:
    """The weights of rows, 1 without a weight column.

    Args:
        table: the rows.
        column: holds the weights.
        origin: the row of its file, from 0, that each row was, for messages; None = all of them.

    Raises:
        DataError: a weight is missing, negative, not a number or too large.
    """
    if column is None:
        return np.ones(table.num_rows)
    values = kind_from_name("number").parse(table.column(column))
    bad = ~values.present | (values.data < 0)
    if bad.any() or not (values.data > 0).any():
        rows = np.flatnonzero(bad)
        raise DataError(
            "Row weights must be numbers of zero or more.",
            where=f"column '{column}'" + (_row(rows, origin) if len(rows) else ""),
            expected="a number in every row, not all zero",
            got=f"{len(rows)} rows with none or a negative one"
            if len(rows)
            else "zero in every row",
            do="Mend the column, or leave --weight out.",
        )
    check_weights(values.data, f"column '{column}'", origin)
    return values.data.copy()  # the table may keep its own from being written to


def check_weights(weight: np.ndarray, where: str, origin: np.ndarray | None = None) -> None:
    """Weights must be small enough to compute with.

    Args:
        weight: one per row.
        where: whose weights they are.
        origin: the row of its file, from 0, that each row was; None = all of them.

    Raises:
        DataError: a weight is too large.
    """
    rows = np.flatnonzero(weight > _LARGEST_WEIGHT)
    if len(rows):
        raise DataError(
            "The row weights are too large to compute with.",
            where=where + _row(rows, origin),
            expected=f"weights up to {_LARGEST_WEIGHT:.0e}, whose squares are finite",
            got=f"{weight.max():.3g}",
            do="Divide all of them by one number: only their ratios count.",
        )


def _row(rows: np.ndarray, origin: np.ndarray | None) -> str:
    return f", row {(rows[0] if origin is None else origin[rows[0]]) + 1}"
