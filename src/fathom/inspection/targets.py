"""What is wrong with the targets themselves: gaps, one value only, cut-off and lopsided numbers."""

import numpy as np

from fathom.base.records import Finding
from fathom.inspection.column import Column, median_of
from fathom.inspection.sheet import Sheet
from fathom.inspection.wording import example_rows, figure, number_of, part_of, percent, short

_MANY_GAPS = 0.5
# A pile at the end of a scale: this many times the highest pile among its neighbours.
_TIMES, _NEIGHBOURS = 5, 20
_LEAST_ROWS, _LEAST_SHARE, _DISTINCT = 10, 0.01, 50
# Where a quarter of the rows share one value, it is a state of its own, not a limit.
_MOST_SHARE = 0.25
_ZEROS = 0.2
_SKEW = 2.0


def find_target_faults(sheet: Sheet) -> list[Finding]:
    """Missing targets, targets of one value, and oddly shaped ones."""
    found: list[Finding] = []
    for target in sheet.learned:
        found += _missing(target) + _one_value(target)
        if target.kind == "number" and target.levels.num > 1:
            found += pile_at_the_end(target, "target") + _many_zeros(target) + _skewed(target)
    return found


def find_capped_inputs(sheet: Sheet) -> list[Finding]:
    """Inputs whose scale was cut off."""
    numbers = [column for column in sheet.inputs if column.kind == "number"]
    return [finding for column in numbers for finding in pile_at_the_end(column, "input")]


def _missing(target: Column) -> list[Finding]:
    count, rows = int((~target.present).sum()), len(target)
    if count == 0 or count == rows:
        return []
    return [
        Finding(
            code="target_missing",
            severity="medium" if count > _MANY_GAPS * rows else "low",
            title=f"'{target.name}' is missing in some rows.",
            evidence=f"{part_of(count, rows)} have no target.",
            advice="Nothing can be learned from these rows and nothing tested on them. If the "
            "target is missing for a reason, the rest is not a fair sample.",
            columns=(target.name,),
            rows=example_rows(~target.present),
            facts={"count": count, "share": count / rows, "action": "drop_rows"},
        )
    ]


def _one_value(target: Column) -> list[Finding]:
    if target.levels.num > 1:
        return []
    if target.levels.num == 0:
        evidence = f"None of {number_of(len(target), 'row')} has a target."
    else:
        evidence = f"All {number_of(target.num_present, 'row')} with a target say "
        evidence += f"{short(target.word(0))}."
    return [
        Finding(
            code="one_value_target",
            severity="high",
            title=f"'{target.name}' has nothing to tell apart.",
            evidence=evidence,
            advice="Add rows of the other outcome, or name another target: no score means "
            "anything here.",
            columns=(target.name,),
            facts={"distinct": target.levels.num, "action": "stop"},
        )
    ]


def pile_at_the_end(column: Column, part: str) -> list[Finding]:
    """A value at the end of the scale that holds far more rows than its neighbours."""
    counts, num = column.levels.counts, column.levels.num
    if num < _DISTINCT:
        return []
    found: list[Finding] = []
    for end, neighbours in ((num - 1, counts[-1 - _NEIGHBOURS : -1]), (0, counts[1:_NEIGHBOURS])):
        count = int(counts[end])
        value = float(column.values.data[column.levels.first[end]])
        least = max(_LEAST_ROWS, _LEAST_SHARE * column.num_present, _TIMES * int(neighbours.max()))
        # Many zeros are a fact of life (no rain, no sale), not a scale that was cut off.
        if (
            least <= count == counts.max()
            and count <= _MOST_SHARE * column.num_present
            and value != 0
        ):
            found.append(_capped(column, part, "largest" if end else "smallest", value, count))
    return found


def _capped(column: Column, part: str, end: str, value: float, count: int) -> Finding:
    level = column.levels.codes == (column.levels.num - 1 if end == "largest" else 0)
    evidence = f"{part_of(count, column.num_present)} are exactly {figure(value)}, the {end} value"
    harm = (
        "What lies beyond is unknown; the model will learn the limit as if it were a value, and "
        "errors there mean little. Report scores without these rows too."
        if part == "target"
        else "Values beyond the limit cannot be told apart."
    )
    return Finding(
        code=f"capped_{part}",
        severity="medium" if part == "target" else "low",
        title=f"'{column.name}' seems to be cut off at {figure(value)}.",
        evidence=f"{evidence}; no value near it has a fifth as many rows.",
        advice=harm,
        columns=(column.name,),
        rows=example_rows(level),
        facts={
            "value": value,
            "end": end,
            "count": count,
            "share": count / column.num_present,
            "action": "report_apart" if part == "target" else "keep",
        },
    )


def _many_zeros(target: Column) -> list[Finding]:
    numbers = target.numbers
    zeros = int((numbers == 0).sum())
    others = len(target.levels.counts) - 1
    if zeros < _ZEROS * len(numbers) or others < _DISTINCT or (numbers < 0).any():
        return []
    return [
        Finding(
            code="zero_inflated_target",
            severity="low",
            title=f"'{target.name}' is 0 in many rows.",
            evidence=f"{part_of(zeros, len(numbers))}; the others range from "
            f"{figure(float(numbers[numbers > 0].min()))} to {figure(float(numbers.max()))}.",
            advice="Whether it is 0 and how large it is may be two questions: consider a target "
            "for each.",
            columns=(target.name,),
            facts={"zeros": zeros, "share": zeros / len(numbers), "action": "keep"},
        )
    ]


def _skewed(target: Column) -> list[Finding]:
    numbers = target.numbers
    size = float(np.abs(numbers).max())
    if len(numbers) < _DISTINCT or numbers.min() < 0 or size == 0 or target.levels.num < _DISTINCT:
        return []
    unit = numbers / size
    centred = unit - unit.mean()
    spread = float(centred.std())
    skewness = float((centred**3).mean()) / max(spread, 1e-9) ** 3
    if skewness < _SKEW:
        return []
    top = float(np.sort(numbers / size)[-max(1, len(numbers) // 100) :].sum() / unit.sum())
    return [
        Finding(
            code="skewed_target",
            severity="low",
            title=f"'{target.name}' has a long tail.",
            evidence=f"Its skewness is {skewness:.1f}; the largest 1 % of the rows hold "
            f"{percent(min(top, 1.0))} of the sum. Median {figure(median_of(numbers))}, "
            f"largest {figure(float(numbers.max()))}.",
            advice="A few rows would rule the squared error. Consider learning its logarithm, and "
            "look at the mean absolute error.",
            columns=(target.name,),
            facts={"skewness": skewness, "top_share": top, "action": "log_target"},
        )
    ]
