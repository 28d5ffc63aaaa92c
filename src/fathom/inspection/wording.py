"""Figures and names as the findings write them."""

from collections.abc import Iterable, Mapping

import numpy as np

_NUM_ROWS = 5


def percent(share: float) -> str:
    """A share as a percentage; neither "0 %" nor "100 %" unless it is exactly that.

    Example:
        >>> [percent(share) for share in (0.191, 0.0232, 0.0014, 0.00001, 0.9999, 1.0, 0.0)]
        ['19 %', '2.3 %', '0.14 %', 'under 0.01 %', 'over 99.9 %', '100 %', '0 %']
    """
    if share in (0.0, 1.0):
        return f"{share:.0%}".replace("%", " %")
    if share < 0.0001:
        return "under 0.01 %"
    if share > 0.999:
        return "over 99.9 %"
    if share > 0.99:
        return f"{100 * share:.1f} %"
    return f"{100 * share:.2g} %"


def number_of(count: int, noun: str) -> str:
    """A count with its noun.

    Example:
        >>> number_of(1, "row"), number_of(3334, "row")
        ('1 row', '3,334 rows')
    """
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def part_of(count: int, total: int, noun: str = "row") -> str:
    """A count within a total, with its share.

    Example:
        >>> part_of(3334, 11183)
        '3,334 of 11,183 rows (30 %)'
    """
    return f"{count:,} of {number_of(total, noun)} ({percent(count / max(total, 1))})"


def figure(value: float) -> str:
    """A value of the data: whole numbers whole, others with four figures.

    Example:
        >>> figure(500001.0), figure(0.123456), figure(-3.0)
        ('500,001', '0.1235', '-3')
    """
    if abs(value) < 1e15 and value == int(value):
        return f"{int(value):,}"
    return f"{value:.4g}"


def example_rows(rows: np.ndarray) -> tuple[int, ...]:
    """The first few rows as people count them, from 1.

    Args:
        rows: positions from 0, or one truth value per row.

    Example:
        >>> example_rows(np.array([False, True, True]))
        (2, 3)
    """
    positions = np.flatnonzero(rows) if rows.dtype == bool else rows
    return tuple(int(row) + 1 for row in positions[:_NUM_ROWS])


def short(word: object, most: int = 40) -> str:
    """A cell in quotes, cut when it is long.

    Example:
        >>> short("a word", most=4)
        "'a w…'"
    """
    text = " ".join(str(word).split())
    return f"'{text}'" if len(text) <= most else f"'{text[: most - 1]}…'"


def several(parts: Iterable[str], most: int = 4, between: str = ", ") -> str:
    """Parts of a sentence, cut after `most`.

    Example:
        >>> several(["a", "b", "c"], most=2), several(["a"])
        ('a, b and 1 more', 'a')
    """
    shown = list(parts)
    if len(shown) <= most:
        return between.join(shown)
    return f"{between.join(shown[:most])} and {len(shown) - most:,} more"


def examples(words: Iterable[object], most: int = 3) -> str:
    """A few cells in quotes; what looks alike once it is cut stands there once.

    Example:
        >>> examples(["a", "b" * 50 + "1", "b" * 50 + "2"])
        "'a', 'bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb…'"
    """
    return several(dict.fromkeys(short(word) for word in words), most)


def shares(counts: Mapping[str, int], total: int, most: int = 4) -> str:
    """Names with the share of each, the largest first.

    Example:
        >>> shares({"a": 1, "b": 3}, 4)
        "'b' 75 %, 'a' 25 %"
    """
    ranked = sorted(counts.items(), key=lambda item: -item[1])
    return several((f"{short(name)} {percent(count / total)}" for name, count in ranked), most)
