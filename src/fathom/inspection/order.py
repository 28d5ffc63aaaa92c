"""Time: columns that hold it, rows that stand in it, and targets that drift along it."""

import re
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from fathom.base.records import Finding
from fathom.inspection.column import Column
from fathom.inspection.sheet import Sheet
from fathom.inspection.wording import number_of, percent

_NAMED = re.compile(
    r"(?i)(^|[_ .-])(time|timestamp|date|datetime|year|month|day|hour|week|period|epoch|step)s?$"
)
_ENOUGH, _BLOCKS = 50, 10
# Shares of the target's variation. The time column is asked for from a clear drift on; the bare
# order of rows, which may be an accident of the file, from a strong likeness of neighbours on.
_DRIFT, _LIKE, _VERY_LIKE = 0.05, 0.3, 0.5
_STANDARD_ERRORS = 4.0


@dataclass(frozen=True)
class Course:
    """How a target goes along an order of rows.

    Attributes:
        drift: the share of its variation (of ranks; of classes) between ten successive blocks,
            beyond chance.
        likeness: how much neighbours agree: the correlation of successive ranks, or the
            agreement of successive classes beyond chance.
        num_rows: rows with a target.
    """

    drift: float
    likeness: float
    num_rows: int

    @property
    def drifts(self) -> bool:
        """Whether it moves by more than chance and by an amount that matters."""
        noise = _STANDARD_ERRORS / np.sqrt(self.num_rows)
        return self.drift >= _DRIFT or self.likeness >= max(_LIKE, noise)


def course(target: Column, order: Int[np.ndarray, " rows"]) -> Course:
    """Follow the target along rows.

    Example:
        >>> from fathom.columns.kind import Values
        >>> y = Column("y", "number", Values(np.arange(100.0), np.ones(100, dtype=bool)))
        >>> course(y, np.arange(100)).drifts
        True
    """
    codes = target.levels.codes[order[target.present[order]]]
    num = len(codes)
    if num < _ENOUGH or target.levels.num < 2 or target.kind == "set":
        return Course(0.0, 0.0, max(num, 1))
    block = np.arange(num) * _BLOCKS // num
    if target.numeric:
        scores = _standard(codes)[:, None]
    else:
        commonest = np.argsort(-target.levels.counts, kind="stable")[:20]
        scores = (codes[:, None] == commonest).astype(np.float64)
        scores = scores - scores.mean(axis=0)
    total = float((scores**2).sum())
    sums = np.stack([np.bincount(block, weights=column) for column in scores.T])
    between = float((sums**2 / np.bincount(block)).sum()) / total
    drift = 1 - (1 - between) * (num - 1) / (num - _BLOCKS)
    return Course(drift, float((scores[1:] * scores[:-1]).sum()) / total, num)


def _standard(codes: np.ndarray) -> Float[np.ndarray, " rows"]:
    _, ranks = np.unique(codes, return_inverse=True)
    centred = ranks - ranks.mean()
    return centred / max(float(centred.std()), 1e-12)


def find_time(sheet: Sheet) -> list[Finding]:
    """A time column, when none was named, and whether targets move along it or along the rows."""
    if sheet.time_column or not sheet.targets or sheet.num_rows < _ENOUGH:
        return []
    for column in sheet.columns.values():
        if column.name in (*sheet.targets, sheet.group):
            continue
        moments = moments_of(column)
        if moments is None:
            continue
        order = np.argsort(moments, kind="stable")
        courses = {target.name: course(target, order) for target in sheet.learned}
        moving = [name for name, found in courses.items() if found.drifts]
        if moving:
            return [_time_finding(column, moving[0], courses[moving[0]])]
        if column.kind == "date":
            return [_date_finding(column)]
    return _row_order(sheet)


def moments_of(column: Column) -> Float[np.ndarray, " rows"] | None:
    """A column as time: dates, and numbers that rise row by row or are named for time.

    Returns:
        What sorts the rows, or None when it does not seem to be time.
    """
    if column.kind == "identifier":
        numbers = _as_numbers(column)
        return numbers if numbers is not None and _rises(numbers, strictly=True) else None
    if not column.numeric or column.num_present < 0.9 * len(column):
        return None
    data = np.where(column.present, column.values.data, np.inf).astype(np.float64)
    if column.kind == "date":
        return data if column.levels.num >= _BLOCKS else None
    if column.num_present < len(column):
        return None
    named = bool(_NAMED.search(column.name)) and column.levels.num >= 5
    return data if _rises(data, strictly=not named) else None


def _as_numbers(column: Column) -> Float[np.ndarray, " rows"] | None:
    words = column.values.data.tolist()
    digits = all(isinstance(word, str) and word.isdecimal() for word in words)
    return np.array([float(word) for word in words]) if digits and len(words) else None


def _rises(data: np.ndarray, *, strictly: bool) -> bool:
    later, earlier = data[1:], data[:-1]
    return bool((later > earlier).all() if strictly else (later >= earlier).all())


def _moves(found: Course) -> str:
    parts: list[str] = []
    if found.drift >= _DRIFT:
        parts.append(
            f"{percent(min(found.drift, 1.0))} of its variation lies between ten successive "
            "stretches of time"
        )
    if found.likeness >= _LIKE:
        parts.append(f"neighbours in time are alike (correlation {found.likeness:.2f})")
    return " and ".join(parts)


def _time_finding(column: Column, target: str, found: Course) -> Finding:
    return Finding(
        code="time_order",
        severity="medium",
        title=f"'{target}' changes along '{column.name}'.",
        evidence=f"Sorted by '{column.name}', {_moves(found)}.",
        advice="If the model is meant for the future, test on the latest rows: say "
        f"--time-column {column.name}. A random split mixes past and future.",
        columns=(column.name, target),
        facts={
            "drift": found.drift,
            "likeness": found.likeness,
            "action": "time_column",
            "column": column.name,
        },
    )


def _date_finding(column: Column) -> Finding:
    return Finding(
        code="dates",
        severity="low",
        title=f"'{column.name}' says when each row happened.",
        evidence=f"From {column.word(0)} to {column.word(column.levels.num - 1)}, "
        f"{number_of(column.levels.num, 'moment')}; no target drifts along it.",
        advice="If the model is meant for the future, test on the latest rows: say "
        f"--time-column {column.name}.",
        columns=(column.name,),
        facts={"moments": column.levels.num, "action": "time_column", "column": column.name},
    )


def _row_order(sheet: Sheet) -> list[Finding]:
    """Neighbouring rows that are alike although nothing says when they happened."""
    for target in sheet.learned:
        found = course(target, np.arange(sheet.num_rows))
        if found.likeness < max(_VERY_LIKE, _STANDARD_ERRORS / np.sqrt(found.num_rows)):
            continue
        if _is_sorted(target):
            return [_sorted_finding(target)]
        return [
            Finding(
                code="row_order",
                severity="low",
                title=f"Neighbouring rows are alike in '{target.name}'.",
                evidence=f"The correlation of successive rows is {found.likeness:.2f}, where rows "
                "in random order have about 0.",
                advice="The rows may follow one another in time, place or person: say which "
                "column tells, with --time-column or --group. If none does, ask for one.",
                columns=(target.name,),
                facts={"likeness": found.likeness, "drift": found.drift, "action": "check_order"},
            )
        ]
    return []


def _is_sorted(target: Column) -> bool:
    """Whether the rows stand by class, or from low to high, with a few exceptions at most."""
    codes = target.levels.codes[target.present]
    if target.numeric:
        steps = np.diff(codes)
        return bool((steps >= 0).all() or (steps <= 0).all())
    return int((codes[1:] != codes[:-1]).sum()) < 2 * target.levels.num


def _sorted_finding(target: Column) -> Finding:
    return Finding(
        code="sorted_rows",
        severity="low",
        title=f"The rows are sorted by '{target.name}'.",
        evidence=f"Rows of one class stand together, {number_of(target.levels.num, 'value')} in "
        "all."
        if not target.numeric
        else "It never turns back from the first row to the last.",
        advice="Harmless as long as rows are shuffled before they are split, as fathom does.",
        columns=(target.name,),
        facts={"action": "keep"},
    )
