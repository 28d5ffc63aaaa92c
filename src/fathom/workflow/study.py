"""What is known before training: rows in their parts, kinds, findings, every decision."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import polars as pl
import torch

from fathom.base.errors import DataError, listed
from fathom.base.records import Decision, Finding
from fathom.base.seeds import torch_generator
from fathom.columns.image import Image
from fathom.columns.picture import why_broken
from fathom.columns.recognise import recognise_target
from fathom.inspection.absent_pictures import names_absent_pictures
from fathom.inspection.inspect import inspect
from fathom.inspection.sheet import Sheet
from fathom.metrics.catalogue import METRICS, metric_named
from fathom.models.body import Body
from fathom.models.body_places import read_body
from fathom.models.preparation import Column, target_field
from fathom.nets.mlp import MLP
from fathom.tables.schema import Schema, infer_schema, located, parse_columns
from fathom.tables.table import Table, as_text
from fathom.workflow.decider import Circumstances
from fathom.workflow.judge import task_of, truth_of
from fathom.workflow.material import Material, gather
from fathom.workflow.mirror import MirrorTrial, mirror_trial
from fathom.workflow.pictures import NO_PICTURE
from fathom.workflow.reading import heavy_row
from fathom.workflow.ready import targets_of
from fathom.workflow.recipe import Recipe, useless
from fathom.workflow.resolve import Resolved, resolve
from fathom.workflow.scorable import check_scorable, not_scored, scorable

NOT_LOOKED = (
    Finding(
        code="not_looked",
        severity="medium",
        title="Nobody looked at the rows.",
        evidence="look = false: faults that make a score invalid, such as a column that gives the "
        "target away or near copies of pictures in training and test, would not have been noticed",
        advice="Leave look = false out, or run `fathom look` on the same rows.",
    ),
)


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
        """What was said of the data, splitting, columns left out, and all plans."""
        decided = (*self.material.decisions, *self.resolved.decisions)
        keys = {decision.key for decision in decided}
        said = [
            Decision(key=key, value=value, reason="you said so", said=True)
            for key, value in self.recipe.said.items()
            if key not in keys
        ]
        columns = [
            Decision(key=f"columns.{name}", value="ignored", reason=why)
            for name, why in self.left_out.items()
        ]
        return (*said, *decided, *columns)


def study(
    recipe: Recipe,
    data: object,
    test: object = None,
    validation: object = None,
    left_out: Mapping[str, str] | None = None,
) -> Study:
    """Read, split, recognise, look and decide; nothing is trained.

    Kinds of inputs, findings that drop columns and all decisions look at training rows only; what
    kind the target is, at all rows that were split.

    Args:
        recipe: what was asked for.
        data, test, validation: the rows, as `gather` takes them.
        left_out: column -> why an earlier study of the same rows left it out; None = decide now.

    Raises:
        DataError, RecipeError: as the parts say.
    """
    material = gather(recipe, data, test, validation)
    _check_varied(material)
    heavy = heavy_row(material.train, material.origins["train"], material.roles.weight)
    schema = _with_targets(infer_schema(material.train, material.roles), material)
    findings = NOT_LOOKED
    if recipe.get("look", True):
        findings = look_at(material.train, schema, _others(material), material.origins)
    if left_out is None:
        left_out = _leaks(findings, schema, recipe)
    left_out = {name: why for name, why in left_out.items() if name in schema.columns}
    schema = schema.without(left_out)
    targets = targets_of(material, schema)
    facts = circumstances(recipe, material, schema, targets)
    _check_metric(recipe, facts)
    _check_inputs(material.train, schema)
    _check_pictures(material.train, schema)
    unscored = _unscored(material, schema, targets)
    resolved = resolve(recipe, facts)
    _check_shape(resolved)
    return Study(
        recipe,
        material,
        schema,
        (*material.findings, *heavy, *unscored, *findings),
        left_out,
        targets,
        resolved,
    )


def _with_targets(schema: Schema, material: Material) -> Schema:
    """The kinds of targets as all rows that were split show them, as `look` tells them.

    A few values more or less make classes of a number: whether they fall among the training rows is
    chance, and no matter of what was meant.
    """
    tables = [material.pool]
    if material.test is not None and not material.given_test:
        tables.append(material.test)
    columns, said = dict(schema.columns), material.roles.kinds
    for target in material.roles.targets:
        cells = pl.concat([located(table, target) for table in tables])
        columns[target] = recognise_target(cells, name=target, declared=said.get(target))
    return Schema(schema.roles, columns)


def _check_varied(material: Material) -> None:
    """That the split did not leave one value of the target to learn from.

    Raises:
        DataError: it did; where there is no other at all, another error tells that.
    """
    others = [one for one in (material.pool, material.test) if one is not None]
    for target in material.roles.targets:
        learned = _words(material.train, target)
        if len(learned) != 1:
            continue
        if more := set[str]().union(*(_words(one, target) for one in others)) - learned:
            raise DataError(
                "The rows to learn from hold a single value of the target.",
                where=f"column '{target}'",
                expected="at least two different values among them",
                got=f"{listed(learned)} in all {material.train.num_rows:,}; rows with "
                f"{listed(sorted(more), most=3)} are all kept for tests and choices",
                do="Check whether the inputs are what they should be: rows or pictures that show "
                "the same are never parted. Or add rows.",
            )


def _words(table: Table, column: str) -> set[str]:
    return set(as_text(table.column(column)).drop_nulls().unique().to_list())


def look_at(
    train: Table,
    schema: Schema,
    others: Mapping[str, Table] | None = None,
    origins: Mapping[str, np.ndarray] | None = None,
) -> tuple[Finding, ...]:
    """What a careful person would notice in these rows, and in files given beside them.

    Args:
        train: the rows.
        schema: the kinds of their columns.
        others: "test" or "validation" -> those rows.
        origins: "train" or another part -> which row of its file, from 0, each of its rows is;
            absent = the whole file.
    """
    roles, rows_of = schema.roles, origins or {}
    sheet = replace(
        Sheet.of(train, schema.columns, roles.targets),
        group=roles.group or "",
        time_column=roles.time or "",
        weight=roles.weight or "",
        origin=rows_of.get("train"),
    )
    beside = {
        name: replace(
            Sheet.of(table, schema.columns, roles.targets, name), origin=rows_of.get(name)
        )
        for name, table in (others or {}).items()
    }
    return inspect(sheet, beside)


def circumstances(
    recipe: Recipe, material: Material, schema: Schema, targets: tuple[Column, ...]
) -> Circumstances:
    """What the decisions may depend on.

    Raises:
        RecipeError, RunError: the network to start from is none, or of no use.
    """
    body = _body(recipe, material.train, schema)
    return Circumstances(
        num_rows=len(material.parts[0][0]),
        tasks={column.name: task_of(column) for column in targets},
        inputs=Counter(schema.columns[name].kind.name for name in schema.inputs),
        device=torch.device("cuda" if torch.cuda.is_available() else "cpu"),
        mirror=_mirror(material, schema, targets[0]),
        picture_side=_picture_side(material.train, schema, body),
        body=body,
    )


def _body(recipe: Recipe, train: Table, schema: Schema) -> Body | None:
    """The trained network that was named to start from.

    Raises:
        RecipeError: no input is a picture, or they were said to be others than it reads.
        RunError, MissingExtra: there is none, or it cannot be built here.
    """
    place = recipe.get("transfer.from")
    if place is None:
        return None
    pictures = _pictures(schema)
    if not pictures:
        raise useless("transfer.from", recipe, NO_PICTURE)
    body = read_body(place)
    values = parse_columns(train, dict(pictures))
    for name, kind in pictures.items():
        body.check_said(name, kind, kind.size(values[name]))
    return body


def _pictures(schema: Schema) -> dict[str, Image]:
    """The inputs that are pictures, and how they are read."""
    kinds = {name: schema.columns[name].kind for name in schema.inputs}
    return {name: kind for name, kind in kinds.items() if isinstance(kind, Image)}


def _picture_side(train: Table, schema: Schema, body: Body | None) -> int:
    """The longest side of the pixels that a network reads."""
    pictures = _pictures(schema)
    said = any(kind.side for kind in pictures.values())
    if body is not None and not (body.foreign and said):
        return max(body.column.height, body.column.width)
    values = parse_columns(train, dict(pictures))
    return max((max(pictures[name].size(values[name])) for name in pictures), default=0)


def _mirror(material: Material, schema: Schema, target: Column) -> MirrorTrial | None:
    """What mirroring does to the training pictures, where they have classes."""
    names = list(_pictures(schema))
    if not names or task_of(target) not in ("binary", "multiclass"):
        return None
    kinds = {name: schema.columns[name].kind for name in (names[0], target.name)}
    values = parse_columns(material.train, kinds)
    field = target_field(target.fitted, values[target.name])
    codes = field.data.numpy().astype(np.int64)
    if field.mask is not None:
        codes[~field.mask.numpy()] = -1
    return mirror_trial(values[names[0]], codes, seed=0)


def _others(material: Material) -> dict[str, Table]:
    """Files that were given; rows that were held out by us come from the same table."""
    found: dict[str, Table] = {}
    if material.given_validation:
        found["validation"] = material.pool.rows(material.aside)
    if material.given_test and material.test is not None and material.test.num_rows:
        found["test"] = material.test
    return found


def _unscored(material: Material, schema: Schema, targets: tuple[Column, ...]) -> list[Finding]:
    """What cannot be scored, told before hours are spent on training.

    Of rows that were held out by us only a target without any is told: the score counts the rest.

    Raises:
        DataError: rows were given, and none can be scored on any target; a number is too large.
    """
    for column in targets:  # rows that choose are scored as well
        scorable(column, material.pool, truth_of(column, material.pool, schema))
    test = material.test
    if test is None or not test.num_rows:
        return []
    found = [
        scorable(column, test, truth_of(column, test, schema, material.cluster))
        for column in targets
    ]
    if not material.given_test:
        none = [one for one in found if not one.rows]
        return not_scored(none, material.test_origin, "held-out row")
    where = f"{test.source.name}, the test rows"
    check_scorable(
        found, where, "Correct the target there, or give no test rows: some are held out then."
    )
    return not_scored(found, material.test_origin, "test row")


def _check_inputs(train: Table, schema: Schema) -> None:
    """Something must be left to learn from.

    Raises:
        DataError: nothing is.
    """
    if not schema.inputs:
        kinds = listed(f"{name} ({one.kind.name})" for name, one in schema.columns.items())
        absent = [name for name in schema.columns if names_absent_pictures(train, name)]
        raise DataError(
            "No column is left to learn from.",
            where=train.source.name,
            expected="at least one input that varies and does not merely name the rows",
            got=f"only {kinds}",
            do=f"Put the pictures that '{absent[0]}' names where it says, counted from the folder "
            "of the table, or correct the names: hardly any of them is there."
            if absent
            else "Bring more columns, or say a column's kind with --kind COLUMN=KIND.",
        )


def _check_pictures(train: Table, schema: Schema) -> None:
    """A column of pictures must hold some.

    Raises:
        DataError: none of its files can be read.
    """
    for name, values in parse_columns(train, dict(_pictures(schema))).items():
        cells = values.data[values.present].tolist()
        if all(map(why_broken, cells)):  # the first whole one ends the search
            why = why_broken(cells[0]) if cells else "there are none"
            raise DataError(
                "No picture can be read.",
                where=f"column '{name}' of {train.source.name}",
                expected="at least one whole file of a format that is known",
                got=f"{len(cells):,} files, the first of them: {why}",
                do="Look at the files and at their paths, or say --kind COLUMN=ignored.",
            )


def _check_shape(resolved: Resolved) -> None:
    """Words for the layers are tried on a network of a few weights, before a folder is made."""
    shape = replace(resolved.network.shape, width=2, depth=min(1, resolved.network.shape.depth))
    MLP(2, shape, torch_generator(0, "shape"))


def _check_metric(recipe: Recipe, facts: Circumstances) -> None:
    """The metric of the verdict must suit a target; better said before the training.

    Raises:
        RecipeError: it suits none.
    """
    said = recipe.get("evaluate.metric")
    if said is not None and not any(said in METRICS[task] for task in facts.tasks.values()):
        metric_named(next(iter(facts.tasks.values())), said)


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
