"""The whole score: what stands in score.json, and that nothing is hidden."""

import json

import numpy as np
import pytest

from fathom.base.errors import DataError, RecipeError
from fathom.base.files import read_json, write_json
from fathom.evaluation.ledger import Looks
from fathom.evaluation.replicates import Resampling
from fathom.evaluation.rows import Rows
from fathom.evaluation.score import About, build_score
from fathom.metrics.catalogue import METRICS
from fathom.metrics.record import Answer

PLAN = Resampling(draws=200)


def houses(num_rows: int = 211) -> tuple[Rows, Answer, dict[str, Answer]]:
    rng = np.random.default_rng(0)
    truth = 100 + 20 * rng.normal(size=num_rows)
    ours = Answer(number=truth + 5 * rng.normal(size=num_rows))
    linear = Answer(number=truth + 8 * rng.normal(size=num_rows))
    constant = Answer(number=np.full(num_rows, 100.0))
    return Rows(task="regression", truth=truth), ours, {"constant": constant, "linear": linear}


def flowers(num_rows: int = 151) -> tuple[Rows, Answer, dict[str, Answer]]:
    rng = np.random.default_rng(1)
    truth = rng.integers(0, 3, num_rows)
    raw = rng.random((num_rows, 3)) + np.eye(3)[truth]
    answer = Answer.of_classes(raw / raw.sum(axis=1, keepdims=True))
    constant = Answer.of_classes(np.full((num_rows, 3), 1 / 3))
    rows = Rows(task="multiclass", truth=truth, classes=("a", "b", "c"))
    return rows, answer, {"constant": constant}


def test_score_json_has_the_shape_that_the_design_fixes(tmp_path) -> None:
    rows, ours, baselines = houses()
    about = About(target="price", strongest="linear", looks=Looks(1), seconds=31.2)
    content = build_score(rows, ours, baselines, about, plan=PLAN).to_dict()
    assert content["task"] == "regression"
    assert (content["target"], content["split"]) == ("price", "test")
    assert (content["rows"], content["looks"], content["seconds"]) == (211, 1, 31.2)
    assert set(content["metrics"]["rmse"]) == {"value", "low", "high"}
    rmse = content["metrics"]["rmse"]
    assert rmse["low"] < rmse["value"] < rmse["high"]
    assert set(content["baselines"]) == {"constant", "linear"}
    assert set(content["baselines"]["constant"]) == set(content["metrics"])
    assert content["verdict"].startswith("Better than the strongest baseline: on 211 rows linear")
    assert content["comparisons"][0]["metric"] == content["primary_metric"] == "rmse"
    assert content["notes"] == []
    write_json(tmp_path / "score.json", content)
    again = read_json(tmp_path / "score.json")
    assert again.pop("schema") == 1
    assert again == json.loads(json.dumps(content))


def test_values_are_those_of_the_metrics() -> None:
    rows, ours, baselines = flowers()
    score = build_score(
        rows, ours, baselines, About(target="kind", strongest="constant"), plan=PLAN
    )
    assert score.task == "classification"
    for name, metric in METRICS["multiclass"].items():
        assert score.metrics[name].value == metric.value(rows.truth, ours)
        assert score.baselines["constant"][name].value == metric.value(
            rows.truth, baselines["constant"]
        )
    calibration = score.metrics["expected_calibration_error"]
    assert (calibration.low, calibration.reason) == (None, "resampling inflates it")


def test_each_other_comparison_is_corrected_and_the_primary_is_not() -> None:
    rows, ours, baselines = houses()
    score = build_score(rows, ours, baselines, About(target="p", strongest="linear"), plan=PLAN)
    first, *others = score.comparisons
    assert (first.against, first.corrected) == ("linear", False)
    assert [(one.metric, one.against) for one in others] == [
        ("rmse", "constant"),
        ("mae", "linear"),
        ("median_absolute_error", "linear"),
        ("r2", "linear"),
        ("mape", "linear"),
    ]
    assert all(one.corrected for one in others)


def test_another_primary_metric_may_be_asked_for() -> None:
    rows, ours, baselines = houses()
    about = About(target="p", strongest="linear")
    score = build_score(rows, ours, baselines, about, metric="mae", plan=PLAN)
    assert score.primary_metric == score.comparisons[0].metric == "mae"
    with pytest.raises(RecipeError, match="There is no metric 'mea' for regression"):
        build_score(rows, ours, baselines, about, metric="mea")


def test_a_metric_without_an_interval_may_decide_when_asked_to() -> None:
    rows, ours, baselines = flowers()
    about = About(target="kind", strongest="constant")
    score = build_score(
        rows, ours, baselines, about, metric="expected_calibration_error", plan=PLAN
    )
    assert score.comparisons[0].metric == "expected_calibration_error"


def test_several_seeds_make_a_claim_about_the_recipe() -> None:
    rows, ours, baselines = houses()
    rng = np.random.default_rng(5)
    seeds = [Answer(number=rows.truth + 5 * rng.normal(size=len(rows))) for _ in range(2)]
    about = About(target="p", strongest="linear")
    score = build_score(rows, ours, baselines, about, seeds=seeds, plan=PLAN)
    assert score.recipe is not None
    assert len(score.recipe.scores) == 3
    assert "over 3 seeds its mean rmse" in score.verdict
    assert score.to_dict()["recipe"]["scores"] == score.recipe.scores.tolist()


def test_rows_of_an_unseen_class_are_counted_not_hidden() -> None:
    rows, ours, baselines = flowers()
    truth = rows.truth.copy()
    truth[:10] = -1
    seen = build_score(
        rows.at(np.arange(10, 151)),
        ours.rows(np.arange(10, 151)),
        {"constant": baselines["constant"].rows(np.arange(10, 151))},
        About(target="kind", strongest="constant"),
        plan=PLAN,
    )
    given = Rows(task="multiclass", truth=truth, classes=rows.classes)
    score = build_score(
        given, ours, baselines, About(target="kind", strongest="constant"), plan=PLAN
    )
    assert score.rows == 141
    assert score.metrics == seen.metrics
    hits = int((ours.part("label") == truth).sum())
    assert score.notes[0] == (
        "10 of 151 rows are of a class that was not among the training rows and are left out of "
        f"the scores; counted as mistakes they give an accuracy of {100 * hits / 151:.3g} %."
    )


def test_gaps_are_told() -> None:
    rng = np.random.default_rng(0)
    truth = rng.normal(size=60)
    rows = Rows(
        task="regression",
        truth=truth,
        weight=rng.random(60),
        cluster=rng.integers(0, 12, 60),
    )
    answer = Answer(number=truth + rng.normal(size=60))
    about = About(
        target="p",
        split="validation",
        looks=Looks(None, "looks are not counted: no place"),
        absent={"linear": "could not be fitted: no columns"},
        notes=("Said by the caller.",),
    )
    score = build_score(rows, answer, {}, about, plan=PLAN)
    told = "\n".join(score.notes)
    assert "mape is absent: " in told
    assert "Only 12 clusters: the intervals are rough." in told
    assert "Rows are weighted." in told
    assert "unknown (looks are not counted: no place)" in told
    assert "These rows chose when to stop" in told
    assert score.notes[-1] == "Said by the caller."
    assert score.verdict.startswith("Not compared: no baseline could answer")
    assert (score.looks, score.strongest_baseline) == (None, None)
    assert score.to_dict()["absent_baselines"] == {"linear": "could not be fitted: no columns"}


def test_many_looks_are_told() -> None:
    rows, ours, baselines = houses()
    about = About(target="p", strongest="linear", looks=Looks(4))
    score = build_score(rows, ours, baselines, about, plan=PLAN)
    assert score.looks == 4
    assert score.notes[0].startswith("4 models were scored on these rows on this machine")


def test_one_class_only_gives_a_score_with_gaps() -> None:
    truth = np.zeros(40, dtype=int)
    rows = Rows(task="binary", truth=truth, classes=("no", "yes"))
    rng = np.random.default_rng(0)
    ours, guess = (Answer.of_classes(rng.dirichlet([2, 2], 40)) for _ in range(2))
    score = build_score(
        rows, ours, {"constant": guess}, About(target="sick", strongest="constant"), plan=PLAN
    )
    assert "roc_auc" not in score.metrics
    assert "roc_auc is absent: all rows are of one class." in score.notes
    told = "1 of 2 classes have no row here: 'yes'; averages over classes leave them out."
    assert told in score.notes
    assert "nothing can be said of the difference (all rows are of one class)" in score.verdict
    assert json.dumps(score.to_dict(), allow_nan=False)


def test_no_rows_at_all_do_not_crash() -> None:
    rows = Rows(task="regression", truth=np.empty(0))
    none = Answer(number=np.empty(0))
    score = build_score(rows, none, {"constant": none}, About(target="p", strongest="constant"))
    assert (score.rows, score.metrics) == (0, {})
    assert "there are no rows to score" in score.verdict


def test_answers_that_are_not_numbers_are_told() -> None:
    rows, ours, baselines = houses()
    number = np.asarray(ours.number).copy()
    number[3] = np.nan
    score = build_score(
        rows, Answer(number=number), baselines, About(target="p", strongest="linear"), plan=PLAN
    )
    assert "rmse is absent: 1 of 211 answers are not finite numbers." in score.notes
    assert score.metrics == {}


def test_intervals_of_a_baseline_without_them_are_no_gap() -> None:
    rows, ours, baselines = houses()
    number = np.asarray(ours.number)
    both = Answer(number=number, interval=np.stack([number - 10, number + 10], axis=1))
    score = build_score(rows, both, baselines, About(target="p", strongest="linear"), plan=PLAN)
    assert score.metrics["interval_width"].value == pytest.approx(20.0)
    assert 0.9 < score.metrics["interval_coverage"].value < 1
    assert "interval_coverage" not in score.baselines["linear"]
    assert all("interval" not in one.metric for one in score.comparisons)


def test_sets_are_scored() -> None:
    rng = np.random.default_rng(0)
    truth = (rng.random((120, 3)) < 0.4).astype(int)
    ours = Answer.of_sets(np.clip(0.5 * truth + 0.6 * rng.random((120, 3)), 0, 1))
    rows = Rows(task="multilabel", truth=truth, classes=("a", "b", "c"))
    constant = Answer.of_sets(np.full((120, 3), 0.4))
    score = build_score(
        rows, ours, {"constant": constant}, About(target="tags", strongest="constant"), plan=PLAN
    )
    assert score.task == "multilabel"
    assert set(score.metrics) == {"average_precision", "f1_micro", "f1_macro", "subset_accuracy"}
    assert score.comparisons[0].better is True


def test_a_baseline_that_is_not_there_cannot_be_the_strongest() -> None:
    rows, ours, baselines = houses()
    with pytest.raises(RecipeError, match="'lineer', is not among those given") as caught:
        build_score(rows, ours, baselines, About(target="p", strongest="lineer"))
    assert caught.value.do == "Did you mean 'linear'?"


def test_answers_must_fit_the_rows() -> None:
    rows, ours, baselines = houses()
    short = Answer(number=np.asarray(ours.number)[:-1])
    with pytest.raises(DataError, match="do not have the same number of rows"):
        build_score(rows, short, baselines, About(target="p"))
    with pytest.raises(DataError, match="do not have the same number of rows"):
        build_score(rows, ours, baselines, About(target="p"), seeds=[short])


def test_the_test_rows_choose_nothing() -> None:
    """The baseline that is best on the scored rows is not the one that is compared with."""
    rows, ours, baselines = houses()
    score = build_score(rows, ours, baselines, About(target="p", strongest="constant"), plan=PLAN)
    assert score.comparisons[0].against == "constant"
