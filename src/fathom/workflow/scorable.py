"""Which rows can be scored, for which target; what to say of the others."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fathom.base.errors import DataError, listed
from fathom.base.records import Finding
from fathom.columns.cells import as_text, clean
from fathom.inspection.wording import number_of
from fathom.models.model import class_names
from fathom.models.preparation import Column, check_size
from fathom.tables.table import Table
from fathom.workflow.judge import Truth

_EXAMPLES = 5


@dataclass(frozen=True)
class Scorable:
    """What can be said of some rows' truth for one target.

    Attributes:
        target: the column.
        rows: how many can be scored.
        lost: positions of those that cannot.
        story: why they cannot, with counts.
        unread: how many of them have a cell that cannot be read.
        strange: how many are of a class that no training row has.
        classes: the classes of training rows; none of a number.
    """

    target: str
    rows: int
    lost: np.ndarray
    story: str
    unread: int = 0
    strange: int = 0
    classes: tuple[str, ...] = ()


def scorable(column: Column, table: Table, truth: Truth) -> Scorable:
    """Which rows of a table can be scored on a target.

    Args:
        column: the target.
        table: the rows.
        truth: of the same rows.

    Raises:
        DataError: a number is too large to be scored.
    """
    seen = np.zeros(table.num_rows, dtype=bool)
    seen[np.flatnonzero(truth.known)[truth.rows.known()]] = True
    if truth.rows.task == "regression":
        check_size(column.name, float(np.abs(truth.rows.truth).max(initial=0.0)))
    raw = table.column(column.name)
    filled = clean(raw).present
    reasons = (
        ("without a value", ~truth.known & ~filled),
        (f"that cannot be read as a {column.kind.name}", ~truth.known & filled),
        ("of a class that no training row has", truth.known & ~seen),
    )
    told: list[str] = []
    for what, which in reasons:
        if which.any():
            first = as_text(raw[np.flatnonzero(which)[:1]]).to_list()[0]
            example = f" (such as '{first}')" if what != reasons[0][0] else ""
            told.append(f"{number_of(int(which.sum()), 'row')} {what}{example}")
    _, unread, strange = (int(which.sum()) for _, which in reasons)
    return Scorable(
        column.name,
        int(seen.sum()),
        np.flatnonzero(~seen),
        ", ".join(told),
        unread,
        strange,
        () if truth.rows.task == "regression" else class_names(column),
    )


def to_be_scored(found: Sequence[Scorable]) -> str:
    """What to do about rows of which none can be scored.

    Args:
        found: as `scorable` gives it, for each target.
    """
    strange = [one for one in found if one.strange]
    if strange:
        known = "; ".join(f"those of '{one.target}' are {listed(one.classes)}" for one in strange)
        return f"Correct the target: none of its classes is known from training; {known}."
    if any(one.unread for one in found):
        return "Correct the target, or give rows in which it can be read."
    return "Give rows in which the target column is filled."


def check_scorable(found: Sequence[Scorable], where: str, do: str) -> None:
    """There must be rows to score, for one target at least.

    Args:
        found: as `scorable` gives it, for each target.
        where: the file.
        do: what to do otherwise.

    Raises:
        DataError: no row can be scored on any target.
    """
    if any(one.rows for one in found):
        return
    raise DataError(
        "There are no rows to score.",
        where=where,
        expected="rows whose target can be read and is of a class that training rows have",
        got="; ".join(f"in '{one.target}' {one.story or 'no row'}" for one in found),
        do=do,
    )


def not_scored(found: Sequence[Scorable], origin: np.ndarray, noun: str) -> list[Finding]:
    """What is told of rows that the score leaves out.

    Args:
        found: as `scorable` gives it, for each target.
        origin: the row of its file, from 0, that each row was.
        noun: what such a row is called: "test row".
    """
    return [_finding(one, origin, noun) for one in found if len(one.lost)]


def _finding(one: Scorable, origin: np.ndarray, noun: str) -> Finding:
    advice = "Fill or correct the cells of the target, or bring training rows of every class."
    if one.rows:
        advice += f" The score is about the other {number_of(one.rows, 'row')}."
    return Finding(
        code="rows_not_scored",
        severity="medium",
        title=f"{number_of(len(one.lost), noun)} cannot be scored on '{one.target}'."
        if one.rows
        else f"No {noun} can be scored on '{one.target}', so this target has no score.",
        evidence=f"Of {number_of(one.rows + len(one.lost), 'row')}: {one.story}.",
        advice=advice,
        columns=(one.target,),
        rows=tuple(int(origin[row]) + 1 for row in one.lost[:_EXAMPLES]),
        facts={"rows": len(one.lost), "scored": one.rows},
    )
