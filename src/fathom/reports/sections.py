"""The smaller sections: importance, findings, plan, columns, network, time, record."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from fathom.base.records import SEVERITIES, Finding
from fathom.reports.axes import span
from fathom.reports.content import ColumnContent, Importance
from fathom.reports.rows import axis_row, interval_row
from fathom.reports.words import counted, decimals_for, interval, number, seconds, setting, share

SEVERITY_WORDS = {
    "high": "Serious: the score would not hold",
    "medium": "Likely to do harm",
    "low": "Worth knowing",
}


@dataclass(frozen=True)
class FindingGroup:
    """The findings of one severity."""

    severity: str
    heading: str
    findings: tuple[Finding, ...]


@dataclass(frozen=True)
class BarRow:
    """A name, a bar, and the figures beside it."""

    name: str
    chart: Markup
    value: str
    interval: str = ""


@dataclass(frozen=True)
class Bars:
    """Bars on one scale, with their axis; `rest` are folded away."""

    rows: tuple[BarRow, ...]
    rest: tuple[BarRow, ...]
    axis: Markup


def finding_groups(findings: Sequence[Finding]) -> tuple[FindingGroup, ...]:
    """Findings by severity, the worst first."""
    groups = [
        FindingGroup(
            level, SEVERITY_WORDS[level], tuple(f for f in findings if f.severity == level)
        )
        for level in SEVERITIES
    ]
    return tuple(group for group in groups if group.findings)


def importance_bars(found: Sequence[Importance], most: int = 20) -> Bars | None:
    """Columns from the most to the least important."""
    if not found:
        return None
    ordered = sorted(found, key=lambda item: -item.drop)
    ends = [end for item in found for end in (item.drop, item.low, item.high) if end is not None]
    low, high = span([0.0, *ends])
    scale = (low if low == 0 else low - 0.03 * (high - low), high + 0.03 * (high - low))
    decimals = decimals_for((item.drop, item.low, item.high) for item in ordered[:10])
    rows = tuple(
        BarRow(
            item.column,
            interval_row(item.drop, item.low, item.high, scale, style="bar"),
            number(item.drop, decimals),
            interval(item.low, item.high, decimals),
        )
        for item in ordered
    )
    return Bars(rows[:most], rows[most:], axis_row(scale))


def time_bars(timings: Sequence[tuple[str, float]]) -> tuple[tuple[BarRow, ...], str]:
    """Where the time went, and how much it was together."""
    total = sum(spent for _, spent in timings)
    scale = (0.0, max((spent for _, spent in timings), default=0.0) or 1.0)
    rows = tuple(
        BarRow(
            what,
            interval_row(spent, None, None, scale, style="bar"),
            seconds(spent),
            share(spent / total) if total else "",
        )
        for what, spent in timings
    )
    return rows, seconds(total)


def column_summary(columns: Sequence[ColumnContent]) -> str:
    """How many columns of which kinds, and how many have gaps.

    Example:
        >>> column_summary([ColumnContent("a", "number", missing_share=0.5),
        ...                 ColumnContent("b", "number", missing_share=0.0)])
        '2 columns: 2 number. Cells are missing in 1 of them.'
    """
    kinds = Counter(column.kind for column in columns).most_common()
    gaps = sum(1 for column in columns if column.missing_share)
    text = ", ".join(f"{count:,} {kind}" for kind, count in kinds)
    tail = f" Cells are missing in {gaps:,} of them." if gaps else ""
    return f"{counted(len(columns), 'column')}: {text}.{tail}"


def record_rows(record: Mapping[str, Any]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """(what, its lines); a mapping inside becomes a line for each of its items.

    Example:
        >>> record_rows({"seed": 3, "versions": {"torch": "2.13", "numpy": "2.4"}})
        (('seed', ('3',)), ('versions', ('torch 2.13', 'numpy 2.4')))
    """
    rows: list[tuple[str, tuple[str, ...]]] = []
    for key, value in record.items():
        name = str(key).replace("_", " ")
        if isinstance(value, Mapping):
            rows.append((name, tuple(f"{k} {setting(v)}" for k, v in value.items())))
        else:
            rows.append((name, (setting(value),)))
    return tuple(rows)


def about_finding(finding: Finding) -> str:
    """Which columns and rows a finding is about."""
    parts: list[str] = []
    if finding.columns:
        word = "column" if len(finding.columns) == 1 else "columns"
        parts.append(f"{word} {_some(finding.columns)}")
    if finding.rows:
        word = "row" if len(finding.rows) == 1 else "rows"
        parts.append(f"{word} {_some([f'{row:,}' for row in finding.rows])}")
    return "; ".join(parts)


def _some(names: Sequence[str], most: int = 8) -> str:
    more = f" and {len(names) - most:,} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
