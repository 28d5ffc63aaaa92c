"""What `look` says of pictures: broken and odd files, near copies, shortcuts."""

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from PIL import Image, ImageOps

import fathom
from fathom.base.errors import DataError
from fathom.base.records import Finding


def scene(seed: int, size: tuple[int, int] = (60, 44)) -> Image.Image:
    coarse = np.random.default_rng(seed).integers(0, 255, (6, 7, 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC)


def saved(image: Image.Image, form: str = "PNG", **settings: object) -> bytes:
    stream = io.BytesIO()
    image.save(stream, form, **settings)
    return stream.getvalue()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """60 sound pictures in two classes that differ in nothing but what they show."""
    for number in range(60):
        place = tmp_path / ("bird", "cat")[number % 2] / f"{number:02}.png"
        place.parent.mkdir(exist_ok=True)
        place.write_bytes(saved(scene(number)))
    return tmp_path


def found_in(folder: Path, test: Path | None = None) -> dict[str, Finding]:
    seen = fathom.look(folder, test=test)
    return {finding.code: finding for finding in seen.findings}


def test_sound_pictures_are_not_complained_of(folder: Path) -> None:
    assert set(found_in(folder)) == {"sorted_rows"}


def test_each_odd_file_is_said_by_its_name(folder: Path) -> None:
    """The folder of the attacker: broken, copied, turned, deep, transparent, huge."""
    good = (folder / "bird" / "00.png").read_bytes()
    (folder / "bird" / "short.png").write_bytes(good[: len(good) // 2])
    (folder / "bird" / "empty.jpg").write_bytes(b"")
    (folder / "cat" / "text.png").write_bytes(b"no picture at all")
    (folder / "bird" / "again.png").write_bytes(good)
    near = saved(scene(1).resize((40, 30)), "JPEG", quality=60)
    (folder / "cat" / "near.jpg").write_bytes(near)
    exif = Image.Exif()
    exif[0x0112] = 6
    (folder / "cat" / "turned.jpg").write_bytes(saved(scene(100), "JPEG", exif=exif))
    deep = np.random.default_rng(0).integers(0, 65535, (44, 60)).astype(np.uint16)
    (folder / "cat" / "deep.png").write_bytes(saved(Image.fromarray(deep)))
    (folder / "cat" / "clear.png").write_bytes(saved(scene(101).convert("RGBA")))
    (folder / "cat" / "night.png").write_bytes(saved(Image.new("RGB", (60, 44), (3, 3, 3))))
    disc = np.full((44, 60, 3), (0, 0, 219), dtype=np.uint8)
    disc[10:30, 15:45] = (84, 0, 0)
    (folder / "cat" / "disc.png").write_bytes(saved(Image.fromarray(disc)))
    huge = scene(102).resize((9000, 8000))
    (folder / "cat" / "huge.jpg").write_bytes(saved(huge, "JPEG", quality=30))
    found = found_in(folder)
    broken = found["pictures_unreadable"]
    assert broken.title == "3 pictures cannot be read."
    assert broken.severity == "medium"
    assert "bird/empty.jpg (the file is empty)" in broken.evidence
    assert "bird/short.png (the file ends too early)" in broken.evidence
    assert "cat/text.png (no picture format that is known)" in broken.evidence
    assert found["duplicate_rows"].title == "1 row repeats an earlier row."
    assert "by chance" not in found["duplicate_rows"].evidence
    assert "cat/01.png and cat/near.jpg" in found["near_copies"].evidence
    assert found["pictures_turned"].evidence.startswith("cat/turned.jpg.")
    assert found["pictures_deep"].evidence.startswith("cat/deep.png.")
    assert found["pictures_transparent"].evidence.startswith("cat/clear.png.")
    # A red disc on blue that is as bright shows something.
    assert found["pictures_blank"].evidence == "cat/night.png (black)."
    assert "from 40 × 30 to 9,000 × 8,000" in found["pictures_of_many_sizes"].evidence
    assert found["pictures_of_many_sizes"].advice.endswith(
        "; --kind image=image:160, say, asks for sides of about 160 pixels."
    )
    assert "at a fraction of their size: cat/huge.jpg" in found["pictures_of_many_sizes"].evidence


def test_unreadable_pictures_are_no_copies(
    folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Of one another, in one class, in two, or across files; even where the bytes are equal."""
    test = tmp_path_factory.mktemp("test")
    good = (folder / "bird" / "00.png").read_bytes()
    for content in (b"", b"no picture", good[: len(good) // 2]):
        for name in ("bird", "bird/more", "cat"):
            (folder / name).mkdir(exist_ok=True)
            (folder / name / f"{len(content)}.png").write_bytes(content)
    for name in ("bird", "cat"):
        (test / name).mkdir()
        (test / name / "empty.png").write_bytes(b"")
        (test / name / "good.png").write_bytes(saved(scene(700 + len(name))))
    found = found_in(folder, test)
    assert found["pictures_unreadable"].title == "9 pictures cannot be read."
    assert not {"duplicate_rows", "contradicting_rows", "copies_across_files"} & set(found)
    assert not [code for code in found if "cop" in code]


def test_unreadable_pictures_of_one_class_tell_it(folder: Path) -> None:
    for number in range(1, 60, 4):
        place = folder / "cat" / f"{number:02}.png"
        place.write_bytes(place.read_bytes()[:-60])
    found = found_in(folder)["pictures_unreadable"]
    assert found.severity == "high"
    assert (
        "15 of them are 'cat' in 'class', as 33 % of the others are: a network will learn that "
        "from what cannot be read, and scores look better than they are." in found.evidence
    )


def test_unreadable_pictures_of_all_classes_tell_none(folder: Path) -> None:
    for number in range(16):
        place = folder / ("cat" if number % 2 else "bird") / f"{number:02}.png"
        place.write_bytes(place.read_bytes()[:-60])
    found = found_in(folder)["pictures_unreadable"]
    assert found.severity == "medium"
    assert "look better" not in found.evidence


def test_line_breaks_in_names_are_spelled_out(folder: Path) -> None:
    (folder / "a\nb").mkdir()
    (folder / "a\nb" / "c\nd.png").write_bytes(b"no picture at all")
    seen = fathom.look(folder)
    assert "\n  image  image     " in seen.as_text()
    assert seen.schema.columns["image"].reason == (
        f"cells are names of files of pictures, such as '{folder}/a\\u000ab/c\\u000ad.png'"
    )
    told = {one.code: one for one in seen.findings}["pictures_unreadable"]
    assert r"a\u000ab/c\u000ad.png (no picture format that is known)" in told.evidence
    assert "\n" not in told.evidence


def test_near_copies_of_another_class(folder: Path) -> None:
    (folder / "cat" / "wrong.jpg").write_bytes(saved(scene(0), "JPEG", quality=80))
    found = found_in(folder)["near_copies_contradict"]
    assert found.title == "2 pictures show nearly the same but differ in 'class'."
    assert "bird/00.png (bird) and cat/wrong.jpg (cat)" in found.evidence


def test_near_copies_across_files(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    test = tmp_path_factory.mktemp("test")
    for number in range(10):
        place = test / ("bird", "cat")[number % 2] / f"{number:02}.jpg"
        place.parent.mkdir(exist_ok=True)
        image = scene(number if number < 2 else 500 + number)
        place.write_bytes(saved(image, "JPEG", quality=85))
    found = found_in(folder, test)["near_copies_across_files"]
    assert found.title == "2 test pictures show nearly what a training picture shows."
    assert found.evidence.startswith(
        "2 of 10 pictures (20 %): test bird/00.jpg like training bird/00.png; test cat/01.jpg like "
        "training cat/01.png. "
    )
    assert found.severity == "high"
    assert found.rows == (1, 6)


@pytest.mark.parametrize(
    ("changed", "title"),
    [
        (lambda: saved(scene(900, (48, 36))), "The size of the pictures gives 'class' away."),
        (lambda: saved(scene(900), "JPEG"), "The format of the files gives 'class' away."),
        (
            lambda: saved(scene(900).convert("L")),
            "Whether they have colours gives 'class' away.",
        ),
    ],
)
def test_shortcuts(folder: Path, changed: object, title: str) -> None:
    assert callable(changed)
    for number in range(1, 60, 2):
        place = folder / "cat" / f"{number:02}.png"
        place.write_bytes(changed())
    shortcuts = [one for one in fathom.look(folder).findings if one.code == "picture_shortcut"]
    assert title in [one.title for one in shortcuts]


def test_one_class_compressed_more_coarsely(folder: Path) -> None:
    for number in range(60):
        place = folder / ("bird", "cat")[number % 2] / f"{number:02}.png"
        place.write_bytes(saved(scene(number), "JPEG", quality=(40, 90)[number % 2]))
    found = found_in(folder)["picture_shortcut"]
    assert found.title == "How coarsely the files are compressed gives 'class' away."
    assert "grade" in found.evidence


def test_a_bright_border(folder: Path) -> None:
    for number in range(1, 60, 2):
        framed = ImageOps.expand(scene(number, (44, 28)), border=8, fill="white")
        (folder / "cat" / f"{number:02}.png").write_bytes(saved(framed))
    found = found_in(folder)["picture_shortcut"]
    assert found.title.startswith("The brightness of their border")
    assert found.severity == "medium"


@pytest.fixture
def named(tmp_path: Path) -> Callable[[list[str | None]], Path]:
    """A table with a column of these names."""

    def write(names: list[str | None]) -> Path:
        place = tmp_path / "table.csv"
        size = [n * 7 % 50 for n in range(len(names))]
        pl.DataFrame({"pic": names, "size": size}).write_csv(place)
        return place

    return write


def test_pictures_that_are_not_there(named: Callable[[list[str | None]], Path]) -> None:
    """A typing mistake in a folder's name, or the table alone on another machine."""
    table = named([*(f"nope/{n}.png" for n in range(49)), "nope/a.JPG", None])
    found = found_in(table)
    told = found["pictures_absent"]
    assert told.severity == "high"
    assert told.title == "The pictures that 'pic' names are not there."
    assert told.evidence == (
        "50 cells of 'pic' end in .png, .jpg; none was found beside the table. 'nope/0.png' was "
        f"looked for as '{table.parent}/nope/0.png'."
    )
    assert told.advice == (
        "Names count from the folder of the table: put the pictures there, or correct the names. "
        "If nothing is to be learned from them, say --kind pic=ignored."
    )
    assert told.rows == (1, 2, 3, 4, 5)
    assert "identifier" not in found
    said = fathom.look(table, kinds={"pic": "ignored"})
    assert "pictures_absent" not in [one.code for one in said.findings]


def test_hardly_any_picture_is_there(named: Callable[[list[str | None]], Path]) -> None:
    """One stray file among many names that are wrong, and training says so too."""
    table = named([*(f"nope/{n}.png" for n in range(49)), "there.png"])
    (table.parent / "there.png").write_bytes(b"any")
    assert (
        "; 1 of 50 that were looked for were found" in found_in(table)["pictures_absent"].evidence
    )
    with pytest.raises(DataError, match=r"No column is left(.|\n)*pictures that 'pic' names where"):
        fathom.plan(table, "size")


def test_a_table_whose_first_pictures_are_missing_is_one_of_pictures(
    named: Callable[[list[str | None]], Path],
) -> None:
    table = named([f"{n}.png" for n in range(80)])
    for n in range(40, 80):
        (table.parent / f"{n}.png").write_bytes(b"any")
    found = found_in(table)
    assert "pictures_absent" not in found
    assert found["pictures_unreadable"].facts["count"] == 80


@pytest.mark.parametrize(
    "names",
    [
        [f"shop{n}.com" for n in range(50)],
        [f"{n}.png" if n < 20 else f"word {n}" for n in range(50)],
        ["png"] * 30 + ["jpg"] * 20,
    ],
)
def test_words_are_no_absent_pictures(
    names: list[str | None], named: Callable[[list[str | None]], Path]
) -> None:
    assert "pictures_absent" not in found_in(named(names))


def test_pictures_that_are_there_are_not_absent(
    folder: Path, named: Callable[[list[str | None]], Path]
) -> None:
    names = [f"gone/{n}.png" for n in range(48)]
    found = found_in(named([*names, "bird/00.png", "bird/02.png"]))
    assert "pictures_absent" not in found
