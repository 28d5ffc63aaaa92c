"""Zeros that may stand for "not measured"."""

import numpy as np

from fathom.base.records import Finding
from fathom.inspection.column import Column, median_of
from fathom.inspection.sheet import Sheet
from fathom.inspection.wording import example_rows, figure, part_of

_LEAST, _MOST = 3, 0.6
_DISTINCT = 15
# The smallest real value lies this far above zero, measured by the median and by the usual step
# between small values. A count (0, 1, 2, …) has no such gap.
_OF_MEDIAN, _STEPS = 0.1, 5.0


def find_zeros(sheet: Sheet) -> list[Finding]:
    """Inputs that are 0 in some rows though no other value is anywhere near 0."""
    numbers = [column for column in sheet.inputs if column.kind == "number"]
    return [finding for column in numbers for finding in _zeros(column)]


def _zeros(column: Column) -> list[Finding]:
    numbers = column.numbers
    zeros = int((numbers == 0).sum())
    if not _LEAST <= zeros <= _MOST * len(numbers) or column.levels.num < _DISTINCT:
        return []
    if numbers.min() < 0:
        return []
    others = numbers[numbers > 0]
    distinct = column.values.data[column.levels.first[1:]].astype(np.float64)
    step = float(np.median(np.diff(distinct[: len(distinct) // 2 + 1])))
    least, median = float(distinct[0]), median_of(others)
    if least < _OF_MEDIAN * median or least < _STEPS * step:
        return []
    return [
        Finding(
            code="zeros_for_missing",
            severity="low",
            title=f"0 in '{column.name}' may mean that it was not measured.",
            evidence=f"{part_of(zeros, len(column))} are 0; the others start at {figure(least)}, "
            f"with a median of {figure(median)} and steps of about {figure(step)}.",
            advice="If 0 cannot be, write nothing instead: the gap is then filled and marked.",
            columns=(column.name,),
            rows=example_rows(column.present & (column.values.data == 0)),
            facts={
                "count": zeros,
                "share": zeros / len(column),
                "least": least,
                "action": "mark_missing",
            },
        )
    ]
