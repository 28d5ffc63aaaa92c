"""Importance in a wide table: which columns were measured is said."""

import re
from collections.abc import Callable

import numpy as np
import polars as pl
import pytest

from fathom.workflow import importance
from fathom.workflow.run import Run

Train = Callable[..., Run]
SETTINGS = {"evaluate.importance": True, "training.epochs": 60.0, "training.learning_rate": 0.02}


def wide() -> pl.DataFrame:
    draw = np.random.default_rng(0)
    x = draw.normal(size=(307, 41)).round(4)
    rows = pl.DataFrame({f"x{place}": x[:, place] for place in range(41)})
    return rows.with_columns(y=pl.Series(3 * x[:, 23] + draw.normal(size=307)))


def test_all_columns_of_a_narrow_table_are_measured(small_train: Train) -> None:
    page = small_train(wide(), "y", SETTINGS).report.read_text(encoding="utf-8")
    assert "measured by themselves" not in page
    named = re.findall(r"<bdi>(x\d+)</bdi>", page[page.index('id="importance"') :])
    assert named[0] == "x23"
    assert len(set(named)) == 41


def test_the_report_of_a_wide_table_says_which_columns_were_measured(
    small_train: Train, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importance, "_WIDE", 30)
    monkeypatch.setattr(importance, "_BLOCKS", 1)
    run = small_train(wide(), "y", SETTINGS)
    page = run.report.read_text(encoding="utf-8")
    assert "Of 41 columns, 10 were measured by themselves: those of the 1 blocks of 10" in page
    assert "The largest loss by shuffling any other block as a whole is 0." in page
    section = page[page.index('id="importance"') :]
    named = re.findall(r"<bdi>(x\d+)</bdi>", section)[:10]
    assert named[0] == "x23"
    assert {int(name[1:]) // 10 for name in named} == {2}
