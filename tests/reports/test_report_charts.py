"""Charts against geometry that can be worked out by hand."""

import re
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from fathom.reports.axes import Scale, frame, log_ticks, span, tick_labels, ticks
from fathom.reports.charts import (
    MOST_POINTS,
    Line,
    heat_map,
    histogram,
    line_chart,
    reliability_diagram,
    thinned,
    truth_scatter,
)
from fathom.reports.rows import axis_row, interval_row
from fathom.reports.svg import drawing, tag


def parsed(chart):
    return ElementTree.fromstring(str(chart))


def by_class(chart, name):
    return [e for e in parsed(chart).iter() if name in e.get("class", "").split()]


def place(element, *names):
    return tuple(float(element.get(name)) for name in names)


def points_of(polyline):
    return [tuple(map(float, pair.split(","))) for pair in polyline.get("points").split()]


def titles(chart):
    return [e.text or "" for e in parsed(chart).iter("title")]


def y_of_label(chart, label):
    """Where the grid line with this label lies."""
    text = next(
        e for e in by_class(chart, "tick") if e.text == label and "end" in e.get("class", "")
    )
    grid = [place(e, "y1")[0] for e in by_class(chart, "grid")]
    return min(grid, key=lambda y: abs(y - place(text, "y")[0]))


# --- scales and ticks


def test_scale_by_hand():
    scale = Scale(2, 12, 50, 150)
    assert [scale.at(v) for v in (2, 7, 12, 13)] == [50, 100, 150, 160]
    upwards = Scale(0, 1, 200, 40)
    assert upwards.at(0.25) == 160
    log = Scale(0.01, 100, 0, 8, log=True)
    assert [round(log.at(v), 9) for v in (0.01, 0.1, 1, 100)] == [0, 2, 4, 8]


@given(st.floats(-1e12, 1e12), st.floats(1e-6, 1e12))
@example(0.00017311510946143525, 1e-06)
def test_ticks_lie_inside_and_are_few_and_even(low, width):
    high = low + width
    if high - low < 1e-9 * max(abs(low), abs(high)):
        return
    found = ticks(low, high)
    assert 2 <= len(found) <= 9
    room = 1e-6 * (high - low)
    assert low - room <= found[0]
    assert found[-1] <= high + room
    assert np.allclose(np.diff(found), found[1] - found[0], rtol=1e-3)
    assert len(set(tick_labels(found))) == len(found), "two ticks with the same label"


def test_ticks_of_counts_are_whole():
    assert ticks(0, 2, whole=True) == [0, 1, 2]
    assert ticks(0, 2) == [0, 0.5, 1.0, 1.5, 2.0]


def test_log_ticks():
    assert log_ticks(0.01, 100) == [0.01, 0.1, 1, 10, 100]
    assert log_ticks(0.2, 12) == pytest.approx([0.3, 1, 3, 10])


@pytest.mark.parametrize(
    ("values", "labels"),
    [
        ([0.0, 0.5, 1.0], ["0", "0.5", "1.0"]),
        ([0.0, 20000.0], ["0", "20,000"]),
        ([100000.0, 150000.0], ["100k", "150k"]),
        ([0.0, 2.5e6], ["0", "2.5M"]),
        ([0.0, 3e9], ["0", "3bn"]),
        ([0.0, 2e-5], ["0", "2 × 10⁻⁵"]),
        ([-1.0, 0.0], ["−1", "0"]),
    ],
)
def test_tick_labels(values, labels):
    assert tick_labels(values) == labels


def test_span_is_never_empty_and_does_not_invent_negative_values():
    assert span([]) == (0, 1)
    assert span([np.nan, np.inf]) == (0, 1)
    low, high = span([5.0, 5.0])
    assert low < 5 < high
    assert span([0.0, 10.0], margin=0.1) == (0, 11)
    assert span([-1.0, 9.0], margin=0.1) == (-2, 10)


def test_a_square_frame_is_square():
    box = frame((0, 1), (0, 1), square=True)
    assert box.x.end - box.x.start == pytest.approx(box.y.start - box.y.end)


# --- elements


def test_elements_escape_text_and_attributes():
    made = tag("text", {"class": '"><img onerror="x"', "x": None}, "<script>")
    element = ElementTree.fromstring(str(made))
    assert element.get("class") == '"><img onerror="x"'
    assert element.text == "<script>"
    assert "<script>" not in made
    assert "x" not in element.attrib


def test_a_drawing_says_what_it_shows():
    root = parsed(drawing(10, 5, 'a "b" <c>'))
    assert root.get("role") == "img"
    assert root.get("aria-label") == 'a "b" <c>'
    assert root.get("viewBox") == "0 0 10 5"


# --- curves


def test_line_runs_from_corner_to_corner():
    steps = [0.0, 5.0, 10.0]
    chart = line_chart([Line("validation", steps, [0.0, 0.5, 1.0])], words="w")
    (line,) = by_class(chart, "line")
    (x0, y0), (x1, y1), (x2, y2) = points_of(line)
    left, right = place(by_class(chart, "grid")[0], "x1", "x2")
    assert (x0, x2) == pytest.approx((left, right), abs=0.06)
    assert x1 == pytest.approx((left + right) / 2, abs=0.06)
    assert y0 > y1 > y2
    assert y1 == pytest.approx((y0 + y2) / 2, abs=0.06)
    assert y0 == pytest.approx(y_of_label(chart, "0"), abs=0.06)


def test_line_on_a_log_scale():
    chart = line_chart([Line("loss", [1, 2, 3], [1.0, 10.0, 100.0])], words="w", log=True)
    (_, y0), (_, y1), (_, y2) = points_of(by_class(chart, "line")[0])
    assert y0 - y1 == pytest.approx(y1 - y2, abs=0.11)


def test_best_step_is_marked_where_the_curve_has_it():
    chart = line_chart([Line("v", [0, 30, 100], [3.0, 1.0, 2.0])], words="w", mark=30)
    (mark,) = by_class(chart, "mark")
    assert place(mark, "x1") == pytest.approx(
        points_of(by_class(chart, "line")[0])[1][:1], abs=0.06
    )
    assert [e.text for e in by_class(chart, "mark-name")] == ["best: 30"]


def test_what_is_not_finite_is_a_gap_with_a_cross():
    values = [1.0, 2.0, np.nan, 3.0, np.inf, 4.0, 5.0]
    chart = line_chart([Line("training", range(7), values)], words="w")
    assert [len(points_of(e)) for e in by_class(chart, "line")] == [2, 2]
    assert len(by_class(chart, "dot")) == 1
    assert titles(chart) == ["training not finite at 2", "training not finite at 4"]


def test_two_curves_have_a_legend_one_has_none():
    one, two = Line("training", [1, 2], [1, 2], "plain"), Line("validation", [1, 2], [2, 3])
    assert [e.text for e in by_class(line_chart([one, two], words="w"), "legend")] == [
        "validation",
        "training",
    ]
    assert not by_class(line_chart([one], words="w"), "legend")


def test_thinning_is_the_mean_of_neighbours():
    x, y = np.arange(23.0), np.random.default_rng(3).normal(size=23)
    few_x, few_y = thinned(x, y, most=7)
    for place_, start in enumerate(range(0, 23, 4)):
        assert few_x[place_] == pytest.approx(sum(x[start : start + 4]) / len(x[start : start + 4]))
        assert few_y[place_] == pytest.approx(sum(y[start : start + 4]) / len(y[start : start + 4]))
    assert len(few_x) == 6


# --- reliability


def test_reliability_dots_lie_on_the_diagonal_when_claims_come_true():
    chart = reliability_diagram([(0.1, 0.1, 5), (0.5, 0.5, 50), (0.9, 0.7, 500)], words="w")
    (line,) = by_class(chart, "diagonal")
    x1, y1, x2, y2 = place(line, "x1", "y1", "x2", "y2")
    dots = [place(e, "cx", "cy", "r") for e in by_class(chart, "dot")]

    def above(x, y):
        return (y1 + (y2 - y1) * (x - x1) / (x2 - x1)) - y

    assert above(*dots[0][:2]) == pytest.approx(0, abs=0.05)
    assert above(*dots[1][:2]) == pytest.approx(0, abs=0.05)
    assert above(*dots[2][:2]) < -10, "an observed share below the claim lies below the line"
    assert dots[0][2] < dots[1][2] < dots[2][2]
    assert titles(chart)[2] == "claimed 90 %, came true 70 %, 500 rows"


def test_reliability_intervals_are_drawn_where_given():
    chart = reliability_diagram([(0.5, 0.5, 7, 0.2, 0.8)], words="w")
    (line,) = by_class(chart, "interval")
    y1, y2 = place(line, "y1", "y2")
    assert (y1 + y2) / 2 == pytest.approx(place(by_class(chart, "dot")[0], "cy")[0], abs=0.02)
    assert not by_class(reliability_diagram([(0.5, 0.5, 7)], words="w"), "interval")


def test_rare_claims_get_a_frame_of_their_own():
    chart = reliability_diagram([(0.01, 0.02, 7), (0.07, 0.06, 7)], words="w")
    assert y_of_label(chart, "0.10") < y_of_label(chart, "0.08")


# --- truth and prediction


def test_few_rows_are_points_on_or_off_the_diagonal():
    truth = np.array([1.0, 2.0, 3.0, 4.0, 5.0])
    chart, outside = truth_scatter(truth, truth + np.array([0, 0, 1, 0, -1]), words="w")
    x1, y1, x2, y2 = place(by_class(chart, "diagonal")[0], "x1", "y1", "x2", "y2")
    offsets = [
        (y1 + (y2 - y1) * (x - x1) / (x2 - x1)) - y
        for x, y in (place(e, "cx", "cy") for e in by_class(chart, "point"))
    ]
    assert np.sign(np.round(offsets, 1)).tolist() == [0, 0, 1, 0, -1]
    assert outside == 0


def rows_told(chart):
    found = [re.search(r": ([\d,]+) rows?$", text) for text in titles(chart)]
    return [int(match.group(1).replace(",", "")) for match in found if match]


def test_many_rows_are_counted_and_none_is_lost():
    generator = np.random.default_rng(5)
    truth = generator.normal(size=MOST_POINTS + 331)
    prediction = truth + generator.normal(size=len(truth)) / 5
    prediction[:3] = 1e6
    chart, outside = truth_scatter(truth, prediction, words="w")
    assert not by_class(chart, "point")
    assert outside >= 3
    assert sum(rows_told(chart)) + outside == len(truth)
    shades = [int(e.get("class", "").split("level-")[1]) for e in by_class(chart, "cell")]
    assert min(shades) >= 1, "a square with one row must still be seen"
    assert shades[int(np.argmax(rows_told(chart)))] == 10


# --- histogram


def test_histogram_bars_are_as_high_as_their_counts():
    values = np.random.default_rng(7).normal(size=101)
    chart = histogram(values, words="w", x_name="x", zero=True)
    counts = rows_told(chart)
    assert sum(counts) == 101
    heights = np.array([place(bar, "height")[0] for bar in by_class(chart, "bar")])
    per_row = heights[np.argmax(counts)] / max(counts)
    assert heights == pytest.approx(np.array(counts) * per_row, abs=0.02)
    assert len(by_class(chart, "diagonal")) == 1


def test_histogram_counts_what_lies_far_out():
    values = np.concatenate([np.random.default_rng(7).normal(size=997), [1e9]])
    chart = histogram(values, words="w", x_name="x")
    assert sum(rows_told(chart)) == 998
    assert rows_told(chart)[-1] >= 1
    assert max(rows_told(chart)) < 500, "one far value must not squeeze the rest into one bar"


# --- confusion


def test_heat_map_shades_are_shares_of_the_true_class():
    counts = np.array([[10, 0, 0], [5, 5, 0], [1, 2, 7]])
    chart = heat_map(counts, ["a", "b", "<c>"], np.array([10, 10, 20]), words="w")
    cells = by_class(chart, "cell")
    assert [e.get("class") for e in cells] == [
        "cell right level-10",
        "cell wrong level-5",
        "cell right level-5",
        "cell wrong level-1",
        "cell wrong level-1",
        "cell right level-4",
    ]
    assert titles(chart)[-1] == "<c> answered as <c>: 7 rows, 35 %"
    x0, y0, width = place(cells[0], "x", "y", "width")
    x5, y5 = place(cells[5], "x", "y")
    assert (x5 - x0, y5 - y0) == pytest.approx((2 * width, 2 * width), abs=0.05)


# --- rows of a table


def percent(element, name):
    text = element.get(name)
    assert text.endswith("%")
    return float(text[:-1])


def test_a_dot_and_its_interval():
    chart = interval_row(2.5, 2.0, 4.0, (0.0, 10.0))
    (dot,), (line,) = by_class(chart, "dot"), by_class(chart, "interval")
    assert percent(dot, "cx") == 25
    assert (percent(line, "x1"), percent(line, "x2")) == (20, 40)
    assert parsed(chart).get("aria-hidden") == "true"


@pytest.mark.parametrize(("value", "start", "width"), [(6.0, 20, 60), (-2.0, 0, 20), (0.0, 20, 0)])
def test_a_bar_begins_at_nought(value, start, width):
    (bar,) = by_class(interval_row(value, None, None, (-2.0, 8.0), style="bar"), "bar")
    assert (percent(bar, "x"), percent(bar, "width")) == (start, width)


@pytest.mark.parametrize(("value", "side"), [(11.0, "100%"), (-1.0, "0%")])
def test_what_is_off_the_scale_is_an_arrow_at_its_end(value, side):
    chart = interval_row(value, None, None, (0.0, 10.0))
    assert not by_class(chart, "dot")
    (arrow,) = parsed(chart)
    assert arrow.get("x") == side


def test_an_interval_ends_where_the_scale_ends():
    (line,) = by_class(interval_row(9.0, 8.0, 14.0, (0.0, 10.0)), "interval")
    assert (percent(line, "x1"), percent(line, "x2")) == (80, 100)


def test_a_score_that_does_not_exist_draws_nothing():
    assert len(parsed(interval_row(np.nan, None, None, (0, 1)))) == 0
    assert len(parsed(interval_row(np.nan, None, None, (0, 1), style="bar"))) == 0


def test_the_axis_of_the_rows_labels_its_ends():
    labels = [e for e in by_class(axis_row((0.0, 10.0)), "tick") if e.text]
    assert [(percent(e, "x"), e.text) for e in labels] == [(0, "0"), (100, "10")]


# --- whatever comes


numbers = st.floats(-1e30, 1e30) | st.sampled_from([np.nan, np.inf, -np.inf])


@settings(max_examples=60, deadline=None)
@given(st.lists(numbers, min_size=1, max_size=30))
def test_charts_are_well_formed_whatever_comes(values):
    array = np.array(values)
    known = array[np.isfinite(array)]
    charts = [line_chart([Line("l", range(len(values)), values)], words="w", mark=1)]
    if len(known):
        charts.append(histogram(known, words="w", x_name="x", zero=True))
        charts.append(truth_scatter(known, known[::-1], words="w")[0])
        charts.append(interval_row(known[0], known.min(), known.max(), span(known)))
        charts.append(axis_row(span(known)))
    for chart in charts:
        for element in parsed(chart).iter():
            for name, text in element.attrib.items():
                if name not in ("class", "aria-label"):
                    assert "nan" not in text
                    assert "inf" not in text
