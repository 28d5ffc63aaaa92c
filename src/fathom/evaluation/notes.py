"""What should be known when reading a score: gaps, weak ground, looks."""

from collections.abc import Mapping

import numpy as np

from fathom.base.errors import listed
from fathom.evaluation.intervals import Interval
from fathom.evaluation.ledger import Looks
from fathom.evaluation.rows import Rows
from fathom.evaluation.words import share_in_words
from fathom.metrics.record import Answer, Metric
from fathom.metrics.weights import mean_over_rows

_FEW_CLUSTERS = 30


def unseen_note(rows: Rows, answer: Answer) -> list[str]:
    """Rows of a class that no model could have learned are counted, not hidden."""
    num_unseen = int((~rows.known()).sum())
    if not num_unseen:
        return []
    note = (
        f"{num_unseen:,} of {len(rows):,} rows are of a class that was not among the training rows "
        "and are left out of the scores"
    )
    if answer.label is not None:
        right = (rows.truth == answer.label).astype(np.float64)
        share = float(mean_over_rows(right, rows.weight))
        note += f"; counted as mistakes they give an accuracy of {share_in_words(share)}"
    return [f"{note}."]


def rows_notes(rows: Rows) -> list[str]:
    """Classes without rows, and clusters too few to lean on."""
    notes: list[str] = []
    if rows.task in ("binary", "multiclass") and rows.classes:
        counts = np.bincount(rows.truth, minlength=len(rows.classes))
        empty = [rows.classes[code] for code in np.flatnonzero(counts == 0)]
        if empty:
            notes.append(
                f"{len(empty)} of {len(rows.classes)} classes have no row here: {listed(empty)}; "
                "averages over classes leave them out."
            )
    if rows.cluster is not None:
        num_clusters = len(np.unique(rows.cluster))
        if num_clusters < _FEW_CLUSTERS:
            notes.append(f"Only {num_clusters} clusters: the intervals are rough.")
    if rows.weight is not None:
        notes.append("Rows are weighted.")
    return notes


def metric_notes(
    rows: Rows, answer: Answer, scores: Mapping[str, Interval], table: Mapping[str, Metric]
) -> list[str]:
    """Metrics that are absent, and intervals that cannot be given, with the reasons."""
    notes: list[str] = []
    for name, metric in table.items():
        if name in scores:
            if metric.headline and scores[name].reason:
                notes.append(f"{name} has no interval: {scores[name].reason}.")
        elif answer.part(metric.needs) is not None:
            reason = metric.why_absent(rows.truth, answer, rows.weight)
            notes.append(f"{name} is absent: {reason}.")
    return notes


def looks_notes(looks: Looks | None) -> list[str]:
    """How far a score on often-seen rows can be trusted."""
    if looks is None:
        return []
    if looks.count is None:
        return [f"How many models were scored on these rows is unknown ({looks.note})."]
    if looks.count > 1:
        return [
            f"{looks.count} models were scored on these rows on this machine: the best of several "
            "scores is a little too good. Fresh rows would tell."
        ]
    return []


def split_notes(split: str) -> list[str]:
    """Rows that had a say in the model flatter it."""
    if split in ("train", "training"):
        return ["These rows were learned from: the score says nothing about new rows."]
    if split == "validation":
        return ["These rows chose when to stop: expect a little worse on new rows."]
    return []


def limits_notes(limits: Mapping[str, str], of: str | None = None) -> list[str]:
    """Baselines that had less than all there was.

    Args:
        limits: baseline -> what was cut; "" = nothing.
        of: only this one is asked about; None = all.

    Example:
        >>> limits_notes({"boosted_trees": "on 5,000 of 20,000 rows", "linear": ""})
        ['To take a few seconds only, boosted_trees was fitted on 5,000 of 20,000 rows.']
    """
    return [
        f"To take a few seconds only, {name} was fitted {cut}."
        for name, cut in limits.items()
        if cut and of in (None, name)
    ]
