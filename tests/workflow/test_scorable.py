"""Test rows whose target cannot be scored are told of before training, not left out silently."""

from collections.abc import Callable
from typing import Any

import polars as pl
import pytest

from fathom.base.errors import DataError
from fathom.base.records import Finding
from fathom.workflow.evaluate import evaluate
from fathom.workflow.recipe import Recipe
from fathom.workflow.run import Run
from fathom.workflow.study import study

Train = Callable[..., Run]
Make = Callable[..., pl.DataFrame]


def parts(make: Make, *dropped: str) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Rows to learn from and rows to test."""
    return make().drop("worth", *dropped), make(40, 1).drop("worth", *dropped)


def half(table: pl.DataFrame, name: str, cell: object) -> pl.DataFrame:
    """The table with a cell in every other row of a column."""
    odd = pl.int_range(pl.len()) % 2 == 1
    return table.with_columns(pl.when(odd).then(pl.lit(cell)).otherwise(pl.col(name)).alias(name))


def told(found: tuple[Finding, ...], code: str = "rows_not_scored") -> list[Finding]:
    return [finding for finding in found if finding.code == code]


@pytest.mark.parametrize(
    ("target", "cell", "got"),
    [
        ("price", float("inf"), "40 rows that cannot be read as a number (such as 'inf')"),
        ("price", "abc", "40 rows that cannot be read as a number (such as 'abc')"),
        ("dear", "perhaps", "40 rows of a class that no training row has (such as 'perhaps')"),
        ("style", "clay", "40 rows of a class that no training row has (such as 'clay')"),
    ],
)
def test_a_test_without_a_row_to_score_is_refused_before_training(
    make_houses: Make, target: str, cell: Any, got: str
) -> None:
    train, test = parts(make_houses)
    with pytest.raises(DataError) as caught:
        study(Recipe.of({"target": target}), train, test.with_columns(pl.lit(cell).alias(target)))
    assert str(caught.value) == (
        "There are no rows to score.\n"
        "  where:    polars.DataFrame, the test rows\n"
        "  expected: rows whose target can be read and is of a class that training rows have\n"
        f"  got:      in '{target}' {got}\n"
        "  do:       Correct the target there, or give no test rows: some are held out then."
    )


def test_a_kind_that_was_said_changes_nothing(make_houses: Make) -> None:
    train, test = parts(make_houses)
    recipe = Recipe.of({"target": "price"}, {"price": "number"})
    with pytest.raises(DataError, match="40 rows that cannot be read as a number"):
        study(recipe, train, test.with_columns(price=pl.lit("abc")))


def test_a_test_without_targets_is_no_test(make_houses: Make) -> None:
    train, test = parts(make_houses)
    made = study(
        Recipe.of({"target": "price"}), train, test.with_columns(price=pl.lit(float("nan")))
    )
    assert made.material.test is not None
    assert made.material.test.num_rows == 0
    (finding,) = told(made.findings, "target_missing")
    assert finding.evidence == "40 of 40 rows of polars.DataFrame"


@pytest.mark.parametrize(
    ("target", "cell", "why"),
    [
        ("price", float("inf"), "that cannot be read as a number (such as 'inf')"),
        ("dear", "perhaps", "of a class that no training row has (such as 'perhaps')"),
    ],
)
def test_rows_that_are_not_scored_are_counted(
    make_houses: Make, target: str, cell: Any, why: str
) -> None:
    train, test = parts(make_houses)
    made = study(Recipe.of({"target": target}), train, half(test, target, cell))
    (finding,) = told(made.findings)
    assert finding.severity == "medium"
    assert finding.title == f"20 test rows cannot be scored on '{target}'."
    assert finding.evidence == f"Of 40 rows: 20 rows {why}."
    assert finding.rows == (2, 4, 6, 8, 10)
    assert finding.advice.endswith("The score is about the other 20 rows.")


def test_one_target_without_rows_leaves_the_other_its_score(
    make_houses: Make, small_train: Train
) -> None:
    train, test = parts(make_houses)
    empty = test.with_columns(dear=pl.lit(None, dtype=pl.String))
    run = small_train(train, ["price", "dear"], test=empty)
    assert run.score["target"] == "price"
    assert run.score["rows"] == 40
    report = (run.folder / "report.html").read_text()
    assert "No test row can be scored on &#39;dear&#39;, so this target has no score." in report
    scored = evaluate(run, empty)
    assert [score["target"] for score in scored.scores] == ["price"]
    assert scored.input_report[0].title == (
        "No given row can be scored on 'dear', so this target has no score."
    )
    with pytest.raises(DataError) as caught:
        evaluate(run, empty.with_columns(price=pl.lit("abc")))
    assert caught.value.got == (
        "in 'price' 40 rows that cannot be read as a number (such as 'abc'); "
        "in 'dear' 40 rows without a value"
    )


@pytest.mark.parametrize(
    ("name", "cell", "do"),
    [
        (
            "dear",
            "perhaps",
            "Correct the target: none of its classes is known from training; those of 'dear' are "
            "'no', 'yes'.",
        ),
        ("price", "abc", "Correct the target, or give rows in which it can be read."),
        ("dear", None, "Give rows in which the target column is filled."),
    ],
)
def test_what_to_do_about_rows_that_cannot_be_scored_fits_their_cells(
    price_run: Run, dear_run: Run, make_houses: Make, name: str, cell: Any, do: str
) -> None:
    run = {"price": price_run, "dear": dear_run}[name]
    with pytest.raises(DataError, match="There are no rows to score") as caught:
        evaluate(run, make_houses(40, 1).with_columns(pl.lit(cell, pl.String).alias(name)))
    assert caught.value.do == do


def test_rows_that_can_all_be_scored_need_no_words(make_houses: Make) -> None:
    train, test = parts(make_houses)
    assert not told(study(Recipe.of({"target": "style"}), train, test).findings)
