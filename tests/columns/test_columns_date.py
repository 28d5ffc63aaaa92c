import math
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest

from fathom.base.errors import RecipeError
from fathom.base.tensors import Field
from fathom.columns.date import Date, FittedDate


def _fit(cells: Any, **options: Any) -> FittedDate:
    kind = Date(**options)
    return kind.freeze(kind.summarise(kind.parse(pl.Series(cells))))


def _days(first: str, num: int, step: timedelta) -> list[str]:
    start = datetime.fromisoformat(first)
    return [(start + step * row).isoformat(sep=" ") for row in range(num)]


def test_only_parts_that_vary_are_given() -> None:
    hours = _days("2019-03-04 00:00:00", 23, timedelta(hours=1))
    assert _fit(hours).parts == ("time", "hour_sin", "hour_cos")
    weeks = _days("2019-03-04", 3, timedelta(days=7))
    assert _fit(weeks).parts == ("time",)
    years = ["1949-01", "1950-01", "1951-01"]
    assert _fit(years).parts == ("time",)
    months = ["1949-01", "1949-02", "1949-03"]
    assert _fit(months).parts == ("time", "month_sin", "month_cos")
    assert len(_fit(_days("2019-01-31 07:00:00", 61, timedelta(hours=37))).parts) == 7


def test_parts_are_what_the_calendar_says() -> None:
    cells = _days("2019-01-31 07:00:00", 61, timedelta(hours=37))
    fitted = _fit(cells)
    data = fitted.transform(Date().parse(pl.Series(cells))).data
    for row, cell in enumerate(cells):
        moment = datetime.fromisoformat(cell).replace(tzinfo=UTC)
        part = dict(zip(fitted.parts, data[row].tolist(), strict=True))
        turn = 2 * math.pi * (moment.weekday() / 7)
        assert part["weekday_sin"] == pytest.approx(math.sin(turn), abs=1e-5)
        assert part["weekday_cos"] == pytest.approx(math.cos(turn), abs=1e-5)
        turn = 2 * math.pi * (moment.hour / 24 + moment.minute / 1440)
        assert part["hour_sin"] == pytest.approx(math.sin(turn), abs=1e-5)
        turn = 2 * math.pi * (moment.month - 1) / 12
        within = 2 * math.pi * moment.day / 12 / 28
        assert abs(math.atan2(part["month_sin"], part["month_cos"]) % (2 * math.pi) - turn) < within
        seconds = (moment.timestamp() - fitted.mean) / fitted.standard_deviation
        assert part["time"] == pytest.approx(seconds, abs=1e-5)


def test_time_has_mean_zero_and_deviation_one() -> None:
    cells = _days("2001-05-06", 101, timedelta(days=3))
    time = _fit(cells).transform(Date().parse(pl.Series(cells))).data[:, 0].numpy()
    assert time.mean() == pytest.approx(0, abs=1e-6)
    assert time.std() == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize(
    ("cells", "resolution"),
    [
        (["1981-01-01", "1990-12-31", "1985-07-06"], "day"),
        (["2019-03-23 20:21:09", "2019-03-04 16:11:55"], "second"),
        (["2019-03-23 20:21:09.500", "2019-03-23 20:21:11.250"], "fraction"),
    ],
)
def test_text_comes_back_to_the_resolution_of_the_column(cells: list[str], resolution: str) -> None:
    fitted = _fit(cells)
    decoded = fitted.decode(fitted.transform(Date().parse(pl.Series(cells))))
    assert fitted.resolution == resolution
    assert decoded == [cell.replace(" ", "T") for cell in cells]


def test_typed_columns_and_text_agree() -> None:
    text = Date().parse(pl.Series(["2020-02-29", None])).data[0]
    assert Date().parse(pl.Series([date(2020, 2, 29), None])).data[0] == text
    for unit in ("ms", "us", "ns"):
        typed = pl.Series([datetime(2020, 2, 29), None], dtype=pl.Datetime(unit))
        values = Date().parse(typed)
        assert values.data[0] == text
        assert values.present.tolist() == [True, False]
    berlin = pl.Series([datetime(2020, 2, 29, 1)]).dt.replace_time_zone("Europe/Berlin")
    assert Date().parse(berlin).data[0] == text


def test_plain_numbers_are_years_days_or_counts_since_1970() -> None:
    def read(cell: Any, **options: Any) -> float:
        return float(Date(**options).parse(pl.Series([cell])).data[0])

    assert read("964982703") == read(964982703) == read(964982703000) == 964982703.0
    assert read(964982703000, unit="seconds") == 964982703000.0
    assert read(20180601) == read("2018-06-01")
    assert read(2018) == read("2018-01-01")
    assert read(2018, unit="seconds") == 2018.0
    assert read(2018, unit="milliseconds") == 2.018


def test_the_order_of_day_and_month_is_obeyed() -> None:
    raw = pl.Series(["03/04/2018"])
    assert (
        Date(order="day_first").parse(raw).data[0] == datetime(2018, 4, 3, tzinfo=UTC).timestamp()
    )
    assert (
        Date(order="month_first").parse(raw).data[0] == datetime(2018, 3, 4, tzinfo=UTC).timestamp()
    )


def test_what_is_no_date_is_absent_and_told() -> None:
    values = Date().parse(pl.Series(["2018-06-01", "soon", "2018-02-30", "?"]))
    assert values.present.tolist() == [True, False, False, False]
    repair = values.repairs[-1]
    assert (repair.what, repair.count) == ("not a date: read as an absent value", 2)
    assert repair.examples == ("soon", "2018-02-30")


def test_answers_far_outside_still_decode() -> None:
    fitted = _fit(["2018-06-01", "2019-06-01"])
    first = fitted.transform(Date().parse(pl.Series(["2018-06-01"]))).data
    assert fitted.decode(Field(first * 1e9)) == ["0001-01-01"]
    assert fitted.decode(Field(first * np.nan)) == [None]


def test_wrong_options_name_the_right_ones() -> None:
    with pytest.raises(RecipeError, match="Did you mean 'day_first'"):
        Date(order="dayfirst")  # type: ignore[arg-type]
    with pytest.raises(RecipeError, match="There is no unit called 'hours' for dates"):
        Date(unit="hours")  # type: ignore[arg-type]
