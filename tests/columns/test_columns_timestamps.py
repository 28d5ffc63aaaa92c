from datetime import UTC, date, datetime, timedelta, timezone

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fathom.columns.timestamps import day_order, days_since_1970, read_timestamps

NOON = datetime(2018, 6, 1, 12, 30, tzinfo=UTC)
FIRST = datetime(2018, 6, 1, tzinfo=UTC)


def _read(cell: str, order: str = "day_first") -> float:
    return float(read_timestamps(pl.Series([cell]), order)[0])  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("cell", "moment"),
    [
        ("2018-06-01", FIRST),
        ("2018/6/1", FIRST),
        ("2018.06.01", FIRST),
        ("2018-06", FIRST),
        ("20180601", FIRST),
        ("1/6/2018", FIRST),
        ("01.06.18", FIRST),
        ("1 Jun 2018", FIRST),
        ("01-Jun-18", FIRST),
        ("June 1st, 2018", FIRST),
        ("Jun 2018", FIRST),
        ("2018-06-01 12:30", NOON),
        ("2018-06-01T12:30:00Z", NOON),
        ("2018-06-01T14:30:00+02:00", NOON),
        ("2018-06-01 08:00:00 -0430", NOON),
        ("1/6/2018 12:30 PM", NOON),
        ("20180601T1230", NOON),
        ("Fri, 01 Jun 2018 12:30:00 GMT", NOON),
        ("2018-06-01 12:30:00.25", NOON + timedelta(seconds=0.25)),
        ("1/6/2018 12:30 am", FIRST + timedelta(minutes=30)),
        ("1749-01", datetime(1749, 1, 1, tzinfo=UTC)),
        ("1/1/69", datetime(1969, 1, 1, tzinfo=UTC)),
    ],
)
def test_usual_writings_are_read(cell: str, moment: datetime) -> None:
    assert _read(cell) == moment.timestamp()


@pytest.mark.parametrize(
    "cell",
    [
        *("2018-13-01", "2018-02-29", "2018-06-01 25:00", "15-19", "10-14", "1.5", "marble 2018"),
        *("hello", "2018", "13/13/2018", "Mon", "12:30", "2018-06-01x", ""),
    ],
)
def test_what_is_no_date_is_not_read(cell: str) -> None:
    assert np.isnan(_read(cell))


@settings(deadline=None, max_examples=40)
@given(st.dates())
def test_days_agree_with_python(day: date) -> None:
    ours = days_since_1970(*(np.array([float(part)]) for part in (day.year, day.month, day.day)))
    assert ours[0] == (day - date(1970, 1, 1)).days


@settings(deadline=None, max_examples=40)
@given(
    st.datetimes(min_value=datetime(1600, 1, 1), max_value=datetime(2400, 1, 1)),
    st.integers(-14 * 60, 14 * 60),
)
def test_iso_text_agrees_with_python(moment: datetime, offset: int) -> None:
    moment = moment.replace(microsecond=0, tzinfo=timezone(timedelta(minutes=offset)))
    assert _read(moment.isoformat()) == moment.timestamp()


@settings(deadline=None, max_examples=40)
@given(st.dates(min_value=date(1900, 1, 1), max_value=date(2100, 1, 1)))
def test_both_orders_agree_with_python(day: date) -> None:
    seconds = datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()
    assert _read(day.strftime("%d/%m/%Y"), "day_first") == seconds
    assert _read(day.strftime("%m/%d/%Y"), "month_first") == seconds


def test_a_cell_that_only_one_order_fits_is_read_in_it() -> None:
    assert _read("13/6/2018", "month_first") == _read("13/6/2018", "day_first")


def test_the_order_is_decided_over_the_column() -> None:
    slashes = day_order(pl.Series(["3/4/2018", "5/13/2018", None]))
    assert (slashes.order, slashes.certain) == ("month_first", True)
    assert slashes.reason == "1 of 2 cells can only be month first, such as '5/13/2018'"
    assert day_order(pl.Series(["13/4/2018", "3/4/2018"])).order == "day_first"
    mixed = day_order(pl.Series(["13/4/2018", "14/4/2018", "4/13/2018"]))
    assert (mixed.order, mixed.certain) == ("day_first", False)


def test_without_a_large_number_the_order_of_the_rows_decides() -> None:
    rising = day_order(pl.Series(["01/02/2018", "02/02/2018", "01/03/2018"]))
    assert (rising.order, rising.certain) == ("day_first", True)
    assert rising.reason == "read day first, the rows are in the order of time"


def test_else_habit_decides_and_says_that_it_is_not_certain() -> None:
    slashes = day_order(pl.Series(["03/04/2018", "01/02/2018", "02/05/2018"]))
    assert (slashes.order, slashes.certain) == ("month_first", False)
    assert day_order(pl.Series(["03.04.2018", "01.02.2018", "02.05.2018"])).order == "day_first"
