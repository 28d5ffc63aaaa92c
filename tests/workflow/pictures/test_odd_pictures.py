"""Pictures that cannot be read, copies, and what is noticed."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import fathom
from fathom.base.errors import DataError, RunError, Stopped
from fathom.tables.schema import Roles
from fathom.workflow.parts import facts_of
from fathom.workflow.run import Run, load
from fathom.workflow.show import describe_run
from fathom.workflow.train import resume

Square = Callable[[bool, int], bytes]


def test_a_broken_picture_is_answered_as_missing_and_told(
    run: Run, tmp_path: Path, square: Square
) -> None:
    (tmp_path / "a.png").write_bytes(square(True, 1))
    (tmp_path / "b.png").write_bytes(square(True, 2)[:150])
    found = fathom.predict(run, tmp_path)
    assert found.frame["unusual"].to_list()[0] is None
    assert "image: " in found.frame["unusual"].to_list()[1]


def test_a_picture_of_one_tone_is_unusual(run: Run, tmp_path: Path, square: Square) -> None:
    (tmp_path / "a.png").write_bytes(square(True, 1))
    Image.new("RGB", (24, 24), (200, 30, 30)).save(tmp_path / "b.png")
    found = fathom.predict(run, tmp_path)
    assert found.frame["unusual"].to_list() == [None, "image: of one tone"]


def test_colour_is_unusual_where_training_pictures_were_grey(
    tmp_path: Path, quick: dict[str, Any]
) -> None:
    rng = np.random.default_rng(0)
    for number in range(40):
        place = tmp_path / "grey" / ("dark", "light")[number % 2] / f"{number}.png"
        place.parent.mkdir(parents=True, exist_ok=True)
        pixels = rng.integers(0, 100, (16, 16), dtype=np.uint8) + 100 * (number % 2)
        Image.fromarray(pixels.astype(np.uint8)).save(place)
    trained = fathom.train(tmp_path / "grey", settings=quick, out=tmp_path / "run")
    new = tmp_path / "new"
    new.mkdir()
    grey = rng.integers(0, 255, (16, 16), dtype=np.uint8)
    Image.fromarray(grey).save(new / "a.png")
    Image.fromarray(grey).convert("RGB").save(new / "b.png")
    Image.fromarray(rng.integers(0, 255, (16, 16, 3), dtype=np.uint8)).save(new / "c.png")
    (new / "d.png").write_bytes(b"no picture")
    found = fathom.predict(trained, new)
    told = found.frame["unusual"].to_list()
    assert told[:2] == [None, None], "grey pixels in three channels are no colour"
    assert told[2:] == ["image: in colour, as no training picture was", "image: cannot be read"]
    (gaps,) = [one for one in found.input_report if one.code == "more_missing"]
    assert gaps.evidence.startswith("25.0 % of the rows")


def test_near_copies_never_part(tmp_path: Path) -> None:
    """Saved again under another name, a picture lands in the part that has the first one."""
    for number in range(40):
        place = tmp_path / ("left", "right")[number % 2] / f"{number}.png"
        place.parent.mkdir(exist_ok=True)
        coarse = np.random.default_rng(number).integers(0, 255, (5, 6, 3), dtype=np.uint8)
        image = Image.fromarray(coarse).resize((60, 50))
        image.save(place)
        image.save(place.with_suffix(".jpg"), quality=60)
    table = fathom.read(tmp_path)
    facts = facts_of(table, Roles(targets=("class",)))
    stems = [Path(name).stem for name in table.column("image")]
    assert len(np.unique(facts.cluster)) == 40
    assert all(len(set(facts.cluster[np.array(stems) == stem])) == 1 for stem in stems)


def test_pictures_none_of_which_can_be_read_are_an_error(tmp_path: Path) -> None:
    for number in range(30):
        place = tmp_path / ("left", "right")[number % 2] / f"{number}.png"
        place.parent.mkdir(exist_ok=True)
        place.write_bytes(b"no picture, but different: %d" % number)
    with pytest.raises(DataError, match=r"No picture can be read(.|\n)*no picture format"):
        fathom.plan(tmp_path)


def test_training_pictures_with_a_broken_body_are_missing(
    folder: Path, tmp_path: Path, quick: dict[str, Any]
) -> None:
    """Their header is sound, so that only decoding shows it."""
    shutil.copytree(folder / "train", tmp_path / "train")
    whole = fathom.train(tmp_path / "train", out=tmp_path / "whole", settings=quick, watch=None)
    for place in sorted((tmp_path / "train" / "left").iterdir())[::4]:
        place.write_bytes(place.read_bytes()[:-100])
    run = fathom.train(tmp_path / "train", out=tmp_path / "run", settings=quick, watch=None)
    (column,) = run.model.preparation.inputs
    assert 5 < column.fitted.num_missing <= 15  # pyright: ignore[reportAttributeAccessIssue]
    signs = [one.model.parts[0].network.encoders["image_0"].missing for one in (whole, run)]
    assert signs == [False, True]
    assert [*load(run.folder).model.parts[0].network.state_dict()]


def test_what_cannot_be_read_is_called_so(run: Run, tmp_path: Path, square: Square) -> None:
    (tmp_path / "a.png").write_bytes(square(True, 1))
    (tmp_path / "b.png").write_bytes(b"rubbish")
    found = fathom.predict(run, tmp_path)
    assert found.frame["unusual"].to_list() == [None, "image: cannot be read"]
    (told,) = [one for one in found.input_report if one.code == "pictures_unreadable"]
    assert told.title == "1 picture of 'image' in the given table cannot be read."


def test_rows_that_leave_one_value_to_learn_from_are_told(tmp_path: Path, square: Square) -> None:
    for number in range(60):
        place = tmp_path / "abc"[number % 3] / f"{number}.png"
        place.parent.mkdir(exist_ok=True)
        place.write_bytes(square(True, 1))
    with pytest.raises(DataError) as caught:
        fathom.plan(tmp_path)
    assert caught.value.what == "The rows to learn from hold a single value of the target."
    assert "are all kept for tests and choices" in str(caught.value.got)
    assert "pictures that show the same are never parted" in caught.value.do


@pytest.fixture(scope="module")
def halted(
    folder: Path, tmp_path_factory: pytest.TempPathFactory, quick: dict[str, Any]
) -> tuple[Path, Path]:
    """Pictures, and the run of a training that was stopped."""
    root = tmp_path_factory.mktemp("halted")
    shutil.copytree(folder, root / "pictures")

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises((KeyboardInterrupt, Stopped)):
        fathom.train(root / "pictures", out=root / "run", settings=quick, watch=stop)
    return root / "pictures", root / "run"


def test_a_changed_picture_is_other_data(halted: tuple[Path, Path], square: Square) -> None:
    pictures, run = halted
    place = pictures / "train" / "right" / "1.png"
    before = place.read_bytes()
    place.write_bytes(square(True, 77))
    with pytest.raises(RunError, match="The data changed since this run began"):
        resume(run)
    place.write_bytes(before)
    assert resume(run).finished


def test_looks_at_test_pictures_are_counted_by_what_they_show(
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    quick: dict[str, Any],
    square: Square,
) -> None:
    monkeypatch.setenv("FATHOM_STATE", str(tmp_path / "state"))
    looks: list[int] = []
    for turn, changed in enumerate((False, True, False)):
        place = tmp_path / f"{turn}"
        shutil.copytree(folder, place)
        if changed:
            for number, file in enumerate(sorted((place / "test").rglob("*.png"))):
                file.write_bytes(square(file.parent.name == "right", 7000 + number))
        settings = quick | {"seed": turn, "training.epochs": 1}
        run = fathom.train(place, out=tmp_path / f"run{turn}", settings=settings, watch=None)
        looks.append(run.score["looks"])
    assert looks == [1, 1, 2]


def test_near_copies_in_the_test_come_before_the_verdict(
    tmp_path: Path, quick: dict[str, Any]
) -> None:
    rng = np.random.default_rng(3)
    for number in range(60):
        coarse = Image.fromarray(rng.integers(0, 255, (6, 7, 3), dtype=np.uint8))
        image = coarse.resize((60, 44), Image.Resampling.BICUBIC)
        side = ("left", "right")[number % 2]
        for split in ("train", "test")[: 1 + (number < 20)]:
            place = tmp_path / split / side / f"{number}.png"
            place.parent.mkdir(parents=True, exist_ok=True)
            image.save(place) if split == "train" else image.save(place, "JPEG", quality=80)
    run = fathom.train(tmp_path, out=tmp_path / "run", settings=quick, watch=None)
    told = re.match(r"(\d+) of 20 rows were seen in training", run.score["verdict"])
    assert told
    assert int(told[1]) >= 15
    assert (
        "(as pictures that show nearly the same): the score says nothing about new rows."
        in run.score["verdict"]
    )
    assert run.score["seen_in_training"] == 0


def test_a_sheet_keeps_the_place_of_what_cannot_be_read(
    run: Run, tmp_path: Path, square: Square
) -> None:
    for number in range(3):
        (tmp_path / f"{number}.png").write_bytes(
            b"rubbish" if number == 1 else square(True, number)
        )
    describe_run(run, tmp_path, tmp_path / "sheet.png")
    pixels = np.asarray(Image.open(tmp_path / "sheet.png").convert("L"))
    third = pixels.shape[1] // 3
    assert pixels[:, third + 4 : 2 * third - 4].std() == 0
    assert pixels[:, 2 * third + 4 :].std() > 5


def test_what_was_noticed_is_kept_with_the_run(
    folder: Path, tmp_path: Path, quick: dict[str, Any]
) -> None:
    shutil.copytree(folder, tmp_path / "data")
    (tmp_path / "data" / "train" / "left" / "0.png").write_bytes(b"rubbish")
    run = fathom.train(tmp_path / "data", out=tmp_path / "run", settings=quick, watch=None)
    assert "pictures_unreadable" in [one.code for one in load(run.folder).findings]
