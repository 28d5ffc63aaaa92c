"""Rows that are nearly the same: after rounding, or in all columns but one."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from fathom.base.records import Finding
from fathom.inspection.column import Column
from fathom.inspection.duplicates import Clusters, natural
from fathom.inspection.hashing import Hashes, hash_numbers, salted
from fathom.inspection.identifiers import describing
from fathom.inspection.sheet import Sheet, row_hashes
from fathom.inspection.wording import example_rows, number_of, part_of

_DIGITS = 4
_FEW, _MANY = 0.001, 0.01
# Families: most rows, and measurements among what they share. People of one sex, class and town
# are no family; mixtures with the same five amounts, tested at several ages, are.
_MOST_FAMILIES, _LEAST_COLUMNS = 0.5, 4
_MEASUREMENTS, _DISTINCT = 2, 10


def find_near_duplicates(sheet: Sheet) -> list[Finding]:
    """Rows equal to four figures, and families of rows that differ in one input only."""
    columns = describing(sheet)
    inputs = [column for column in columns if column.name not in sheet.targets]
    if len(inputs) < 2 or sheet.num_rows < 2:
        return []
    found = _rounded(sheet, columns)
    return found + (_families(sheet, inputs) if len(inputs) >= _LEAST_COLUMNS else [])


def _rounded(sheet: Sheet, columns: list[Column]) -> list[Finding]:
    hashes = row_hashes(columns, sheet.num_rows)
    exact = Clusters.of(hashes).later
    changed = False
    for column in columns:
        if column.kind != "number" or column.num_present == 0:
            continue
        data = np.where(column.present, column.values.data, 0.0).astype(np.float64)
        rounded = pl.Series(data).round_sig_figs(_DIGITS).to_numpy()
        if (rounded != data).any():
            changed = True
            part = salted(hash_numbers(rounded, column.present), column.name)
            hashes = hashes - column.row_part + part
    rows = np.setdiff1d(Clusters.of(hashes).later, exact)
    count = len(rows)
    if not changed or count < max(2, _FEW * sheet.num_rows):
        return []
    return [
        Finding(
            code="near_duplicate_rows",
            severity="medium" if count >= _MANY * sheet.num_rows else "low",
            title=f"{number_of(count, 'row')} agree{'s' * (count == 1)} with an earlier row to "
            f"{_DIGITS} figures.",
            evidence=f"{part_of(count, sheet.num_rows)}, beside {len(exact):,} that repeat one "
            "exactly.",
            advice="They may be the same thing measured or written twice. Where they are, give "
            "them a common name and use it with --group.",
            rows=example_rows(rows),
            facts={"count": count, "digits": _DIGITS, "action": "keep_together"},
        )
    ]


def _families(sheet: Sheet, inputs: list[Column]) -> list[Finding]:
    """Rows whose inputs are those of another row but for one column, the same for all."""
    parts = [column.row_part for column in inputs]
    whole = row_hashes(inputs, sheet.num_rows)
    rows = _candidates(parts)
    if len(rows) < _MOST_FAMILIES * sheet.num_rows:
        return []
    best, kin = -1, _Kin(rows[:0], 0, 0.0)
    for place, part in enumerate(parts):
        found = _Kin.of(whole[rows] - part[rows], whole[rows])
        if len(found.members) > len(kin.members):
            best, kin = place, found
    others = [column for place, column in enumerate(inputs) if place != best]
    measured = sum(column.numeric and column.levels.num >= _DISTINCT for column in others)
    few = len(kin.members) < _MOST_FAMILIES * sheet.num_rows or measured < _MEASUREMENTS
    if few or natural(kin.pairs, others, sheet.num_rows):
        return []
    return [_family_finding(sheet, inputs[best], rows[kin.members], kin.families)]


def _candidates(parts: list[Hashes]) -> np.ndarray:
    """Rows that agree with another one on the first or on the second half of the columns.

    Two rows that differ in one column agree on one of the halves, so no others need a look.
    """
    half = len(parts) // 2
    repeated = np.zeros(len(parts[0]), dtype=bool)
    for side in (parts[:half], parts[half:]):
        clusters = Clusters.of(np.add.reduce(side))
        repeated |= clusters.sizes[clusters.codes] > 1
    return np.flatnonzero(repeated)


@dataclass(frozen=True, eq=False)
class _Kin:
    """Rows that agree without one column and differ with it.

    Attributes:
        members: such rows.
        families: how many sets of them there are.
        pairs: pairs of different rows within a family.
    """

    members: np.ndarray
    families: int
    pairs: float

    @classmethod
    def of(cls, without: Hashes, whole: Hashes) -> "_Kin":
        clusters = Clusters.of(without)
        distinct = Clusters.of(whole).first
        sizes = np.bincount(clusters.codes[distinct], minlength=len(clusters.sizes))
        pairs = float((sizes.astype(np.float64) * (sizes - 1) / 2).sum())
        return cls(np.flatnonzero(sizes[clusters.codes] > 1), int((sizes > 1).sum()), pairs)


def _family_finding(sheet: Sheet, column: Column, members: np.ndarray, families: int) -> Finding:
    return Finding(
        code="row_families",
        severity="medium",
        title=f"Most rows have a twin that differs in '{column.name}' alone.",
        evidence=f"{part_of(len(members), sheet.num_rows)} fall into {families:,} families whose "
        f"inputs agree but for '{column.name}'.",
        advice="A random split then asks about cases that the model has nearly seen. If it is "
        "meant for new cases, give each family a name and use it with --group.",
        columns=(column.name,),
        rows=example_rows(members),
        facts={
            "rows": len(members),
            "families": families,
            "varies": column.name,
            "action": "group_by_equal_inputs",
        },
    )
