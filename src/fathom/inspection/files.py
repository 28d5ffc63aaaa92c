"""What other files hold that the training rows do not: columns, spellings, words, ranges."""

from dataclasses import replace
from typing import Any

import numpy as np

from fathom.base.errors import listed
from fathom.base.records import Finding
from fathom.columns.kind import Repair, Values
from fathom.columns.words import reconcile_words, strangers
from fathom.inspection.column import Column
from fathom.inspection.identifiers import identifier_reason
from fathom.inspection.sheet import Sheet
from fathom.inspection.unfamiliar import MANY, Others, absent_inputs, unfamiliar
from fathom.inspection.wording import examples, figure, part_of

_MATCHED = "to match the words of the training rows"
_WORDS = ("category", "flag")
_OUTSIDE = 0.01


def matched(train: Sheet, other: Sheet) -> Sheet:
    """The other sheet with its words written as the training rows write them.

    A target such as "<=50K." would otherwise make every row of the file look new.
    """
    values: dict[str, Values] = dict(other.values)
    for name, column in train.columns.items():
        if column.kind in _WORDS and name in values:
            known = {column.word(code) for code in range(column.levels.num)}
            values[name] = reconcile_words(values[name], known)
    return replace(other, values=values)


def find_file_differences(train: Sheet, other: Sheet) -> list[Finding]:
    """Differences of form between the training rows and another file.

    Args:
        train: the training rows.
        other: the other file, as `matched` gives it.
    """
    found = _columns(train, other)
    for name, column in other.columns.items():
        if name not in train.columns or not train.columns[name].used:
            continue
        found += _rewritten(column, other.part) + _unreadable(column, other.part)
        known = train.columns[name]
        if known.levels.num and column.levels.num:
            is_target = name in train.targets
            others = _others(other)
            found += _new_words(known, column, others, is_target=is_target)
            found += [] if is_target else _outside(known, column, others)
    return found


def _others(other: Sheet, **facts: Any) -> Others:
    """How the findings call the other file."""
    return Others(f"{other.part} file", other.table.num_rows, {"part": other.part, **facts})


def _columns(train: Sheet, other: Sheet) -> list[Finding]:
    here, there = set(other.table.columns), set(train.table.columns)
    lost = [column.name for column in train.inputs if column.name not in here]
    targets = [name for name in train.targets if name not in here]
    more = [name for name in other.table.columns if name not in there]
    rows = _others(other, action="stop")
    found = absent_inputs(lost, rows, "Add them, or leave them out of the training rows as well.")
    if targets:
        found.append(
            Finding(
                code="target_absent",
                severity="medium",
                title=f"The {other.part} file has no target.",
                evidence=f"It has no {listed(targets)}.",
                advice="It can be predicted, but no score can be measured on it.",
                columns=tuple(targets),
                facts={"part": other.part, "action": "predict_only"},
            )
        )
    if more:
        found.append(
            Finding(
                code="columns_extra",
                severity="low",
                title=f"The {other.part} file has columns that the training rows lack.",
                evidence=f"They are {listed(more)}.",
                advice="They are not used.",
                columns=tuple(more),
                facts={"part": other.part, "action": "ignore"},
            )
        )
    return found


def _rewritten(column: Column, part: str) -> list[Finding]:
    return [
        Finding(
            code="words_matched",
            severity="low",
            title=f"The {part} file writes '{column.name}' in another way.",
            evidence=f"{part_of(repair.count, len(column), 'cell')}, such as "
            f"{examples(repair.examples)}: {repair.what}.",
            advice="They are taken for the same words. If they are not, correct the file.",
            columns=(column.name,),
            facts={"part": part, "count": repair.count, "action": "merge_levels"},
        )
        for repair in column.values.repairs
        if repair.what.endswith(_MATCHED)
    ]


def _unreadable(column: Column, part: str) -> list[Finding]:
    return [
        Finding(
            code="unreadable_cells",
            severity="medium" if repair.count >= 0.01 * len(column) else "low",
            title=f"Some cells of '{column.name}' in the {part} file are no {column.kind}s.",
            evidence=f"{part_of(repair.count, len(column), 'cell')}, such as "
            f"{examples(repair.examples)}; they count as missing.",
            advice="Correct them, so that the file reads as the training rows do.",
            columns=(column.name,),
            facts={"part": part, "count": repair.count, "action": "correct"},
        )
        for repair in column.values.repairs
        if repair.what.startswith("not a ")
    ]


def _new_words(known: Column, column: Column, others: Others, *, is_target: bool) -> list[Finding]:
    if column.kind not in _WORDS:
        return []
    seen = {known.word(code) for code in range(known.levels.num)}
    new = [code for code in range(column.levels.num) if column.word(code) not in seen]
    if not new:
        return []
    (repair,) = strangers(column.values, seen)
    rows = np.isin(column.levels.codes, new)
    found = unfamiliar(column.name, column.kind, repair, others, rows)
    found = replace(found, facts={**found.facts, "words": len(new)})
    if is_target:
        found = replace(
            found,
            code="unseen_classes",
            severity="high" if repair.count >= MANY * len(column) else "medium",
            advice="The model cannot answer what it never saw: these rows are lost to it.",
        )
    return [found]


def _outside(known: Column, column: Column, others: Others) -> list[Finding]:
    if column.kind != "number" or identifier_reason(known):
        return []
    low, high = float(known.numbers.min()), float(known.numbers.max())
    data = np.where(column.present, column.values.data, low).astype(np.float64)
    rows = (data < low) | (data > high)
    count = int(rows.sum())
    if count < max(2, _OUTSIDE * len(column)):
        return []
    shown = tuple(dict.fromkeys(figure(float(value)) for value in data[rows][:3]))
    what = f"outside the training range {figure(low)} to {figure(high)}"
    found = unfamiliar(column.name, column.kind, Repair(what, count, shown), others, rows)
    return [replace(found, facts={**found.facts, "low": low, "high": high})]
