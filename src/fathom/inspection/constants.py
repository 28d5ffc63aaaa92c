"""Columns that tell nothing, or hardly anything."""

from fathom.base.records import Finding
from fathom.inspection.column import Column
from fathom.inspection.sheet import Sheet
from fathom.inspection.wording import part_of, short

_NEARLY = 0.995
# With fewer rows, half a per cent is less than one of them.
_ENOUGH = 200


def find_constants(sheet: Sheet) -> list[Finding]:
    """Inputs with one value in all, or nearly all, of the rows."""
    found: list[Finding] = []
    for column in sheet.columns.values():
        if column.name in sheet.targets or column.levels.num == 0:
            continue
        most = int(column.levels.counts.max())
        if column.levels.num == 1 and most == len(column) > 1:
            found.append(_constant(column))
        elif most >= _NEARLY * len(column) and len(column) >= _ENOUGH and column.used:
            found.append(_nearly(column, most))
    return found


def _constant(column: Column) -> Finding:
    return Finding(
        code="constant",
        severity="low",
        title=f"'{column.name}' is the same in every row.",
        evidence=f"All {len(column):,} rows say {short(column.word(0))}.",
        advice="It tells nothing and is left out.",
        columns=(column.name,),
        facts={"value": column.word(0), "action": "drop"},
    )


def _nearly(column: Column, most: int) -> Finding:
    word = column.word(int(column.levels.counts.argmax()))
    return Finding(
        code="nearly_constant",
        severity="low",
        title=f"'{column.name}' is the same in nearly every row.",
        evidence=f"{part_of(most, len(column))} say {short(word)}.",
        advice="It can matter for few rows only; a split may leave some part without them.",
        columns=(column.name,),
        facts={"value": word, "count": most, "share": most / len(column), "action": "keep"},
    )
