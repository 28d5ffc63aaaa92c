"""Inputs that hold nothing in the scored rows are told before the verdict."""

from collections.abc import Callable
from typing import Any

import polars as pl
import pytest

from fathom.tables.read import read
from fathom.workflow.evaluate import evaluate
from fathom.workflow.lost import lost_inputs
from fathom.workflow.run import Run

Make = Callable[..., pl.DataFrame]
Train = Callable[..., Run]

SWAPPED = {"area": pl.col("style"), "style": pl.col("area").cast(pl.String)}
SENTENCE = (
    "'area', 'style' tell nothing in nearly all of these rows (cells are missing, cannot be read "
    "or hold words that the training rows lack): the model answered without 2 of its 6 inputs. "
)


def _lost(run: Run, rows: pl.DataFrame) -> tuple[str, ...]:
    preparation = run.model.preparation
    return lost_inputs(preparation, preparation.parse(read(rows)))


def test_swapped_columns_stand_before_the_verdict(dear_run: Run, make_houses: Make) -> None:
    news = make_houses(97, seed=5)
    assert len(dear_run.model.preparation.inputs) == 6
    told = evaluate(dear_run, news.with_columns(**SWAPPED)).to_dict()["verdict"]
    assert told.startswith(SENTENCE)
    assert "other rows of the kind" not in told
    assert "tell nothing" not in evaluate(dear_run, news).to_dict()["verdict"]


def test_also_those_of_a_test_file(small_train: Train, make_houses: Make) -> None:
    rows, test = make_houses(120), make_houses(60, seed=5).with_columns(**SWAPPED)
    found = small_train(rows.drop("dear", "worth"), test=test.drop("dear", "worth"))
    assert found.score["verdict"].startswith(SENTENCE)


@pytest.mark.parametrize(
    ("changed", "lost"),
    [
        ({"area": None}, ("area",)),
        ({"area": 1e9, "year": 9999}, ()),
        ({"style": "straw"}, ("style",)),
        ({"style": "BRICK"}, ()),
        ({"rooms": None, "lot": "?"}, ("rooms", "lot")),
    ],
)
def test_what_is_lost(
    changed: dict[str, Any], lost: tuple[str, ...], dear_run: Run, make_houses: Make
) -> None:
    news = make_houses(50, seed=5).with_columns(**{k: pl.lit(v) for k, v in changed.items()})
    assert _lost(dear_run, news) == lost


def test_new_words_are_no_loss_where_words_seldom_come_twice(
    small_train: Train, make_houses: Make
) -> None:
    """Names of streets: most rows bring new ones, in training as later."""

    def rows(num: int, seed: int) -> pl.DataFrame:
        names = [f"street {seed}-{n * 2 // 3}" for n in range(num)]
        return make_houses(num, seed=seed).with_columns(town=pl.Series(names))

    kept = small_train(rows(150, 1).drop("dear", "worth"), kinds={"town": "category"})
    assert _lost(kept, rows(50, 2)) == ()
    gone = small_train(make_houses(150).drop("dear", "worth"), kinds={"town": "category"})
    assert _lost(gone, rows(50, 2)) == ("town",)
