"""look = false and report = false: what they spare, and that it is said."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from PIL import Image as Pillow

from fathom.base.errors import RecipeError
from fathom.columns.image import Image, same_shown
from fathom.workflow.api import resume
from fathom.workflow.recipe import Recipe
from fathom.workflow.run import Run
from fathom.workflow.study import study


def test_rows_that_nobody_looked_at(make_houses: Callable[..., pl.DataFrame]) -> None:
    rows = make_houses(223).with_columns(paid=pl.col("price") * 2)
    looked = study(Recipe.of({"target": "price"}), rows)
    assert "leakage_suspect" in {one.code for one in looked.findings}
    assert list(looked.left_out) == ["paid"]
    trusting = study(Recipe.of({"target": "price", "look": False}), rows)
    assert [one.code for one in trusting.findings] == ["not_looked"]
    assert "paid" in trusting.schema.inputs
    assert trusting.resolved.value("prepare.drop_leaks") is None


def test_dropping_leaks_needs_a_look(make_houses: Callable[..., pl.DataFrame]) -> None:
    said = {"target": "price", "look": False, "prepare.drop_leaks": True}
    with pytest.raises(RecipeError, match="drop_leaks") as caught:
        study(Recipe.of(said), make_houses(223))
    assert "nothing is looked for in the rows" in str(caught.value)


def test_only_a_look_finds_near_copies(tmp_path: Path) -> None:
    draw = np.random.default_rng(0)
    pictures = [draw.integers(0, 256, (32, 32, 3)).astype(np.uint8) for _ in range(40)]
    pictures += [pictures[3], np.clip(pictures[5] * 0.9, 0, 255).astype(np.uint8)]
    paths: list[str] = []
    for number, pixels in enumerate(pictures):
        paths.append(str(tmp_path / f"{number}.png"))
        Pillow.fromarray(pixels).save(paths[-1])
    values = Image().parse(pl.Series("picture", paths))
    searched, plain = same_shown(values), same_shown(values, search=False)
    for found in (searched, plain):
        assert found[3] == found[40]
    assert searched[5] == searched[41]
    assert plain[5] != plain[41]
    assert len(set(plain.tolist())) == 41


def test_a_run_without_a_report(
    make_houses: Callable[..., pl.DataFrame], small_train: Callable[..., Run]
) -> None:
    rows = make_houses(223).drop("dear")
    run = small_train(rows, "price", {"report": False})
    assert not run.report.exists()
    assert run.finished
    assert (run.folder / "MODEL_CARD.md").exists()
    assert json.loads((run.folder / "score.json").read_text())["verdict"]
    assert run._repr_html_() is None
    assert resume(run.folder, rows).folder == run.folder
