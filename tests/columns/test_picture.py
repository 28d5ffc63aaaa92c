"""Pictures of every mode and format, whole and broken."""

import contextlib
import io
import re
import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from fathom.columns import picture
from fathom.columns.picture import (
    Header,
    PassingError,
    PictureError,
    content_of,
    decode,
    is_picture,
    quiet,
    read_header,
)
from fathom.columns.prints import headers

RNG = np.random.default_rng(5)
COLOUR = Image.fromarray(RNG.integers(0, 255, (64, 48, 3), dtype=np.uint8))


def encoded(image: Image.Image, format: str, **options: object) -> bytes:
    stream = io.BytesIO()
    image.save(stream, format, **options)
    return stream.getvalue()


@pytest.mark.parametrize("format", ["PNG", "JPEG", "WEBP", "BMP", "TIFF", "GIF", "PPM"])
def test_formats(format: str) -> None:
    content = encoded(COLOUR, format)
    assert is_picture(content[:12])
    header = read_header(content)
    assert (header.width, header.height, header.format, header.error) == (48, 64, format, "")
    assert decode(content, 32, 24, 3).shape == (32, 24, 3)
    assert decode(content, 32, 24, 1).shape == (32, 24, 1)


def test_pixels_of_a_lossless_picture_come_back_as_they_are() -> None:
    found = decode(encoded(COLOUR, "PNG"), 64, 48, 3)
    assert (found == np.asarray(COLOUR)).all()


@pytest.mark.parametrize(
    ("turn", "first"), [(1, "top left"), (3, "bottom right"), (6, "bottom left")]
)
def test_turned_as_exif_says(turn: int, first: str) -> None:
    """The corner of the file that the corner top left of the decoded picture comes from."""
    exif = Image.Exif()
    exif[0x0112] = turn
    content = encoded(COLOUR, "PNG", exif=exif)
    size = (64, 48) if turn < 5 else (48, 64)
    header = read_header(content)
    assert (header.height, header.width, header.turned) == (*size, turn != 1)
    corner = {"top left": (0, 0), "bottom right": (63, 47), "bottom left": (63, 0)}[first]
    assert (decode(content, *size, 3)[0, 0] == np.asarray(COLOUR)[corner]).all()


def test_more_than_eight_bits_are_scaled_by_the_brightest() -> None:
    deep = np.array([[0, 1000], [2000, 4000]], dtype=np.uint16)
    content = encoded(Image.fromarray(deep), "PNG")
    assert read_header(content).deep
    assert decode(content, 2, 2, 1)[..., 0].tolist() == [[0, 63], [127, 255]]


def test_what_is_transparent_is_white() -> None:
    clear = Image.new("RGBA", (4, 4), (0, 0, 0, 0))
    half = Image.new("RGBA", (4, 4), (0, 0, 0, 128))
    assert decode(encoded(clear, "PNG"), 4, 4, 3).min() == 255
    assert decode(encoded(half, "PNG"), 4, 4, 1).max() == 127
    palette = COLOUR.quantize(8)
    assert decode(encoded(palette, "PNG", transparency=0), 64, 48, 3).max() == 255


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "the file is empty"),
        (b"hello", "no picture format that is known"),
        (encoded(COLOUR, "JPEG")[:-300], "the file ends too early"),
        (encoded(COLOUR, "PNG")[:-300], "the file ends too early"),
    ],
)
def test_broken_ones_are_refused_with_the_reason(content: bytes, why: str) -> None:
    with pytest.raises(PictureError):
        decode(content, 8, 8, 3)
    said = read_header(content).error
    assert said in (why, ""), "a header may be whole where the rest is not"


def test_noise_never_ends_in_another_error() -> None:
    whole = encoded(COLOUR, "TIFF")
    for seed in range(60):
        rng = np.random.default_rng(seed)
        damaged = np.frombuffer(whole, dtype=np.uint8).copy()
        damaged[rng.integers(0, len(damaged), 40)] = rng.integers(0, 255, 40)
        with quiet():
            with contextlib.suppress(PictureError):
                assert decode(damaged.tobytes(), 8, 8, 3).shape == (8, 8, 3)
            assert isinstance(read_header(damaged.tobytes()), Header)


def test_a_hundred_million_pixels() -> None:
    """A JPEG is decoded at a fraction of its size; other formats are refused before decoding."""
    wide = Image.new("L", (10_000, 10_000), 200)
    assert decode(encoded(wide, "JPEG"), 16, 16, 1).min() > 190
    content = encoded(wide, "PNG")
    assert read_header(content).error == "too large: 10,000 × 10,000 pixels"
    with pytest.raises(PictureError, match="too large"):
        decode(content, 16, 16, 1)


def test_headers_of_png_are_read_without_decoding(monkeypatch: pytest.MonkeyPatch) -> None:
    """30,000 × 30,000 pixels take a gigabyte, and thousands of small ones take their time."""

    def load(image: Image.Image) -> None:
        raise AssertionError("decoded")

    contents = [encoded(Image.new("1", (9000, 8000)), "PNG"), encoded(COLOUR, "PNG")]
    monkeypatch.setattr(PngImagePlugin.PngImageFile, "load", load)
    large, small = map(read_header, contents)
    assert (large.width, large.height, large.format) == (9000, 8000, "PNG")
    assert large.error == "too large: 9,000 × 8,000 pixels"
    assert small == Header(48, 64, "RGB", "PNG")


def test_exif_behind_the_pixels_of_a_png() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    content = encoded(COLOUR, "PNG", exif=exif)
    first = content.index(b"eXIf") - 4
    length = 12 + int.from_bytes(content[first : first + 4], "big")
    end = content.index(b"IEND") - 4
    note = content[first : first + length]
    moved = content[:first] + content[first + length : end] + note + content[end:]
    assert read_header(moved) == read_header(content) == Header(64, 48, "RGB", "PNG", turned=True)


def test_a_canvas_beyond_what_pillow_opens() -> None:
    side = (16_382).to_bytes(3, "little")
    rest = b"WEBPVP8X" + (10).to_bytes(4, "little") + bytes(4) + side + side
    content = b"RIFF" + len(rest).to_bytes(4, "little") + rest
    assert read_header(content).error == "too large"
    with pytest.raises(PictureError, match="too large"):
        decode(content, 8, 8, 1)


@pytest.mark.parametrize("mode", ["L", "RGB", "1", "P"])
def test_one_colour_that_stands_for_what_is_transparent_is_white(mode: str) -> None:
    image = Image.new(mode, (8, 8))
    content = encoded(image, "PNG", transparency=(0, 0, 0) if mode == "RGB" else 0)
    assert read_header(content).alpha
    assert not read_header(encoded(image, "PNG")).alpha
    assert decode(content, 8, 8, 3).min() == 255
    assert decode(encoded(image, "PNG"), 8, 8, 3).max() == 0


@pytest.mark.parametrize("top", [1.0, 255.0, 65535.0])
def test_floats_become_white_where_they_are_largest(top: float) -> None:
    values = np.linspace(0, top, 64, dtype=np.float32).reshape(8, 8)
    values[0, :2] = np.nan, -5.0
    content = encoded(Image.fromarray(values), "TIFF")
    assert read_header(content).deep
    found = decode(content, 8, 8, 1)[..., 0]
    assert (found[0, 0], found[0, 1], found[7, 7]) == (0, 0, 255)
    assert abs(int(found[4, 0]) - 255 * values[4, 0] / top) < 1


def _progressive(size: tuple[int, int] | None = None, more_scans: int = 0) -> bytes:
    """A sound one that claims another size, or repeats its last scan."""
    content = encoded(COLOUR, "JPEG", progressive=True)
    if size is not None:
        place = content.index(b"\xff\xc2") + 5
        content = content[:place] + struct.pack(">HH", *size) + content[place + 4 :]
    last = content[content.rindex(b"\xff\xda") : -2]
    return content[:-2] + last * more_scans + content[-2:]


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (_progressive(size=(40_000, 30_000)), "too large: 30,000 × 40,000 pixels"),
        (_progressive(more_scans=500), "510 scans, of which each takes a pass over all pixels"),
    ],
)
def test_progressive_jpegs_that_would_take_all_memory_or_hours(content: bytes, why: str) -> None:
    assert read_header(content).error == why
    with pytest.raises(PictureError, match=re.escape(why)):
        decode(content, 8, 8, 3)


def test_an_ordinary_progressive_jpeg_is_read() -> None:
    assert read_header(_progressive()).error == ""
    assert decode(_progressive(), 8, 8, 3).shape == (8, 8, 3)


def test_a_want_of_memory_is_tried_again_and_told_as_such(monkeypatch: pytest.MonkeyPatch) -> None:
    left = [MemoryError, MemoryError, MemoryError]

    def hungry(image: object, *_: object) -> np.ndarray:
        if left:
            raise left.pop()
        return np.zeros((8, 8, 3), dtype=np.uint8)

    monkeypatch.setattr(picture, "_pixels", hungry)
    content = encoded(COLOUR, "PNG")
    with pytest.raises(PassingError, match="memory ran out"):
        decode(content, 8, 8, 3)
    assert decode(content, 8, 8, 3).shape == (8, 8, 3)


def test_a_name_that_no_file_can_have() -> None:
    with pytest.raises(OSError, match="no name that a file can have"):
        content_of("a\0b.png")
    assert headers(["a\0b.png"])[0].error == "no name that a file can have"


def test_devices_and_giants_are_not_read(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="not an ordinary file"):
        content_of("/dev/zero")
    with pytest.raises(OSError, match="not an ordinary file"):
        content_of(str(tmp_path))
    giant = tmp_path / "giant.png"
    with giant.open("wb") as file:
        file.truncate(1 << 30)
    with pytest.raises(OSError, match="too large: 1,074 MB"):
        content_of(str(giant))
    (header,) = headers([str(giant)])
    assert header.error == "too large: 1,074 MB"
