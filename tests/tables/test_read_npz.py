"""Arrays of pictures in .npz files: their forms, their splits, and what they must not do."""

import io
import struct
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fathom.base.errors import DataError, RecipeError
from fathom.columns.picture import content_of
from fathom.tables import archive
from fathom.tables.options import ReadOptions
from fathom.tables.read import read
from fathom.tables.read_folder import given_splits
from fathom.tables.read_npz import read_npz

RNG = np.random.default_rng(7)
PIXELS = RNG.integers(0, 256, (11, 5, 7, 3), dtype=np.uint8)
CODES = np.arange(11) % 3


def saved(place: Path, **arrays: Any) -> Path:
    path = place / "arrays.npz"
    np.savez_compressed(path, **arrays)
    return path


def pixels_of(cell: bytes) -> np.ndarray:
    """The pixels of a binary PNM file, by hand."""
    magic, width, height = cell.split(maxsplit=3)[:3]
    header = b"%s %s %s 255\n" % (magic, width, height)
    assert cell.startswith(header)
    channels = {b"P5": 1, b"P6": 3}[magic]
    found = np.frombuffer(cell[len(header) :], dtype=np.uint8)
    return found.reshape(int(height), int(width), channels)


@pytest.mark.parametrize(
    "pixels",
    [
        PIXELS,
        PIXELS.transpose(0, 3, 1, 2),
        np.asfortranarray(PIXELS),
        PIXELS.astype(np.int64),
        PIXELS.astype(">f4"),
        PIXELS / 255,
        (PIXELS / 255).astype(np.float32),
    ],
    ids=["last", "first", "fortran", "whole", "floats to 255", "floats to 1", "single"],
)
def test_pictures_in_every_usual_form(pixels: np.ndarray, tmp_path: Path) -> None:
    table = read(saved(tmp_path, x=pixels, y=CODES))
    assert table.columns == ("x", "y")
    assert table.column("y").to_list() == CODES.tolist()
    found = np.stack([pixels_of(cell) for cell in table.column("x")])
    assert np.array_equal(found, PIXELS)
    scaled = bool(pixels.dtype.kind == "f" and pixels.max() <= 1)
    assert [note.code for note in table.notes] == ["pictures_scaled"] * scaled


@pytest.mark.parametrize(
    ("pixels", "wanted"),
    [
        (PIXELS[..., 0], PIXELS[..., :1]),
        (PIXELS[..., :1], PIXELS[..., :1]),
        (PIXELS[:, None, ..., 0], PIXELS[..., :1]),
        (PIXELS[..., 0] > 100, 255 * (PIXELS[..., :1] > 100)),
    ],
    ids=["no axis", "last", "first", "truth values"],
)
def test_grey_pictures(pixels: np.ndarray, wanted: np.ndarray, tmp_path: Path) -> None:
    table = read(saved(tmp_path, images=pixels))
    assert np.array_equal(np.stack([pixels_of(cell) for cell in table.column("images")]), wanted)


def test_floats_are_rounded(tmp_path: Path) -> None:
    for pixels in ([[[0.4, 0.6, 254.6]]], [[[0.4 / 255, 0.6 / 255, 254.6 / 255]]]):
        (cell,) = read(saved(tmp_path, x=np.array(pixels))).column("x")
        assert pixels_of(cell).ravel().tolist() == [0, 1, 255]


def test_other_arrays_are_columns(tmp_path: Path) -> None:
    arrays = {
        "age": np.linspace(0, 1, 11, dtype=np.float16),
        "images": PIXELS,
        "name": np.array([f"n{code}" for code in CODES]),
        "raw": np.array([b"caf\xc3\xa9"] * 11),
        "big": CODES.astype(">i4"),
        "labels": CODES[:, None],
        "day": np.full(11, np.datetime64("2024-02-29")),
    }
    table = read(saved(tmp_path, **arrays))
    assert table.columns == ("images", "age", "name", "raw", "big", "labels", "day")
    assert table.column("raw").to_list() == ["café"] * 11
    assert table.column("big").to_list() == table.column("labels").to_list() == CODES.tolist()
    assert table.column("name").to_list() == [f"n{code}" for code in CODES]
    assert str(table.column("day")[0]).startswith("2024-02-29")


@pytest.mark.parametrize("form", ["{what}_{part}", "{part}_{what}", "{what}.{part}"])
def test_names_say_the_splits(form: str, tmp_path: Path) -> None:
    arrays: dict[str, np.ndarray] = {}
    for part, num in (("test", 4), ("train", 11), ("val", 3)):
        arrays[form.format(what="x", part=part)] = PIXELS[:num] / 255
        arrays[form.format(what="y", part=part)] = CODES[:num]
    path = saved(tmp_path, **arrays)
    train, test, validation = given_splits(str(path))
    sizes = [(table.columns, table.num_rows) for table in (train, test, validation)]
    assert sizes == [(("x", "y"), 11), (("x", "y"), 4), (("x", "y"), 3)]
    assert given_splits(path, test="mine.csv")[1] == "mine.csv"
    with pytest.raises(DataError, match=r"file holds several splits(.|\n)*'train', 'validation'"):
        read(path)


def test_a_dark_test_split_is_read_like_the_training_one(tmp_path: Path) -> None:
    dark = np.ones((3, 5, 7))
    path = saved(tmp_path, x_train=PIXELS[..., 0].astype(float), x_test=dark)
    found = read_npz(path)["test"].column("x")[0]
    assert np.array_equal(pixels_of(found)[..., 0], np.ones((5, 7)))
    path = saved(tmp_path, x_train=PIXELS[..., 0] / 255, x_test=254 * dark)
    with pytest.raises(DataError, match=r"not on one scale(.|\n)*'x'(.|\n)*up to 254"):
        read_npz(path)


def test_one_split_alone_is_the_table(tmp_path: Path) -> None:
    assert read(saved(tmp_path, test_images=PIXELS)).columns == ("images",)


def test_names_of_columns_can_be_given(tmp_path: Path) -> None:
    path = saved(tmp_path, x=PIXELS, y=CODES)
    assert read(path, ReadOptions(names=("face", "who"))).columns == ("face", "who")
    with pytest.raises(RecipeError, match="Reading arrays has no use for 'delimiter'"):
        read(path, ReadOptions(delimiter=";"))


@pytest.mark.parametrize(
    ("arrays", "told"),
    [
        ({"x": PIXELS, "y": CODES[:10]}, r"not of one length(.|\n)*y int64 \(10,\)"),
        ({"y": CODES}, r"not pictures with a value for each(.|\n)*y int64 \(11,\)"),
        ({"x": PIXELS, "y": np.eye(11)}, r"not pictures with(.|\n)*array 'y'(.|\n)*y float64"),
        ({"x": PIXELS, "n": np.array(3)}, r"not pictures with(.|\n)*array 'n'"),
        ({"x": PIXELS[None]}, r"not pictures with(.|\n)*array 'x'(.|\n)*channels, height, width"),
        ({"x": PIXELS[:, :0]}, r"not pictures with(.|\n)*array 'x'"),
        ({"x": np.zeros((4, 5, 7, 2), np.uint8)}, r"does not hold pictures(.|\n)*array 'x'"),
        ({"x": PIXELS - 128.0}, r"not those of pictures(.|\n)*array 'x'(.|\n)*values from -12"),
        ({"x": PIXELS * 2.0}, r"not those of pictures(.|\n)*values from 0 to 5"),
        ({"x": np.full((2, 3, 3), np.nan)}, r"not those of pictures(.|\n)*values from nan"),
        ({"x": PIXELS, "y": CODES * 1j}, r"plain values(.|\n)*'y'(.|\n)*type complex128"),
        ({"x": PIXELS, "y": np.array([{}] * 11)}, r"plain values(.|\n)*'y'(.|\n)*Python objects"),
        ({"x": PIXELS, "y": np.zeros(11, "i4,f4")}, r"plain values(.|\n)*'y'(.|\n)*values of type"),
        ({"x_train": PIXELS, "y_train": CODES, "x_test": PIXELS}, "names of the arrays do not say"),
        ({"x_train": PIXELS, "names": CODES}, "names of the arrays do not say clearly"),
        ({"x_train": PIXELS, "train_x": PIXELS}, "names of the arrays do not say clearly"),
        ({"x_test": PIXELS, "x_val": PIXELS}, r"none to learn from(.|\n)*'x_test', 'x_val'"),
        ({}, r"something other than arrays(.|\n)*got: +none"),
        ({"x": PIXELS[:0]}, "The table has no rows"),
    ],
    ids=range(19),
)
def test_what_is_no_table_of_pictures_is_told(
    arrays: dict[str, Any], told: str, tmp_path: Path
) -> None:
    with pytest.raises(DataError, match=told):
        read(given_splits(saved(tmp_path, **arrays))[0])


def member(array: np.ndarray) -> bytes:
    stream = io.BytesIO()
    np.lib.format.write_array(stream, array)
    return stream.getvalue()


def packed(place: Path, **members: bytes) -> Path:
    path = place / "arrays.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in members.items():
            file.writestr(name.replace("_npy", ".npy"), data)
    return path


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (member(PIXELS)[:-1], r"1,154 bytes for uint8 of shape \(11, 5, 7, 3\)"),
        (member(PIXELS) + b"x", "1,156 bytes for uint8"),
        (member(PIXELS).replace(b"(11, 5, 7, 3)", b"(99, 9, 9, 9)"), "1,155 bytes for uint8"),
        (member(PIXELS).replace(b"(11, 5, 7, 3)", b"(-1, 5, 7, 3)"), "1,155 bytes|shape"),
        (b"no array at all", "magic string"),
        (b"", "magic string"),
        (member(PIXELS).replace(b"'|u1'", b"'|z1'"), "descr"),
        (member(PIXELS).replace(b"False", b"print"), "[Hh]eader"),
    ],
    ids=range(8),
)
def test_a_damaged_array_is_told(data: bytes, told: str, tmp_path: Path) -> None:
    path = packed(tmp_path, x_npy=data)
    with pytest.raises(DataError, match=rf"array of the archive is damaged(.|\n)*'x'(.|\n)*{told}"):
        read(path)


def test_a_newer_format_is_told(tmp_path: Path) -> None:
    path = packed(tmp_path, x_npy=b"\x93NUMPY\x03\x00" + member(PIXELS)[8:])
    with pytest.raises(DataError, match=r"plain values(.|\n)*format 3\.0"):
        read(path)


def test_a_damaged_archive_is_told(tmp_path: Path) -> None:
    path = saved(tmp_path, x=PIXELS)
    whole = path.read_bytes()
    flipped = bytearray(whole)
    flipped[len(whole) // 2] ^= 0xFF
    encrypted = bytearray(whole)
    encrypted[whole.index(b"PK\x01\x02") + 8] |= 1
    for data in (whole[:-30], b"PK\x03\x04 nothing", bytes(flipped), bytes(encrypted)):
        path.write_bytes(data)
        with pytest.raises(DataError, match=r"archive of arrays is damaged(.|\n)*bytes that cann"):
            read(path)
    path.write_bytes(b"")
    with pytest.raises(DataError, match="file is empty"):
        read(path)


def test_other_files_in_the_archive_are_told(tmp_path: Path) -> None:
    path = packed(tmp_path, x_npy=member(PIXELS), README=b"hello")
    with pytest.raises(DataError, match=r"something other than arrays(.|\n)*'README'"):
        read(path)


def test_an_archive_that_unpacks_to_too_much_is_refused_unread(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the sizes that it declares: nothing is unpacked."""
    path = packed(tmp_path, x_npy=bytes(10_000_000))
    assert path.stat().st_size < 20_000
    monkeypatch.setattr("fathom.tables.limits.available_memory", lambda: 20_000_000)
    with monkeypatch.context() as patch:
        patch.setattr(zipfile.ZipFile, "read", lambda *_: pytest.fail("it was unpacked"))
        with pytest.raises(DataError, match=r"too large for the memory(.|\n)*unpacked: 10\.0 MB"):
            read(path)


def test_an_archive_that_declares_too_little_is_damaged(tmp_path: Path) -> None:
    """No more comes out of it than it said."""
    path = packed(tmp_path, x_npy=bytes(10_000_000))
    data = path.read_bytes()
    path.write_bytes(data.replace(struct.pack("<L", 10_000_000), struct.pack("<L", 1_000)))
    with pytest.raises(DataError, match="damaged"):
        read(path)


def test_nothing_is_unpickled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even looked at: the header says objects."""
    path = saved(tmp_path, x=np.array([[[object]]]))
    monkeypatch.setattr(archive.np.lib.format, "read_array", lambda *_, **__: pytest.fail("read"))
    with pytest.raises(DataError, match="Python objects would have to be unpickled"):
        read(path)


def test_real_faces(data_dir: Path) -> None:
    table = read(data_dir / "orl_faces" / "orl_faces.npz")
    assert (table.num_rows, table.columns) == (400, ("images", "subject"))
    assert table.column("subject").value_counts()["count"].to_list() == [10] * 40
    assert len(content_of(table.column("images")[0])) == len(b"P5 92 112 255\n") + 92 * 112
