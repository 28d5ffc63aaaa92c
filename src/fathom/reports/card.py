"""The model card: what a run is worth and where it fails, as Markdown beside the weights."""

import re
from collections.abc import Iterable, Sequence

from fathom.base.records import SEVERITIES
from fathom.reports.content import ReportContent, TargetContent
from fathom.reports.scores import ScoreSection, score_section
from fathom.reports.sections import SEVERITY_WORDS, about_finding, column_summary, record_rows
from fathom.reports.words import counted, cut, metric_name, setting, writable

_MOST_COLUMNS = 40
_MOST_DECISIONS = 40
_OF_MARKDOWN = re.compile(r"[\\`*\[\]|~!$]|<(?=\S)|&(?=[#\w])|(?<![^\W_])_|_(?![^\W_])")
_OF_LINE_START = re.compile(r"^(?:(\d+)(?=[.)](?:\s|$))|(?=[#+=>-]))")


def model_card(content: ReportContent) -> str:
    """What to know of the model before using it, as Markdown.

    Follows the headings that model cards usually have; what only a person can know (what it is
    meant for) is left open, visibly.

    Args:
        content: what is known; headings without content are left out.

    Source: Mitchell et al., Model cards for model reporting, 2019.

    Example:
        >>> card = model_card(ReportContent(title="houses", verdict="Not trained yet."))
        >>> card.splitlines()[:3]
        ['# houses', '', 'Not trained yet.']
    """
    parts = [
        f"# {inline(content.title)}",
        _paragraph(content.verdict),
        _summary(content),
        _intended_use(),
        *(_scores(target, alone=len(content.targets) == 1) for target in content.targets),
        _limits(content),
        _training_data(content),
        _plan(content),
        _repeat(content),
        _record(content),
    ]
    return writable("\n\n".join(part for part in parts if part) + "\n")


def inline(text: object) -> str:
    r"""The person's own words inside a line of Markdown, with nothing in them that has a meaning.

    Example:
        >>> print(inline("a|b <i>x</i> *y* price_per_room"))
        a\|b &lt;i>x&lt;/i> \*y\* price_per_room
    """
    flat = " ".join(cut(text, 400).split())
    marked = _OF_MARKDOWN.sub(lambda found: "\\" + found.group(), flat)
    # Not every reader of Markdown knows that a backslash before it makes no tag.
    return marked.replace("\\<", "&lt;")


def _paragraph(text: str) -> str:
    return _begun(inline(text))


def _begun(line: str) -> str:
    """What begins a line must not make a heading or a list of it."""
    return _OF_LINE_START.sub(r"\1\\", line)


def _items(lines: Iterable[str]) -> str:
    return "\n".join(f"- {_begun(line)}" for line in lines)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Cells must be escaped already; every column but the first is set to the right."""
    marks = ["---", *["---:"] * (len(head) - 1)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (head, marks, *rows))


def _summary(content: ReportContent) -> str:
    lines = [f"**{inline(label)}:** {inline(value)}" for label, value in content.summary]
    return f"## Model\n\n{_items(lines)}" if lines else ""


def _intended_use() -> str:
    return (
        "## Intended use\n\n"
        "*To be written by its owner: what it is for, who may use it, what it must not decide.*\n\n"
        "The scores below hold for rows of the same origin as the test rows. For other places, "
        "times or groups of people they say nothing."
    )


def _scores(target: TargetContent, *, alone: bool) -> str:
    section = score_section(target)
    if not section.rows:
        return ""
    name = "" if alone else f": {inline(target.name)}"
    parts = [f"## How good it is{name}"]
    parts.append("" if alone else _paragraph(section.verdict))
    parts.append(section.basis)
    parts.append(_score_table(section))
    parts.append(_paragraph(section.strongest))
    parts.append("95 % intervals in brackets; ↑ higher is better, ↓ lower is better.")
    lines = [inline(line) for line in section.comparisons]
    lines += [f"**{inline(name)}:** {inline(text)}" for name, text in section.meanings]
    lines += [inline(line) for line in (*target.settings, *target.conformal)]
    parts.append(_items(lines))
    return "\n\n".join(part for part in parts if part)


def _score_table(section: ScoreSection) -> str:
    rows = [
        (
            f"{inline(row.name)} {row.direction}".strip(),
            *(f"{value} ({ends})" if ends else value for value, ends in row.cells),
        )
        for row in section.rows
    ]
    return _table(("Metric", *(inline(name) for name in section.names)), rows)


def _limits(content: ReportContent) -> str:
    found = sorted(content.findings or (), key=lambda finding: SEVERITIES.index(finding.severity))
    lines = [
        f"**{SEVERITY_WORDS[f.severity]}.** {inline(f.title)} {inline(f.evidence)}"
        + (f" ({inline(about_finding(f))})" if f.columns else "")
        for f in found
        if f.severity != "low"
    ]
    lines += [
        f"{target.looks} models were scored on the {inline(target.split)} rows of "
        f"{inline(target.name)}: the best of several scores looks better than it is."
        for target in content.targets
        if (target.looks or 0) > 1
    ]
    return f"## Limits and known problems\n\n{_items(lines)}" if lines else ""


def _training_data(content: ReportContent) -> str:
    if not content.columns:
        return ""
    lines = [
        f"**{inline(column.name)}** ({inline(column.kind)})"
        + (f": {inline(column.facts)}" if column.facts else "")
        for column in content.columns[:_MOST_COLUMNS]
    ]
    lines += _more(len(content.columns), _MOST_COLUMNS, "column")
    parts = ["## Training data", _paragraph(column_summary(content.columns)), _items(lines)]
    if content.importance:
        ordered = sorted(content.importance, key=lambda item: -item.drop)[:5]
        metric = metric_name(content.importance_metric) or "the score"
        names = ", ".join(inline(item.column) for item in ordered)
        parts.append(f"It relies most on (by {inline(metric)}): {names}.")
    return "\n\n".join(parts)


def _plan(content: ReportContent) -> str:
    shown = content.decisions[:_MOST_DECISIONS]
    lines = [f"**{inline(d.key)}** = {inline(setting(d.value))}: {inline(d.reason)}" for d in shown]
    lines += _more(len(content.decisions), _MOST_DECISIONS, "setting")
    return f"## How it was made\n\n{_items(lines)}" if lines else ""


def _more(count: int, most: int, noun: str) -> list[str]:
    return [f"… and {counted(count - most, f'more {noun}')}, in the report"] if count > most else []


def _repeat(content: ReportContent) -> str:
    if not content.repeat:
        return ""
    body = "\n".join(" ".join(line.split()) for line in content.repeat)
    longest = max((len(run) for run in re.findall("`+", body)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"## How to repeat it\n\n{fence}\n{body}\n{fence}"


def _record(content: ReportContent) -> str:
    lines = [
        f"**{inline(name)}:** {', '.join(inline(line) for line in values)}"
        for name, values in record_rows(content.record)
    ]
    return f"## Record\n\n{_items(lines)}" if lines else ""
