"""The verb look: read a table, say what every column is and what is worth noticing."""

from dataclasses import dataclass
from typing import Any

from fathom.base.records import Finding
from fathom.base.terminal import one_line
from fathom.inspection.show import as_text
from fathom.inspection.wording import number_of
from fathom.tables.read import read
from fathom.tables.read_folder import given_splits
from fathom.tables.schema import Roles, Schema, infer_schema
from fathom.tables.table import Table
from fathom.workflow.reading import like, read_options, roles_of, usual_targets
from fathom.workflow.recipe import Recipe
from fathom.workflow.study import look_at


@dataclass(frozen=True)
class Look:
    """What was seen.

    Attributes:
        table: as it was read.
        schema: what every column is, and why.
        findings: the gravest first.
    """

    table: Table
    schema: Schema
    findings: tuple[Finding, ...]

    def to_dict(self) -> dict[str, Any]:
        """For programs."""
        return {
            "rows": self.table.num_rows,
            "columns": {
                name: {"kind": found.kind.name, "reason": found.reason}
                for name, found in self.schema.columns.items()
            },
            "findings": [finding.to_dict() for finding in self.findings],
        }

    def as_text(self) -> str:
        """For a terminal."""
        lines = [
            f"{self.table.source.name}: {number_of(self.table.num_rows, 'row')}, "
            f"{number_of(len(self.schema.columns), 'column')}",
            "",
        ]
        width = min(32, max((len(name) for name in self.schema.columns), default=0))
        for name, found in self.schema.columns.items():
            mark = " (target)" if name in self.schema.roles.targets else ""
            lines.append(f"  {one_line(name):{width}}  {found.kind.name:10} {found.reason}{mark}")
        return "\n".join([*lines, "", as_text(self.findings)])

    def __repr__(self) -> str:
        return self.as_text()


def look(recipe: Recipe, data: object, test: object = None) -> Look:
    """Look at all rows of a table, and at a test file beside it.

    Args:
        recipe: how to read it, and what was said of columns; a target is not needed.
        data: a path, a data frame or anything else that `read` takes.
        test: likewise, or None.

    Raises:
        DataError, RecipeError: as reading says.
    """
    data, test, _ = given_splits(data, test)
    table = read(data, read_options(recipe))
    if recipe.targets or usual_targets(table):
        roles = roles_of(recipe, table)
    else:
        roles = Roles(
            group=recipe.get("group"), time=recipe.get("time_column"), kinds=dict(recipe.kinds)
        )
    schema = infer_schema(table, roles)
    others: dict[str, Table] = {}
    if test is not None:
        others["test"] = like(read(test, read_options(recipe)), table, roles, "test")
    return Look(table, schema, look_at(table, schema, others))
