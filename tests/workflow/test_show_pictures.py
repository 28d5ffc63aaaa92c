"""`show` for pictures: what the network sees of each, in words and as a sheet."""

import gzip
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from PIL import Image

import fathom
from fathom.base.errors import RecipeError
from fathom.workflow.run import Run
from fathom.workflow.show import describe_run, describe_table
from fathom.workflow.show_pictures import is_of_pictures

QUICK: dict[str, Any] = {
    "training.epochs": 1,
    "split.folds": 0,
    "evaluate.baselines": False,
    "evaluate.importance": False,
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("pictures")
    for number in range(40):
        rng = np.random.default_rng(number)
        place = root / ("cat", "dog")[number % 2] / f"{number:02}.png"
        place.parent.mkdir(exist_ok=True)
        pixels = rng.integers(0, 255, (70, 100, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(place)
    return root


@pytest.fixture(scope="module")
def run(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    out = tmp_path_factory.mktemp("runs") / "run"
    return fathom.train(folder, out=out, settings=QUICK, watch=None)


def test_a_folder_is_shown_as_a_network_would_see_it(folder: Path) -> None:
    found = describe_table(folder)
    (told,) = found.content["pictures"]
    assert told["readable"] == 40
    assert told["would_see"].startswith("3 × 72 × 96 (red, green and blue, height, width)")
    assert told["tensor"][0].startswith("3 × 72 × 96 uint8, mean ")
    assert told["tensor"][0].endswith("stretched from 70 × 100 (PNG, RGB)")
    assert "image: 40 pictures" in found.text


def test_means_are_those_of_the_pixels(run: Run, folder: Path, tmp_path: Path) -> None:
    Image.new("RGB", (96, 72), (10, 200, 30)).save(tmp_path / "plain.png")
    Image.new("RGBA", (96, 72), (0, 0, 0, 0)).save(tmp_path / "see_through.png")
    (tmp_path / "torn.png").write_bytes((folder / "cat" / "00.png").read_bytes()[:900])
    batch = describe_run(run, tmp_path).content["batch"]
    told = batch[0]["tensor"]
    assert told[0] == (
        "3 × 72 × 96 uint8, mean 10.0 / 200.0 / 30.0 of 255; as it is in the file (PNG, RGB)"
    )
    assert told[1] == (
        "3 × 72 × 96 uint8, mean 255.0 / 255.0 / 255.0 of 255; "
        "as it is in the file (PNG, RGBA), laid on white"
    )
    assert told[2] == "nothing: the file ends too early"
    assert batch[0]["present"] == [True, True, False]


def test_a_sheet_holds_what_the_network_sees(run: Run, folder: Path, tmp_path: Path) -> None:
    place = tmp_path / "sheet.png"
    found = describe_run(run, folder, place)
    assert f"32 pictures drawn in {place}" in found.text
    pixels = np.asarray(Image.open(place))
    assert pixels.shape == (4 + 4 * 76, 4 + 8 * 100, 3)
    column = run.model.preparation.inputs[0]
    values = column.kind.parse(pl.Series([str(folder / "cat" / "00.png")]))
    (first,) = column.fitted.decode(column.fitted.transform(values).rows(slice(None)))
    assert np.array_equal(pixels[4:76, 4:100], first)


def test_a_sheet_of_a_folder_that_nothing_was_learned_from(folder: Path, tmp_path: Path) -> None:
    describe_table(folder, tmp_path / "sheet.png")
    assert np.asarray(Image.open(tmp_path / "sheet.png")).shape == (308, 804, 3)


def test_several_columns_stand_one_above_the_other(tmp_path: Path) -> None:
    for number in range(6):
        Image.new("L", (20, 20), 40 * number).save(tmp_path / f"a{number}.png")
        Image.new("RGB", (30, 10), (40 * number, 0, 0)).save(tmp_path / f"b{number}.png")
    frame = pl.DataFrame({n: [f"{n}{number}.png" for number in range(6)] for n in "ab"})
    frame.with_columns(y=pl.Series(range(6))).write_csv(tmp_path / "t.csv")
    describe_table(tmp_path / "t.csv", tmp_path / "sheet.png")
    pixels = np.asarray(Image.open(tmp_path / "sheet.png"))
    assert pixels.shape == (4 + 84 + 4 + 34, 4 + 6 * 94, 3)


def test_the_split_to_learn_from_is_shown_of_idx_files(tmp_path: Path) -> None:
    for part, num in (("train", 8), ("t10k", 3)):
        pixels = np.full((num, 5, 4), num, dtype=np.uint8)
        head = bytes([0, 0, 8, 3, 0, 0, 0, num, 0, 0, 0, 5, 0, 0, 0, 4])
        with gzip.open(tmp_path / f"{part}-images-idx3-ubyte.gz", "wb") as file:
            file.write(head + pixels.tobytes())
        with gzip.open(tmp_path / f"{part}-labels-idx1-ubyte.gz", "wb") as file:
            file.write(bytes([0, 0, 8, 1, 0, 0, 0, num]) + bytes(num))
    found = describe_table(tmp_path)
    assert found.content["pictures"][0]["readable"] == 8
    assert found.content["rows"][0]["image"].endswith(" bytes")


def test_a_sheet_needs_pictures(run: Run, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a,b\n1,2\n3,4\n")
    with pytest.raises(RecipeError) as caught:
        describe_table(tmp_path / "t.csv", tmp_path / "x.png")
    assert str(caught.value).splitlines()[0] == "There are no pictures to write."
    assert "expected: a column of pictures that can be read" in str(caught.value)
    with pytest.raises(RecipeError, match=r"There are no rows whose pictures could be drawn"):
        describe_run(run, None, tmp_path / "x.png")


def test_a_sheet_is_a_png(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(RecipeError) as caught:
        describe_table(folder, tmp_path / "sheet.jpg")
    assert "A sheet of pictures is written as a PNG file." in str(caught.value)
    assert "got:      'sheet.jpg'" in str(caught.value)
    assert not (tmp_path / "sheet.jpg").exists()


def test_a_run_is_no_folder_of_pictures(run: Run, folder: Path, tmp_path: Path) -> None:
    assert is_of_pictures(folder)
    assert not is_of_pictures(run.folder)
    assert not is_of_pictures(tmp_path)
