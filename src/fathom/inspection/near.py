"""Rows that are nearly the same: after rounding, or in all columns but one."""

import numpy as np

from fathom.base.records import Finding
from fathom.inspection.column import Column
from fathom.inspection.duplicates import Clusters, natural
from fathom.inspection.hashing import Hashes, hash_numbers, salted
from fathom.inspection.identifiers import describing
from fathom.inspection.sheet import Sheet, row_hashes
from fathom.inspection.wording import example_rows, number_of, part_of

_DIGITS = 4
_FEW, _MANY = 0.001, 0.01
# Families are told from a tenth of the rows on: designed experiments and repeated visits.
_SOME_FAMILIES, _MOST_FAMILIES = 0.1, 0.5
_LEAST_COLUMNS = 4


def find_near_duplicates(sheet: Sheet) -> list[Finding]:
    """Rows equal to four figures, and families of rows that differ in one input only."""
    columns = describing(sheet)
    inputs = [column for column in columns if column.name not in sheet.targets]
    if len(inputs) < 2 or sheet.num_rows < 2:
        return []
    found = _rounded(sheet, columns)
    return found + (_families(sheet, inputs) if len(inputs) >= _LEAST_COLUMNS else [])


def round_figures(data: np.ndarray, digits: int) -> np.ndarray:
    """Numbers to so many figures.

    Example:
        >>> round_figures(np.array([123456.0, 0.00123456, 0.0, -7.0]), 4).tolist()
        [123500.0, 0.001235, 0.0, -7.0]
    """
    size = np.where(data == 0, 1.0, np.abs(data))
    decimals = digits - 1 - np.floor(np.log10(size))
    # Beyond this, powers of ten leave the range of float64; such numbers stay as they are.
    inside = np.abs(decimals) < 290
    power = 10.0 ** np.where(inside, np.abs(decimals), 0.0)
    scaled = np.where(decimals < 0, np.round(data / power) * power, 0.0)
    small = np.where(inside & (decimals >= 0), data, 0.0)
    scaled = np.where(decimals >= 0, np.round(small * power) / power, scaled)
    return np.where(inside, scaled, data)


def _rounded(sheet: Sheet, columns: list[Column]) -> list[Finding]:
    hashes = row_hashes(columns, sheet.num_rows)
    exact = Clusters.of(hashes).repeats
    changed = False
    for column in columns:
        if column.kind != "number" or column.num_present == 0:
            continue
        data = np.where(column.present, column.values.data, 0.0).astype(np.float64)
        rounded = hash_numbers(round_figures(data, _DIGITS), column.present)
        if (rounded != column.hashes).any():
            changed = True
            hashes = hashes - salted(column.hashes, column.name) + salted(rounded, column.name)
    clusters = Clusters.of(hashes)
    count = clusters.repeats - exact
    if not changed or count < max(2, _FEW * sheet.num_rows):
        return []
    return [
        Finding(
            code="near_duplicate_rows",
            severity="medium" if count >= _MANY * sheet.num_rows else "low",
            title=f"{number_of(count, 'row')} agree{'s' * (count == 1)} with an earlier row to "
            f"{_DIGITS} figures.",
            evidence=f"{part_of(count, sheet.num_rows)}, beside {number_of(exact, 'exact copy')}"
            " or repetition.".replace("copys", "copies"),
            advice="They may be the same thing measured or written twice. Where they are, give "
            "them a common name and use it with --group.",
            rows=example_rows(clusters.later),
            facts={"count": count, "digits": _DIGITS, "action": "keep_together"},
        )
    ]


def _families(sheet: Sheet, inputs: list[Column]) -> list[Finding]:
    """Rows whose inputs are those of another row but for one column, the same for all."""
    parts = [salted(column.hashes, column.name) for column in inputs]
    whole = row_hashes(inputs, sheet.num_rows)
    rows = _candidates(parts)
    if len(rows) < _SOME_FAMILIES * sheet.num_rows:
        return []
    best, members, families = -1, np.empty(0, dtype=np.int64), 0
    for place, part in enumerate(parts):
        kin, num = _kin(whole[rows] - part[rows], whole[rows])
        if len(kin) > len(members):
            best, members, families = place, rows[kin], num
    others = [column for place, column in enumerate(inputs) if place != best]
    count = len(members)
    if count < _SOME_FAMILIES * sheet.num_rows or natural(count, others, sheet.num_rows):
        return []
    return [_family_finding(sheet, inputs[best], members, families)]


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


def _kin(without: Hashes, whole: Hashes) -> tuple[np.ndarray, int]:
    """Rows in clusters of `without` that hold more than one distinct row, and their clusters."""
    clusters = Clusters.of(without)
    distinct = Clusters.of(whole).first
    members = np.bincount(clusters.codes[distinct], minlength=len(clusters.sizes))
    return np.flatnonzero(members[clusters.codes] > 1), int((members > 1).sum())


def _family_finding(sheet: Sheet, column: Column, members: np.ndarray, families: int) -> Finding:
    most = len(members) >= _MOST_FAMILIES * sheet.num_rows
    return Finding(
        code="row_families",
        severity="medium" if most else "low",
        title=f"{'Most' if most else 'Many'} rows have a twin that differs in '{column.name}' "
        "alone.",
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
