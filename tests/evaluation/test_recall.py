"""What a run's own score said of a baseline is said again where that cannot be measured."""

from typing import Any

import pytest

from fathom.evaluation.recall import recalled


def a_score(
    better: bool | None, against: str = "linear", ours: float | None = 9.5
) -> dict[str, Any]:
    return {
        "target": "price",
        "comparisons": [{"against": against, "metric": "rmse", "better": better}],
        "metrics": {"rmse": {"value": ours}},
        "baselines": {against: {"rmse": {"value": 8.25}}},
    }


@pytest.mark.parametrize(
    ("better", "words"),
    [
        (False, "it was worse than linear (rmse 9.5 against 8.25), which cannot be measured here."),
        (None, "it was not shown to be better than linear (rmse 9.5 against 8.25), which cannot be "
               "measured here."),
    ],
)  # fmt: skip
def test_no_better_than_a_baseline_is_said_again(better: bool | None, words: str) -> None:
    told = recalled(a_score(better), "price")
    assert told == f"On the rows held out in its training {words}"
    many = {"targets": [{**a_score(True), "target": "rent"}, a_score(better)]}
    assert recalled(many, "price") == told
    assert recalled(many, "rent") == ""


def test_nothing_is_said_where_there_is_nothing_to_say() -> None:
    assert recalled(a_score(True), "price") == ""
    assert recalled(a_score(False, against="constant"), "price") == ""
    assert recalled(a_score(False), "tax") == ""
    assert recalled({**a_score(False), "comparisons": []}, "price") == ""


def test_a_score_that_could_not_be_had_is_no_figure() -> None:
    told = recalled(a_score(None, ours=None), "price")
    assert "not shown to be better than linear, which cannot" in told
