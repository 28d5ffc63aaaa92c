"""Rows of a test or validation file that stand in the training rows too."""

import numpy as np

from fathom.base.records import Finding, Severity
from fathom.inspection.duplicates import Clusters, natural
from fathom.inspection.hashing import Hashes
from fathom.inspection.identifiers import describing
from fathom.inspection.sheet import Sheet, row_hashes
from fathom.inspection.wording import example_rows, number_of, part_of

# Known answers to 5 % of the questions can lift an accuracy by as much: more than most models
# differ. 1 % can still turn a comparison round.
_DISTORTING, _HARMFUL = 0.05, 0.01


def find_copies(train: Sheet, other: Sheet) -> list[Finding]:
    """Count the rows of another file that the model has seen in training.

    Args:
        train: the training rows.
        other: the other file, with its words matched to those of the training rows.
    """
    shared = [column for column in describing(train) if column.name in other.columns]
    inputs = [column for column in shared if column.name not in train.targets]
    if not inputs or len(inputs) < len(describing(train)) - len(train.targets):
        return []
    there = {name: other.columns[name] for name in other.columns}
    known_inputs = row_hashes(inputs, train.num_rows)
    other_inputs = row_hashes([there[column.name] for column in inputs], other.num_rows)
    seen = np.isin(other_inputs, known_inputs)
    if not seen.any():
        return []
    answered = seen
    if other.targets:
        known = row_hashes(shared, train.num_rows)
        whole = row_hashes([there[column.name] for column in shared], other.num_rows)
        answered = np.isin(whole, known)
    pairs = _pairs_across(known_inputs, other_inputs)
    by_chance = natural(pairs, inputs, train.num_rows + other.num_rows)
    return [_finding(other, seen, answered, by_chance=by_chance)]


def _pairs_across(one: Hashes, other: Hashes) -> float:
    """Pairs of equal rows, one from each file."""
    clusters = Clusters.of(np.concatenate([one, other]))
    here = np.bincount(clusters.codes[: len(one)], minlength=len(clusters.sizes))
    return float((here.astype(np.float64) * (clusters.sizes - here)).sum())


def _finding(other: Sheet, seen: np.ndarray, answered: np.ndarray, *, by_chance: bool) -> Finding:
    count, rows = int(seen.sum()), other.num_rows
    severity: Severity = "low"
    if not by_chance:
        severity = "high" if count >= _DISTORTING * rows else "medium"
        severity = severity if count >= _HARMFUL * rows else "low"
    evidence = f"{part_of(count, rows)} have inputs that stand in the training rows"
    if other.targets:
        evidence += f", {int(answered.sum()):,} of them with the same target"
    if by_chance:
        evidence += "; with so few different values, rows may agree without being copies"
    return Finding(
        code="copies_across_files",
        severity=severity,
        title=f"{number_of(count, f'{other.part} row')} stand{'s' * (count == 1)} in the training "
        "rows too.",
        evidence=f"{evidence}.",
        advice="The model has seen their answers: remove them from the training rows, or report "
        "the score without them.",
        rows=example_rows(seen),
        facts={
            "part": other.part,
            "count": count,
            "share": count / rows,
            "same_target": int(answered.sum()),
            "by_chance": by_chance,
            "action": "drop_copies_from_training",
        },
    )
