"""What stands in the sections, worked out apart from any page."""

import re
from importlib.resources import files

import numpy as np
import pytest

from fathom.base.records import Finding
from fathom.metrics.catalogue import METRICS
from fathom.reports.card import model_card
from fathom.reports.confusion import MOST_CLASSES, MOST_DRAWN, confusion_view
from fathom.reports.content import (
    ColumnContent,
    Importance,
    ReportContent,
    SpeedContent,
    TargetContent,
)
from fathom.reports.curves import training_section
from fathom.reports.mistakes import mistake_section
from fathom.reports.page import render
from fathom.reports.scores import direction, score_section
from fathom.reports.sections import (
    about_finding,
    column_summary,
    finding_groups,
    importance_bars,
    record_rows,
    time_bars,
)
from fathom.reports.speed import speed_section
from fathom.training.timing import PARTS


def a_target(**changes):
    given = {
        "name": "price",
        "task": "regression",
        "rows": 4128,
        "looks": 1,
        "primary": "rmse",
        "metrics": {"mae": (29.0, 28.0, 30.0), "rmse": (45.1, 43.9, 46.3)},
        "baselines": {
            "constant": {"rmse": (114.9, 112.0, 117.0)},
            "boosted_trees": {"rmse": (48.0, 46.7, 49.3), "mae": (31.0, 30.0, 32.0)},
            "linear": {"rmse": (68.9, 66.5, 71.4)},
        },
    }
    return TargetContent(**{**given, **changes})


def shown(part):
    """What a section has laid out; there must be something."""
    assert part is not None
    return part


def trained(**parts):
    return shown(training_section(ReportContent(title="t", verdict="v", **parts)))


# --- scores


def test_model_first_then_the_best_baseline():
    section = score_section(a_target())
    assert section.names == ("this model", "boosted trees", "linear", "constant")
    assert [row.name for row in shown(section.plot).rows] == list(section.names)
    assert [row.strong for row in shown(section.plot).rows] == [True, False, False, False]


def test_it_is_said_which_rows_chose_the_strongest_baseline():
    """Another one may be ahead of it on the test rows."""
    target = a_target(strongest="linear")
    told = (
        "The strongest baseline is linear: the best on the validation rows by RMSE. The test rows "
        "did not choose it, so that another may be ahead of it here."
    )
    assert score_section(target).strongest == told
    content = ReportContent(title="t", verdict="v", targets=[target])
    assert told in render(content)
    assert told in model_card(content)
    alone = a_target(strongest="linear", baselines={"linear": {"rmse": (68.9, 66.5, 71.4)}})
    assert (score_section(alone).strongest, score_section(a_target()).strongest) == ("", "")


def test_with_several_targets_each_has_its_own_verdict():
    one, two = a_target(verdict="Better by far."), a_target(name="dear", verdict="Worse by far.")
    for page in (render, model_card):
        both = page(ReportContent(title="t", verdict="v", targets=[one, two]))
        alone = page(ReportContent(title="t", verdict="v", targets=[one]))
        assert "Better by far." in both
        assert "Worse by far." in both
        assert "Better by far." not in alone, "it is the report's own verdict there"


def test_where_more_is_better_the_order_turns_round():
    baselines = {"a": {"roc_auc": (0.6, None, None)}, "b": {"roc_auc": (0.9, None, None)}, "c": {}}
    target = a_target(
        task="binary",
        primary="roc_auc",
        metrics={"roc_auc": (0.8, None, None)},
        baselines=baselines,
    )
    assert score_section(target).names == ("this model", "b", "a")


def test_a_baseline_without_the_primary_metric_comes_last():
    baselines = {
        "odd": {"accuracy": (0.5, None, None)},
        "good": {"roc_auc": (0.9, None, None)},
        "broken": {"roc_auc": (float("nan"), None, None)},
    }
    target = a_target(task="binary", primary="roc_auc", metrics={}, baselines=baselines)
    assert score_section(target).names[0] == "good"
    assert {row.name for row in shown(score_section(target).plot).rows} == {"good", "broken"}


def test_the_primary_metric_leads_the_table():
    rows = score_section(a_target()).rows
    assert [(row.name, row.primary) for row in rows] == [("RMSE", True), ("MAE", False)]
    assert rows[0].cells[0] == ("45.1", "43.9 to 46.3")
    assert rows[1].cells[-1] == ("–", "")


def test_scores_of_one_metric_share_their_decimals():
    target = a_target(
        metrics={"r2": (0.84612, 0.8368, 0.8549)},
        baselines={"constant": {"r2": (-0.0001, -0.01, 0)}},
    )
    (row,) = score_section(target).rows
    assert {len(value.lstrip("−").split(".")[1]) for value, _ in row.cells} == {4}


def test_a_hopeless_baseline_is_off_the_scale_and_close_ones_are_not():
    plot = shown(score_section(a_target()).plot)
    assert plot.outside
    drawn = {row.name: "arrow" not in row.chart for row in plot.rows}
    assert drawn == {"this model": True, "boosted trees": True, "linear": False, "constant": False}
    close = {"linear": {"rmse": (46.0, 45.0, 47.0)}, "constant": {"rmse": (47.5, 46.0, 49.0)}}
    assert not shown(score_section(a_target(baselines=close)).plot).outside


def test_without_intervals_all_are_on_the_scale():
    target = a_target(
        metrics={"rmse": (45.0, None, None)},
        baselines={"a": {"rmse": (1000.0, None, None)}, "b": {"rmse": (46.0, None, None)}},
    )
    assert not shown(score_section(target).plot).outside


def test_directions_are_those_of_the_metrics():
    assert direction("regression", "rmse") == "lower is better"
    assert direction("regression", "r2") == "higher is better"
    assert direction("regression", "interval_coverage") == ""
    assert direction("regression", "no_such") == ""
    assert direction("no_such", "rmse") == ""
    for task, table in METRICS.items():
        for name, metric in table.items():
            higher = direction(task, name).startswith("higher")
            assert higher == (metric.greater_is_better is True)


@pytest.mark.parametrize(
    ("looks", "words"),
    [
        (None, "Measured on 4,128 test rows."),
        (1, "Measured on 4,128 test rows, the first model to be scored on them on this machine."),
        (3, "Measured on 4,128 test rows; 3 models were scored on them on this machine."),
    ],
)
def test_looks_are_told(looks, words):
    assert score_section(a_target(looks=looks)).basis == words


def test_no_scores_no_plot():
    section = score_section(TargetContent(name="y"))
    assert section.plot is None
    assert section.rows == ()
    assert (
        score_section(a_target(metrics={"rmse": (float("nan"), None, None)}, baselines={})).plot
        is None
    )


# --- confusion


def test_confusion_cells_by_hand():
    view = shown(confusion_view(np.array([[9, 1], [0, 0]]), ["yes", "no"]))
    assert view.table == (
        (("9", 9, "right", "90 %"), ("1", 1, "wrong", "10 %")),
        (("0", 0, "wrong", ""), ("0", 0, "right", "")),
    )
    assert view.chart is None


def test_the_most_frequent_confusions():
    counts = np.random.default_rng(2).integers(0, 9, (17, 17))
    names = [f"class {i}" for i in range(17)]
    view = shown(confusion_view(counts, names))
    wrong = sorted(
        (int(counts[i, j]) for i in range(17) for j in range(17) if i != j), reverse=True
    )
    assert [int(rows) for _, _, rows, _ in view.pairs] == wrong[:12]
    truth, answer, rows, _ = view.pairs[0]
    assert counts[names.index(truth), names.index(answer)] == int(rows)
    assert truth != answer


def test_a_large_matrix_is_drawn_and_says_what_is_left_out():
    few, many = MOST_CLASSES + 1, MOST_DRAWN + 7
    drawn = shown(confusion_view(np.eye(few, dtype=int), [str(i) for i in range(few)]))
    assert drawn.chart is not None
    assert drawn.table == ()
    assert drawn.note == ""
    cut = shown(confusion_view(np.diag(np.arange(1, many + 1)), [f"<{i}>" for i in range(many)]))
    assert cut.note == f"Drawn are the {MOST_DRAWN} classes with most rows of {many}."
    assert "&lt;6&gt;" not in shown(cut.chart)
    assert f"&lt;{many - 1}&gt;" in shown(cut.chart)


def test_an_empty_matrix_is_nothing_and_a_wrong_one_is_an_error():
    assert confusion_view(np.zeros((3, 3), dtype=int), ["a", "b", "c"]) is None
    with pytest.raises(ValueError, match="a confusion matrix of 2 classes"):
        confusion_view(np.eye(3, dtype=int), ["a", "b"])


# --- mistakes


def test_residuals_are_told_in_words():
    truth = np.arange(101.0)
    prediction = truth + np.where(np.arange(101) < 90, 2.0, 30.0)
    _, errors = mistake_section(a_target(residuals=(truth, prediction))).figures
    assert errors.note == (
        "Half of the rows are off by 2 or less, one in twenty by 30 or more; on average the "
        "predictions are 5.05 too high."
    )


def test_rows_without_a_number_are_counted():
    truth, prediction = np.array([1.0, np.nan, 3.0, 4.0]), np.array([1.0, 2.0, np.inf, 4.0])
    scatter, errors = mistake_section(a_target(residuals=(truth, prediction))).figures
    assert "2 rows without a finite number" in scatter.note
    assert errors.note == "Nineteen rows in twenty are met exactly."
    nothing = mistake_section(a_target(residuals=(np.array([np.nan]), np.array([1.0]))))
    assert nothing.empty


def test_reliability_gap_by_hand():
    bins = [(0.2, 0.1, 30), (0.9, 0.7, 10), (float("nan"), 0.5, 3), (0.5, 0.5, 0)]
    (figure,) = mistake_section(a_target(reliability=bins)).figures
    assert "off by 12.5 percentage points on average, mostly too high" in figure.note
    assert "95 %" not in figure.note
    assert not mistake_section(a_target(reliability=bins[2:])).figures


def test_fractions_by_class_share_their_decimals():
    rows = [{"class": "a", "rows": 31, "recall": 1.0}, {"class": "b", "rows": 1300, "recall": None}]
    section = mistake_section(a_target(per_class=rows))
    assert section.class_headings == ("Class", "Rows", "Recall")
    assert section.per_class == (("a", "31", "1.000"), ("b", "1,300", "–"))


def test_worst_mistakes_show_a_few_cells_and_keep_the_rest():
    cells = {f"c{i}": None if i == 0 else i for i in range(9)}
    item = {"row": 18502, "truth": 1, "answer": "x" * 500, "sure": "91 %", "cells": cells}
    (mistake,) = mistake_section(a_target(worst=[item])).worst
    assert mistake.row == "18,502"
    assert mistake.cells[0] == ("c0", "missing")
    assert [name for name, _ in (*mistake.cells, *mistake.rest)] == list(cells)
    assert len(mistake.answer) < 200
    (bare,) = mistake_section(a_target(worst=[{}])).worst
    assert (bare.row, bare.truth, bare.cells) == ("–", "–", ())


# --- training


def test_training_is_told_in_a_sentence():
    history = [
        {
            "step": 10 * i,
            "loss": 1 / i,
            "learning_rate": 0.1,
            "validation": {"loss": 2 / i, "mae": 3.0},
        }
        for i in range(1, 8)
    ]
    section = trained(history=history, best_step=50)
    assert section.sentence == (
        "Trained for 70 steps, checked 7 times; the weights of step 50 were kept, where the "
        "validation loss was 0.4."
    )
    assert [curve.name for curve in section.curves] == ["Loss", "MAE, validation", "Learning rate"]
    assert "training from 1 to 0.143; validation from 2 to 0.286." in section.curves[0].chart
    assert "log scale" not in section.curves[0].chart


def test_a_loss_that_falls_far_is_drawn_by_ratios():
    history = [{"step": i, "loss": 10.0**-i} for i in range(5)]
    section = trained(history=history)
    assert [curve.name for curve in section.curves] == ["Loss"]
    assert "loss (log scale)" in section.curves[0].chart


def test_null_is_a_cross_and_absent_is_not():
    history = [
        {"step": 1, "loss": None, "validation": {"loss": 1.0}},
        {"step": 2, "loss": 1.0, "validation": {}},
        {"step": 3, "loss": 2.0, "validation": {"loss": 1.5}},
    ]
    section = trained(history=history)
    assert section.curves[0].chart.count("not finite") == 1
    assert "training not finite at 1" in section.curves[0].chart


def test_nothing_finite_draws_nothing():
    history = [{"step": 1, "loss": None, "validation": {"loss": None}}]
    section = trained(history=history)
    assert section.curves == ()
    assert training_section(ReportContent(title="t", verdict="v")) is None


def test_events_keep_their_figures():
    event = {"step": 1200, "event": "roll_back", "why": "not finite", "rate_scale": 0.3}
    section = trained(events=[event])
    assert section.events == (("1,200", "roll back: not finite (rate_scale = 0.3)"),)


# --- the rest


def a_finding(severity, **changes):
    given = {"code": "c", "title": "t", "evidence": "e", "advice": "a"}
    return Finding(severity=severity, **{**given, **changes})


def test_findings_come_worst_first():
    found = [a_finding("low"), a_finding("high"), a_finding("low"), a_finding("medium")]
    groups = finding_groups(found)
    assert [(g.severity, len(g.findings)) for g in groups] == [
        ("high", 1),
        ("medium", 1),
        ("low", 2),
    ]


def test_what_a_finding_is_about_is_cut_with_a_count():
    finding = a_finding("low", columns=tuple(f"c{i}" for i in range(11)), rows=(1234,))
    assert about_finding(finding) == "columns c0, c1, c2, c3, c4, c5, c6, c7 and 3 more; row 1,234"
    assert about_finding(a_finding("low")) == ""


def test_importance_is_sorted_and_folded():
    found = [Importance(f"c{i}", float(i), i - 0.5, i + 0.5) for i in range(23)]
    bars = shown(importance_bars(found, most=5))
    assert [row.name for row in bars.rows] == ["c22", "c21", "c20", "c19", "c18"]
    assert len(bars.rest) == 18
    assert bars.rows[0].interval == "21.50 to 22.50"
    assert importance_bars([]) is None


def test_time_adds_up():
    rows, total = time_bars([("reading", 1.0), ("training", 3.0)])
    assert total == "4.0 s"
    assert [(row.value, row.interval) for row in rows] == [("1.0 s", "25 %"), ("3.0 s", "75 %")]
    assert time_bars([("nothing", 0.0)])[0][0].interval == ""


def test_the_bar_of_a_training_adds_up():
    parts = [("waiting for data", 1.0), ("forward pass", 0.0), ("backward pass", 3.0)]
    section = shown(speed_section(SpeedContent(("Slow.",), parts, (("Rows a second", "7"),))))
    assert [(row.name, row.seconds, row.share) for row in section.rows] == [
        ("waiting for data", "1.0 s", "25 %"),
        ("backward pass", "3.0 s", "75 %"),
    ]
    places = re.findall(r'class="(part-\d)" x="([\d.]+)%" width="([\d.]+)%"', str(section.bar))
    assert places == [("part-1", "0.00", "25.00"), ("part-3", "25.00", "75.00")]
    # The square beside a name has the colour of its part of the bar.
    assert [re.findall(r"part-\d", str(row.swatch)) for row in section.rows] == [
        ["part-1"],
        ["part-3"],
    ]
    assert (section.sentences, section.facts) == (("Slow.",), (("Rows a second", "7"),))


def test_a_training_without_time_has_no_bar():
    assert speed_section(None) is None
    assert speed_section(SpeedContent(parts=[("forward pass", 0.0)])) is None
    assert shown(speed_section(SpeedContent(("Nothing.",)))).bar is None


def test_every_part_of_a_training_has_a_colour_of_its_own():
    style = (files("fathom.reports") / "templates" / "style.css").read_text(encoding="utf-8")
    rules = re.findall(r"\.(part-\d) \{ ([^}]*)\}", style)
    assert [name for name, _ in rules] == [f"part-{place + 1}" for place in range(len(PARTS))]
    assert len({rule for _, rule in rules}) == len(PARTS)


def test_columns_are_counted_by_kind():
    columns = [
        ColumnContent("a", "number", missing_share=0.0),
        ColumnContent("b", "number", missing_share=0.1),
        ColumnContent("c", "date"),
    ]
    assert column_summary(columns) == "3 columns: 2 number, 1 date. Cells are missing in 1 of them."


def test_record_opens_one_level():
    assert record_rows({"data_hash": "ab", "versions": {"torch": "2", "extra": {"x": 1}}}) == (
        ("data hash", ("ab",)),
        ("versions", ("torch 2", "extra x = 1")),
    )
