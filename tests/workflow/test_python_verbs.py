"""The verbs in Python: the command's words are keywords, and mean the same."""

import inspect
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import fathom
from fathom.base.errors import RecipeError
from fathom.cli.options import Asked

Make = Callable[..., pl.DataFrame]

QUICK = {
    "network.members": 2,
    "network.width": 7,
    "training.epochs": 2.0,
    "split.folds": 0,
    "evaluate.baselines": False,
    "evaluate.importance": False,
}
SAID: dict[str, Any] = {
    "size": "small",
    "seed": 7,
    "group": "town",
    "time_column": "year",
    "weight": "worth",
}


@pytest.mark.parametrize("verb", ["train", "plan"])
def test_what_the_command_calls_a_word_is_a_keyword(verb: str) -> None:
    words = {one.name for one in fields(Asked)} - {"kind"} | {"kinds"}
    assert words <= set(inspect.signature(getattr(fathom, verb)).parameters)


@pytest.mark.parametrize("key", SAID)
def test_a_keyword_means_what_the_setting_means(key: str, table: pl.DataFrame) -> None:
    rows = table.drop("dear")
    ways: list[dict[str, Any]] = [{}, {key: SAID[key]}, {"settings": {key: SAID[key]}}]
    plain, said, setting = (
        [(one.key, one.value, one.said) for one in fathom.plan(rows, "price", **how)]
        for how in ways
    )
    assert said == setting != plain


@pytest.mark.parametrize("key", ["group", "time_column"])
def test_look_takes_the_words_of_reading(key: str, table: pl.DataFrame) -> None:
    rows = table.drop("dear")
    said = fathom.look(rows, "price", **{key: SAID[key]})
    assert said.to_dict() == fathom.look(rows, "price", settings={key: SAID[key]}).to_dict()
    assert said.schema.roles != fathom.look(rows, "price").schema.roles


def test_all_keywords_reach_a_training(table: pl.DataFrame, tmp_path: Path) -> None:
    file = tmp_path / "rows.csv"
    names = tuple(table.drop("dear").columns)
    table.drop("dear").write_csv(file, include_header=False)
    said = {key: value for key, value in SAID.items() if key != "group"}
    run = fathom.train(
        file, ["price"], out=tmp_path / "run", names=names, time="5m", settings=QUICK, **said
    )
    text = (run.folder / "recipe.toml").read_text()
    assert "time = 300.0" in text
    decided = run.record["decided"]
    assert {key: decided[key] for key in said} == said
    assert decided["names"] == list(names)
    assert [one.name for one in run.model.targets] == ["price"]
    assert run.record["weight"] == "worth"


def test_a_word_that_is_said_twice_is_an_error(table: pl.DataFrame) -> None:
    with pytest.raises(RecipeError) as caught:
        fathom.plan(table, "price", seed=1, settings={"seed": 2})
    assert str(caught.value) == (
        "The setting 'seed' was said twice.\n"
        "  where:    seed\n"
        "  expected: one of the two\n"
        "  got:      '1' by an option or argument of its own, '2' among the settings\n"
        "  do:       Leave one of them out."
    )


def test_a_wrong_word_is_told_as_a_setting(table: pl.DataFrame) -> None:
    wrong: Any = ["small"]
    with pytest.raises(RecipeError, match="'size' has a value of the wrong type"):
        fathom.plan(table, "price", size=wrong)
    with pytest.raises(RecipeError, match="The budget is not a length of time") as caught:
        fathom.train(table, "price", time="soon")
    assert (caught.value.where, caught.value.got) == ("time", "'soon'")
