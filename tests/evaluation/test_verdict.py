"""The verdict says first what matters, and claims no more than was measured."""

from dataclasses import replace

import pytest

from fathom.evaluation.compare import Comparison
from fathom.evaluation.verdict import verdict
from fathom.evaluation.words import number_in_words, p_in_words, times_in_words
from fathom.metrics.catalogue import METRICS

RMSE, AUC = METRICS["regression"]["rmse"], METRICS["binary"]["roc_auc"]
BETTER = Comparison(
    metric="rmse", against="boosted_trees", ours=44102.3, theirs=46870.0,
    low=-3600.0, high=-1900.0, p_value=0.002, better=True,
)  # fmt: skip
WORSE = replace(BETTER, ours=46870.0, theirs=44102.3, low=1900.0, high=3600.0, better=False)
UNTOLD = replace(WORSE, low=-400.0, high=6000.0, p_value=0.09, better=None)


def test_better() -> None:
    assert verdict(BETTER, RMSE, 4128) == (
        "Better than the strongest baseline: on 4,128 rows boosted_trees has rmse 46,870, this "
        "model 44,102, lower by 2,768 (95 % interval 1,900 to 3,600); chance alone shows as much "
        "2 times in 1,000. This is said of this one trained model, on other rows of the kind; "
        "whether the same recipe comes out so with another seed was not measured."
    )


def test_higher_is_said_of_metrics_that_should_be_high() -> None:
    told = replace(BETTER, metric="roc_auc", ours=0.91, theirs=0.9, low=0.004, high=0.016)
    assert "higher by 0.01 (95 % interval 0.004 to 0.016)" in verdict(told, AUC, 500)


def test_worse_is_said_first_and_names_the_alternative() -> None:
    words = verdict(WORSE, RMSE, 4128)
    assert words.startswith("Worse than the strongest baseline: on 4,128 rows boosted_trees has")
    assert "Use boosted_trees" in words


def test_undecided_is_not_called_better() -> None:
    words = verdict(UNTOLD, RMSE, 210)
    assert words == (
        "Not shown to be better than the strongest baseline: on 210 rows boosted_trees has rmse "
        "44,102, this model 46,870; the difference of 2,768 (95 % interval -400 to 6,000) may be "
        "chance, which alone shows as much 9 times in 100."
    )


def test_nothing_can_be_said() -> None:
    told = Comparison(metric="rmse", against="linear", ours=1.0, theirs=2.0, reason="only 9 rows")
    assert verdict(told, RMSE, 9) == (
        "Not shown to be better than the strongest baseline: on 9 rows linear has rmse 2, this "
        "model 1, and nothing can be said of the difference (only 9 rows)."
    )
    assert verdict(None, RMSE, 9).startswith("Not compared: no baseline could answer")


def test_the_constant_and_other_metrics_are_not_hidden() -> None:
    constant = replace(UNTOLD, against="constant")
    words = verdict(WORSE, RMSE, 100, [constant])
    assert "not even shown to be better than always giving the same answer" in words
    words = verdict(BETTER, RMSE, 100, [constant])
    assert words.split(". ")[1] == (
        "That says little: this model is not shown to be better than always giving the same answer"
    )
    words = verdict(BETTER, RMSE, 100, [replace(WORSE, against="constant")])
    assert "this model is worse than always giving the same answer" in words
    other = replace(WORSE, metric="mae")
    assert "By other metrics it is worse: mae." in verdict(BETTER, RMSE, 100, [other])
    other = replace(BETTER, metric="mae")
    assert "By other metrics it is better: mae." in verdict(UNTOLD, RMSE, 100, [other])
    assert "By other metrics" not in verdict(BETTER, RMSE, 100, [other])


def test_a_correction_that_hides_what_the_interval_shows_is_told() -> None:
    alone = replace(UNTOLD, against="constant", low=100.0, high=6000.0, p_value=0.052)
    told = "It is not even shown to be better than always giving the same answer"
    words = verdict(WORSE, RMSE, 100, [alone, replace(WORSE, metric="mae")])
    assert f"{told} once it is allowed for that 2 comparisons were made." in words
    chance = replace(UNTOLD, against="constant")
    assert f"{told}." in verdict(WORSE, RMSE, 100, [chance, replace(WORSE, metric="mae")])


def test_finding_more_than_who_finds_nothing_is_no_praise() -> None:
    primary = replace(UNTOLD, metric="roc_auc", against="constant")
    others = [replace(BETTER, metric=one, against="constant") for one in ("f1", "recall", "mcc")]
    assert "By other metrics it is better: mcc." in verdict(primary, AUC, 100, others)


@pytest.mark.parametrize(
    ("better", "start"),
    [
        (True, "The recipe is better"),
        (False, "The recipe is worse"),
        (None, "The recipe is not shown to be better"),
    ],
)
def test_recipe_and_model_are_worded_apart(better: bool | None, start: str) -> None:
    words = verdict(BETTER, RMSE, 100, recipe=(replace(BETTER, better=better), 5))
    assert words.startswith("Better than the strongest baseline")
    assert f"{start}: over 5 seeds its mean rmse is 44,102 against 46,870" in words
    assert "rows and seeds both taken as chance" in words
    assert "was not measured" not in words


def test_a_worse_model_of_a_better_recipe_is_not_better_too() -> None:
    words = verdict(UNTOLD, RMSE, 100, recipe=(BETTER, 5))
    assert "The recipe is better: over 5 seeds" in words


def test_numbers_in_words() -> None:
    given = [0.0, 123456.789, 0.999951, 1e-9, -2.5, float("nan"), 1e20]
    told = ["0", "123,457", "1", "1e-09", "-2.5", "none", "1e+20"]
    assert [number_in_words(value) for value in given] == told
    assert [p_in_words(p) for p in (0.5, 0.0456, 0.0009)] == ["p = 0.5", "p = 0.046", "p < 0.001"]
    given = [1.0, 0.5, 0.00996, 0.0099, 0.001, 0.0009]
    assert [times_in_words(p) for p in given] == [
        "every time",
        "50 times in 100",
        "once in 100",
        "10 times in 1,000",
        "once in 1,000",
        "less than once in 1,000",
    ]


def test_one_baseline_alone_is_not_the_strongest() -> None:
    assert verdict(BETTER, RMSE, 500, only=True).startswith(
        "Better than the only baseline measured: on 500"
    )


@pytest.mark.parametrize(
    ("better", "words"), [(None, "not shown to be better"), (False, "worse"), (True, "")]
)
def test_a_baseline_that_came_nearer_on_the_scored_rows_is_named(
    better: bool | None, words: str
) -> None:
    linear = replace(BETTER, against="linear", theirs=44500.0, better=better)
    said = verdict(BETTER, RMSE, 4128, [linear])
    told = "On these rows linear did better than boosted_trees (rmse 44,500), and this model is"
    assert (f"{told} {words} than it." in said) is bool(words)
    assert (told in said) is bool(words)


def test_a_baseline_that_came_less_near_is_not_named() -> None:
    linear = replace(BETTER, against="linear", theirs=48000.0, better=None)
    assert "linear" not in verdict(BETTER, RMSE, 4128, [linear])
