"""Numbers that cannot be, stand for something else, or lie far from all others."""

import re

import numpy as np

from fathom.base.records import Finding
from fathom.inspection.column import Column, median_of
from fathom.inspection.sheet import Sheet
from fathom.inspection.wording import example_rows, figure, number_of, part_of, several

_AGE = re.compile(r"(?i:(^|[_ .-])ages?($|[_ .(-]))|[a-z]Age$")
_OLDEST = 125
# 999, -99 and the like, when they stand apart from all other values by half their range.
_NINES = re.compile(r"^(999+|-9+|-8{2,}|888{2,})$")
_APART, _LEAST = 0.5, 3
_FEW = 0.005
# Values five times as far from the median as all others: another unit, or a slip of the decimal.
_FAR, _SHARE_FAR, _DISTINCT = 5.0, 0.01, 20


def find_extremes(sheet: Sheet) -> list[Finding]:
    """Placeholders, impossible values and lonely outliers among the inputs that are numbers."""
    found: list[Finding] = []
    for column in sheet.inputs:
        if column.kind != "number" or column.levels.num < 3:
            continue
        told = _ages(column) or _placeholders(column) or _negatives(column)
        found += told or _outliers(column)
    return found


def _level_values(column: Column) -> np.ndarray:
    """The distinct numbers, ascending."""
    return column.values.data[column.levels.first].astype(np.float64)


def _ages(column: Column) -> list[Finding]:
    if not _AGE.search(column.name):
        return []
    values = np.where(column.present, column.values.data, 0.0)
    wrong = (values < 0) | (values > _OLDEST)
    if not wrong.any() or wrong.mean() > 0.05:
        return []
    shown = several(dict.fromkeys(figure(value) for value in values[wrong][:20]), most=3)
    return [
        Finding(
            code="impossible_values",
            severity="medium",
            title=f"'{column.name}' has values that no age has.",
            evidence=f"{part_of(int(wrong.sum()), len(column))} are below 0 or above {_OLDEST}: "
            f"{shown}.",
            advice="Correct them, or mark them as missing.",
            columns=(column.name,),
            rows=example_rows(wrong),
            facts={"count": int(wrong.sum()), "action": "mark_missing"},
        )
    ]


def _placeholders(column: Column) -> list[Finding]:
    """An end of the scale that looks like a code for "none" or "more than"."""
    values, counts = _level_values(column), column.levels.counts
    for end, rest in ((0, values[1:]), (-1, values[:-1])):
        nearest = float(rest[end])
        value, count = float(values[end]), int(counts[end])
        if count < _LEAST:
            continue
        # Halved, since the range of huge numbers may not fit into a float.
        apart = abs(value / 2 - nearest / 2)
        nines = value == int(value) and bool(_NINES.match(f"{value:.0f}"))
        if nines and apart >= _APART * float(rest[-1] / 2 - rest[0] / 2):
            return [_placeholder(column, value, count, f"the next value is {figure(nearest)}")]
        only_negative = value == -1 and rest[0] >= 0 and bool((values == np.floor(values)).all())
        if only_negative and count >= 2 * _LEAST and rest[-1] >= 5:
            return [_placeholder(column, value, count, "no other value is negative")]
    return []


def _placeholder(column: Column, value: float, count: int, why: str) -> Finding:
    return Finding(
        code="placeholder",
        severity="low",
        title=f"{figure(value)} in '{column.name}' may stand for something else.",
        evidence=f"{part_of(count, len(column))} say {figure(value)}; {why}.",
        advice="If it means 'not known', write nothing instead; if it means 'this or more', know "
        "that the model takes it for a number.",
        columns=(column.name,),
        rows=example_rows(column.present & (column.values.data == value)),
        facts={"value": value, "count": count, "action": "mark_missing"},
    )


def _negatives(column: Column) -> list[Finding]:
    """A few negative numbers where all others stay well above zero."""
    numbers = column.numbers
    count = int((numbers < 0).sum())
    if count == 0 or count > _FEW * len(numbers):
        return []
    rest = numbers[numbers >= 0]
    # A bell curve that just reaches below zero has its lowest hundredth near zero as well.
    if np.quantile(rest, 0.01) < 0.2 * median_of(rest) or median_of(rest) == 0:
        return []
    wrong = column.present & (column.values.data < 0)
    lowest = figure(float(numbers.min()))
    return [
        Finding(
            code="impossible_values",
            severity="low",
            title=f"'{column.name}' is negative in very few rows.",
            evidence=f"{part_of(count, len(column))} are negative, down to {lowest}; 99 % of the "
            f"others are at least {figure(float(np.quantile(rest, 0.01)))}.",
            advice="Check whether they can be: a sign may be wrong, or stand for a correction.",
            columns=(column.name,),
            rows=example_rows(wrong),
            facts={"count": count, "action": "check_values"},
        )
    ]


def _outliers(column: Column) -> list[Finding]:
    """Values that lie far from the median by a leap, not by a long tail."""
    numbers = column.numbers
    if column.levels.num < _DISTINCT:
        return []
    median = median_of(numbers)
    distance = np.abs(numbers / 2 - median / 2)
    far = np.sort(distance)
    start = max(len(far) - 1 - int(_SHARE_FAR * len(far)), len(far) // 2)
    before, after = far[start:-1], far[start + 1 :]
    leaps = np.flatnonzero((after / _FAR >= before) & (before > 0))
    if len(leaps) == 0:
        return []
    limit = before[leaps[0]]
    rows = np.flatnonzero(column.present)[distance > limit]
    worst = float(numbers[int(distance.argmax())])
    typical = numbers[distance <= limit]
    return [
        Finding(
            code="outliers",
            severity="low",
            title=f"'{column.name}' has values far from all others.",
            evidence=f"{number_of(len(rows), 'row')}, such as {figure(worst)}; all others lie "
            f"between {figure(float(typical.min()))} and {figure(float(typical.max()))}, "
            f"around {figure(median)}.",
            advice="Check the unit and the decimal point of these rows; a scaling by quantiles "
            "takes the sting out of them.",
            columns=(column.name,),
            rows=example_rows(rows),
            facts={"count": len(rows), "worst": worst, "action": "check_values"},
        )
    ]
