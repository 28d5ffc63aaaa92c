"""Columns that name the rows instead of describing them."""

import re

import numpy as np

from fathom.base.records import Finding
from fathom.inspection.absent_pictures import names_absent_pictures
from fathom.inspection.column import Column
from fathom.inspection.sheet import Sheet
from fathom.inspection.wording import examples, number_of, part_of

# Words: an honest category comes back; where nine in ten values stand alone, nothing repeats.
_ALONE = 0.90
_ENOUGH = 20
_NAMED = re.compile(
    r"(?i:(^|[_ .-])(id|ids|uuid|guid|index|row|rownum|row_?number|serial|key|unnamed: ?\d+)$)"
    r"|[a-z]I[Dd]$"
)


def identifier_reason(column: Column) -> str:
    """Why a column looks like names of rows, or "".

    Words do when nearly every row has its own. Numbers only when they are whole, all different,
    and either count the rows without a gap or are called "id" or the like: measurements,
    even those that never repeat, are left alone.

    Example:
        >>> from fathom.columns.kind import Values
        >>> def number(data):
        ...     return Column("x", "number", Values(data, np.ones(len(data), dtype=bool)))
        >>> identifier_reason(number(np.arange(30.0)))
        'whole numbers that count the rows from 0 to 29'
        >>> identifier_reason(number(np.linspace(0.0, 1.0, 30)))
        ''
    """
    num, present = column.levels.num, column.num_present
    if column.kind == "identifier" and num > 1:
        return f"{num:,} distinct values in {number_of(present, 'row')}"
    if present < _ENOUGH or column.kind == "date":
        return ""
    if column.kind == "category" and num >= _ALONE * present:
        return f"{num:,} distinct words in {number_of(present, 'row')}"
    return _counts_rows(column) if column.kind == "number" and num == present else ""


def _counts_rows(column: Column) -> str:
    """Why numbers that are all different only number the rows."""
    numbers = column.numbers
    if (numbers != np.floor(numbers)).any():
        return ""
    low, high = float(numbers.min()), float(numbers.max())
    if high - low == len(numbers) - 1:
        return f"whole numbers that count the rows from {low:.0f} to {high:.0f}"
    if _NAMED.search(column.name):
        return f"whole numbers, all different, and the name '{column.name}'"
    return ""


def describing(sheet: Sheet) -> list[Column]:
    """The columns that describe a row, targets included: not identifiers, nothing ignored."""
    return [
        column
        for column in sheet.columns.values()
        if column.name in sheet.targets or (column.used and not identifier_reason(column))
    ]


def find_identifiers(sheet: Sheet) -> list[Finding]:
    """Columns that look like names or numbers of rows."""
    found: list[Finding] = []
    for column in sheet.columns.values():
        skipped = column.name in (*sheet.targets, sheet.group) or column.said
        reason = "" if skipped else identifier_reason(column)
        # What to do about pictures that are not there is told with more than "leave it out".
        if reason and not names_absent_pictures(sheet.table, column.name):
            found.append(_identifier(column, reason))
    return found


def _identifier(column: Column, reason: str) -> Finding:
    alone = int((column.levels.counts == 1).sum())
    shown = examples(column.word(code) for code in range(min(3, column.levels.num)))
    evidence = f"{reason[0].upper()}{reason[1:]}; {part_of(alone, len(column))} stand alone"
    return Finding(
        code="identifier",
        severity="low" if column.kind == "identifier" else "medium",
        title=f"'{column.name}' seems to name the rows.",
        evidence=f"{evidence}, such as {shown}.",
        advice="A model would learn it by heart and fail on new rows: leave it out. If it names "
        "what rows belong to, use it with --group.",
        columns=(column.name,),
        facts={"distinct": column.levels.num, "alone": alone, "action": "drop"},
    )
