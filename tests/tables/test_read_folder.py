"""Folders of pictures and arrays in IDX files."""

import gzip
import io
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fathom.base.errors import DataError
from fathom.tables.read import read
from fathom.tables.read_folder import read_splits
from fathom.tables.read_idx import read_idx

RNG = np.random.default_rng(4)


def put(place: Path) -> None:
    stream = io.BytesIO()
    Image.fromarray(RNG.integers(0, 255, (5, 7, 3), dtype=np.uint8)).save(stream, "PNG")
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(stream.getvalue())


def idx(array: np.ndarray) -> bytes:
    sizes = b"".join(size.to_bytes(4, "big") for size in array.shape)
    return b"\x00\x00\x08" + bytes([array.ndim]) + sizes + array.tobytes()


def test_a_folder_for_each_class(tmp_path: Path) -> None:
    for name in ("cat/1.png", "cat/old/2.PNG", "dog/3.png", ".hidden/4.png"):
        put(tmp_path / name)
    (tmp_path / "dog" / "notes.txt").write_text("no picture")
    (table,) = read_splits(tmp_path).values()
    assert table.frame.rows() == [
        ("cat/1.png", "cat"),
        ("cat/old/2.PNG", "cat"),
        ("dog/3.png", "dog"),
    ]
    assert table.source.folder == str(tmp_path)


def test_a_class_without_pictures_is_told(tmp_path: Path) -> None:
    for name in ("cat/1.png", "dog/3.png"):
        put(tmp_path / name)
    (tmp_path / "cow").mkdir()
    (table,) = read_splits(tmp_path).values()
    (note,) = table.notes
    assert (note.code, note.severity) == ("class_without_pictures", "medium")
    assert note.title == "The folder 'cow' holds no pictures."
    assert note.evidence.startswith(f"2 of 3 folders in {tmp_path} are classes")
    (tmp_path / "ox").mkdir()
    (table,) = read_splits(tmp_path).values()
    assert table.notes[0].title == "The folders 'cow', 'ox' hold no pictures."


def test_names_that_are_no_text_are_left_out_and_told(tmp_path: Path) -> None:
    """Linux takes any bytes as a name; a table, a report and a terminal do not."""
    (odd, odd_class) = (os.fsdecode(name) for name in (b"\xff\xfe.png", b"\xffclass"))
    for name in ("cat/1.png", f"cat/{odd}", "dog/3.png", f"{odd_class}/4.png"):
        put(tmp_path / name)
    (tmp_path / os.fsdecode(b"\xffempty")).mkdir()
    (table,) = read_splits(tmp_path).values()
    assert table.frame.rows() == [("cat/1.png", "cat"), ("dog/3.png", "dog")]
    told, empty = table.notes
    assert (told.code, told.severity) == ("names_not_text", "medium")
    assert told.title == "2 pictures are left out for their names."
    assert told.evidence == (
        "2 of 4 names hold bytes that are no letters (UTF-8): "
        r"'cat/\xff\xfe.png', '\xffclass/4.png'."
    )
    assert told.advice == "Rename these files, or the folders that they lie in."
    assert empty.title == r"The folder '\xffempty' holds no pictures."


def test_loose_names_that_are_no_text(tmp_path: Path) -> None:
    put(tmp_path / os.fsdecode(b"\xff.png"))
    with pytest.raises(DataError) as caught:
        read(tmp_path)
    assert caught.value.what == "The names of all pictures hold bytes that are no letters."
    assert caught.value.got == r"'\xff.png'"
    put(tmp_path / "1.png")
    table = read(tmp_path)
    assert table.frame.rows() == [("1.png",)]
    assert table.notes[0].title == "1 picture is left out for its name."


def test_splits_within(tmp_path: Path) -> None:
    for name in ("Train/cat/1.png", "Train/dog/2.png", "val/cat/3.png", "test/dog/4.png"):
        put(tmp_path / name)
    found = read_splits(tmp_path)
    assert {split: table.num_rows for split, table in found.items()} == {
        "train": 2,
        "validation": 1,
        "test": 1,
    }
    assert found["test"].frame.rows() == [("test/dog/4.png", "dog")]


def test_folders_of_pictures_beside_splits_are_told(tmp_path: Path) -> None:
    for name in ("train/cat/1.png", "test/cat/4.png", "trainannot/1.png", "extra/cat/5.png"):
        put(tmp_path / name)
    (tmp_path / "notes").mkdir()
    found = read_splits(tmp_path)
    assert set(found) == {"train", "test"}
    (told,) = found["train"].notes
    assert not found["test"].notes
    assert (told.code, told.severity) == ("folders_beside_splits", "low")
    assert told.title == "The pictures in the folders 'extra', 'trainannot' are not read."
    assert told.evidence == (
        f"{tmp_path} holds 'train', 'test', read as splits; what lies beside them is left out."
    )
    assert told.advice == (
        "Nothing to do if they are masks or the like. If they are classes, put all classes into a "
        "folder of their own; if they are splits, call them train, val or test."
    )


def test_a_folder_beside_a_single_split(tmp_path: Path) -> None:
    for name in ("train/cat/1.png", "car/1.png"):
        put(tmp_path / name)
    (told,) = read_splits(tmp_path)["train"].notes
    assert told.title == "The pictures in the folder 'car' are not read."
    assert told.evidence == (
        f"{tmp_path} holds 'train', read as a split; what lies beside it is left out."
    )


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_idx_files_in_pairs(pack: type, tmp_path: Path) -> None:
    pixels = RNG.integers(0, 255, (6, 5, 7), dtype=np.uint8)
    classes = np.arange(6, dtype=np.uint8) % 3
    for part in ("train", "t10k"):
        (tmp_path / f"{part}-images-idx3-ubyte.gz").write_bytes(pack(idx(pixels)))
        (tmp_path / f"{part}-labels-idx1-ubyte.gz").write_bytes(pack(idx(classes)))
    found = read_splits(tmp_path)
    assert set(found) == {"train", "test"}
    assert found["train"].column("class").to_list() == ["0", "1", "2"] * 2
    assert found["train"].column("image")[1] == b"P5 7 5 255\n" + pixels[1].tobytes()
    assert (read_idx(tmp_path / "train-images-idx3-ubyte.gz") == pixels).all()


def test_labels_of_another_length_are_told(tmp_path: Path) -> None:
    (tmp_path / "train-images-idx3-ubyte").write_bytes(idx(np.zeros((3, 2, 2), np.uint8)))
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(idx(np.zeros(4, np.uint8)))
    with pytest.raises(DataError, match=r"not of one length\.\n.*\n  expected: 3 labels"):
        read_splits(tmp_path)


def test_a_short_array_is_told(tmp_path: Path) -> None:
    place = tmp_path / "x-idx3-ubyte"
    place.write_bytes(idx(np.zeros((3, 2, 2), np.uint8))[:-1])
    with pytest.raises(DataError, match=r"no whole array(.|\n)*got: +11 bytes"):
        read_idx(place)


def test_a_folder_without_pictures_is_told(tmp_path: Path) -> None:
    (tmp_path / "cat").mkdir()
    with pytest.raises(
        DataError, match=r"holds no pictures(.|\n)*a folder with 1 files and folders"
    ):
        read_splits(tmp_path / "cat" / "..")


def test_loose_pictures_have_no_class_and_several_splits_are_no_table(tmp_path: Path) -> None:
    for name in ("1.png", "2.png"):
        put(tmp_path / "loose" / name)
        put(tmp_path / "splits" / "train" / "cat" / name)
        put(tmp_path / "splits" / "test" / "cat" / name)
    assert read(tmp_path / "loose").columns == ("image",)
    with pytest.raises(DataError, match=r"several splits(.|\n)*'train', 'test'"):
        read(tmp_path / "splits")


def test_what_a_mac_packs_beside_pictures_is_left_out(tmp_path: Path) -> None:
    for name in (
        "cat/1.png",
        "dog/2.png",
        "__MACOSX/cat/._1.png",
        "cat/._1.png",
        "dog/.hidden.png",
    ):
        place = tmp_path / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(b"x")
    table = read(tmp_path)
    assert table.column("image").to_list() == ["cat/1.png", "dog/2.png"]
    assert table.column("class").to_list() == ["cat", "dog"]
    assert table.notes == ()


def test_pictures_beside_the_folders_of_classes_are_told(tmp_path: Path) -> None:
    for name in ("cat/1.png", "dog/2.png", "stray.png"):
        place = tmp_path / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(b"x")
    (told,) = read(tmp_path).notes
    assert told.title == "1 picture lies in no folder of a class."
    assert "'stray.png'. It is not read." in told.evidence
