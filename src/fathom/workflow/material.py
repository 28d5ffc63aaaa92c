"""From files to rows in their parts: what training may see, what chooses, what is tested."""

from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import polars as pl

from fathom.base.errors import DataError, RecipeError, listed, nearest
from fathom.base.records import Decision, Finding
from fathom.columns.catalogue import kind_from_name
from fathom.columns.recognise import recognise
from fathom.tables.options import ReadOptions
from fathom.tables.read import read
from fathom.tables.rowfacts import row_facts, strata
from fathom.tables.schema import Roles
from fathom.tables.split import RowFacts, SplitPlan, fold_numbers, hold_out
from fathom.tables.table import Table
from fathom.workflow.recipe import Recipe, useless

Parts = tuple[tuple[np.ndarray, np.ndarray], ...]
Decisions = tuple[Decision, ...]
Traced = tuple[Table, np.ndarray]
FEWEST_ROWS = 5
FOLDS_BELOW = 1500
# Validation parts from this size on can spare a third for calibrating intervals.
CALIBRATE_FROM = 300


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


def read_options(recipe: Recipe) -> ReadOptions:
    """How the recipe wants text files to be read."""
    names = recipe.get("names")
    if isinstance(names, str) and not Path(names).exists():
        names = [part.strip() for part in names.split(",")]
    given = {
        "names": tuple(names) if isinstance(names, list) else names,
        "delimiter": recipe.get("delimiter"),
        "encoding": recipe.get("encoding"),
    }
    return ReadOptions(**{key: value for key, value in given.items() if value is not None})


def roles_of(recipe: Recipe, table: Table) -> Roles:
    """Which column plays which part; "last" and positions become names.

    Raises:
        RecipeError: a column does not exist, or no target was named.
    """
    if not recipe.targets:
        raise RecipeError(
            "No target was named, so there is nothing to learn.",
            where=table.source.name,
            expected=f"one of {listed(table.columns)}",
            do="Name the column to be learned with --target.",
        )
    roles = Roles(
        targets=_targets(recipe, table),
        weight=recipe.get("weight"),
        group=recipe.get("group"),
        time=recipe.get("time_column"),
        kinds=dict(recipe.kinds),
    )
    roles.check(table)
    return roles


def _targets(recipe: Recipe, table: Table) -> tuple[str, ...]:
    said = recipe.get("target")
    if said in table.columns:  # a name that holds a comma
        return (str(said),)
    return tuple(column_named(name, table) for name in recipe.targets)


def column_named(word: str, table: Table) -> str:
    """A column by its name, by its position from 1, or the "last".

    Raises:
        RecipeError: there is no such column.
    """
    if word in table.columns:
        return word
    if word == "last":
        return table.columns[-1]
    if word.isdigit() and 1 <= int(word) <= len(table.columns):
        return table.columns[int(word) - 1]
    raise RecipeError(
        f"There is no column '{word}'.",
        where=table.source.name,
        expected=f"one of {listed(table.columns)}, a position from 1, or 'last'",
        got=f"'{word}'",
        do=nearest(word, table.columns) or "Name a column that exists.",
    )


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
        DataError: too few rows, or files that do not fit together.
        RecipeError: a named column does not exist.
    """
    options = read_options(recipe)
    table = read(data, options)
    roles = roles_of(recipe, table)
    others: dict[str, Traced] = {}
    for name, source in (("test", test), ("validation", validation)):
        if source is not None:
            others[name] = _traced(like(read(source, options), table, roles, name), roles)
    whole = table
    table, origin = _traced(whole, roles)
    findings = _missing_targets(whole, origin, roles)
    if table.num_rows < FEWEST_ROWS:
        raise DataError(
            "There are too few rows to learn from.",
            where=table.source.name,
            expected=f"at least {FEWEST_ROWS} rows with a target; some hundred to be of use",
            got=str(table.num_rows),
            do="Bring more rows.",
        )
    return _split(recipe, (table, origin), roles, others, findings)


def _split(
    recipe: Recipe, whole: Traced, roles: Roles, others: dict[str, Traced], findings: list[Finding]
) -> Material:
    table, origin = whole
    facts = _facts(table, roles)
    plan, share = _split_plan(recipe, roles, "test" in others)
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
        pool, given = _given_parts(recipe, pool, validation)
        origin = np.concatenate([origin, validated])
        facts = _facts(pool, roles)
    facts = replace(facts, stratum=strata(pool.column(roles.targets[0])))
    method = _method(recipe, plan, facts, roles)
    plan = replace(plan, method=method.value)
    parts, chosen = given or _parts(recipe, pool, facts, plan)
    parts, calibration = _set_aside(parts, facts, plan)
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


def _facts(table: Table, roles: Roles) -> RowFacts:
    """What the splitter may know, numbered so that no cell of one row moves another row.

    Clusters are numbered by their first row. By time a cluster counts as what its latest row is,
    so that it never parts, and no training row is later than where the test begins.
    """
    moments = _moments(table, roles)
    facts = row_facts(table, roles.group, _row_names(table, roles))
    if roles.group is None and 2 * len(np.unique(facts.cluster)) < table.num_rows:
        # Most rows agree but for their names: few different values, no copies.
        facts = row_facts(table)
    _, first, found = np.unique(facts.cluster, return_index=True, return_inverse=True)
    cluster = np.argsort(np.argsort(first))[found]
    if moments is not None:
        latest = np.full(len(first), -np.inf)
        np.maximum.at(latest, cluster, moments)
        moments = latest[cluster]
    return RowFacts(cluster, moment=moments)


def _row_names(table: Table, roles: Roles) -> tuple[str, ...]:
    """Columns that do not make two rows different: names of rows, and their weight."""
    used = (*roles.targets, roles.group, roles.time)
    found: list[str] = []
    for name in table.columns:
        raw = table.frame[name]
        if name in used or raw.n_unique() < table.num_rows / 2 or _measured(raw):
            continue
        said = roles.kinds.get(name)
        kind = said or recognise(table.column(name), name=name).kind.name
        if kind == "identifier":
            found.append(name)
    return (*found, roles.weight) if roles.weight else tuple(found)


def _given_parts(
    recipe: Recipe, pool: Table, validation: Table
) -> tuple[Table, tuple[Parts, Decisions]]:
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


def _parts(
    recipe: Recipe, pool: Table, facts: RowFacts, plan: SplitPlan
) -> tuple[Parts, Decisions]:
    folds, share = recipe.get("split.folds"), recipe.get("split.validation_share")
    few = pool.num_rows < FOLDS_BELOW and share is None
    clusters = len(np.unique(facts.cluster))
    chosen = folds if folds is not None else (min(5, clusters) if few and clusters > 2 else 0)
    if chosen:
        number = fold_numbers(facts, replace(plan, folds=chosen))
        parts = tuple(
            (np.flatnonzero(number != f), np.flatnonzero(number == f)) for f in range(chosen)
        )
        reason = (
            f"{pool.num_rows:,} rows are few: each is used for training and, in its turn, "
            "for choosing"
        )
        return parts, (
            _decision(recipe, "split.folds", chosen, reason),
            _absent(recipe, "split.validation_share", "each fold is validated in its turn"),
        )
    kept, held = hold_out(facts, plan.validation_share, plan, "validation")
    reason = f"{pool.num_rows:,} rows are enough for one validation part"
    if share is not None:
        reason = "you said how large the one validation part is"
    why = "rows that choose the step, temperature and threshold"
    return ((kept, held),), (
        _decision(recipe, "split.folds", 0, reason),
        _decision(recipe, "split.validation_share", plan.validation_share, why),
    )


def _set_aside(parts: Parts, facts: RowFacts, plan: SplitPlan) -> tuple[Parts, np.ndarray]:
    """Keep a third of a large validation part for intervals: rows that choose nothing."""
    kept, held = parts[0]
    clusters = len(np.unique(facts.cluster[held]))
    if len(parts) > 1 or len(held) < CALIBRATE_FROM or clusters < 2:
        return parts, np.zeros(0, dtype=np.int64)
    choosing, aside = hold_out(facts.rows(held), 1 / 3, plan, "calibration")
    return ((kept, held[choosing]),), held[aside]


def _measured(raw: pl.Series) -> bool:
    """Whether most cells hold a decimal point, as no name of a row does."""
    if raw.dtype != pl.String:
        return raw.dtype.is_float()
    return 2 * (raw.str.contains(r"^\s*[-+]?\d*\.\d").sum() or 0) > len(raw)


def _split_plan(recipe: Recipe, roles: Roles, given_test: bool) -> tuple[SplitPlan, Decision]:
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


def _method(recipe: Recipe, plan: SplitPlan, facts: RowFacts, roles: Roles) -> Decision:
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


def like(other: Table, table: Table, roles: Roles, name: str) -> Table:
    """A given file in the columns of the training table, rows without any target left out.

    Raises:
        DataError: a column is missing from it.
    """
    wanted = list(table.columns)
    lacking = [column for column in wanted if column not in other.columns]
    if lacking and not set(lacking) & set(other.columns) and other.frame.width == len(wanted):
        same_width = not other.source.header
        if same_width:
            renamed = other.frame.rename(dict(zip(other.columns, wanted, strict=True)))
            other, lacking = Table(renamed, other.source, other.notes), []
    if lacking:
        raise DataError(
            f"The {name} file lacks columns that the training file has.",
            where=other.source.name,
            expected=listed(wanted),
            got=f"without {listed(lacking)}",
            do="Give a file with the same columns, or --names for files without a header.",
        )
    return other.select(wanted)


def _traced(table: Table, roles: Roles) -> Traced:
    """The rows that have at least one of their targets, and which ones they were."""
    present = np.zeros(table.num_rows, dtype=bool)
    for target in roles.targets:
        said = roles.kinds.get(target)
        raw = table.column(target)
        kind = kind_from_name(said) if said else recognise(raw, name=target).kind
        parsed = kind.parse(raw) if kind.name not in ("ignored", "identifier") else None
        present |= raw.is_not_null().to_numpy() if parsed is None else parsed.present
    return (table if present.all() else table.rows(present)), np.flatnonzero(present)


def _missing_targets(whole: Table, kept: np.ndarray, roles: Roles) -> list[Finding]:
    """What is told of the rows that were left out."""
    lost = whole.num_rows - len(kept)
    if not lost:
        return []
    rows = np.setdiff1d(np.arange(whole.num_rows), kept) + 1
    finding = Finding(
        code="target_missing",
        severity="medium",
        title=f"{lost:,} rows have no target and cannot be learned from or scored.",
        evidence=f"{lost:,} of {whole.num_rows:,} rows of {whole.source.name}",
        advice="Fill the target in, if it is known.",
        columns=roles.targets,
        rows=tuple(int(row) for row in rows[:5]),
        facts={"rows": lost},
    )
    return [finding]


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
