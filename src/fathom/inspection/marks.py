"""Columns and words that carry a meaning of their own: given splits, declared markers."""

from fathom.base.errors import listed
from fathom.base.records import Finding
from fathom.columns.cells import MARKERS
from fathom.inspection.column import Column
from fathom.inspection.sheet import Sheet
from fathom.inspection.wording import shares

_PARTS = frozenset(
    {"train", "training", "test", "testing", "valid", "validation", "val", "dev", "development"}
    | {"holdout", "held-out", "eval", "evaluation"}
)


def find_marks(sheet: Sheet) -> list[Finding]:
    """A column that says which rows are for training, and markers that the source declares."""
    splits = [column for column in sheet.inputs if _is_split(column)]
    return [*map(_split, splits), *_declared(sheet)]


def _is_split(column: Column) -> bool:
    if column.kind not in ("category", "flag") or not 2 <= column.levels.num <= 4:
        return False
    return all(word.casefold() in _PARTS for word in column.counts())


def _split(column: Column) -> Finding:
    return Finding(
        code="given_split",
        severity="medium",
        title=f"'{column.name}' says which rows are for training and which for testing.",
        evidence=f"Its words are {shares(column.counts(), len(column))}.",
        advice="It describes no row: leave it out. To keep to this split, write the parts into "
        "files of their own and name them with --test and --validation.",
        columns=(column.name,),
        facts={"counts": column.counts(), "action": "drop"},
    )


def _declared(sheet: Sheet) -> list[Finding]:
    """Markers such as "?" that the source lists among the values, yet are read as missing."""
    found = {
        name: words
        for name, levels in sheet.table.source.levels.items()
        if name in sheet.columns and (words := [word for word in levels if word in MARKERS])
    }
    absent = {name: sheet.columns[name].levels.num_absent for name in found}
    found = {name: words for name, words in found.items() if absent[name]}
    if not found:
        return []
    words = dict.fromkeys(word for words in found.values() for word in words)
    return [
        Finding(
            code="declared_markers",
            severity="low",
            title=f"The source declares {listed(words)} as a value, but it is read as missing.",
            evidence=f"{listed(found)}: {sum(absent.values()):,} cells.",
            advice="If it is an answer ('none of these') and no gap, keep in mind that the gaps "
            "are marked, so that the model can still tell them apart.",
            columns=tuple(found),
            facts={"words": list(words), "cells": sum(absent.values()), "action": "mark_missing"},
        )
    ]
