"""Which column plays which part, and what kind each one is."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from fathom.base.errors import RecipeError, listed, nearest
from fathom.base.records import Finding
from fathom.columns.kind import Kind, Recognised, Values
from fathom.columns.catalogue import kind_from_name
from fathom.columns.recognise import recognise, recognise_target
from fathom.tables.table import Table

UNUSED = ("identifier", "ignored")


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
        if len(set(self.targets)) < len(self.targets) or self.weight in self.targets:
            raise RecipeError(
                "A column is named twice for parts that exclude each other.",
                where="target, weight",
                got=listed([*self.targets, *([self.weight] if self.weight else [])]),
                do="Name each target once; a target cannot be the weight.",
            )

    @property
    def set_aside(self) -> tuple[str, ...]:
        """Columns that are not inputs because they play another part."""
        aside = [*self.targets, self.weight, self.group]
        return tuple(name for name in aside if name is not None)


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

    def without(self, columns: Mapping[str, str]) -> "Schema":
        """The same schema with some columns ignored, each for a reason."""
        from dataclasses import replace

        ignored = kind_from_name("ignored")
        changed = {
            name: replace(found, kind=ignored) if name in columns else found
            for name, found in self.columns.items()
        }
        return Schema(self.roles, changed)


def infer_schema(table: Table, roles: Roles) -> Schema:
    """The kind of every column, from these rows only.

    Args:
        table: the training rows.
        roles: what the person said.

    Raises:
        RecipeError: a named column or kind does not exist.
    """
    roles.check(table)
    columns: dict[str, Recognised] = {}
    for name in table.columns:
        said = roles.kinds.get(name)
        if said is not None:
            columns[name] = _said(table, name, said)
        elif name in roles.targets:
            columns[name] = recognise_target(table.column(name), name=name)
        else:
            declared = table.source.declared.get(name)
            columns[name] = recognise(table.column(name), name=name, declared=declared)
    return Schema(roles, columns)


def _said(table: Table, name: str, kind: str) -> Recognised:
    return Recognised(name, kind_from_name(kind), said=True)


def parse_columns(table: Table, kinds: Mapping[str, Kind]) -> dict[str, Values]:
    """Typed values of those columns that the table has."""
    return {
        name: kind.parse(table.column(name))
        for name, kind in kinds.items()
        if name in table.columns
    }


def row_weights(table: Table, column: str | None) -> np.ndarray:
    """The weights of rows, 1 without a weight column.

    Raises:
        DataError: a weight is missing, negative or not a number.
    """
    from fathom.base.errors import DataError

    if column is None:
        return np.ones(table.num_rows)
    values = kind_from_name("number").parse(table.column(column))
    bad = ~values.present | (values.data < 0)
    if bad.any() or not (values.data > 0).any():
        rows = np.flatnonzero(bad)
        raise DataError(
            "Row weights must be numbers of zero or more.",
            where=f"column '{column}'" + (f", row {rows[0] + 1}" if len(rows) else ""),
            expected="a number in every row, not all zero",
            got=f"{len(rows)} rows without one",
            do="Mend the column, or leave --weight out.",
        )
    return values.data


def notes_of(values: Mapping[str, Values]) -> list[Finding]:
    """What parsing mended, as findings of low severity."""
    found: list[Finding] = []
    for name, column in values.items():
        for repair in column.repairs:
            shown = ", ".join(repr(example) for example in repair.examples)
            found.append(
                Finding(
                    code="repair",
                    severity="low",
                    title=f"{repair.what}, in column '{name}'.",
                    evidence=f"{repair.count} cells" + (f", such as {shown}" if shown else ""),
                    advice="Nothing to do, if that is what the cells mean.",
                    columns=(name,),
                )
            )
    return found
