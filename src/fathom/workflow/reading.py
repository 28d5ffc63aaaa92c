"""What the recipe says of the files: how they are read, which columns and rows of them count."""

from pathlib import Path

import numpy as np

from fathom.base.errors import DataError, RecipeError, listed, nearest
from fathom.base.records import Finding
from fathom.columns.catalogue import kind_from_name
from fathom.columns.cells import clean
from fathom.columns.recognise import recognise, recognise_target
from fathom.inspection.wording import number_of, percent
from fathom.tables.options import ReadOptions
from fathom.tables.read_folder import IMAGE, LABEL
from fathom.tables.schema import Roles, check_like, row_weights
from fathom.tables.table import Table
from fathom.workflow.recipe import Recipe

Traced = tuple[Table, np.ndarray]


def read_options(recipe: Recipe) -> ReadOptions:
    """How the recipe wants text files to be read."""
    names = recipe.get("names")
    given = {
        "names": names_said(names) if isinstance(names, str) else names,
        "delimiter": recipe.get("delimiter"),
        "encoding": recipe.get("encoding"),
    }
    return ReadOptions(**{key: value for key, value in given.items() if value is not None})


def names_said(text: str) -> Path | tuple[str, ...]:
    """Columns' names as they were typed: the path of a file of names, or a,b,c."""
    try:
        if "," not in text and Path(text).exists():
            return Path(text)
    except OSError:
        pass  # longer than a path may be
    return tuple(name.strip() for name in text.split(","))


def roles_of(recipe: Recipe, table: Table) -> Roles:
    """Which column plays which part; "last" and positions become names.

    Raises:
        RecipeError: a column does not exist, or no target was named.
    """
    if table.source.format == "pictures" and table.columns == (IMAGE,):
        raise RecipeError(
            "Loose pictures have no classes, so there is nothing to learn.",
            where=table.source.name,
            expected="a folder for each class with its pictures in it, or a table",
            got=f"{number_of(table.num_rows, 'picture')} beside one another",
            do="Sort them into a folder for each class, or give a table with their names and with "
            "what is to be learned of each.",
        )
    if not recipe.targets and not usual_targets(table):
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


def usual_targets(table: Table) -> tuple[str, ...]:
    """What is learned where nothing was said: of pictures in folders, the folder."""
    pictures = table.source.format == "pictures" and LABEL in table.columns
    return (LABEL,) if pictures else ()


def _targets(recipe: Recipe, table: Table) -> tuple[str, ...]:
    if not recipe.targets:
        return usual_targets(table)
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
    numbered = not table.source.header and table.columns[:1] == ("column_1",)
    names = f"Name the columns with --names a,b,… ({len(table.columns)} of them)."
    raise RecipeError(
        f"There is no column '{word}'.",
        where=table.source.name + (", which has no header" if numbered else ""),
        expected=f"one of {listed(table.columns)}, a position from 1, or 'last'",
        got=f"'{word}'",
        do=nearest(word, table.columns) or (names if numbered else "Name a column that exists."),
    )


def like(other: Table, table: Table, roles: Roles, name: str) -> Table:
    """A given file in the columns of the training table, rows without any target left out.

    Raises:
        DataError: a column is missing from it.
    """
    wanted = list(table.columns)
    check_like(other, wanted)
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


def traced(table: Table, roles: Roles, *, readable: bool = True) -> Traced:
    """The rows that have at least one of their targets, and which ones they were.

    Args:
        table: the rows.
        roles: names the targets.
        readable: whether a target counts only where it can be read as what it is.
    """
    present = np.zeros(table.num_rows, dtype=bool)
    for target in roles.targets:
        said = roles.kinds.get(target)
        raw = table.column(target)
        kind = kind_from_name(said) if said else recognise(raw, name=target).kind
        parsed = kind.parse(raw) if kind.name not in ("ignored", "identifier") else None
        if parsed is not None:
            present |= parsed.present
        if parsed is None or not readable:
            present |= clean(raw).present
    return (table if present.all() else table.rows(present)), np.flatnonzero(present)


def check_kinds_said(table: Table, roles: Roles) -> None:
    """A target that cannot be what it was said to be looks as if it were missing in every row.

    Raises:
        DataError: it cannot.
    """
    for target in roles.targets:
        if target in roles.kinds:
            recognise_target(table.column(target), name=target, declared=roles.kinds[target])


def missing_targets(whole: Table, kept: np.ndarray, roles: Roles) -> list[Finding]:
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


def heavy_row(train: Table, origin: np.ndarray, weight: str | None) -> list[Finding]:
    """That one row counts more than all others together, where it does.

    Args:
        train: the rows to learn from.
        origin: the row of its file, from 0, that each of them was.
        weight: the column that says how much each row counts; None = none does.
    """
    weights = row_weights(train, weight)
    row, total = int(weights.argmax()), float(weights.sum())
    share = float(weights[row]) / total
    if weight is None or share <= 0.5:
        return []
    finding = Finding(
        code="heavy_row",
        severity="medium",
        title=f"One row has more than half of the whole weight of '{weight}'.",
        evidence=f"Row {origin[row] + 1} weighs {weights[row]:.4g} of {total:.4g}, which is "
        f"{percent(share)}; there are {train.num_rows:,} rows to learn from.",
        advice="The model and its score are about this row more than about all others together: "
        "check its weight.",
        columns=(weight,),
        rows=(int(origin[row]) + 1,),
        facts={"share": share},
    )
    return [finding]
