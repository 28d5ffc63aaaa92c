"""Columns that are distributed otherwise in another file than in the training rows."""

from dataclasses import dataclass

import numpy as np

from fathom.base.records import Finding
from fathom.inspection.column import Column, median_of
from fathom.inspection.identifiers import identifier_reason
from fathom.inspection.sheet import Sheet
from fathom.inspection.two_samples import Difference, compare_counts, compare_numbers, holm
from fathom.inspection.wording import figure, percent, short

# The chance that a pair of files of one source gives any finding at all.
_ALPHA = 0.01
# With many rows every difference is significant: an effect has to be large enough to matter.
_SHIFT = {"KS": 0.10, "PSI": 0.10}
_LARGE = {"KS": 0.25, "PSI": 0.25}
_GAPS = 0.05
_MOST_WORDS = 1_000
_LEAST_ROWS = 20


@dataclass(frozen=True)
class _Shift:
    """One comparison of one column."""

    known: Column
    column: Column
    difference: Difference
    what: str


def find_drift(train: Sheet, other: Sheet) -> list[Finding]:
    """Compare every column of two files, with Holm's correction for their number.

    Args:
        train: the training rows.
        other: the other file, with its words matched to those of the training rows.
    """
    shifts: list[_Shift] = []
    for name, known in train.columns.items():
        column = other.columns.get(name)
        if column is None or min(len(known), len(column)) < _LEAST_ROWS:
            continue
        # A later file has later dates and higher numbers of rows: that is no drift.
        counts = known.kind == "date" or bool(identifier_reason(known))
        if known.used and not counts and name != train.time_column:
            shifts += _compare(known, column)
    corrected = holm([shift.difference.p_value for shift in shifts])
    return [
        _finding(shift, p_value, other.part, is_target=shift.known.name in train.targets)
        for shift, p_value in zip(shifts, corrected, strict=True)
        if p_value < _ALPHA and _matters(shift)
    ]


def _compare(known: Column, column: Column) -> list[_Shift]:
    found: list[_Shift] = []
    if known.levels.num_absent or column.levels.num_absent:
        gaps = [[one.levels.num_absent, one.num_present] for one in (known, column)]
        difference = compare_counts(np.array(gaps[0]), np.array(gaps[1]))
        found.append(_Shift(known, column, difference, "gaps"))
    if min(known.num_present, column.num_present) < _LEAST_ROWS:
        return found
    if known.numeric:
        difference = compare_numbers(known.numbers, column.numbers)
    elif known.levels.num <= _MOST_WORDS:
        difference = compare_counts(*_counts(known, column))
    else:
        return found
    return [*found, _Shift(known, column, difference, "values")]


def _counts(known: Column, column: Column) -> tuple[np.ndarray, np.ndarray]:
    """Rows of each word in both files."""
    one, two = known.counts(), column.counts()
    words = list(dict.fromkeys([*one, *two]))
    return (
        np.array([one.get(word, 0) for word in words]),
        np.array([two.get(word, 0) for word in words]),
    )


def _gap_share(column: Column) -> float:
    return column.levels.num_absent / len(column)


def _matters(shift: _Shift) -> bool:
    if shift.what == "gaps":
        return abs(_gap_share(shift.known) - _gap_share(shift.column)) >= _GAPS
    return shift.difference.effect >= _SHIFT[shift.difference.measure]


def _finding(shift: _Shift, p_value: float, part: str, *, is_target: bool) -> Finding:
    difference = shift.difference
    name = shift.known.name
    large = shift.what == "values" and difference.effect >= _LARGE[difference.measure]
    gaps = " in what is missing" if shift.what == "gaps" else ""
    return Finding(
        code="target_drift" if is_target else "drift",
        severity="medium" if large or is_target else "low",
        title=f"'{name}' differs{gaps} between the training rows and the {part} file.",
        evidence=f"{_shown(shift)} ({difference.measure} {difference.effect:.2f}; p = "
        f"{p_value:.1g}, corrected for the number of columns).",
        advice="The score tells about the other file's population. If the two files should come "
        "from one source, find out what happened to them.",
        columns=(name,),
        facts={
            "part": part,
            "measure": difference.measure,
            "effect": difference.effect,
            "p_value": p_value,
            "what": shift.what,
            "action": "check_origin",
        },
    )


def _shown(shift: _Shift) -> str:
    """The most telling figures of both files."""
    known, column = shift.known, shift.column
    if shift.what == "gaps":
        one, two = percent(_gap_share(known)), percent(_gap_share(column))
        return f"Missing in {one} of the training rows, in {two} here"
    if known.kind == "number":
        one, two = (figure(median_of(each.numbers)) for each in (known, column))
        return f"The median is {one} in the training rows, {two} here"
    first, other = _counts(known, column)
    words = list(dict.fromkeys([*known.counts(), *column.counts()]))
    share, here = first / first.sum(), other / other.sum()
    most = int(np.abs(share - here).argmax())
    one, two = percent(float(share[most])), percent(float(here[most]))
    return f"{short(words[most])} has {one} of the training rows, {two} here"
