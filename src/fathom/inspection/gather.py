"""Many findings of one sort as one, so that wide tables stay readable."""

from collections.abc import Iterable

from fathom.base.records import SEVERITIES, Finding
from fathom.inspection.wording import several

_MOST = 3
_SHOWN = 4

# What each sort is called when it concerns many columns. A sort that is absent here stays apart.
_TITLES = {
    "missing_values": "{} columns have missing values.",
    "mostly_missing": "{} columns are missing in most rows.",
    "empty_column": "{} columns are empty.",
    "kind_in_doubt": "It is not certain what {} columns are.",
    "ignored_column": "{} columns are not learned from.",
    "constant": "{} columns are the same in every row.",
    "nearly_constant": "{} columns are the same in nearly every row.",
    "identifier": "{} columns seem to name the rows.",
    "cells_mended": "Cells of {} columns were mended.",
    "unreadable_cells": "{} columns have cells that could not be read and count as missing.",
    "infinite_cells": "{} columns have infinite cells, which count as missing.",
    "day_or_month": "Day and month may be exchanged in {} columns.",
    "mixed_values": "{} columns hold mostly numbers, but are read as words.",
    "spelling_variants": "{} columns have words that differ in spelling alone.",
    "rare_words": "{} columns have words in very few rows.",
    "many_words": "{} columns have very many different words.",
    "capped_input": "{} inputs seem to be cut off at an end of their scale.",
    "impossible_values": "{} columns have values that can hardly be.",
    "placeholder": "{} columns hold numbers that may stand for something else.",
    "outliers": "{} columns have values far from all others.",
    "zeros_for_missing": "0 may mean 'not measured' in {} columns.",
    "strong_column": "{} columns nearly decide a target alone.",
    "duplicate_columns": "{} columns take part in copies of columns.",
    "recoded_columns": "{} columns repeat one another in other words.",
    "nearly_equal_columns": "{} columns order the rows almost alike.",
    "drift": "{} columns differ between the training rows and another file.",
    "words_matched": "Another file writes the words of {} columns in another way.",
    "unseen_words": "{} columns have words in other rows that the training rows lack.",
    "outside_range": "{} columns leave the training range in other rows.",
}


def by_severity(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """The gravest first, otherwise in the order they came."""
    return tuple(sorted(findings, key=lambda finding: SEVERITIES.index(finding.severity)))


def gather(findings: Iterable[Finding]) -> list[Finding]:
    """Put findings of one code, severity and file together when there are more than a few.

    Nothing is lost: `facts["each"]` holds the facts of every one.

    Example:
        >>> one = [Finding(code="constant", severity="low", title="t", evidence="e.", advice="a",
        ...                columns=(name,), facts={"action": "drop"}) for name in "abcdefg"]
        >>> gather(one)[0].title, len(gather(one)), len(gather(one[:3]))
        ('7 columns are the same in every row.', 1, 3)
    """
    groups: dict[tuple[str, ...], list[Finding]] = {}
    for finding in findings:
        key = (finding.code, finding.severity, str(finding.facts.get("part", "")))
        groups.setdefault(key, []).append(finding)
    found: list[Finding] = []
    for members in groups.values():
        together = len(members) > _MOST and members[0].code in _TITLES
        found += [_joined(members)] if together else members
    return found


def _joined(members: list[Finding]) -> Finding:
    first = members[0]
    columns = tuple(dict.fromkeys(name for member in members for name in member.columns))
    clauses = (f"'{member.columns[0]}': {_clause(member)}" for member in members)
    shown = several(clauses, _SHOWN, between="; ")
    return Finding(
        code=first.code,
        severity=first.severity,
        title=_TITLES[first.code].format(f"{len(columns):,}"),
        evidence=f"{shown}.",
        advice=first.advice,
        columns=columns,
        facts={
            "each": {member.columns[-1]: member.facts for member in members},
            "action": first.facts.get("action", ""),
        },
    )


def _clause(finding: Finding) -> str:
    """The first part of its evidence."""
    return finding.evidence.split(";")[0].removesuffix(".")
