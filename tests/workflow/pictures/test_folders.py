"""Folders and arrays of pictures are trained from and answered as they are."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import fathom
from fathom.base.errors import RecipeError
from fathom.workflow.run import Run
from fathom.workflow.show import describe_run

Square = Callable[[bool, int], bytes]


def test_a_folder_is_trained_from_as_it_is(run: Run) -> None:
    """The target is the folder's name, the split that is called test is tested on."""
    assert run.score["rows"] == 40
    assert run.score["target"] == "class"
    assert run.score["metrics"]["accuracy"]["value"] > 0.9


def test_folders_without_classes_are_answered(run: Run, folder: Path) -> None:
    found = fathom.predict(run, folder / "test" / "right")
    assert found.frame.height == 20
    assert (found.frame["class"] == "right").mean() > 0.8


def test_answers_say_which_picture_they_are_about(run: Run, folder: Path, tmp_path: Path) -> None:
    found = fathom.predict(run, folder / "test" / "right")
    assert found.frame.columns[:3] == ["row", "image", "class"]
    assert found.frame.columns[-1] == "unusual"
    assert found.frame["image"].to_list()[:3] == ["1.png", "11.png", "13.png"]
    whole = fathom.predict(run, folder / "test").frame
    assert whole["image"].to_list()[19:21] == ["left/8.png", "right/1.png"]
    found.write(tmp_path / "answers.csv")
    assert (tmp_path / "answers.csv").read_text().splitlines()[1].startswith("1,1.png,")


def test_pictures_without_a_name_stand_in_no_column(run: Run, square: Square) -> None:
    rows = pl.DataFrame({"image": [square(True, 1), square(False, 2)]})
    frame = fathom.predict(run, rows).frame
    assert frame.columns[:2] == ["row", "class"]


def test_a_folder_is_answered_by_a_run_on_a_table_of_pictures(
    folder: Path, tmp_path: Path, quick: dict[str, Any]
) -> None:
    """Whatever the table called its only input; beside others a folder is not enough."""
    names = [f"{side}/{n + (side == 'right')}.png" for n in range(0, 120, 2)
             for side in ("left", "right")]  # fmt: skip
    bright = [1.0 + n % 7 / 70 if "right" in name else n % 7 / 70 for n, name in enumerate(names)]
    shutil.copytree(folder / "train", tmp_path / "train")
    table = tmp_path / "train" / "table.csv"
    pl.DataFrame({"photo": names, "share": bright}).write_csv(table)
    run = fathom.train(table, "share", out=tmp_path / "run", settings=quick, watch=None)
    frame = fathom.predict(run, folder / "test" / "right").frame
    assert frame.columns[:3] == ["row", "photo", "share"]
    assert frame["photo"].to_list()[:2] == ["1.png", "11.png"]
    assert frame["unusual"].null_count() == 20


@pytest.mark.parametrize("target", [None, "image", "class"])
def test_loose_pictures_are_not_learned(target: str | None, tmp_path: Path, square: Square) -> None:
    for name in ("a.png", "b.png"):
        (tmp_path / name).write_bytes(square(True, 1))
    with pytest.raises(RecipeError) as caught:
        fathom.plan(tmp_path, target)
    assert str(caught.value) == (
        "Loose pictures have no classes, so there is nothing to learn.\n"
        f"  where:    {tmp_path}\n"
        "  expected: a folder for each class with its pictures in it, or a table\n"
        "  got:      2 pictures beside one another\n"
        "  do:       Sort them into a folder for each class, or give a table with their names and "
        "with what is to be learned of each."
    )
    assert "image" in fathom.look(tmp_path).schema.columns


def test_scores_and_answers_are_those_of_the_loaded_run(run: Run, folder: Path) -> None:
    again = fathom.load(run.folder)
    found = fathom.evaluate(again, folder / "test")
    value = found.scores[0]["metrics"]["log_loss"]["value"]
    assert value == pytest.approx(run.score["metrics"]["log_loss"]["value"], rel=1e-5)


def test_look_and_show_tell_of_pictures(folder: Path, run: Run) -> None:
    seen = fathom.look(folder)
    assert seen.schema.columns["image"].kind.name == "image"
    assert not [one for one in seen.findings if one.severity == "high"]


def test_the_same_seed_gives_the_same_bits(
    folder: Path, run: Run, tmp_path: Path, quick: dict[str, Any]
) -> None:
    again = fathom.train(folder, out=tmp_path / "run", settings=quick, watch=None)
    one, two = (each.folder / "model.safetensors" for each in (run, again))
    assert one.read_bytes() == two.read_bytes()


def test_arrays_are_trained_from_as_they_are(tmp_path: Path, quick: dict[str, Any]) -> None:
    """Splits by name; what is answered and scored afterwards comes without and with labels."""
    rng = np.random.default_rng(3)
    arrays: dict[str, np.ndarray] = {}
    for part, num in (("train", 120), ("test", 40)):
        pixels, codes = rng.integers(0, 120, (num, 12, 14), dtype=np.uint8), np.arange(num) % 2
        pixels[codes == 0, :, :7] += np.uint8(130)
        pixels[codes == 1, :, 7:] += np.uint8(130)
        arrays |= {f"x_{part}": pixels / np.float32(255), f"y_{part}": codes}
    np.savez(tmp_path / "all.npz", **arrays)
    run = fathom.train(tmp_path / "all.npz", "y", out=tmp_path / "run", settings=quick, watch=None)
    assert run.score["rows"] == 40
    assert run.score["metrics"]["accuracy"]["value"] > 0.9
    np.savez(tmp_path / "new.npz", x=arrays["x_test"])
    found = fathom.predict(run, tmp_path / "new.npz").frame["y"].cast(pl.Int64).to_numpy()
    assert (found == arrays["y_test"]).mean() > 0.9
    told = [one.code for one in fathom.look(tmp_path / "all.npz").findings]
    assert "pictures_scaled" in told


def test_one_picture_is_answered(run: Run, folder: Path, tmp_path: Path) -> None:
    place = folder / "test" / "right" / "1.png"
    frame = fathom.predict(run, place).frame
    assert frame["image"].to_list() == ["1.png"]
    assert frame["class"].to_list() == ["right"]
    (tmp_path / "a.png").write_bytes(b"rubbish")
    assert "image: " in fathom.predict(run, str(tmp_path / "a.png")).frame["unusual"][0]


def test_of_a_folder_with_splits_the_one_to_test_on_is_answered(run: Run, folder: Path) -> None:
    found = fathom.predict(run, folder)
    assert found.frame.height == 40
    assert "Of several splits the one to test on is taken." in [
        one.title for one in found.input_report
    ]


def test_layers_are_told_once_however_many_views_an_answer_sees(run: Run) -> None:
    names = [name for name, _, _ in describe_run(run).content["layers"]]
    assert len(names) == len(set(names))


def test_pictures_beside_numbers_and_words(
    tmp_path: Path, quick: dict[str, Any], square: Square
) -> None:
    """The answer needs both the picture and the number."""
    rng = np.random.default_rng(5)
    num = 240
    bright, size = rng.random(num) < 0.5, rng.normal(size=num)
    names = [f"{number}.png" for number in range(num)]
    for number, name in enumerate(names):
        (tmp_path / name).write_bytes(square(bool(bright[number]), number))
    answer = np.where(1.5 * bright + size > 0.75, "yes", "no")
    table = pl.DataFrame(
        {"photo": names, "size": size, "town": rng.choice(["a", "b"], num), "answer": answer}
    )
    table.write_csv(tmp_path / "table.csv")
    settings = {**quick, "training.epochs": 30, "network.pictures": "lenet"}
    settings |= {"evaluate.importance": True, "evaluate.baselines": True}
    run = fathom.train(
        tmp_path / "table.csv", "answer", out=tmp_path / "run", settings=settings, watch=None
    )
    assert run.score["metrics"]["accuracy"]["value"] > 0.85
    blind = fathom.predict(run, table.drop("photo"))
    assert blind.frame["unusual"].str.contains("photo: not in the table").all()
