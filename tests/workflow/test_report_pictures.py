"""The report of a run with pictures: which are shown, and that it never fails for one."""

import base64
import io
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch
from PIL import Image

import fathom
from fathom.models.preparation import Column
from fathom.tables.augment import Augmentation
from fathom.workflow.albums import albums, groups
from fathom.workflow.judge import truth_of
from fathom.workflow.learn import Learned, learn
from fathom.workflow.looks import Held, looks
from fathom.workflow.mistakes import confused, worst
from fathom.workflow.recipe import Recipe
from fathom.workflow.run import Run
from fathom.workflow.study import Study, study
from fathom.workflow.tiles import picture_columns, pictures_of
from fathom.workflow.train import settle

QUICK: dict[str, Any] = {
    "training.epochs": 3,
    "training.batch_size": 32,
    "split.folds": 0,
    "evaluate.baselines": False,
    "evaluate.importance": False,
}
NAMES = ("<b>left</b>", "right")


def square(bright: bool, seed: int, colour: bool = True) -> Image.Image:
    """A noisy picture, mostly bright in its left or right half, so that mistakes are made."""
    rng = np.random.default_rng(seed)
    pixels = rng.integers(0, 150, (12, 14, 3), dtype=np.uint8)
    bright = bright != (rng.random() < 0.15)
    pixels[:, 7:] += np.uint8(100 if bright else 0)
    pixels[:, :7] += np.uint8(0 if bright else 100)
    return Image.fromarray(pixels if colour else pixels[..., 0])


def shown(run: Run) -> list[np.ndarray]:
    """The pictures of a report."""
    files = re.findall(r'src="data:image/png;base64,([^"]+)"', run.report.read_text("utf-8"))
    return [np.asarray(Image.open(io.BytesIO(base64.b64decode(file)))) for file in files]


def heading(run: Run, words: str) -> bool:
    return bool(re.search(rf"<h[23][^>]*>{words}<", run.report.read_text("utf-8")))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two classes; a name that would act on a page stands in a table, where it can."""
    root = tmp_path_factory.mktemp("pictures")
    for split, num in (("train", 120), ("test", 40)):
        rows: list[tuple[str, str]] = []
        for number in range(num):
            name = f"{split}{number}.png"
            square(number % 2 == 1, 1000 * num + number).save(root / name)
            rows.append((name, NAMES[number % 2]))
        frame = pl.DataFrame(rows, schema=["photo", "side"], orient="row")
        frame.write_csv(root / f"{split}.csv")
    return root


@pytest.fixture(scope="module")
def run(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    out = tmp_path_factory.mktemp("runs") / "run"
    return fathom.train(
        folder / "train.csv",
        "side",
        test=folder / "test.csv",
        out=out,
        settings={**QUICK, "augment.shift": 3},
        watch=None,
    )


def test_training_pictures_are_shown_and_no_test_picture(run: Run, folder: Path) -> None:
    """Bit by bit; what is looked at becomes known."""
    found = {one.tobytes() for one in shown(run)}
    by_split = {
        split: sum(
            np.asarray(Image.open(place)).tobytes() in found
            for place in folder.glob(f"{split}*.png")
        )
        for split in ("train", "test")
    }
    assert by_split["train"] >= 12
    assert by_split["test"] == 0


def test_every_part_is_there(run: Run) -> None:
    html = run.report.read_text("utf-8")
    for words in ("Pictures", "A few of the training pictures", "As training meets them",
                  "Taken for one another", "The worst mistakes", "Where it looks"):  # fmt: skip
        assert heading(run, words), words
    assert "augment.shift: 3 (you said so)" in html
    assert "the most alike picture" in html or "not tried" in html
    assert "3 × 12 × 14 (red, green and blue, height, width)" in html
    assert "First layer" in html
    assert "stages.0" in html
    assert len(html) < 2_000_000


def test_names_of_classes_are_escaped(run: Run) -> None:
    html = run.report.read_text("utf-8")
    assert "<b>left</b>" not in html
    assert "&lt;b&gt;left&lt;/b&gt;" in html


def test_a_resumed_run_shows_the_same_pictures(run: Run, folder: Path, tmp_path: Path) -> None:
    before = [one.tobytes() for one in shown(run)]
    run.report.unlink()
    again = fathom.resume(run.folder, watch=None)
    assert [one.tobytes() for one in shown(again)] == before


def test_a_table_without_pictures_has_no_such_section(table: pl.DataFrame, tmp_path: Path) -> None:
    run = fathom.train(
        table.drop("price"), "dear", out=tmp_path / "run", settings=QUICK, watch=None
    )
    assert shown(run) == []
    assert not heading(run, "Pictures")


# --- many circumstances


def rows_of(tmp_path: Path, num: int = 90) -> pl.DataFrame:
    """Two columns of pictures, grey and in colour, beside a number; one broken, one missing."""
    rng = np.random.default_rng(1)
    bright = rng.random(num) < 0.5
    for number in range(num):
        square(bool(bright[number]), number).save(tmp_path / f"a{number}.png")
        square(bool(bright[number]), 500 + number, colour=False).save(tmp_path / f"b{number}.png")
    (tmp_path / "a7.png").write_bytes(b"no picture")
    front = [None if number == 3 else f"a{number}.png" for number in range(num)]
    return pl.DataFrame(
        {
            "front": front,
            "back": [f"b{number}.png" for number in range(num)],
            "size": rng.normal(size=num).round(3),
            "price": (10 * bright + rng.normal(size=num)).round(3),
            "side": np.where(bright, "right", "left"),
        }
    )


def test_numbers_from_two_columns_of_pictures_in_folds(tmp_path: Path) -> None:
    rows_of(tmp_path).drop("side").write_csv(tmp_path / "t.csv")
    settings = {**QUICK, "split.folds": 2, "network.pictures": "lenet"}
    run = fathom.train(
        tmp_path / "t.csv", "price", out=tmp_path / "run", settings=settings, watch=None
    )
    html = run.report.read_text("utf-8")
    assert {one.ndim for one in shown(run)} == {2, 3}, "grey and in colour"
    assert html.count("Where the score reacts") == 12, "six rows, two columns"
    assert html.count("What speaks for the answer") == 12
    assert "Taken for one another" not in html, "numbers are not confused"
    for name in ("front", "back"):
        assert heading(run, f"<bdi>{name}</bdi>") or f"<bdi>{name}</bdi></h3>" in html


def made_of(folder: Path, target: str, **settings: Any) -> tuple[Study, Learned]:
    recipe = Recipe.of({**QUICK, "target": target, **settings})
    made = study(recipe, folder / "t.csv")
    return made, learn(made.material, made.schema, made.resolved)


def parts(made: Study, learned: Learned) -> tuple[Any, ...]:
    """All that the report takes from pictures."""
    learned, choices = settle(made, learned)
    column = learned.model.targets[0]
    truth = truth_of(column, made.material.pool.rows(learned.held_rows), made.schema)
    answer = learned.held[column.name]
    asked = (column, choices[column.name])
    return (
        albums(made, learned),
        worst(made, learned, asked, truth, answer),
        confused(made, learned, asked, truth, answer),
        looks(made, learned, Held(truth, answer, choices[column.name].threshold)),
    )


def test_broken_and_missing_pictures_are_left_out(tmp_path: Path) -> None:
    rows_of(tmp_path).drop("price", "back").write_csv(tmp_path / "t.csv")
    made, learned = made_of(tmp_path, "side")
    column = picture_columns(learned.model.preparation)[0]
    found = pictures_of(column, made.material.pool)
    rows = made.material.pool.column("front").to_list()
    assert [name for name, one in zip(rows, found, strict=True) if one is None] == [None, "a7.png"]
    shown_albums, _, _, shown_looks = parts(made, learned)
    tiles = [tile for strip in shown_albums[0].samples for tile in strip.tiles]
    assert all(tile.pixels.any() for tile in tiles)
    assert shown_looks[0].rows


def test_files_that_went_missing_meanwhile_are_passed_over(tmp_path: Path) -> None:
    rows_of(tmp_path).drop("price", "back").write_csv(tmp_path / "t.csv")
    made, learned = made_of(tmp_path, "side")
    for place in tmp_path.glob("a*.png"):
        place.unlink()
    shown_albums, shown_worst, shown_confused, shown_looks = parts(made, learned)
    assert shown_albums[0].samples == []
    assert shown_albums[0].changed == []
    assert "cannot be read (any more): 12" in shown_albums[0].notes[0]
    assert all(item["pictures"] == [] for item in shown_worst)
    assert shown_worst[0]["cells"]["front"].endswith(".png")
    assert shown_confused == []
    assert shown_looks[0].rows == []
    assert shown_looks[0].filters is not None, "the network is still there"


def test_changed_pictures_are_those_of_the_training(tmp_path: Path) -> None:
    """By the run's own augmentation, with the place among the training rows and the seed."""
    rows_of(tmp_path).drop("price", "back").write_csv(tmp_path / "t.csv")
    made, learned = made_of(tmp_path, "side", **{"augment.shift": 3, "augment.flip": True})
    (album,) = albums(made, learned)
    train = made.material.pool.rows(made.material.parts[0][0])
    every = pictures_of(picture_columns(learned.model.preparation)[0], train)
    for strip in album.changed:
        original, *versions = [tile.pixels for tile in strip.tiles]
        (row,) = [n for n, one in enumerate(every) if one is not None and (one == original).all()]
        pixels = torch.from_numpy(original.transpose(2, 0, 1).copy())[None]
        change = Augmentation(flip="alternating", shift=3)
        for step, version in enumerate(versions, start=1):
            seed = made.resolved.training.seed
            again = change.apply(pixels, torch.tensor([row]), seed, step, epoch=step)
            assert np.array_equal(version, again[0].permute(1, 2, 0).numpy())
    assert len({tile.pixels.tobytes() for tile in album.changed[0].tiles}) > 3


def test_nothing_is_changed_where_that_was_decided(tmp_path: Path) -> None:
    rows_of(tmp_path).drop("price", "back").write_csv(tmp_path / "t.csv")
    off = {"augment.shift": 0, "augment.flip": False}
    made, learned = made_of(tmp_path, "side", **off)
    (album,) = albums(made, learned)
    assert album.changed == []
    assert "augment.flip: false (you said so)" in album.changes


def test_confused_pictures_are_those_that_were_confused(tmp_path: Path) -> None:
    rows_of(tmp_path).drop("price", "back").write_csv(tmp_path / "t.csv")
    made, learned = made_of(tmp_path, "side")
    _, _, strips, _ = parts(made, learned)
    held = made.material.pool.rows(learned.held_rows)
    every = pictures_of(picture_columns(learned.model.preparation)[0], held)
    truth = held.column("side").to_list()
    for strip in strips:
        true, _, answered = strip.name.partition(", taken for ")
        assert true != answered
        for tile in strip.tiles:
            rows = [n for n, one in enumerate(every) if one is not None
                    and np.array_equal(one, tile.pixels)]  # fmt: skip
            assert {truth[row] for row in rows} == {true}


def test_the_worst_are_told_by_the_answer_that_is_given(tmp_path: Path) -> None:
    """With a threshold of two classes the answer need not be the likelier class."""
    rows_of(tmp_path).drop("price", "back").write_csv(tmp_path / "t.csv")
    made, learned = made_of(tmp_path, "side")
    learned, choices = settle(made, learned)
    column = learned.model.targets[0]
    truth = truth_of(column, made.material.pool.rows(learned.held_rows), made.schema)
    choice = replace(choices["side"], threshold=0.0)
    found = worst(made, learned, (column, choice), truth, learned.held["side"])
    assert {item["answer"] for item in found} == {column.fitted.levels[1]}  # pyright: ignore[reportAttributeAccessIssue]


def test_numbers_are_put_into_ranges_of_as_many_rows(tmp_path: Path) -> None:
    rows_of(tmp_path).drop("side", "back").write_csv(tmp_path / "t.csv")
    made = study(Recipe.of({**QUICK, "target": "price"}), tmp_path / "t.csv")
    column: Column = made.targets[0]
    truth = truth_of(column, made.material.pool, made.schema)
    found, total = groups(column, truth)
    assert total == 0
    assert sum(len(one.rows) for one in found) == len(truth.known)
    assert max(len(one.rows) for one in found) - min(len(one.rows) for one in found) <= 2
    assert len(found) == 4


def test_many_classes_are_cut_and_told(tmp_path: Path) -> None:
    frame = rows_of(tmp_path).drop("side", "back", "price")
    classes = pl.Series("side", [f"c{number % 15}" for number in range(frame.height)])
    frame.with_columns(classes).write_csv(tmp_path / "t.csv")
    made, learned = made_of(tmp_path, "side")
    (album,) = albums(made, learned)
    assert len(album.samples) == 12
    assert album.notes[-1] == "3 further classes are not shown."
