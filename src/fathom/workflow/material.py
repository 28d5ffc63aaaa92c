"""From files to rows in their parts: what training may see, what chooses, what is tested."""

from dataclasses import dataclass, field, replace

import numpy as np
import polars as pl

from fathom.base.errors import DataError, listed
from fathom.base.records import Decision, Finding
from fathom.tables.read import read
from fathom.tables.read_folder import given_splits
from fathom.tables.rowfacts import strata
from fathom.tables.schema import Roles, row_weights
from fathom.tables.split import hold_out
from fathom.tables.table import Table
from fathom.workflow.parts import (
    Decisions,
    Parts,
    draw_parts,
    facts_of,
    folds_for,
    given_parts,
    method_of,
    set_aside,
    split_plan,
)
from fathom.workflow.reading import (
    Traced,
    check_kinds_said,
    like,
    missing_targets,
    read_options,
    roles_of,
    traced,
)
from fathom.workflow.recipe import Recipe

FEWEST_ROWS = 5


@dataclass(frozen=True, eq=False)
class Material:
    """All rows, split.

    Attributes:
        pool: every row that is not tested.
        test: the tested rows; None when there is no test.
        parts: for each model to be trained, the positions in the pool of its training and of its
            validation rows.
        roles: which column plays which part.
        cluster: which group each row of the test belongs to; None without groups.
        calibration: positions in the pool of rows that neither train nor choose anything, kept
            for intervals and sets; empty where there are folds or too few rows.
        decisions: how it was split and why.
        findings: what reading and splitting had to tell.
        given_test: whether the test rows came in a file of their own.
        given_validation: likewise the validation rows, which are the last of the pool.
        origin: the row of its file, from 0, that each row of the pool was.
        test_origin: likewise for the test rows.
    """

    pool: Table
    test: Table | None
    parts: Parts
    roles: Roles
    cluster: np.ndarray | None
    calibration: np.ndarray
    decisions: tuple[Decision, ...] = ()
    findings: tuple[Finding, ...] = field(default_factory=tuple)
    given_test: bool = False
    given_validation: bool = False
    origin: np.ndarray = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    test_origin: np.ndarray = field(default_factory=lambda: np.zeros(0, dtype=np.int64))

    @property
    def folds(self) -> bool:
        """Whether every row of the pool is validated in turn."""
        return len(self.parts) > 1

    @property
    def train(self) -> Table:
        """Rows that decisions about kinds and the plan may look at."""
        return self.pool if self.folds else self.pool.rows(self.parts[0][0])

    @property
    def aside(self) -> np.ndarray:
        """Positions in the pool of rows that are not trained on; none where there are folds."""
        if self.folds:
            return np.zeros(0, dtype=np.int64)
        return np.sort(np.concatenate([self.parts[0][1], self.calibration]))

    @property
    def origins(self) -> dict[str, np.ndarray]:
        """Part -> which row of its file, from 0, each of its rows was."""
        train = self.origin if self.folds else self.origin[self.parts[0][0]]
        return {
            "train": train,
            "validation": self.origin[self.aside],
            "test": self.test_origin,
        }


def gather(
    recipe: Recipe, data: object, test: object = None, validation: object = None
) -> Material:
    """Read everything and split it.

    Args:
        recipe: what was asked for.
        data: a path, a data frame or anything else that `read` takes.
        test: likewise, or None to hold rows out.
        validation: likewise, or None.

    Raises:
        DataError: too few rows, no column but the target, or files that do not fit together.
        RecipeError: a named column does not exist.
    """
    options = read_options(recipe)
    data, test, validation = given_splits(data, test, validation)
    table = read(data, options)
    roles = roles_of(recipe, table)
    _check_some_input(table, roles)
    others: dict[str, Traced] = {}
    lost: list[Finding] = []
    for name, source in (("test", test), ("validation", validation)):
        if source is not None:
            beside = like(read(source, options), table, roles, name)
            # What of a test cannot be read is told, with counts, when the targets are known.
            others[name] = traced(beside, roles, readable=name != "test")
            lost += missing_targets(beside, others[name][1], roles)
    whole = table
    table, origin = traced(whole, roles)
    findings = missing_targets(whole, origin, roles) + lost
    if table.num_rows < FEWEST_ROWS:
        check_kinds_said(whole, roles)
        raise _too_few(whole, table, roles)
    for rows, rows_of in ((table, origin), *others.values()):
        if rows.num_rows:
            row_weights(rows, roles.weight, rows_of)
    return _split(recipe, (table, origin), roles, others, findings)


def _check_some_input(table: Table, roles: Roles) -> None:
    """There must be more columns than those that play another part.

    It is told before the split, to which rows without inputs look like copies of one another.

    Raises:
        DataError: there are none.
    """
    if set(table.columns) <= set(roles.set_aside):
        raise DataError(
            "There is no column to learn from.",
            where=table.source.name,
            expected=f"at least one column beside {listed(roles.set_aside)}",
            got=f"only {listed(table.columns)}",
            do="Bring the columns that the target shall be learned from.",
        )


def _too_few(whole: Table, kept: Table, roles: Roles) -> DataError:
    """Told apart: a short table, and one whose targets are missing."""
    lost, targets = whole.num_rows - kept.num_rows, listed(roles.targets)
    return DataError(
        "There are too few rows to learn from.",
        where=kept.source.name + (f", column {targets}" if lost else ""),
        expected=f"at least {FEWEST_ROWS} rows with a target; some hundred to be of use",
        got=f"{whole.num_rows:,} rows, {lost:,} of them without a target"
        if lost
        else str(kept.num_rows),
        do=f"Fill in {targets}, or name another column as the target."
        if lost
        else "Bring more rows.",
    )


def _split(
    recipe: Recipe, whole: Traced, roles: Roles, others: dict[str, Traced], findings: list[Finding]
) -> Material:
    table, origin = whole
    search = bool(recipe.get("look", True))
    facts = facts_of(table, roles, search=search)
    plan, share = split_plan(recipe, roles, "test" in others)
    pool, test_cluster = table, None
    test, test_origin = others.get("test", (None, np.zeros(0, dtype=np.int64)))
    if test is None and plan.test_share > 0:
        rest, held = hold_out(facts, plan.test_share, plan, "test")
        pool, test = table.rows(rest), table.rows(held)
        origin, test_origin = origin[rest], origin[held]
        test_cluster = facts.cluster[held]
        facts = facts.rows(rest)
    elif test is not None and roles.group is not None:
        test_cluster = test.column(roles.group).cast(pl.String).rank("dense").to_numpy()
    given: tuple[Parts, Decisions] | None = None
    if "validation" in others:
        validation, validated = others["validation"]
        pool, given = given_parts(recipe, pool, validation)
        origin = np.concatenate([origin, validated])
        facts = facts_of(pool, roles, search=search)
    facts = replace(facts, stratum=strata(pool.column(roles.targets[0])))
    method = method_of(recipe, plan, facts, roles)
    plan = replace(plan, method=method.value)
    parts, chosen = given or draw_parts(recipe, pool, facts, plan, folds_for(pool, roles, plan))
    parts, calibration = set_aside(parts, facts, plan)
    return Material(
        pool,
        test,
        parts,
        roles,
        test_cluster if roles.group is not None else None,
        calibration,
        (method, share, *chosen),
        tuple(findings),
        "test" in others,
        "validation" in others,
        origin,
        test_origin,
    )
