"""A confusion matrix as a table or, when it is large, as a picture with its worst pairs."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int
from markupsafe import Markup

from fathom.reports.charts import heat_map
from fathom.reports.words import number, share

MOST_CLASSES = 12
"""A larger confusion matrix is drawn as shades instead of figures."""
MOST_DRAWN = 60
_MOST_PAIRS = 12
Counts = Int[np.ndarray, "truth answer"]


@dataclass(frozen=True)
class Confusion:
    """A confusion matrix as a table or, when it is large, as a picture with its worst pairs.

    Attributes:
        names: of the classes.
        table: per class its cells (count, shade 0 to 10, right or wrong, in words); empty when
            the matrix is drawn.
        chart: the drawing; None when it is a table.
        pairs: (truth, answer, rows, share of the truth), the most frequent mistakes first.
        note: what is not shown; "" when all is.
    """

    names: tuple[str, ...]
    table: tuple[tuple[tuple[str, int, str, str], ...], ...]
    chart: Markup | None
    pairs: tuple[tuple[str, str, str, str], ...]
    note: str


def confusion_view(matrix: Counts, names: Sequence[str]) -> Confusion | None:
    """Lay out a confusion matrix; None when it holds no rows."""
    counts = np.asarray(matrix)
    if counts.shape != (len(names), len(names)):
        raise ValueError(f"a confusion matrix of {len(names)} classes, not of {counts.shape}")
    if counts.size == 0 or counts.sum() == 0:
        return None
    labels, pairs = tuple(str(name) for name in names), _pairs(counts, names)
    if len(labels) <= MOST_CLASSES:
        shown = pairs if len(labels) > 4 else ()
        return Confusion(labels, _table(counts, labels), None, shown, "")
    kept = np.sort(np.argsort(-counts.sum(axis=1), kind="stable")[:MOST_DRAWN])
    note = ""
    if len(kept) < len(labels):
        note = f"Drawn are the {len(kept)} classes with most rows of {len(labels)}."
    words = f"Confusion matrix of {len(kept)} classes; {share(_right(counts))} of rows are right."
    drawn, totals = counts[np.ix_(kept, kept)], counts.sum(axis=1)[kept]
    chart = heat_map(drawn, [labels[i] for i in kept], totals, words=words)
    return Confusion(labels, (), chart, pairs, note)


def _right(counts: Counts) -> float:
    return float(np.trace(counts) / counts.sum())


def _table(
    counts: Counts, names: Sequence[str]
) -> tuple[tuple[tuple[str, int, str, str], ...], ...]:
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    levels = np.where(counts > 0, np.clip(np.ceil(shares * 10 - 1e-9), 1, 10), 0).astype(int)
    return tuple(
        tuple(
            (
                number(int(counts[i, j])),
                int(levels[i, j]),
                "right" if i == j else "wrong",
                share(float(shares[i, j])) if counts[i, j] else "",
            )
            for j in range(len(names))
        )
        for i in range(len(names))
    )


def _pairs(counts: Counts, names: Sequence[str]) -> tuple[tuple[str, str, str, str], ...]:
    """The most frequent confusions of one class with another."""
    wrong = np.where(np.eye(len(names), dtype=bool), 0, counts)
    order = np.argsort(-wrong, axis=None, kind="stable")[:_MOST_PAIRS]
    places = [divmod(int(place), len(names)) for place in order]
    return tuple(
        (
            str(names[i]),
            str(names[j]),
            number(int(wrong[i, j])),
            share(float(wrong[i, j] / counts[i].sum())),
        )
        for i, j in places
        if wrong[i, j]
    )
