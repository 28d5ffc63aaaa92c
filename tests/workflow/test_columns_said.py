"""What is decided and said of columns: kinds in words, and why a column is left out."""

import re
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from fathom.columns.date import Date
from fathom.workflow.material import gather
from fathom.workflow.recipe import Recipe, read_recipe
from fathom.workflow.replay import replay
from fathom.workflow.run import Run, load
from fathom.workflow.study import study
from fathom.workflow.train import resume

Make = Callable[..., pl.DataFrame]
Train = Callable[..., Run]


def column_lines(run: Run) -> dict[str, tuple[str, str]]:
    """Column -> (kind, reason), as resolved.toml says them."""
    text = (run.folder / "resolved.toml").read_text(encoding="utf-8").split("[columns]")[1]
    found = re.findall(r'^(\w+) = "([^"]*)"  # (.*)$', text, re.M)
    return {name: (kind, reason) for name, kind, reason in found}


def test_resolved_toml_says_why_a_column_is_left_out(
    table: pl.DataFrame, small_train: Train
) -> None:
    names = pl.format("house-{}", pl.int_range(pl.len()))
    rows = table.drop("dear").with_columns(
        twice=pl.col("price") * 2, same=pl.lit("x"), name=names, copy=pl.col("area")
    )
    found = column_lines(small_train(rows))
    assert found["twice"] == ("ignored", "left out: 'twice' gives 'price' away.")
    assert found["same"] == ("ignored", "the same value 'x' in 141 rows")
    assert found["name"] == ("identifier", "141 distinct values in 141 rows: each has its own")
    assert found["copy"][0] == "number"  # told, not left out
    assert "distinct numbers" in found["area"][1]


def columns_of(run: Run) -> dict[str, str]:
    """Column -> the cells of its line in the report."""
    page = run.report.read_text(encoding="utf-8")
    rows = re.findall(r"<tr>(.*?)</tr>", page, re.S)
    cells = [re.sub(r"<[^>]*>", " ", row).split() for row in rows]
    return {words[0]: " ".join(words[1:]) for words in cells if words}


def test_why_a_column_is_left_out_survives_a_resume_and_a_replay(
    tmp_path: Path, table: pl.DataFrame, small_train: Train
) -> None:
    file = tmp_path / "rows.csv"
    table.drop("dear").with_columns(twice=pl.col("price") * 2).write_csv(file)
    run = small_train(file)
    told, record = columns_of(run), run.record
    assert told["twice"].startswith("ignored")
    assert "gives" in told["twice"]
    page = run.report.read_text(encoding="utf-8")
    resumed = resume(run.folder)
    assert columns_of(resumed)["twice"] == told["twice"]
    assert resumed.report.read_text(encoding="utf-8").count("you said so") == page.count(
        "you said so"
    )
    again = replay(run, tmp_path / "again")
    assert again.verdict == "same bits"
    second = load(again.folder)
    assert columns_of(second)["twice"] == told["twice"]
    assert second.record["kinds"] == record["kinds"] == {}
    known = {one["key"]: one for one in record["decisions"]}
    assert known["columns.twice"] in second.record["decisions"]


def dates(rows: pl.DataFrame) -> pl.DataFrame:
    """Days of the first twelve of each month, the day first, in no order."""
    day, month = (pl.int_range(pl.len()) * step % 12 + 1 for step in (5, 7))
    text = pl.format("{}/{}/2021", day.cast(pl.String).str.zfill(2), month.cast(pl.String))
    return rows.drop("dear", "year").with_columns(when=text)


@pytest.mark.parametrize("order", ["day_first", "month_first"])
def test_the_order_of_day_and_month_rules_the_split_by_time(order: str, make_houses: Make) -> None:
    rows = dates(make_houses(223))
    recipe = Recipe.of(
        {"target": "price", "time_column": "when", "split.folds": 0}, {"when": f"date:{order}"}
    )
    material = gather(recipe, rows)
    assert material.test is not None
    latest, tested = (
        np.array([cell.split("/")[order == "day_first"] for cell in part.frame["when"]], dtype=int)
        for part in (material.pool, material.test)
    )
    assert latest.max() <= tested.min()


def test_what_was_said_of_a_kind_can_be_trained_from_again(
    make_houses: Make, small_train: Train
) -> None:
    rows = dates(make_houses(223))
    plain = study(Recipe.of({"target": "price"}), rows)
    assert "day_or_month" in {finding.code for finding in plain.findings}
    run = small_train(rows, kinds={"when": "date:day_first"})
    assert column_lines(run)["when"] == ("date:day_first", "you said so")
    content: dict[str, Any] = tomllib.loads((run.folder / "resolved.toml").read_text())
    assert content["columns"]["when"] == "date:day_first"
    again = study(read_recipe(run.folder / "resolved.toml"), rows)
    assert again.schema.columns["when"].kind == Date(order="day_first")
    assert "day_or_month" not in {finding.code for finding in again.findings}


def test_a_weight_is_no_input_that_gives_the_target_away(make_houses: Make) -> None:
    rows = make_houses(223).drop("dear").with_columns(twice=pl.col("price") * 2)
    for said, told in (({}, {"twice"}), ({"weight": "twice"}, set[str]())):
        found = study(Recipe.of({"target": "price", **said}), rows).findings
        assert {f.columns[0] for f in found if f.code == "leakage_suspect"} == told
