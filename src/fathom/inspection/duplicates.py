"""Rows that stand in the table more than once, and rows that contradict each other."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Int

from fathom.base.records import Finding
from fathom.inspection.column import Column, codes_of
from fathom.inspection.hashing import Hashes
from fathom.inspection.identifiers import describing
from fathom.inspection.sheet import Sheet, row_hashes
from fathom.inspection.wording import example_rows, number_of, part_of, percent

# One row in a hundred that is in training and in test alike moves a score visibly.
_MANY = 0.01
# Copies count as natural when independent columns would bring about a tenth of the pairs.
NATURAL = 10.0


@dataclass(frozen=True, eq=False)
class Clusters:
    """Rows put together by equal hashes.

    Attributes:
        codes: which cluster each row is in.
        sizes: rows of each cluster.
        first: the first row of each.
    """

    codes: Int[np.ndarray, " rows"]
    sizes: Int[np.ndarray, " clusters"]
    first: Int[np.ndarray, " clusters"]

    @classmethod
    def of(cls, hashes: Hashes) -> "Clusters":
        """Rows of one hash are one cluster.

        Example:
            >>> Clusters.of(np.array([7, 9, 7], dtype=np.uint64)).repeats
            1
        """
        codes, first, sizes = codes_of(hashes)
        return cls(codes, sizes, first)

    @property
    def repeats(self) -> int:
        """Rows that repeat an earlier one."""
        return len(self.codes) - len(self.sizes)

    @property
    def pairs(self) -> float:
        """Pairs of rows in one cluster."""
        sizes = self.sizes.astype(np.float64)
        return float((sizes * (sizes - 1) / 2).sum())

    @property
    def later(self) -> Int[np.ndarray, " repeats"]:
        """The rows that repeat an earlier one, in order."""
        repeated = np.ones(len(self.codes), dtype=bool)
        repeated[self.first] = False
        return np.flatnonzero(repeated)


def expected_pairs(columns: list[Column], num_rows: int) -> float:
    """How many pairs of equal rows there would be if the columns were independent.

    n·(n − 1)/2 · Π (the chance that two rows agree in one column). It tells tables of a few
    answers, where rows agree by chance, from tables of measurements, where only copies do.
    """
    chances = np.array([max(column.chance, 1e-300) for column in columns])
    logarithm = np.log(max(num_rows * (num_rows - 1) / 2, 1e-300)) + np.log(chances).sum()
    return float(np.exp(min(logarithm, 700.0)))


def natural(num_pairs: float, columns: list[Column], num_rows: int) -> bool:
    """Whether so many pairs of equal rows may well be different things that look alike."""
    return num_pairs <= NATURAL * expected_pairs(columns, num_rows)


def find_duplicates(sheet: Sheet) -> list[Finding]:
    """Exact copies of rows, and equal inputs with different targets."""
    columns = describing(sheet)
    inputs = [column for column in columns if column.name not in sheet.targets]
    if not inputs or sheet.num_rows < 2:
        return []
    clusters = Clusters.of(row_hashes(columns, sheet.num_rows))
    found = [_duplicates(sheet, columns, clusters)] if clusters.repeats else []
    alike = Clusters.of(row_hashes(inputs, sheet.num_rows))
    if alike.repeats:
        for target in sheet.learned:
            found += _classes_contradict(alike, target) if not target.numeric else []
            found += _numbers_contradict(alike, target) if target.numeric else []
    return found


def _duplicates(sheet: Sheet, columns: list[Column], clusters: Clusters) -> Finding:
    count, rows = clusters.repeats, sheet.num_rows
    compared = {column.name for column in columns}
    left_out = [
        name
        for name, column in sheet.columns.items()
        if name not in compared and column.levels.num > 1
    ]
    by_chance = natural(clusters.pairs, columns, rows)
    evidence = f"{part_of(count, rows)} repeat an earlier one; the most frequent row stands "
    evidence += f"{number_of(int(clusters.sizes.max()), 'time')}."
    if left_out:
        evidence += f" Identifiers and ignored columns ({len(left_out)}) were not compared."
    if by_chance:
        evidence += " With so few different values, rows may agree without being copies."
    return Finding(
        code="duplicate_rows",
        severity="medium" if count >= _MANY * rows and not by_chance else "low",
        title=f"{number_of(count, 'row')} repeat{'s' * (count == 1)} an earlier row.",
        evidence=evidence,
        advice="Copies in training and test make a score look better than it is. Splits that "
        "fathom makes keep them together; if they are mistakes, remove them from the file.",
        rows=example_rows(clusters.later),
        facts={
            "count": count,
            "share": count / rows,
            "distinct": len(clusters.sizes),
            "by_chance": by_chance,
            "action": "keep_together",
        },
    )


def _classes_contradict(alike: Clusters, target: Column) -> list[Finding]:
    """Equal inputs with different classes: mistakes that no model can avoid."""
    known = target.present
    num_codes = target.levels.num + 1
    pairs, counts = np.unique(
        alike.codes[known] * num_codes + target.levels.codes[known], return_counts=True
    )
    owner = pairs // num_codes
    most = np.zeros(len(alike.sizes), dtype=np.int64)
    np.maximum.at(most, owner, counts)
    total = np.bincount(owner, weights=counts, minlength=len(most)).astype(np.int64)
    torn = total > most
    mistakes, concerned = int((total - most).sum()), int(total[torn].sum())
    if mistakes == 0:
        return []
    rows = np.flatnonzero(torn[alike.codes] & known)
    best = percent(1 - mistakes / max(int(known.sum()), 1))
    return [
        Finding(
            code="contradicting_rows",
            severity="medium" if mistakes >= _MANY * known.sum() else "low",
            title=f"Rows with the same inputs differ in '{target.name}'.",
            evidence=f"{part_of(concerned, len(target))} have a twin of another class; at least "
            f"{number_of(mistakes, 'mistake')} cannot be avoided, so that {best} right is the "
            "very best.",
            advice="Look at some of them: labels may be wrong, or a column that tells them apart "
            "is not in the table.",
            columns=(target.name,),
            rows=example_rows(rows),
            facts={"rows": concerned, "unavoidable_mistakes": mistakes, "action": "check_labels"},
        )
    ]


def _numbers_contradict(alike: Clusters, target: Column) -> list[Finding]:
    """Equal inputs with different numbers: differences that no model can explain."""
    known = target.present
    value = np.argsort(np.argsort(target.numbers, kind="stable"), kind="stable").astype(np.float64)
    value = _tied(value, target.levels.codes[known])
    codes = alike.codes[known]
    num = len(alike.sizes)
    count = np.bincount(codes, minlength=num)
    mean = np.bincount(codes, weights=value, minlength=num) / np.maximum(count, 1)
    away = (value - mean[codes]) ** 2
    torn = np.bincount(codes, weights=away, minlength=num) > 1e-6
    concerned = int(count[torn].sum())
    spread = float(((value - value.mean()) ** 2).sum()) if len(value) else 0.0
    if concerned == 0 or spread == 0:
        return []
    lost = float(away.sum()) / spread
    rows = np.flatnonzero(known)[torn[codes]]
    return [
        Finding(
            code="contradicting_rows",
            severity="medium" if lost >= 5 * _MANY else "low",
            title=f"Rows with the same inputs differ in '{target.name}'.",
            evidence=f"{part_of(concerned, len(target))} have a twin with another value; "
            f"{percent(lost)} of the differences in rank lie between such twins, where no model "
            "can tell them apart.",
            advice="Look at some of them: they may be repeated measurements, mistakes, or differ "
            "in something that is not in the table.",
            columns=(target.name,),
            rows=example_rows(rows),
            facts={"rows": concerned, "unexplained": lost, "action": "check_labels"},
        )
    ]


def _tied(rank: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """Ranks with the mean where values are equal."""
    count = np.bincount(codes)
    return (np.bincount(codes, weights=rank) / np.maximum(count, 1))[codes]
