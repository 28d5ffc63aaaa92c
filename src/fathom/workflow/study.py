"""What is known before training: rows in their parts, kinds, findings, every decision."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import torch

from fathom.base.records import Decision, Finding
from fathom.columns.category import FittedCategory
from fathom.columns.flag import FittedFlag
from fathom.inspection.inspect import inspect
from fathom.inspection.sheet import Sheet
from fathom.models.preparation import Column
from fathom.tables.schema import Schema, infer_schema
from fathom.tables.table import Table
from fathom.workflow.judge import task_of
from fathom.workflow.learn import targets_of
from fathom.workflow.material import Material, gather
from fathom.workflow.recipe import Recipe
from fathom.workflow.resolve import Circumstances, Resolved, resolve


@dataclass(frozen=True)
class Study:
    """Everything that is decided before the first step.

    Attributes:
        recipe: what was asked for.
        material: the rows in their parts.
        schema: the kinds; columns left out are ignored in it.
        findings: what was noticed, the gravest first.
        left_out: column -> why the network does not see it, though it could.
        targets: the fitted targets.
        resolved: the plans and all decisions.
    """

    recipe: Recipe
    material: Material
    schema: Schema
    findings: tuple[Finding, ...]
    left_out: Mapping[str, str]
    targets: tuple[Column, ...]
    resolved: Resolved

    @property
    def decisions(self) -> tuple[Decision, ...]:
        """Splitting, columns left out, and all plans."""
        columns = [
            Decision(key=f"columns.{name}", value="ignored", reason=why)
            for name, why in self.left_out.items()
        ]
        return (*self.material.decisions, *self.resolved.decisions, *columns)


def study(recipe: Recipe, data: object, test: object = None, validation: object = None) -> Study:
    """Read, split, recognise, look and decide; nothing is trained.

    Kinds, findings that drop columns and all decisions look at training rows only.

    Raises:
        DataError, RecipeError: as the parts say.
    """
    material = gather(recipe, data, test, validation)
    schema = infer_schema(material.train, material.roles)
    findings = look_at(material.train, schema, _others(material))
    left_out = _leaks(findings, schema, recipe)
    schema = schema.without(left_out)
    targets = targets_of(material, schema)
    facts = circumstances(material, schema, targets)
    return Study(
        recipe,
        material,
        schema,
        (*material.findings, *findings),
        left_out,
        targets,
        resolve(recipe, facts),
    )


def look_at(
    train: Table, schema: Schema, others: Mapping[str, Table] | None = None
) -> tuple[Finding, ...]:
    """What a careful person would notice in these rows, and in files given beside them."""
    roles = schema.roles
    sheet = replace(
        Sheet.of(train, schema.columns, roles.targets),
        group=roles.group or "",
        time_column=roles.time or "",
    )
    beside = {
        name: Sheet.of(table, schema.columns, roles.targets, name)
        for name, table in (others or {}).items()
    }
    return inspect(sheet, beside)


def circumstances(material: Material, schema: Schema, targets: tuple[Column, ...]) -> Circumstances:
    """What the decisions may depend on."""
    return Circumstances(
        num_rows=len(material.parts[0][0]),
        num_inputs=len(schema.inputs),
        tasks={column.name: task_of(column) for column in targets},
        rarest_share=_rarest(targets[0]),
        device=torch.device("cuda" if torch.cuda.is_available() else "cpu"),
    )


def _others(material: Material) -> dict[str, Table]:
    """Files that were given; rows that were held out by us come from the same table."""
    if material.given_test and material.test is not None:
        return {"test": material.test}
    return {}


def _leaks(findings: tuple[Finding, ...], schema: Schema, recipe: Recipe) -> dict[str, str]:
    """Columns that give the target away, unless the person said their kind or said no."""
    if recipe.get("prepare.drop_leaks") is False:
        return {}
    found: dict[str, str] = {}
    for finding in findings:
        if finding.code != "leakage_suspect" or finding.severity != "high":
            continue
        for name in finding.columns:
            said = name in schema.columns and schema.columns[name].said
            if name in schema.inputs and not said:
                found[name] = finding.title
    return found


def _rarest(column: Column) -> float:
    fitted = column.fitted
    if isinstance(fitted, FittedFlag):
        return min(fitted.share, 1 - fitted.share)
    if isinstance(fitted, FittedCategory):
        return float(np.min(fitted.counts) / max(np.sum(fitted.counts), 1))
    return 1.0
