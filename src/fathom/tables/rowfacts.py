"""What the splitter must know of rows before any kind is decided: copies and groups; strata.

For copies all rows are looked at, test rows too: they have to land in one split. It is the one
stated exception to "nothing looks at test rows"; nothing that is learned comes out of it. Strata
come from targets, and are asked for when the test rows are gone.
"""

from collections.abc import Mapping

import numpy as np
import polars as pl
from jaxtyping import Int

from fathom.base.errors import DataError
from fathom.tables.split import RowFacts
from fathom.tables.table import Table, as_text

_MOST_CLASSES = 100
_NUM_RANGES = 10
_DIGITS = 6
# A picture in more rows than these, of all, stands for nothing of its own.
_FEW_ROWS, _SHARE = 10, 0.02


def row_facts(
    table: Table,
    group: str | None = None,
    unlike: tuple[str, ...] = (),
    shown: Mapping[str, Int[np.ndarray, " rows"]] | None = None,
) -> RowFacts:
    """Copies and groups of all rows.

    Args:
        table: all rows that will be split.
        group: a column whose rows of one value stay together.
        unlike: columns that do not make two rows different (row names).
        shown: column of pictures -> a number for what each row's picture shows, whatever its file
            is called. Rows of one picture stay together, unless it stands in very many.
    """
    shown = shown or {}
    compared = [name for name in table.columns if name not in unlike]
    copies = table.select(compared)
    normal = copies.frame.select(
        _normal(pl.Series(shown[name]) if name in shown else copies.column(name)).alias(str(number))
        for number, name in enumerate(compared)
    )
    cluster = normal.hash_rows(seed=0).to_numpy()
    _, cluster = np.unique(cluster, return_inverse=True)
    if group is not None:
        cluster = _merge(cluster, _codes(table.column(group)))
    for codes in shown.values():
        cluster = _merge(cluster, _unless_usual(codes))
    return RowFacts(cluster.astype(np.int64))


def num_copies(facts: RowFacts) -> int:
    """How many rows repeat an earlier one (or belong to its group)."""
    return len(facts) - len(np.unique(facts.cluster))


def _normal(series: pl.Series) -> pl.Series:
    """Cells in one spelling: numbers to six digits, words without case and outer blanks."""
    text = as_text(series)
    number = text.str.strip_chars().cast(pl.Float64, strict=False)
    rounded = number.round_sig_figs(_DIGITS).cast(pl.String)
    return rounded.fill_null(text.str.strip_chars().str.to_lowercase())


def _codes(series: pl.Series) -> np.ndarray:
    text = as_text(series)
    if text.null_count():
        rows = np.flatnonzero(text.is_null().to_numpy())
        raise DataError(
            "Some rows have no group.",
            where=f"column '{series.name}', row {rows[0] + 1}",
            expected="a value in every row of the --group column",
            got=f"{len(rows)} empty cells",
            do="Fill them, or name another column.",
        )
    return text.rank("dense").to_numpy().astype(np.int64)


def _unless_usual(codes: Int[np.ndarray, " rows"]) -> Int[np.ndarray, " rows"]:
    """The same numbers, but a row of its own where a number stands for very many rows.

    One picture for all that have none of their own ties nothing together.
    """
    _, place, count = np.unique(codes, return_inverse=True, return_counts=True)
    usual = count[place] > max(_FEW_ROWS, _SHARE * len(codes))
    return np.where(usual, place.max() + 1 + np.arange(len(codes)), place)


def _merge(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Clusters of rows that are tied by either of two labellings, chains included."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    _, one = np.unique(first, return_inverse=True)
    _, two = np.unique(second, return_inverse=True)
    offset = one.max() + 1
    size = offset + two.max() + 1
    ties = coo_array((np.ones(len(one), dtype=np.int8), (one, two + offset)), shape=(size, size))
    return connected_components(ties, directed=False)[1][one]


def strata(series: pl.Series) -> np.ndarray | None:
    """Classes where there are few different values, else ranges of a number, else nothing.

    Args:
        series: a target, of rows whose targets may be looked at.

    Example:
        >>> strata(pl.Series(["no", "yes", "no"]))
        array([0, 1, 0])
    """
    text = as_text(series).fill_null("")
    if text.n_unique() <= min(_MOST_CLASSES, max(2, len(text) // 3)):
        return text.rank("dense").to_numpy().astype(np.int64) - 1
    if series.dtype.is_nested():
        return None
    number = series.cast(pl.Float64, strict=False).to_numpy()
    known = np.isfinite(number)
    if known.mean() < 0.9:
        return None
    edges = np.quantile(number[known], np.linspace(0, 1, _NUM_RANGES + 1)[1:-1])
    return np.where(known, np.searchsorted(edges, number), _NUM_RANGES).astype(np.int64)
