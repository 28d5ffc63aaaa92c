"""Dates as people write them, read as seconds since 1970-01-01 UTC."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import polars as pl

Order = Literal["day_first", "month_first"]
UNITS = {"seconds": 1.0, "milliseconds": 1e3, "microseconds": 1e6, "nanoseconds": 1e9}

_MONTHS = (
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
)
_MONTH_NUMBER = {
    name[:length]: float(number)
    for number, name in enumerate(_MONTHS, start=1)
    for length in range(3, len(name) + 1)
}
_WEEKDAY = r"(?i)^(mon|tue|wed|thu|fri|sat|sun)[a-z]{0,6}[,.]? +"
_CLOCK = (
    r"(?:[T ,]+(?<hour>\d{1,2}):(?<minute>\d{2})(?::(?<second>\d{2})(?:[.,](?<fraction>\d+))?)?"
    r" ?(?<half>[AaPp]\.?[Mm]\.?)?(?: ?(?<zone>Z|z|UTC|GMT|[+-]\d{2}:?\d{0,2}))?)?$"
)
_NAME = r"(?<name>[A-Za-z]{3,9})\.?"
_DAY = r"(?<day>\d{1,2})(?:st|nd|rd|th)?"
_YEAR = r"(?<year>\d{4}|\d{2})"
_DAY_AND_MONTH = rf"^(?<first>\d{{1,2}})[-/.](?<other>\d{{1,2}})[-/.]{_YEAR}{_CLOCK}"
_PATTERNS = (
    r"^(?<year>\d{4})(?:[-/.])(?<month>\d{1,2})(?:[-/.])(?<day>\d{1,2})" + _CLOCK,
    r"^(?<year>\d{4})[-/](?<month>\d{1,2})$",
    _DAY_AND_MONTH,
    rf"^{_DAY}[-/. ]+{_NAME},?[-/. ]+{_YEAR}{_CLOCK}",
    rf"^{_NAME} +{_DAY},? +(?<year>\d{{4}}){_CLOCK}",
    rf"^{_NAME}[-/ ,]+(?<year>\d{{4}})$",
    r"^(?<year>\d{4})(?<month>\d{2})(?<day>\d{2})"
    r"(?:[T ]?(?<hour>\d{2}):?(?<minute>\d{2}):?(?<second>\d{2})?(?<zone>Z)?)?$",
)


@dataclass(frozen=True)
class DayOrder:
    """Which of the two small numbers in "3/4/2018" is the day.

    Attributes:
        order: the choice.
        reason: why, with the figures.
        certain: False when nothing in the column decides.
    """

    order: Order
    reason: str
    certain: bool


def day_order(text: pl.Series) -> DayOrder:
    """Decide over a column: a number above 12 is a day; else the rows in their order; else habit.

    Args:
        text: clean cells, null where absent, in the order of the rows.

    Example:
        >>> day_order(pl.Series(["3/4/2018", "13/4/2018"])).reason
        "1 of 2 cells can only be day first, such as '13/4/2018'"
        >>> day_order(pl.Series(["2018-06-01"])).certain
        True
    """
    if not text.str.contains(_DAY_AND_MONTH).any():
        return DayOrder("month_first", "no cell needs the choice", True)
    parts = _groups(text, _DAY_AND_MONTH)
    first, other = _whole(parts, "first"), _whole(parts, "other")
    written = ~np.isnan(first)
    days, months = first > 12, other > 12
    if days.sum() != months.sum():
        big, order = (days, "day_first") if days.sum() > months.sum() else (months, "month_first")
        shown = text[int(np.flatnonzero(big)[0])]
        reason = f"{big.sum():,} of {written.sum():,} cells can only be {order.replace('_', ' ')}"
        return DayOrder(order, f"{reason}, such as '{shown}'", not (days.any() and months.any()))
    rising = {order: _rises(_seconds(parts, order)) for order in ("day_first", "month_first")}
    if rising["day_first"] != rising["month_first"]:
        order = "day_first" if rising["day_first"] else "month_first"
        reason = f"read {order.replace('_', ' ')}, the rows are in the order of time"
        return DayOrder(order, reason, True)
    dotted = bool(text.drop_nulls().str.contains(r"^\d{1,2}\.").any())
    order = "day_first" if dotted else "month_first"
    reason = f"no cell decides; {order.replace('_', ' ')} is the habit with this separator"
    return DayOrder(order, reason, False)


def read_timestamps(text: pl.Series, order: Order) -> np.ndarray:
    """Seconds since 1970-01-01 UTC, NaN where no pattern fits or the day does not exist.

    Times without a zone are taken as UTC. A cell that only one order of day and month fits is
    read in that one.

    Args:
        text: clean cells, null where absent.
        order: for "3/4/2018".

    Example:
        >>> cells = pl.Series(["1970-01-02", "1970-01-01T01:00+01:00", "1970-02", "2019-02-29"])
        >>> read_timestamps(cells, "day_first").tolist()
        [86400.0, 0.0, 2678400.0, nan]
    """
    seconds = np.full(len(text), np.nan)
    left = text.str.contains(r"\d").fill_null(False).to_numpy()
    if not left.any():
        return seconds
    text = text.str.replace(_WEEKDAY, "")
    for pattern in _PATTERNS:
        rows = np.flatnonzero(left & text.str.contains(pattern).fill_null(False).to_numpy())
        if len(rows) == 0:
            continue
        parts = _groups(text[rows], pattern)
        read = _seconds(parts, order)
        if "first" in parts:
            other = _seconds(parts, "month_first" if order == "day_first" else "day_first")
            read = np.where(np.isnan(read), other, read)
        seconds[rows] = read
        left[rows] = np.isnan(read)
    return seconds


def _groups(text: pl.Series, pattern: str) -> pl.DataFrame:
    return text.str.extract_groups(pattern).struct.unnest()


def _whole(parts: pl.DataFrame, name: str, otherwise: float = float("nan")) -> np.ndarray:
    """One group as numbers; `otherwise` where the pattern has no such group or it is empty."""
    if name not in parts.columns:
        return np.full(len(parts), otherwise)
    numbers = parts[name].cast(pl.Float64, strict=False).fill_null(otherwise)
    return numbers.to_numpy()


def _seconds(parts: pl.DataFrame, order: Order) -> np.ndarray:
    """The groups of one pattern as seconds, NaN where there is no such day or time."""
    year, month, day = _whole(parts, "year"), _whole(parts, "month"), _whole(parts, "day", 1.0)
    if "first" in parts.columns:
        first, other = _whole(parts, "first"), _whole(parts, "other")
        day, month = (first, other) if order == "day_first" else (other, first)
    if "name" in parts.columns:
        names = parts["name"].str.to_lowercase().to_list()
        month = np.array([_MONTH_NUMBER.get(name, np.nan) for name in names], dtype=np.float64)
    short_year = np.zeros(len(parts), dtype=bool)
    if "year" in parts.columns:
        short_year = (parts["year"].str.len_chars().fill_null(0) == 2).to_numpy()
    # Two digits as POSIX reads them: 69 to 99 lie in the last century.
    year = np.where(short_year, year + np.where(year >= 69, 1900.0, 2000.0), year)
    return days_since_1970(year, month, day) * 86_400.0 + _time_of_day(parts)


def _time_of_day(parts: pl.DataFrame) -> np.ndarray:
    """Seconds after midnight UTC, NaN where there is no such time."""
    hour, minute = _whole(parts, "hour", 0.0), _whole(parts, "minute", 0.0)
    second = _whole(parts, "second", 0.0)
    if "fraction" in parts.columns:
        fraction = ("0." + parts["fraction"]).cast(pl.Float64, strict=False).fill_null(0.0)
        second = second + fraction.to_numpy()
    if "half" in parts.columns:
        half = parts["half"].str.to_lowercase().str.slice(0, 1)
        hour = np.where((half == "p").fill_null(False).to_numpy() & (hour < 12), hour + 12, hour)
        hour = np.where((half == "a").fill_null(False).to_numpy() & (hour == 12), 0.0, hour)
    exists = (hour < 24) & (minute < 60) & (second < 61)
    total = hour * 3600 + minute * 60 + second
    if "zone" in parts.columns:
        zone = parts["zone"].str.extract_groups(r"^(?<h>[+-]\d{2}):?(?<m>\d{2})?$").struct.unnest()
        hours, minutes = _whole(zone, "h", 0.0), _whole(zone, "m", 0.0)
        west = zone["h"].str.starts_with("-").fill_null(False).to_numpy()
        total = total - hours * 3600 - np.where(west, -minutes, minutes) * 60
    return np.where(exists, total, np.nan)


def days_since_1970(year: np.ndarray, month: np.ndarray, day: np.ndarray) -> np.ndarray:
    """Days of the Gregorian calendar, NaN where there is no such day.

    Example:
        >>> days_since_1970(np.array([2000.0]), np.array([3.0]), np.array([1.0])).tolist()
        [11017.0]
    """
    known = ~(np.isnan(year) | np.isnan(month) | np.isnan(day)) & (month >= 1) & (month <= 12)
    whole_year = np.where(known, year, 1970).astype(np.int64)
    whole_month = np.where(known, month, 1).astype(np.int64)
    start = (whole_year - 1970) * 12 + whole_month - 1
    first = start.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)
    length = (start + 1).astype("datetime64[M]").astype("datetime64[D]").astype(np.int64) - first
    exists = known & (np.nan_to_num(day) >= 1) & (np.nan_to_num(day) <= length)
    return np.where(exists, first + np.nan_to_num(day) - 1, np.nan)


def _rises(seconds: np.ndarray) -> bool:
    """Whether time runs one way down the rows."""
    read = seconds[~np.isnan(seconds)]
    steps = np.diff(read)
    return len(read) == len(seconds) > 2 and bool((steps >= 0).all() or (steps <= 0).all())
