"""The range test of a table: what `train` would do, and only training rows."""

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from fathom.training.rate_range import RateRange
from fathom.workflow.api import learning_rate_range
from fathom.workflow.run import Run

TINY: dict[str, Any] = {
    "size": "small",
    "network.members": 2,
    "network.width": 31,
    "network.number_dim": 3,
    "training.batch_size": 61,
}


def _rates(data: object, **changes: Any) -> RateRange:
    validation, test = changes.pop("validation", None), changes.pop("test", None)
    settings = {**TINY, **changes}
    return learning_rate_range(data, "price", validation=validation, test=test, settings=settings)


@pytest.fixture(scope="module")
def rows(table: pl.DataFrame) -> pl.DataFrame:
    return table.drop("dear", "worth", "town")


def test_a_rate_is_found_and_drawn(rows: pl.DataFrame, tmp_path: Path) -> None:
    page = tmp_path / "rates.html"
    found = learning_rate_range(rows, "price", settings=TINY, page=page)
    assert found.suggested is not None
    assert 1e-5 < found.suggested < 1
    text = page.read_text(encoding="utf-8")
    assert f'"training.learning_rate": {found.suggested}' in text.replace("&#34;", '"')


def test_rows_held_out_are_not_looked_at(rows: pl.DataFrame) -> None:
    """Targets of other rows may be anything."""
    learned, aside, tested = rows[:131], rows[131:171], rows[171:]
    spoilt = pl.col("price") * 1e6 - 77
    whole = _rates(learned, validation=aside, test=tested)
    other = _rates(learned, validation=aside.with_columns(spoilt), test=tested.with_columns(spoilt))
    assert whole == other
    assert whole != _rates(learned.with_columns(pl.col("price") ** 2), validation=aside)


def test_the_first_loss_is_that_of_the_training(rows: pl.DataFrame, small_train: Any) -> None:
    """The same network, batch and loss as the run begins with."""
    run: Run = small_train(rows, settings={**TINY, "training.epochs": 1.0, "training.checks": 1000})
    recipe = {**TINY, "training.epochs": 1.0, "training.checks": 1000, "split.folds": 0}
    assert run.history[0]["step"] == 1
    assert _rates(rows, **recipe).losses[0] == run.history[0]["loss"]


def test_the_rate_of_the_recipe_plays_no_part_and_its_optimiser_does(rows: pl.DataFrame) -> None:
    usual = _rates(rows)
    assert _rates(rows, **{"training.learning_rate": 7.0}) == usual
    assert _rates(rows, **{"training.optimizer": "rmsprop"}) != usual
