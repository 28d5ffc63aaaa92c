"""Targets that cannot be learned as they stand: what is said of them leads somewhere."""

from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest

from fathom.base.errors import DataError, RecipeError
from fathom.workflow.recipe import Recipe
from fathom.workflow.study import study

X = np.random.default_rng(0).normal(size=90)


def rows(target: Any) -> pl.DataFrame:
    return pl.DataFrame({"x": X, "y": target})


DAYS = [date(2020, 1, 1) + timedelta(days=day) for day in range(90)]


def refused(table: pl.DataFrame, kinds: dict[str, str] | None = None) -> DataError:
    with pytest.raises(DataError) as caught:
        study(Recipe.of({"target": "y"}, kinds), table)
    return caught.value


@pytest.mark.parametrize("kinds", [None, {"y": "date"}])
def test_a_date_is_to_become_a_number(kinds: dict[str, str] | None) -> None:
    assert str(refused(rows(DAYS), kinds)) == (
        "A column of kind date cannot be a target.\n"
        "  where:    column 'y'\n"
        "  expected: number, category, flag or set\n"
        "  got:      date\n"
        "  do:       Turn it into a number in the file, such as days since a date."
    )


@pytest.mark.parametrize(
    "cells", [DAYS, [[float(x)] for x in X], [{"a": float(x)} for x in X]], ids=repr
)
def test_what_is_no_number_is_not_called_too_few_rows(cells: list[Any]) -> None:
    error = refused(rows(cells), {"y": "number"})
    assert error.what == "The column cannot be read as a number."
    assert error.where == "column 'y'"


def test_lists_of_words_are_sets() -> None:
    table = rows([["a"] if x > 0 else ["b", f"c{place}"] for place, x in enumerate(X)])
    assert study(Recipe.of({"target": "y"}), table).schema.columns["y"].kind.name == "set"


def test_records_are_no_target() -> None:
    error = refused(rows([{"a": float(x)} for x in X]))
    assert error.what == "The target cannot be learned: nearly every row has a value of its own."


def test_an_identifier_is_no_target_and_a_date_neither() -> None:
    with pytest.raises(RecipeError) as caught:
        study(Recipe.of({"target": "y"}, {"y": "identifier"}), rows(X))
    assert caught.value.expected == "number, category, flag or set"


def test_a_target_is_named_once() -> None:
    with pytest.raises(RecipeError) as caught:
        study(Recipe.of({"target": ["y", "y"]}), rows(X))
    assert str(caught.value) == (
        "The target 'y' is named twice.\n"
        "  where:    target\n"
        "  got:      'y', 'y'\n"
        "  do:       Name each target once."
    )
    with pytest.raises(RecipeError) as caught:
        study(Recipe.of({"target": "y", "weight": "y"}), rows(X))
    assert caught.value.what == "'y' is named both as a target and as the weight of rows."


@pytest.mark.parametrize("unit", [1e-160, 1e-310])
def test_numbers_whose_squares_vanish_are_refused(unit: float) -> None:
    error = refused(rows(X * unit))
    assert str(error) == (
        "The target's numbers differ too little to compute with.\n"
        "  where:    column 'y'\n"
        "  expected: a standard deviation of 1e-100 or more, whose square is not 0\n"
        f"  got:      {error.got}\n"
        "  do:       Multiply them by a power of ten."
    )
    assert error.got.startswith("numbers from -")


def test_small_numbers_are_learned() -> None:
    assert study(Recipe.of({"target": "y"}), rows(X * 1e-90)).targets[0].name == "y"


@pytest.mark.parametrize("place", ["test", "validation", "held out"])
def test_numbers_too_large_to_score_are_refused_wherever_they_stand(place: str) -> None:
    far = rows(np.where(np.arange(90) == 4, 1e308, X))
    train = far if place == "held out" else rows(X)
    beside = {} if place == "held out" else {place: far}
    with pytest.raises(DataError) as caught:
        study(Recipe.of({"target": "y", "split.folds": 0}), train, **beside)
    assert caught.value.what == "The target's numbers are too large to compute with."
    assert (caught.value.where, caught.value.got) == ("column 'y'", "1e+308")
