"""What other rows lack or hold that the training rows did not: worded once, for every verb."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from fathom.base.errors import listed
from fathom.base.records import Finding
from fathom.columns.kind import KindName, Repair
from fathom.inspection.wording import example_rows, examples, number_of, part_of

# From this share of the rows on, what is unfamiliar does harm.
MANY = 0.05


@dataclass(frozen=True)
class Others:
    """Rows that are held against the training rows.

    Attributes:
        name: how a sentence calls them, such as "test file".
        num_rows: how many they are.
        facts: what each finding about them carries.
    """

    name: str
    num_rows: int
    facts: dict[str, Any] = field(default_factory=dict[str, Any])


def absent_inputs(names: Sequence[str], others: Others, advice: str) -> list[Finding]:
    """Inputs that the other rows do not have; nothing where they have all.

    Args:
        names: the inputs that are not there.
        others: the rows.
        advice: what to do, which depends on what the rows are for.
    """
    if not names:
        return []
    return [
        Finding(
            code="columns_absent",
            severity="high",
            title=f"The {others.name} lacks inputs.",
            evidence=f"It has no {listed(names)}.",
            advice=advice,
            columns=tuple(names),
            facts=others.facts,
        )
    ]


def unfamiliar(
    name: str, kind: KindName, repair: Repair, others: Others, rows: np.ndarray | None = None
) -> Finding:
    """Cells of one column that are unlike those of the training rows.

    Args:
        name: of the column.
        kind: numbers and dates leave a range, all others hold new words.
        repair: what is unlike, how many cells and some of them, as a fitted column tells it.
        others: the rows it stands in.
        rows: one truth value per row, for examples; None = not known.

    Example:
        >>> strange = Repair("outside the training range 0 to 1", 3, ("7", "9"))
        >>> found = unfamiliar("size", "number", strange, Others("test file", 50))
        >>> found.title
        "'size' leaves the training range in the test file."
        >>> found.evidence
        "3 of 50 rows (6 %): outside the training range 0 to 1, such as '7', '9'."
    """
    if kind == "image":
        return _unreadable(name, repair, others, rows)
    count, ranged = repair.count, kind in ("number", "date")
    # A cell may hold several labels, so that there can be more of them than rows.
    told = number_of(count, "label") if kind == "set" else part_of(count, others.num_rows)
    shown = examples(repair.examples)
    what = "leaves the training range" if ranged else "has words that the training rows lack"
    harm = "They count as 'unseen' and tell the model nothing."
    return Finding(
        code="outside_range" if ranged else "unseen_words",
        severity="medium" if count >= MANY * others.num_rows else "low",
        title=f"'{name}' {what} in the {others.name}.",
        evidence=f"{told}: {repair.what}, such as {shown}.",
        advice="A network can only guess there." if ranged else harm,
        columns=(name,),
        rows=() if rows is None else example_rows(rows),
        facts={**others.facts, "count": count, "action": "keep" if ranged else "check_values"},
    )


def _unreadable(name: str, repair: Repair, others: Others, rows: np.ndarray | None) -> Finding:
    count = repair.count
    return Finding(
        code="pictures_unreadable",
        severity="medium" if count >= MANY * others.num_rows else "low",
        title=f"{number_of(count, 'picture')} of '{name}' in the {others.name} cannot be read.",
        evidence=f"{part_of(count, others.num_rows)}.",
        advice="They count as missing; `fathom look` says of each what is wrong with it.",
        columns=(name,),
        rows=() if rows is None else example_rows(rows),
        facts={**others.facts, "count": count, "action": "correct"},
    )
