"""Dates and times."""

from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, Literal

import numpy as np
import polars as pl
import torch
from jaxtyping import Bool

from fathom.base.errors import RecipeError, listed, nearest
from fathom.base.files import plain
from fathom.base.tensors import Field
from fathom.columns.cells import clean, counted
from fathom.columns.histogram import Moments
from fathom.columns.kind import (
    Anchor,
    FittedColumn,
    Kind,
    KindName,
    Repair,
    Stats,
    Values,
    only_present,
)
from fathom.columns.timestamps import UNITS, day_order, read_timestamps

DateOrder = Literal["auto", "day_first", "month_first"]
Unit = Literal["auto", "seconds", "milliseconds", "microseconds", "nanoseconds"]
_DAY = 86_400.0
# Neither a year nor a day such as 20180601, 20180601123015.
_EPOCH_NUMBER = r"^[+-]?(\d{1,3}|\d{5,7}|\d{9,13}|\d{15,})(\.\d*)?$"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ORDERS = ("auto", "day_first", "month_first")


@dataclass(frozen=True)
class DateStats(Stats):
    """One pass over dates.

    Attributes:
        count: values present.
        num_missing: rows without a value.
        moments: of the seconds since 1970-01-01 UTC.
        earliest, latest: the ends, in the same seconds (infinite without values).
        months: which months of the year occur.
        weekdays: which days of the week occur, Monday first.
        clocks: the smallest and the largest time of day, in seconds after midnight.
        all_month_starts: every value is the first of a month, at midnight.
        all_whole_seconds: no value has a fraction of a second.
    """

    count: int
    num_missing: int
    moments: Moments
    earliest: float
    latest: float
    months: frozenset[int]
    weekdays: frozenset[int]
    clocks: frozenset[float]
    all_month_starts: bool
    all_whole_seconds: bool

    def merge(self, other: Stats) -> "DateStats":
        assert isinstance(other, DateStats), "statistics of one column are of one kind"
        return DateStats(
            count=self.count + other.count,
            num_missing=self.num_missing + other.num_missing,
            moments=self.moments.merge(other.moments),
            earliest=min(self.earliest, other.earliest),
            latest=max(self.latest, other.latest),
            months=self.months | other.months,
            weekdays=self.weekdays | other.weekdays,
            clocks=_two(self.clocks | other.clocks),
            all_month_starts=self.all_month_starts and other.all_month_starts,
            all_whole_seconds=self.all_whole_seconds and other.all_whole_seconds,
        )


@dataclass(frozen=True, kw_only=True)
class Date(Kind):
    """A column of dates, with or without a time of day.

    Attributes:
        order: how "3/4/2018" is read; "auto" decides over the column. Recognition settles it,
            so that later files are read alike.
        unit: what a plain number counts since 1970-01-01 UTC. "auto" goes by its size, and takes
            four digits for a year, eight for a day such as 20180601.

    Raises:
        RecipeError: an option has a value that does not exist.

    Example:
        >>> date = Date()
        >>> values = date.parse(pl.Series(["2018-06-01", "13/6/2018", "?"]))
        >>> fitted = date.freeze(date.summarise(values))
        >>> fitted.parts
        ('time', 'weekday_sin', 'weekday_cos')
        >>> fitted.decode(fitted.transform(values))[:2]
        ['2018-06-01', '2018-06-13']
    """

    order: DateOrder = "auto"
    unit: Unit = "auto"

    name: ClassVar[KindName] = "date"

    def __post_init__(self) -> None:
        for option, value, options in (
            ("order", self.order, _ORDERS),
            ("unit", self.unit, ("auto", *UNITS)),
        ):
            if value not in options:
                raise RecipeError(
                    f"There is no {option} called '{value}' for dates.",
                    where=f"date({option}=…)",
                    expected=listed(options),
                    got=f"'{value}'",
                    do=nearest(value, options) or f"Choose one of {listed(options)}.",
                )

    def parse(self, raw: pl.Series) -> Values:
        if raw.dtype == pl.Date or raw.dtype == pl.Datetime:
            seconds = raw.dt.timestamp("us").cast(pl.Float64).fill_null(float("nan")) / 1e6
            return Values(seconds.to_numpy(), raw.is_not_null().to_numpy())
        cells = clean(raw)
        seconds = np.full(len(raw), np.nan)
        pattern = _EPOCH_NUMBER if self.unit == "auto" else r"^[+-]?\d+(\.\d*)?$"
        counts = cells.text.str.contains(pattern).fill_null(False).to_numpy()
        seconds[counts] = self._since_1970(cells.text.filter(pl.Series(counts)))
        order = day_order(cells.text).order if self.order == "auto" else self.order
        years = cells.text.str.replace(r"^(\d{4})$", "$1-01")
        seconds[~counts] = read_timestamps(years.filter(pl.Series(~counts)), order)
        unread = cells.present & np.isnan(seconds)
        told = counted("not a date: read as an absent value", unread, cells.text)
        return Values(seconds, cells.present & ~unread, (*cells.repairs, *told))

    def _since_1970(self, text: pl.Series) -> np.ndarray:
        """Plain numbers as seconds."""
        numbers = text.cast(pl.Float64).to_numpy()
        return numbers / UNITS[epoch_unit(numbers) if self.unit == "auto" else self.unit]

    def summarise(self, values: Values, weight: np.ndarray | None = None) -> DateStats:
        """One pass. Rows of weight 0 are left out of everything but `num_missing`."""
        weight = np.ones(len(values)) if weight is None else weight.astype(np.float64)
        used = values.present & (weight > 0)
        seconds = values.data[used].astype(np.float64)
        days, clock = np.divmod(seconds, _DAY)
        month, day_of_month, _ = _calendar(days)
        return DateStats(
            count=len(seconds),
            num_missing=int((~values.present).sum()),
            moments=Moments.of(seconds, weight[used]),
            earliest=float(seconds.min(initial=np.inf)),
            latest=float(seconds.max(initial=-np.inf)),
            months=frozenset(np.unique(month).tolist()),
            weekdays=frozenset(np.unique((days + 3) % 7).astype(int).tolist()),
            clocks=_two(frozenset({clock.min(), clock.max()} if len(clock) else ())),
            all_month_starts=bool(((day_of_month == 1) & (clock == 0)).all()),
            all_whole_seconds=bool((clock == np.floor(clock)).all()),
        )

    def freeze(self, stats: Stats) -> "FittedDate":
        assert isinstance(stats, DateStats), "a date is frozen from the statistics of dates"
        parts = ["time"]
        if len(stats.months) > 1:
            parts += ["month_sin", "month_cos"]
        if len(stats.weekdays) > 1 and not stats.all_month_starts:
            parts += ["weekday_sin", "weekday_cos"]
        if len(stats.clocks) > 1:
            parts += ["hour_sin", "hour_cos"]
        known = stats.count > 0
        spread = stats.moments.standard_deviation
        midnight = stats.clocks <= {0.0}
        return FittedDate(
            parts=tuple(parts),
            count=stats.count,
            num_missing=stats.num_missing,
            mean=stats.moments.mean,
            standard_deviation=spread if known and stats.earliest < stats.latest else 1.0,
            earliest=stats.earliest if known else 0.0,
            latest=stats.latest if known else 0.0,
            resolution="day" if midnight else "second" if stats.all_whole_seconds else "fraction",
        )


@dataclass(frozen=True, kw_only=True)
class FittedDate(FittedColumn):
    """A column of dates as the training rows showed it. Seconds are since 1970-01-01 UTC.

    Attributes:
        parts: what `transform` gives per date: "time" (0 at the mean, 1 = one standard
            deviation), then sine and cosine of the month of the year, the day of the week and
            the hour of the day, each only where it varies.
        count: values present.
        num_missing: rows without a value.
        mean, standard_deviation, earliest, latest: in seconds.
        resolution: "day" when no value has a time of day, "second", or "fraction" of a second.
    """

    parts: tuple[str, ...]
    count: int
    num_missing: int
    mean: float
    standard_deviation: float
    earliest: float
    latest: float
    resolution: Literal["day", "second", "fraction"]

    kind: ClassVar[KindName] = "date"

    def transform(self, values: Values, anchor: Anchor | None = None) -> Field:
        """The parts of each date, float32 ["batch", "parts"]; 0 and the mask False where absent."""
        seconds = np.where(values.present, values.data.astype(np.float64), self.mean)
        days, clock = np.divmod(seconds, _DAY)
        month, day_of_month, length = _calendar(days)
        turns = {
            "month": (month - 1 + (day_of_month - 1) / length) / 12,
            "weekday": ((days + 3) % 7) / 7,
            "hour": clock / _DAY,
        }
        columns = [(seconds - self.mean) / self.standard_deviation]
        for part in self.parts[1:]:
            name, wave = part.split("_")
            columns.append((np.sin if wave == "sin" else np.cos)(2 * np.pi * turns[name]))
        data = np.stack(columns, axis=1) * values.present[:, None]
        return Field(
            torch.from_numpy(data.astype(np.float32)), torch.from_numpy(values.present.copy())
        )

    def decode(self, field: Field, anchor: Anchor | None = None) -> list[Any]:
        """ISO text from the part "time", to the day or second that the column knows.

        float32 tells moments apart down to about a ten-millionth of the span: seconds within
        months, minutes within decades.
        """
        time = field.data.detach().cpu().double()[:, 0].numpy()
        moments = time * self.standard_deviation + self.mean
        return only_present([self._text(value) for value in moments], field)

    def _text(self, seconds: float) -> str | None:
        # The years 1 to 9999, which is what ISO text can say.
        if not np.isfinite(seconds):
            return None
        seconds = min(max(float(seconds), -62_135_596_800.0), 253_402_214_400.0)
        if self.resolution == "day":
            return str((_EPOCH + timedelta(days=round(seconds / _DAY))).date())
        if self.resolution == "second":
            return (_EPOCH + timedelta(seconds=round(seconds))).isoformat()[:19]
        return (_EPOCH + timedelta(seconds=seconds)).isoformat(timespec="milliseconds")[:23]

    def strange(self, values: Values) -> Bool[np.ndarray, " rows"]:
        """True for dates outside the training range."""
        data = np.where(values.present, values.data, self.earliest)
        return ((data < self.earliest) | (data > self.latest)) & (self.count > 0)

    def unfamiliar(self, values: Values) -> tuple[Repair, ...]:
        """How many dates lie outside the training range; they are used as they are."""
        outside = values.data[self.strange(values)]
        if len(outside) == 0:
            return ()
        first, last = self._text(self.earliest), self._text(self.latest)
        shown = tuple(str(self._text(value)) for value in outside[:3])
        what = f"outside the training range {first} to {last}"
        return (Repair(what, len(outside), tuple(dict.fromkeys(shown))),)

    def to_dict(self) -> dict[str, Any]:
        return {"kind": self.kind, **plain(asdict(self))}

    @classmethod
    def from_dict(cls, content: dict[str, Any]) -> "FittedDate":
        facts = {field.name: content[field.name] for field in fields(cls)}
        return cls(**{**facts, "parts": tuple(facts["parts"])})


def epoch_unit(numbers: np.ndarray) -> Unit:
    """Seconds, milliseconds, … since 1970: the unit that puts the middle value before 5138.

    Example:
        >>> epoch_unit(np.array([964982703.0])), epoch_unit(np.array([1445714994000.0]))
        ('seconds', 'milliseconds')
    """
    if len(numbers) == 0:
        return "seconds"
    size = float(np.median(np.abs(numbers)))
    if size < 1e11:
        return "seconds"
    if size < 1e14:
        return "milliseconds"
    return "microseconds" if size < 1e17 else "nanoseconds"


def _two(clocks: frozenset[float]) -> frozenset[float]:
    """The first and the last: enough to know whether the time of day varies."""
    return frozenset({float(min(clocks)), float(max(clocks))}) if clocks else clocks


def _calendar(days: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Month (1 to 12), day of the month (from 1) and days of that month, for days since 1970."""
    dates = days.astype(np.int64).astype("datetime64[D]")
    months = dates.astype("datetime64[M]")
    day = (dates - months.astype("datetime64[D]")).astype(np.int64) + 1
    length = (months + 1).astype("datetime64[D]") - months.astype("datetime64[D]")
    return months.astype(np.int64) % 12 + 1, day, length.astype(np.int64)
