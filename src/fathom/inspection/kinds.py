"""Columns whose kind is in doubt, and columns that are left out for their kind."""

import numpy as np

from fathom.base.records import Finding
from fathom.columns.date import Date
from fathom.columns.kind import KindName, Recognised
from fathom.inspection.column import Column
from fathom.inspection.sheet import Sheet

# Kinds that the network treats alike, so that the doubt does no harm.
_ALIKE: frozenset[KindName] = frozenset({"flag", "category"})
# So little more confidence than the next kind is a doubt. Amounts or classes is the gravest choice
# there is for a target, and is told sooner.
_DOUBT, _TARGET_DOUBT = 0.10, 0.30


def find_kinds(sheet: Sheet) -> list[Finding]:
    """What a person should confirm about the kinds that were found."""
    found: list[Finding] = []
    for name, column in sheet.columns.items():
        recognised = sheet.recognised[name]
        if recognised.doubt:
            found.append(_day_or_month(sheet, column, recognised))
        if recognised.said or not recognised.evidence:
            continue
        if name in sheet.targets:
            found += _doubt(recognised, _TARGET_DOUBT, target=True)
        elif column.kind == "ignored" and column.levels.num > 1:
            found.append(_ignored(recognised))
        elif column.kind != "ignored" and column.levels.num > 1:
            found += _doubt(recognised, _DOUBT, target=False)
    return found


def _day_or_month(sheet: Sheet, column: Column, recognised: Recognised) -> Finding:
    """Dates such as 03/04/2021: the wrong reading is a wrong date in nearly every row."""
    name = column.name
    kind = recognised.kind
    first = "day" if isinstance(kind, Date) and kind.order == "day_first" else "month"
    other = "month" if first == "day" else "day"
    row = int(np.argmax(column.present))
    cell, day = sheet.table.column(name)[row], column.word(int(column.levels.codes[row]))
    return Finding(
        code="day_or_month",
        severity="medium",
        title=f"In '{name}', day and month may be exchanged.",
        evidence=f"{recognised.doubt[0].upper()}{recognised.doubt[1:]}. Read {first} first: "
        f"'{cell}' is {day}.",
        advice=f"If the {other} stands first, say --kind {name}=date:{other}_first; if not, "
        f"confirm it with --kind {name}=date:{first}_first.",
        columns=(name,),
        facts={"order": f"{first}_first", "action": "confirm_kind"},
    )


def _doubt(recognised: Recognised, doubt: float, *, target: bool) -> list[Finding]:
    first, *others = recognised.evidence
    rival = next((one for one in others if not {one.kind, first.kind} <= _ALIKE), None)
    if rival is None or first.confidence - rival.confidence > doubt or first.confidence > 0.95:
        return []
    # The reason of a target weighs the two already.
    reasons = first.reason if target else f"{first.reason}; {rival.reason}"
    return [
        Finding(
            code="target_kind" if target else "kind_in_doubt",
            severity="low",
            title=f"'{recognised.column}' is {'learned' if target else 'read'} as a {first.kind}; "
            f"it may be a {rival.kind}.",
            evidence=f"{reasons[0].upper()}{reasons[1:]}.",
            advice="Confirm or correct it with --kind COLUMN=KIND.",
            columns=(recognised.column,),
            facts={
                "kind": first.kind,
                "rival": rival.kind,
                "confidence": [first.confidence, rival.confidence],
                "action": "confirm_kind",
            },
        )
    ]


def _ignored(recognised: Recognised) -> Finding:
    reason = recognised.reason
    return Finding(
        code="ignored_column",
        severity="low",
        title=f"'{recognised.column}' is not learned from.",
        evidence=f"{reason[0].upper()}{reason[1:]}.",
        advice="If it should be, say what it is with --kind COLUMN=KIND.",
        columns=(recognised.column,),
        facts={"reason": reason, "action": "ignore"},
    )
