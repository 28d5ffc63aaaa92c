"""How pictures are changed at every step, and seen from several sides in an answer."""

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from PIL import Image

import fathom
from fathom.base.errors import RecipeError
from fathom.workflow.recipe import Recipe
from fathom.workflow.run import Run
from fathom.workflow.settings import SETTINGS
from fathom.workflow.study import study

Square = Callable[[bool, int], bytes]


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("augment.flip", True),
        ("augment.flip", "random"),
        ("augment.shift", 4),
        ("augment.cutout", 5),
        ("augment.rotate", 20),
        ("augment.scale", 0.2),
        ("augment.crop", 0.6),
        ("augment.colour", 0.4),
        ("augment.blur", 0.5),
        ("augment.mixup", 0.3),
        ("augment.cutmix", 1.0),
        ("training.hold_norm", True),
        ("network.channels", 5),
    ],
)
def test_every_change_of_pictures_changes_the_training(
    key: str, value: object, folder: Path, run: Run, tmp_path: Path, quick: dict[str, Any]
) -> None:
    found = fathom.train(folder, out=tmp_path / "run", settings={**quick, key: value}, watch=None)
    ours, theirs = (each.folder / "history.jsonl" for each in (found, run))
    assert ours.read_bytes() != theirs.read_bytes()


@pytest.mark.parametrize(
    ("key", "value"), [("network.both_sides", True), ("network.nudged", False)]
)
def test_views_change_answers_and_not_the_training(
    key: str, value: bool, folder: Path, run: Run, tmp_path: Path, quick: dict[str, Any]
) -> None:
    found = fathom.train(folder, out=tmp_path / "run", settings={**quick, key: value}, watch=None)
    ours, theirs = found.folder, run.folder
    history, answers = "history.jsonl", Path("predictions") / "validation.parquet"
    assert (ours / history).read_bytes() == (theirs / history).read_bytes()
    assert not pl.read_parquet(ours / answers).equals(pl.read_parquet(theirs / answers))


def test_a_flip_alternates_where_nothing_else_is_said(folder: Path, quick: dict[str, Any]) -> None:
    """On, that is; the trial says whether it is."""
    for said, found in ((True, "alternating"), ("random", "random"), (False, "none")):
        recipe = Recipe.of({**quick, "augment.flip": said})
        assert study(recipe, folder).resolved.augment.flip == found


@pytest.mark.parametrize("key", [one.key for one in SETTINGS if one.key.startswith("augment.")])
def test_pictures_alone_can_be_changed(key: str) -> None:
    """Whatever the key is, and whatever it is set to."""
    rows = {"x": [n / 7 for n in range(60)], "y": [n % 11 / 3 for n in range(60)]}
    value = True if key == "augment.flip" else 1
    with pytest.raises(RecipeError, match=rf"'{key}' would have no effect(.|\n)*no input is a pic"):
        fathom.plan(rows, "y", settings={key: value})


@pytest.mark.parametrize(
    ("key", "value", "told"),
    [
        ("augment.flip", "never", "cannot be 'never'(.|\n)*'alternating', 'random'"),
        ("augment.rotate", 181, "out of its range(.|\n)*from 0 up to 180(.|\n)*181"),
        ("augment.crop", 0.0, "out of its range(.|\n)*from 0.01 up to 1"),
        ("augment.colour", 1.5, "out of its range(.|\n)*from 0 up to 1"),
        ("augment.scale", -0.1, "out of its range(.|\n)*got: +-0.1"),
        ("augment.blur", "much", "of the wrong type(.|\n)*a number"),
    ],
)
def test_changes_out_of_range_are_told(key: str, value: object, told: str) -> None:
    with pytest.raises(RecipeError, match=told):
        Recipe.of({key: value})


@pytest.mark.parametrize(("side", "usual"), [(64, (1.0, 0.0, 2)), (96, (0.7, 0.2, 0))])
def test_large_pictures_are_cropped_and_relit_in_place_of_shifts(
    side: int, usual: tuple[float, ...], run: Run, tmp_path: Path, square: Square
) -> None:
    """By the size that the network reads: a trained one that is started from brings its own."""
    for number in range(40):
        place = tmp_path / ("left", "right")[number % 2] / f"{number}.png"
        place.parent.mkdir(exist_ok=True)
        with Image.open(io.BytesIO(square(number % 2 == 1, number))) as image:
            image.resize((60, side)).save(place)
    decided = {made.key: made.value for made in fathom.plan(tmp_path)}
    names = ("crop", "colour", "shift")
    assert tuple(decided[f"augment.{name}"] for name in names) == usual
    settings = {"transfer.from": str(run.folder)}
    small = {made.key: made.value for made in fathom.plan(tmp_path, settings=settings)}
    assert tuple(small[f"augment.{name}"] for name in names) == (1.0, 0.0, 2)
    assert decided["augment.rotate"] == decided["augment.blur"] == decided["augment.scale"] == 0


@pytest.mark.parametrize("key", ["augment.mixup", "augment.cutmix"])
def test_pictures_beside_other_columns_are_not_mixed(
    key: str, tmp_path: Path, square: Square
) -> None:
    """A blend of two pictures belongs to neither number."""
    for number in range(60):
        (tmp_path / f"{number}.png").write_bytes(square(number % 2 == 0, number))
    rows: dict[str, list[Any]] = {"photo": [f"{number}.png" for number in range(60)]}
    rows |= {"size": [n * n % 17 / 3 for n in range(60)], "y": [n % 7 / 2 for n in range(60)]}
    pl.DataFrame(rows).write_csv(tmp_path / "table.csv")
    told = rf"'{key}' would have no effect(.|\n)*other inputs than the one picture cannot be mixed"
    with pytest.raises(RecipeError, match=told):
        fathom.plan(tmp_path / "table.csv", "y", settings={key: 0.2})


def test_mixed_batches_are_split_without_a_trace(
    folder: Path, tmp_path: Path, quick: dict[str, Any]
) -> None:
    """But for the rounding of sums in another order."""
    settings = {**quick, "training.epochs": 2, "augment.mixup": 0.5, "augment.cutmix": 0.5}
    settings |= {"training.precision": "fp32", "network.pictures": "lenet"}
    losses: list[list[float]] = []
    for pieces in (1, 3):
        out = tmp_path / str(pieces)
        run = fathom.train(
            folder, out=out, settings={**settings, "training.accumulate": pieces}, watch=None
        )
        history = (run.folder / "history.jsonl").read_text().splitlines()
        losses.append([json.loads(line)["loss"] for line in history])
    assert losses[0] == pytest.approx(losses[1], rel=1e-3)


def test_mirroring_is_tried_and_the_reason_tells_the_figures(folder: Path) -> None:
    """Left and right are the classes here, so that a mirrored picture shows the other one."""
    decided = {made.key: made for made in fathom.plan(folder)}
    assert decided["augment.flip"].value is False
    assert "is of the same class for 100 %, and only for 0 % once mirrored" in (
        decided["augment.flip"].reason
    )
