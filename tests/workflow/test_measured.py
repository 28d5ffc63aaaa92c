"""Choices about the machine by the seconds of the whole training."""

from collections.abc import Callable

import polars as pl

from fathom.workflow.engine_speeds import Speed
from fathom.workflow.measured import measured
from fathom.workflow.recipe import Recipe
from fathom.workflow.study import Study, study

Tables = Callable[..., pl.DataFrame]
SAID = {"target": "price", "size": "small", "training.batch_size": 32, "training.precision": "fp32"}


def _made(make_houses: Tables, folds: int = 0) -> Study:
    return study(Recipe.of(SAID | {"split.folds": folds}), make_houses(223).drop("dear"))


def test_what_spares_time_is_taken_and_told(make_houses: Tables) -> None:
    made = _made(make_houses)
    examples = made.resolved.training.num_steps * 32
    speeds = [Speed({}, examples / 100), Speed({"training.fused": False}, examples / 50)]
    (found,) = measured(made, speeds).values()
    assert (found.key, found.value) == ("training.fused", False)
    assert found.reason == "measured here: 50 s of training with false, 100 s with true"


def test_compiling_counts_before_the_first_step(make_houses: Tables) -> None:
    made = _made(make_houses)
    examples = made.resolved.training.num_steps * 32
    compiled = Speed({"training.compile": True}, examples / 50, before=60.0)
    found = measured(made, [Speed({}, examples / 100), compiled])["training.compile"]
    assert found.value is False
    assert found.reason == "measured here: 110 s of training with true, 100 s with false"


def test_every_fold_is_a_training(make_houses: Tables) -> None:
    made = _made(make_houses, folds=3)
    examples = made.resolved.training.num_steps * 32
    speeds = [Speed({}, examples / 100), Speed({"training.fused": False}, examples / 50)]
    (found,) = measured(made, speeds).values()
    assert found.reason == "measured here: 150 s of training with false, 300 s with true"


def test_little_faster_is_no_reason(make_houses: Tables) -> None:
    speeds = [Speed({}, 100.0), Speed({"training.fused": False}, 103.0)]
    assert measured(_made(make_houses), speeds)["training.fused"].value is True


def test_what_was_said_stands(make_houses: Tables) -> None:
    speeds = [Speed({}, 100.0), Speed({"training.precision": "bf16"}, 900.0)]
    assert measured(_made(make_houses), speeds)["training.precision"].value == "fp32"


def test_batches_and_what_could_not_be_measured_are_left_alone(make_houses: Tables) -> None:
    speeds = [
        Speed({}, 100.0),
        Speed({"training.batch_size": 128}, 900.0),
        Speed({"training.compile": True}, why_not="no compiler"),
    ]
    assert measured(_made(make_houses), speeds) == {}
