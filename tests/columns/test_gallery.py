"""Pictures are decoded once, and the cache gives back the same bytes or none."""

import errno
import io
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fathom.base.errors import StorageError
from fathom.columns import gallery, picture_cache
from fathom.columns.gallery import Gallery, Shape
from fathom.columns.picture import PassingError
from fathom.columns.prints import digests, headers

SHAPE = Shape(5, 7, 3)


def cells(num: int = 9, seed: int = 0) -> list[bytes]:
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(num):
        stream = io.BytesIO()
        Image.fromarray(rng.integers(0, 255, (5, 7, 3), dtype=np.uint8)).save(stream, "PNG")
        found.append(stream.getvalue())
    return found


def test_copies_are_one_picture_and_paths_are_read(tmp_path: Path) -> None:
    first, second, *_ = cells()
    place = tmp_path / "a.png"
    place.write_bytes(first)
    hall = Gallery(SHAPE)
    assert hall.numbers([first, second, str(place), first]).tolist() == [0, 1, 0, 0]
    assert hall.numbers([second]).tolist() == [1]
    assert len(hall.parts) == 1
    assert digests([first]) == digests([str(place)])
    assert headers([str(place)])[0].width == 7


def test_unreadable_ones_are_marked_and_empty(tmp_path: Path) -> None:
    hall = Gallery(SHAPE)
    numbers = hall.numbers([cells()[0], b"rubbish", str(tmp_path / "absent.png")])
    assert hall.bad[0].tolist() == [False, True, True]
    assert hall.parts[0][numbers[1:]].max() == 0


def test_the_cache_gives_the_same_pixels_to_the_next_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gallery, "_BYTES_IN_MEMORY", 0)
    pictures = cells()
    first, second = Gallery(SHAPE, tmp_path), Gallery(SHAPE, tmp_path)
    first.numbers(pictures)
    monkeypatch.setattr(gallery, "decode", None)  # whoever decodes again fails
    second.numbers(pictures)
    assert (first.parts[0] == second.parts[0]).all()
    assert [place.name[0] for place in tmp_path.iterdir()].count(".") == 0
    assert len(list(tmp_path.iterdir())) == 1


def test_a_failure_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gallery, "_BYTES_IN_MEMORY", 0)

    def broken(*_: object) -> None:
        raise MemoryError

    with monkeypatch.context() as patch:
        patch.setattr(gallery, "decode", broken)
        with pytest.raises(MemoryError):
            Gallery(SHAPE, tmp_path).numbers(cells())
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("error", [PassingError("memory ran out"), OSError(5, "no answer")])
def test_what_may_pass_is_not_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    monkeypatch.setattr(gallery, "_BYTES_IN_MEMORY", 0)

    def failing(*_: object) -> None:
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(gallery, "decode", failing)
        now = Gallery(SHAPE, tmp_path)
        now.numbers(cells())
    assert now.bad[0].all()
    assert now.parts[0].max() == 0
    assert list(tmp_path.iterdir()) == []
    later = Gallery(SHAPE, tmp_path)
    later.numbers(cells())
    assert not later.bad[0].any()


def test_rubbish_and_absent_files_are_kept_as_such(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gallery, "_BYTES_IN_MEMORY", 0)
    pictures = [*cells(), b"rubbish", str(tmp_path / "absent.png")]
    Gallery(SHAPE, tmp_path).numbers(pictures)
    monkeypatch.setattr(gallery, "decode", None)
    again = Gallery(SHAPE, tmp_path)
    again.numbers(pictures)
    assert again.bad[0].tolist() == [False] * 9 + [True, True]


@pytest.mark.parametrize("file", ["pixels.bin", "bad.bin", "check.bin"])
def test_a_damaged_cache_is_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: str
) -> None:
    monkeypatch.setattr(gallery, "_BYTES_IN_MEMORY", 0)
    sound = Gallery(SHAPE, tmp_path)
    sound.numbers(cells())
    expected = np.array(sound.parts[0])
    (place,) = tmp_path.iterdir()
    content = bytearray((place / file).read_bytes())
    content[len(content) // 2] ^= 1
    (place / file).write_bytes(content)
    again = Gallery(SHAPE, tmp_path)
    again.numbers(cells())
    assert (again.parts[0] == expected).all()
    assert not again.bad[0].any()


def test_what_killed_processes_left_aside_is_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gallery, "_BYTES_IN_MEMORY", 0)
    old, young = tmp_path / ".old.x", tmp_path / ".young.x"
    for place in (old, young):
        place.mkdir()
    os.utime(old, (0, 0))
    Gallery(SHAPE, tmp_path).numbers(cells())
    assert not old.exists()
    assert young.exists()


def test_a_full_disk_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gallery, "_BYTES_IN_MEMORY", 0)

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(picture_cache, "_reserve", full)
    with pytest.raises(StorageError) as caught:
        Gallery(SHAPE, tmp_path).numbers(cells())
    told = caught.value
    assert told.what == "Decoded pictures cannot be kept on disk."
    assert told.where == str(tmp_path)
    assert told.expected == "a folder to write to, with room for 1 MB"
    assert told.got == "No space left on device"
    assert told.do == "Free some space, or name another folder: FATHOM_CACHE=FOLDER fathom …"
    assert list(tmp_path.iterdir()) == []


def test_arrays_need_no_decoder_and_agree_with_one() -> None:
    rng = np.random.default_rng(2)
    for channels, sign in ((1, b"P5"), (3, b"P6")):
        pixels = rng.integers(0, 255, (11, 5, 7, channels), dtype=np.uint8)
        plain = [sign + b" 7 5 255\n" + one.tobytes() for one in pixels]
        hall = Gallery(Shape(5, 7, channels))
        hall.numbers(plain)
        assert (hall.parts[0] == pixels.transpose(0, 3, 1, 2)).all()
        mixed = Gallery(Shape(5, 7, channels))
        mixed.numbers([*plain, cells(1)[0]])
        assert (mixed.parts[0][:11] == hall.parts[0]).all()
