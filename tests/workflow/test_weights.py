"""Row weights that no sum can hold, and one row that rules all others."""

import warnings
from collections.abc import Callable

import numpy as np
import polars as pl
import pytest

from fathom.base.errors import DataError
from fathom.workflow.recipe import Recipe
from fathom.workflow.run import Run
from fathom.workflow.study import study

Train = Callable[..., Run]
WEIGHTED = Recipe.of({"target": "price", "weight": "worth"})


@pytest.mark.parametrize("largest", [1e300, 1.7e308])
def test_huge_weights_are_refused(table: pl.DataFrame, largest: float) -> None:
    place = pl.int_range(pl.len())
    worth = pl.when(place == 6).then(largest).otherwise(1.0)
    rows = table.with_columns(worth=worth, price=pl.when(place > 1).then("price"))
    with pytest.raises(DataError) as caught:
        study(WEIGHTED, rows)
    assert str(caught.value) == (
        "The row weights are too large to compute with.\n"
        "  where:    column 'worth', row 7\n"
        "  expected: weights up to 1e+100, whose squares are finite\n"
        f"  got:      {largest:.3g}\n"
        "  do:       Divide all of them by one number: only their ratios count."
    )


@pytest.mark.parametrize("unit", [2.0**300, 2.0**-900])
def test_only_ratios_of_weights_count(table: pl.DataFrame, small_train: Train, unit: float) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        runs = [
            small_train(
                table.drop("dear").with_columns(worth=pl.col("worth") * factor),
                settings={"weight": "worth"},
            )
            for factor in (1.0, unit)
        ]
    first, second = (run.score["metrics"]["rmse"]["value"] for run in runs)
    assert np.isclose(first, second, rtol=1e-6)


def test_a_row_that_outweighs_all_others_is_told(table: pl.DataFrame) -> None:
    heavy = pl.when(pl.int_range(pl.len()) == 41).then(1e6).otherwise(1.0)
    recipe = WEIGHTED.with_said({"split.test_share": 0.0}, {})
    made = study(recipe, table.with_columns(worth=heavy))
    (finding,) = [one for one in made.findings if one.code == "heavy_row"]
    assert finding.title == "One row has more than half of the whole weight of 'worth'."
    assert finding.evidence == (
        "Row 42 weighs 1e+06 of 1e+06, which is over 99.9 %; there are 211 rows to learn from."
    )
    assert finding.rows == (42,)
    assert not [one for one in study(recipe, table).findings if one.code == "heavy_row"]
