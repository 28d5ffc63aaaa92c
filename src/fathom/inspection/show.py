"""Findings as plain text for a terminal."""

import textwrap
from collections.abc import Mapping, Sequence

from fathom.base.records import SEVERITIES, Finding, Severity
from fathom.inspection.wording import number_of

_MEANING: dict[Severity, str] = {
    "high": "the score would mean nothing",
    "medium": "harm is likely",
    "low": "worth knowing",
}
# The same words of severity where rows are answered and nothing is scored.
ANSWERS: dict[Severity, str] = {
    "high": "answers to these rows are guesses",
    "medium": "some answers may be wrong",
    "low": "worth knowing",
}
_INDENT = "     "


def as_text(
    findings: Sequence[Finding], width: int = 88, meaning: Mapping[Severity, str] = _MEANING
) -> str:
    """Findings grouped by severity, numbered and wrapped.

    Args:
        findings: in any order.
        width: of the lines, in characters.
        meaning: what each severity stands for here.

    Example:
        >>> print(as_text([Finding(code="constant", severity="low", title="'a' is constant.",
        ...                        evidence="All 9 rows say 'x'.", advice="Leave it out.")]))
        1 finding: 1 low.
        <BLANKLINE>
        LOW: worth knowing
          1. 'a' is constant.
             All 9 rows say 'x'.
             -> Leave it out.
    """
    if not findings:
        return "Nothing to report: no finding."
    counts = {level: sum(one.severity == level for one in findings) for level in SEVERITIES}
    told = ", ".join(f"{count} {level}" for level, count in counts.items() if count)
    lines = [f"{number_of(len(findings), 'finding')}: {told}."]
    number = 0
    for level in SEVERITIES:
        if counts[level]:
            lines += ["", f"{level.upper()}: {meaning[level]}"]
        for finding in (one for one in findings if one.severity == level):
            number += 1
            lines += _block(number, finding, width)
    return "\n".join(lines)


def _block(number: int, finding: Finding, width: int) -> list[str]:
    evidence = finding.evidence
    if finding.rows:
        rows = ", ".join(f"{row:,}" for row in finding.rows[:5])
        evidence += f" For example row{'s' * (len(finding.rows) > 1)} {rows}."
    if finding.facts.get("part"):
        evidence += f" ({finding.facts['part']} file)"
    return [
        *_wrapped(finding.title, f"{number:>3}. ", width),
        *_wrapped(evidence, _INDENT, width),
        *_wrapped(finding.advice, f"{_INDENT}-> ", width),
    ]


def _wrapped(text: str, start: str, width: int) -> list[str]:
    return textwrap.wrap(
        text,
        max(width, 20),
        initial_indent=start,
        subsequent_indent=" " * len(start),
        break_long_words=False,
        break_on_hyphens=False,
    )
