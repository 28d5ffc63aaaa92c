"""Columns whose kind is in doubt, and columns that are left out for their kind."""

from fathom.base.records import Finding
from fathom.columns.kind import KindName, Recognised
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
        if recognised.said or not recognised.evidence:
            continue
        if name in sheet.targets:
            found += _doubt(recognised, _TARGET_DOUBT, target=True)
        elif column.kind == "ignored" and column.levels.num > 1:
            found.append(_ignored(recognised))
        elif column.kind != "ignored" and column.levels.num > 1:
            found += _doubt(recognised, _DOUBT, target=False)
    return found


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
