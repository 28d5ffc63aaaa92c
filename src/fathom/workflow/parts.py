"""Which rows train, choose, calibrate and are tested, and why so."""

from dataclasses import replace

import numpy as np
import polars as pl

from fathom.base.errors import DataError, RecipeError
from fathom.base.records import Decision
from fathom.columns.catalogue import kind_from_name
from fathom.columns.evidence import about_image
from fathom.columns.image import Image, same_shown
from fathom.columns.profile import Profile
from fathom.columns.recognise import recognise
from fathom.tables.rowfacts import row_facts
from fathom.tables.schema import Roles, located
from fathom.tables.split import RowFacts, SplitPlan, fold_numbers, hold_out
from fathom.tables.table import Table
from fathom.workflow.recipe import Recipe, useless

Parts = tuple[tuple[np.ndarray, np.ndarray], ...]
Decisions = tuple[Decision, ...]
FOLDS_BELOW = 1500
# Up to these numbers of rows, classes get three folds: of many values, and of two. Where a rule
# makes the classes, a fifth more rows find it: below the first number there are five folds.
_FEW_OF_CLASSES, _CLASSES_BELOW, _YES_OR_NO_BELOW = 3000, 7500, 50_000
# Validation parts from this size on can spare a third for calibrating intervals.
CALIBRATE_FROM = 300


def facts_of(table: Table, roles: Roles, *, search: bool = True) -> RowFacts:
    """What the splitter may know, numbered so that no cell of one row moves another row.

    Clusters are numbered by their first row. By time a cluster counts as what its latest row is,
    so that it never parts, and no training row is later than where the test begins.

    Args:
        table: the rows.
        roles: which column plays which part.
        search: whether near copies of pictures are searched; copies of a file are found anyway.
    """
    moments = _moments(table, roles)
    shown = _shown(table, roles, search)
    facts = row_facts(table, roles.group, _row_names(table, roles), shown)
    if roles.group is None and 2 * len(np.unique(facts.cluster)) < table.num_rows:
        # Most rows agree but for their names: few different values, no copies.
        facts = row_facts(table, shown=shown)
    _, first, found = np.unique(facts.cluster, return_index=True, return_inverse=True)
    cluster = np.argsort(np.argsort(first))[found]
    if moments is not None:
        latest = np.full(len(first), -np.inf)
        np.maximum.at(latest, cluster, moments)
        moments = latest[cluster]
    return RowFacts(cluster, moment=moments)


def _shown(table: Table, roles: Roles, search: bool) -> dict[str, np.ndarray]:
    """Columns of pictures -> a number for what each shows: near copies have the same."""
    found: dict[str, np.ndarray] = {}
    for name in table.columns:
        said, cells = roles.kinds.get(name), located(table, name)
        taken = (
            said.partition(":")[0] == "image"
            if said
            else about_image(Profile(name, cells)) is not None
        )
        if taken and name not in roles.targets:
            found[name] = same_shown(Image().parse(cells), search=search)
    return found


def _row_names(table: Table, roles: Roles) -> tuple[str, ...]:
    """Columns that do not make two rows different: names of rows, and their weight."""
    used = (*roles.targets, roles.group, roles.time)
    found: list[str] = []
    for name in table.columns:
        raw = table.column(name)
        if name in used or raw.n_unique() < table.num_rows / 2 or _measured(raw):
            continue
        said = roles.kinds.get(name)
        kind = said or recognise(table.column(name), name=name).kind.name
        if kind == "identifier":
            found.append(name)
    return (*found, roles.weight) if roles.weight else tuple(found)


def _measured(raw: pl.Series) -> bool:
    """Whether most cells hold a decimal point, as no name of a row does."""
    if raw.dtype != pl.String:
        return raw.dtype.is_float()
    return 2 * (raw.str.contains(r"^\s*[-+]?\d*\.\d").sum() or 0) > len(raw)


def _moments(table: Table, roles: Roles) -> np.ndarray | None:
    """Seconds or numbers that order the rows.

    Raises:
        DataError: some rows have no time.
    """
    time = roles.time
    if time is None:
        return None
    said = roles.kinds.get(time)
    found = recognise(table.column(time), name=time, declared=said)
    kind = found.kind if found.kind.name in ("date", "number") else kind_from_name("date")
    values = kind.parse(table.column(time))
    if not values.present.all():
        rows = np.flatnonzero(~values.present)
        raise DataError(
            "Some rows have no time.",
            where=f"column '{time}', row {rows[0] + 1}",
            expected="a date, or a number that grows with time, in every row",
            got=f"{len(rows)} rows without one",
            do="Fill them in, or leave --time-column out.",
        )
    return values.data.astype(np.float64)


def split_plan(recipe: Recipe, roles: Roles, given_test: bool) -> tuple[SplitPlan, Decision]:
    """How rows are held out, before anything of a target is known.

    Raises:
        RecipeError: the method needs a column that was not named.
    """
    said = recipe.get("split.method")
    for method, column, key in (
        ("time", roles.time, "time_column"),
        ("grouped", roles.group, "group"),
    ):
        if said == method and column is None:
            raise RecipeError(
                f"A split by {'time' if method == 'time' else 'groups'} needs a column for it.",
                where="split.method",
                expected=f"{key} beside it",
                got="none",
                do=f"Name it with --{key.replace('_', '-')}.",
            )
    usual = "time" if roles.time else "grouped" if roles.group else "stratified"
    share = (
        _absent(recipe, "split.test_share", "test rows were given")
        if given_test
        else _decision(recipe, "split.test_share", 0.2, "one row in five is kept for the test")
    )
    plan = SplitPlan(
        method=said or usual,
        test_share=share.value or 0.0,
        validation_share=recipe.get("split.validation_share", 0.15),
        seed=recipe.get("seed", 0),
    )
    return plan, share


def method_of(recipe: Recipe, plan: SplitPlan, facts: RowFacts, roles: Roles) -> Decision:
    """The method with its reason; of targets, those of rows that are not tested are known now."""
    method = plan.method
    if method == "time":
        reason = f"'{roles.time}' says when rows happened; the latest are tested"
    elif method == "grouped":
        reason = f"rows of one '{roles.group}' belong together"
    elif facts.stratum is not None:
        reason = "rows to choose on get their share of the target's classes or range"
        if plan.test_share > 0:
            reason += "; test rows are drawn by lot, with no look at their targets"
    else:
        method, reason = "random", "the target has neither few classes nor a range"
    return _decision(recipe, "split.method", method, reason)


def folds_for(pool: Table, roles: Roles, plan: SplitPlan) -> tuple[int, str]:
    """How many folds serve such rows, and why; 0 = one validation part is enough."""
    if pool.num_rows < FOLDS_BELOW:
        reason = "rows are few: each is used for training and, in its turn, for choosing"
        return 5, f"{pool.num_rows:,} {reason}"
    target = pool.column(roles.targets[0])
    most = _YES_OR_NO_BELOW if target.drop_nulls().n_unique() == 2 else _CLASSES_BELOW
    if plan.method != "time" and pool.num_rows < most:
        said = roles.kinds.get(target.name)
        if (said or recognise(target, name=target.name).kind.name) in ("category", "flag"):
            folds = 5 if pool.num_rows < _FEW_OF_CLASSES else 3
            return folds, "classes are seldom certain: the mean of several networks errs less"
    return 0, f"{pool.num_rows:,} rows are enough for one validation part"


def draw_parts(
    recipe: Recipe, pool: Table, facts: RowFacts, plan: SplitPlan, usual: tuple[int, str]
) -> tuple[Parts, Decisions]:
    """Folds, or one validation part, as was said or else as is usual.

    Args:
        recipe: what was said.
        pool: the rows that are not tested.
        facts: of the same rows.
        plan: with the method that was decided.
        usual: as `folds_for` gives it.
    """
    folds, share = recipe.get("split.folds"), recipe.get("split.validation_share")
    clusters = len(np.unique(facts.cluster))
    chosen, reason = usual if share is None and clusters > 2 else (0, usual[1])
    chosen = folds if folds is not None else min(chosen, clusters)
    if chosen:
        number = fold_numbers(facts, replace(plan, folds=chosen))
        parts = tuple(
            (np.flatnonzero(number != f), np.flatnonzero(number == f)) for f in range(chosen)
        )
        return parts, (
            _decision(recipe, "split.folds", chosen, reason),
            _absent(recipe, "split.validation_share", "each fold is validated in its turn"),
        )
    kept, held = hold_out(facts, plan.validation_share, plan, "validation")
    if share is not None:
        reason = "you said how large the one validation part is"
    elif usual[0] > 0:
        reason = f"{clusters} different rows or groups are too few for folds"
    why = "rows that choose the step, temperature and threshold"
    return ((kept, held),), (
        _decision(recipe, "split.folds", 0, reason),
        _decision(recipe, "split.validation_share", plan.validation_share, why),
    )


def given_parts(
    recipe: Recipe, pool: Table, validation: Table
) -> tuple[Table, tuple[Parts, Decisions]]:
    """Validation rows that were given, behind the others as one table, and the one part.

    Raises:
        RecipeError: folds or a share were said, which would have no effect.
    """
    joined = pl.concat([pool.frame, validation.frame], how="vertical_relaxed")
    every = np.arange(len(joined))
    reason = "validation rows were given"
    if recipe.get("split.folds", 0) > 0:
        raise useless("split.folds", recipe, reason)
    parts = ((every[: pool.num_rows], every[pool.num_rows :]),)
    chosen = (
        _decision(recipe, "split.folds", 0, reason),
        _absent(recipe, "split.validation_share", reason),
    )
    return Table(joined, pool.source, pool.notes), (parts, chosen)


def set_aside(parts: Parts, facts: RowFacts, plan: SplitPlan) -> tuple[Parts, np.ndarray]:
    """Keep a third of a large validation part for intervals: rows that choose nothing."""
    kept, held = parts[0]
    clusters = len(np.unique(facts.cluster[held]))
    if len(parts) > 1 or len(held) < CALIBRATE_FROM or clusters < 2:
        return parts, np.zeros(0, dtype=np.int64)
    choosing, aside = hold_out(facts.rows(held), 1 / 3, plan, "calibration")
    return ((kept, held[choosing]),), held[aside]


def _decision(recipe: Recipe, key: str, value: object, reason: str) -> Decision:
    said = recipe.get(key)
    if said is not None:
        return Decision(key=key, value=said, reason="you said so", said=True)
    return Decision(key=key, value=value, reason=reason)


def _absent(recipe: Recipe, key: str, reason: str) -> Decision:
    """A setting that has no effect, for a reason.

    Raises:
        RecipeError: it was said nevertheless.
    """
    if recipe.get(key) is not None:
        raise useless(key, recipe, reason)
    return Decision(key=key, value=None, reason=reason)
