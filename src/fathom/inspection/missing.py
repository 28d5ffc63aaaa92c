"""Cells without a value: in all, by column, by row."""

import numpy as np

from fathom.base.records import Finding
from fathom.inspection.column import Column
from fathom.inspection.sheet import Sheet
from fathom.inspection.wording import example_rows, examples, part_of, percent, shares

# From a tenth of all cells on, how gaps are filled shapes the model.
_MANY = 0.10
_MOSTLY = 0.50
_MARKER = "a marker for 'no value'"


def find_missing(sheet: Sheet) -> list[Finding]:
    """Cells without a value; the targets' own are told by `find_target_faults`."""
    inputs = [column for column in sheet.columns.values() if column.name not in sheet.targets]
    found = [_column(column) for column in inputs if _absent(column)]
    total = _total(sheet)
    return [*total, *found, *_empty_rows(sheet, inputs)]


def _absent(column: Column) -> int:
    return int((~column.present).sum())


def _markers(columns: list[Column]) -> tuple[int, tuple[str, ...]]:
    """How many cells held a word for "no value", and which words."""
    repairs = [
        repair
        for column in columns
        for repair in column.values.repairs
        if repair.what.startswith(_MARKER)
    ]
    words = dict.fromkeys(word for repair in repairs for word in repair.examples)
    return sum(repair.count for repair in repairs), tuple(words)


def _written(columns: list[Column], absent: int) -> str:
    count, words = _markers(columns)
    if not count:
        return ""
    how = examples(words)
    return f"; {'all' if count == absent else f'{count:,} of them'} written as {how}"


def _total(sheet: Sheet) -> list[Finding]:
    columns = list(sheet.columns.values())
    absent = {column.name: count for column in columns if (count := _absent(column))}
    if len(absent) < 2:
        return []
    count, cells = sum(absent.values()), sheet.num_rows * len(columns)
    most = shares(absent, sheet.num_rows)
    evidence = f"{part_of(count, cells, 'cell')}, in {len(absent)} of {len(columns)} columns"
    return [
        Finding(
            code="missing_cells",
            severity="medium" if count >= _MANY * cells else "low",
            title=f"{percent(count / cells)} of all cells hold no value.",
            evidence=f"{evidence}{_written(columns, count)}. Most: {most}.",
            advice="Gaps are filled and marked, so that the model can tell. Ask why they are "
            "missing: a gap that depends on the outcome misleads.",
            columns=tuple(absent),
            facts={
                "count": count,
                "cells": cells,
                "share": count / cells,
                "markers": _markers(columns)[0],
                "action": "mark_missing",
            },
        )
    ]


def _column(column: Column) -> Finding:
    count, rows = _absent(column), len(column)
    facts = {"count": count, "share": count / rows, "action": "mark_missing"}
    evidence = f"{part_of(count, rows)} have no value{_written([column], count)}"
    if count == rows:
        return Finding(
            code="empty_column",
            severity="medium",
            title=f"'{column.name}' is empty.",
            evidence=f"None of {rows:,} rows has a value{_written([column], count)}.",
            advice="Leave it out, or find out where its values went.",
            columns=(column.name,),
            facts={**facts, "action": "drop"},
        )
    if count > _MOSTLY * rows:
        return Finding(
            code="mostly_missing",
            severity="medium",
            title=f"'{column.name}' is missing in most rows.",
            evidence=f"{evidence}.",
            advice="What is filled in then outweighs what was measured. Keep it only if the gap "
            "itself means something.",
            columns=(column.name,),
            rows=example_rows(column.present),
            facts={**facts, "action": "consider_drop"},
        )
    return Finding(
        code="missing_values",
        severity="low",
        title=f"'{column.name}' has missing values.",
        evidence=f"{evidence}.",
        advice="Gaps are filled and marked, so that the model can tell.",
        columns=(column.name,),
        rows=example_rows(~column.present),
        facts=facts,
    )


def _empty_rows(sheet: Sheet, inputs: list[Column]) -> list[Finding]:
    if not inputs:
        return []
    filled = np.zeros(sheet.num_rows, dtype=bool)
    for column in inputs:
        filled |= column.present
    count = int((~filled).sum())
    if count in (0, sheet.num_rows):
        return []
    return [
        Finding(
            code="empty_rows",
            severity="medium",
            title="Some rows hold nothing to learn from.",
            evidence=f"{part_of(count, sheet.num_rows)} have no value in any input.",
            advice="Remove them, unless an answer for an empty row is wanted.",
            rows=example_rows(~filled),
            facts={"count": count, "action": "drop_rows"},
        )
    ]
