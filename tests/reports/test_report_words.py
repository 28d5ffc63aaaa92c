"""Figures and names as a page shows them."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import escape

from fathom.reports.words import (
    breakable,
    counted,
    cut,
    decimals_for,
    interval,
    metric_name,
    number,
    seconds,
    setting,
    share,
    writable,
)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (45102.3372, "45,102"),
        (999.6, "1,000"),
        (99.96, "100"),
        (12.3456, "12.3"),
        (0.71234, "0.712"),
        (-0.5, "−0.5"),
        (0.00031, "0.00031"),
        (0.000031, "3.1 × 10⁻⁵"),
        (-2.5e18, "−2.5 × 10¹⁸"),
        (0.0, "0"),
        (-0.0, "0"),
        (4128, "4,128"),
        (np.int64(4128), "4,128"),
        (np.float32(0.5), "0.5"),
        (None, "–"),
        (math.nan, "NaN"),
        (math.inf, "∞"),
        (-math.inf, "−∞"),
    ],
)
def test_numbers(value, text):
    assert number(value) == text


def test_number_with_decimals_keeps_noughts_and_drops_the_sign_of_nought():
    assert number(1.0, 3) == "1.000"
    assert number(-0.0001, 3) == "0.000"
    assert number(-0.0016, 3) == "−0.002"


@given(st.floats(min_value=1e-4, max_value=1e14))
def test_a_shown_number_is_near_the_true_one(value):
    shown = float(number(value).replace(",", "").replace("−", "-"))
    assert shown == pytest.approx(value, rel=0.0051, abs=0.0)


def test_decimals_follow_the_width_of_the_interval():
    assert decimals_for([(45102.3, 43871.1, 46330.2)]) == 0
    assert decimals_for([(0.84612, 0.8368, 0.8549)]) == 4
    assert decimals_for([(0.84612, 0.71, 0.95)]) == 2
    assert decimals_for([(0.5, 0.5, 0.5)]) == 3, "no width: three digits of the value"
    assert decimals_for([(0.0123, None, None)]) == 4
    assert decimals_for([(1e-9, None, None)]) is None
    assert decimals_for([(math.nan, None, None), None]) is None
    assert decimals_for([]) is None


def test_interval_needs_both_ends():
    assert interval(1.0, 2.5, 1) == "1.0 to 2.5"
    assert interval(None, 2.5) == ""
    assert interval(-2.0, -1.0) == "−2 to −1"


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.9042, "90.4 %"), (1.0, "100 %"), (0.0, "0 %"), (1e-9, "< 0.1 %"), (0.9999, "> 99.9 %")],
)
def test_shares(value, text):
    assert share(value) == text


def test_a_share_that_is_not_known_is_a_dash():
    assert share(None) == "–"
    assert share(math.nan) == "–"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0421, "0.04 s"),
        (9.94, "9.9 s"),
        (9.97, "10 s"),
        (59.6, "1 min 00 s"),
        (125, "2 min 05 s"),
        (3599.7, "1 h 00 min"),
        (11520, "3 h 12 min"),
        (None, "–"),
    ],
)
def test_seconds(value, text):
    assert seconds(value) == text


def test_settings_read_as_in_the_recipe():
    assert setting(True) == "true"
    assert setting(None) == "none"
    assert setting(0.1 + 0.2) == "0.3"
    assert setting(1024) == "1024"
    assert setting({"a": [1, 2.5], "b": "x"}) == "a = 1, 2.5, b = x"
    assert setting(np.array([1.5, 2.0])) == "1.5, 2"


def test_small_ones():
    assert metric_name("roc_auc") == "ROC AUC"
    assert metric_name("my_own_metric") == "my own metric"
    assert counted(0, "row") == "0 rows"
    assert counted(1, "row lies", "rows lie") == "1 row lies"
    assert cut("abc", 3) == "abc"
    assert len(cut("a" * 999, 40)) == 40


@given(st.text())
def test_breaks_add_nothing_but_places_to_break(text):
    assert breakable(text).replace("<wbr>", "") == escape(text)


def test_a_long_name_can_break_and_a_figure_cannot():
    pieces = breakable("x" * 97).split("<wbr>")
    assert max(len(piece) for piece in pieces) <= 20
    assert breakable("price_per_room") == "price_<wbr>per_<wbr>room"
    for figure in ("45,102", "−0.0002", "2026-11-01", "3.5"):
        assert "<wbr>" not in breakable(figure)


@given(st.text(st.characters()))
def test_what_is_writable_can_be_written_and_shows_its_true_order(text):
    found = writable(text + "\x00\ud800\u202e\r\n")
    found.encode("utf-8")
    assert not set(found) & {*map(chr, range(9)), "\r", "\x1b", "\u202e", "\u2066"}
    assert found.endswith("\ufffd?\ufffd\n")
