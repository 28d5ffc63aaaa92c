"""One picture: what its file says of it, and its pixels at the size that a network reads."""

import errno
import io
import os
import re
import stat
import struct
import threading
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from warnings import catch_warnings, simplefilter

import numpy as np
from jaxtyping import UInt8
from PIL import (
    BmpImagePlugin,
    GifImagePlugin,
    Image,
    ImageFile,
    ImageOps,
    JpegImagePlugin,
    PngImagePlugin,
    PpmImagePlugin,
    TiffImagePlugin,
    UnidentifiedImageError,
    WebPImagePlugin,
)

Pixels = UInt8[np.ndarray, "height width channels"]
Cell = bytes | str

# Formats that people keep pictures in, and how their files begin. Others of Pillow's call programs
# or read several files.
_READERS: tuple[tuple[bytes, type[ImageFile.ImageFile]], ...] = (
    (rb"\x89PNG", PngImagePlugin.PngImageFile),
    (rb"\xff\xd8\xff", JpegImagePlugin.JpegImageFile),
    (rb"RIFF....WEBP", WebPImagePlugin.WebPImageFile),
    (rb"BM", BmpImagePlugin.BmpImageFile),
    (rb"II\*\x00|MM\x00\*", TiffImagePlugin.TiffImageFile),
    (rb"P[1-6]\s", PpmImagePlugin.PpmImageFile),
    (rb"GIF8", GifImagePlugin.GifImageFile),
)
_BEGINNINGS = tuple((re.compile(start, re.DOTALL), reader) for start, reader in _READERS)
_ENDINGS = "png jpg jpeg webp bmp tif tiff pgm ppm pbm gif"
PICTURE_ENDINGS = tuple(f".{ending}" for ending in _ENDINGS.split())
# Beyond this only formats that can be decoded at a fraction of their size are read.
MOST_PIXELS = 64_000_000
# Larger ones are decoded one after the other, so that memory is bounded by a single one.
_LARGE = 8_000_000
# What decoders raise when they are fed with rubbish.
_BROKEN = (
    OSError,
    SyntaxError,
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    ArithmeticError,
    EOFError,
    RuntimeError,
    struct.error,
    zlib.error,
    Image.DecompressionBombError,
)
# A progressive JPEG is whole only after its last scan. Encoders write about ten; of thousands, each
# of a hundred bytes, every one takes a pass over all pixels.
_MOST_SCANS, _SCAN = 64, b"\xff\xda"
# A file of a picture that can be decoded is never as large.
_MOST_BYTES = 1 << 29
_NO_MEMORY = "memory ran out"
_one_at_a_time = threading.RLock()
_DEEP = ("I;16", "I;16B", "I;16L", "I", "F")
# Modes of which one colour or level may stand for what is transparent.
_ONE_CLEAR = ("1", "L", "P", "RGB")
_EXIF_ORIENTATION = 0x0112
# Where a PNG may say that it is turned.
_PNG_NOTES = (b"eXIf", b"Raw profile type exif", b"XML:com.adobe.xmp")
_PLAIN = re.compile(rb"P([56]) (\d{1,6}) (\d{1,6}) 255\n")


@dataclass(frozen=True)
class Header:
    """What can be told without decoding.

    Attributes:
        width, height: as it is looked at, that is, turned as its EXIF says.
        mode: of Pillow: "L", "RGB", "RGBA", "P", "CMYK", "I;16", …
        format: "PNG", "JPEG", …
        turned: whether EXIF turns or mirrors it.
        clear: whether one colour of it stands for what is transparent.
        coarse: how coarsely a JPEG was compressed, the sum of its first table; 0 = no JPEG.
        error: why it cannot be read; "" = it can, as far as the header goes.
    """

    width: int = 0
    height: int = 0
    mode: str = ""
    format: str = ""
    turned: bool = False
    clear: bool = False
    coarse: int = 0
    error: str = ""

    @property
    def grey(self) -> bool:
        """Whether there is no colour in it by its mode."""
        return self.mode in ("1", "L", "LA", "La", *_DEEP)

    @property
    def alpha(self) -> bool:
        """Whether places of it may be transparent."""
        return self.clear or self.mode in ("LA", "La", "RGBA", "RGBa", "PA")

    @property
    def deep(self) -> bool:
        """Whether it has more than 8 bits a channel."""
        return self.mode in _DEEP


def is_picture(start: bytes) -> bool:
    """Whether the first bytes are those of a file of pictures.

    Example:
        >>> is_picture(b"P5 28 28 255"), is_picture(b"a,b,c")
        (True, False)
    """
    return _reader(start) is not None


def is_file(name: str) -> bool:
    """Whether there is such a file."""
    try:
        return Path(name).is_file()
    except (OSError, ValueError):  # longer than a name may be, or of no letters
        return False


def content_of(cell: Cell) -> bytes:
    """The bytes of a picture, from the cell itself or from its file.

    Raises:
        OSError: the file cannot be read, or is none that holds a picture: devices and pipes may
            never end.
    """
    if isinstance(cell, bytes):
        return cell
    try:
        facts = os.stat(cell)
    except ValueError as error:
        raise OSError(errno.EINVAL, "no name that a file can have") from error
    if not stat.S_ISREG(facts.st_mode):
        raise OSError(errno.EINVAL, "not an ordinary file")
    if facts.st_size > _MOST_BYTES:
        raise OSError(errno.EFBIG, f"too large: {facts.st_size / 1e6:,.0f} MB")
    return Path(cell).read_bytes()


def read_header(content: bytes) -> Header:
    """Size, mode and format; never raises for what is in the file.

    Example:
        >>> found = read_header(b"P5 3 2 255\\n123456")
        >>> found.width, found.height, found.mode, found.format
        (3, 2, 'L', 'PPM')
        >>> read_header(b"no picture").error
        'no picture format that is known'
    """
    if not content:
        return Header(error="the file is empty")
    # Arrays of pictures come so, thousands of them: 20 times as quick as by Pillow.
    if (plain := _PLAIN.match(content)) is not None:
        width, height = int(plain[2]), int(plain[3])
        if 0 < width * height <= MOST_PIXELS:
            return Header(width, height, "L" if plain[1] == b"5" else "RGB", "PPM")
    try:
        with _opened(content) as image:
            width, height = image.size
            form = image.format or ""
            if error := _too_much(image, content):
                return Header(width, height, image.mode, form, error=error)
            turn = _exif(image, content).get(_EXIF_ORIENTATION, 1)
            width, height = image.size if turn < 5 else image.size[::-1]
            return Header(width, height, image.mode, form, turn != 1, _clear(image), _coarse(image))
    except _BROKEN as error:
        return Header(error=_why(error))
    except MemoryError:
        return Header(error=_NO_MEMORY)


def decode(content: bytes, height: int, width: int, channels: int) -> Pixels:
    """The pixels at one size: turned as EXIF says, alpha laid on white, stretched where needed.

    More than 8 bits a channel are scaled so that the brightest place of the picture is white.

    Args:
        content: of the file.
        height, width: wanted.
        channels: 1 = grey, 3 = colour.

    Raises:
        PictureError: it cannot be decoded whole.
        PassingError: not now, for want of memory.

    Example:
        >>> decode(b"P5 2 2 255\\n" + bytes([0, 255, 0, 255]), 2, 2, 1)[..., 0].tolist()
        [[0, 255], [0, 255]]
    """
    try:
        return _decoded(content, height, width, channels)
    except MemoryError:
        pass
    try:
        with _one_at_a_time:
            return _decoded(content, height, width, channels)
    except MemoryError as error:
        raise PassingError(_NO_MEMORY) from error


def _decoded(content: bytes, height: int, width: int, channels: int) -> Pixels:
    try:
        with _opened(content) as image:
            if error := _too_much(image, content):
                raise PictureError(error)
            large = image.size[0] * image.size[1] > _LARGE
            with _one_at_a_time if large else nullcontext():
                return _pixels(image, height, width, channels)
    except PictureError:
        raise
    except _BROKEN as error:
        raise PictureError(_why(error)) from error


def why_broken(cell: Cell) -> str:
    """Why a picture cannot be decoded; "" = it can."""
    try:
        decode(content_of(cell), 8, 8, 1)
    except PictureError as error:
        return str(error)
    except OSError as error:
        return (error.strerror or "the file cannot be read").lower()
    return ""


class PictureError(Exception):
    """A picture that cannot be decoded; told and counted by whoever asked, never shown as such."""


class PassingError(PictureError):
    """A picture that cannot be decoded at the moment."""


@contextmanager
def quiet() -> Iterator[None]:
    """Around the reading of many: without Pillow's warnings of each, since ours count them.

    Filters of warnings belong to the whole process, so threads are to be started within it.
    """
    with catch_warnings():
        simplefilter("ignore")
        yield


def _reader(start: bytes) -> type[ImageFile.ImageFile] | None:
    return next((reader for begins, reader in _BEGINNINGS if begins.match(start)), None)


def _opened(content: bytes) -> ImageFile.ImageFile:
    # Not by `Image.open`, which warns of large pictures: ours are bounded by `MOST_PIXELS`.
    reader = _reader(content[:16])
    if reader is None:
        raise UnidentifiedImageError
    return reader(io.BytesIO(content))


def _too_much(image: ImageFile.ImageFile, content: bytes) -> str:
    """Why it would take more memory or time than a picture is worth; "" = it would not.

    A JPEG is decoded at a fraction of its size, but not a progressive one: all of its coefficients
    are held, whatever size is asked for.
    """
    width, height = image.size
    progressive = bool(image.info.get("progressive"))
    if width * height > MOST_PIXELS and (image.format != "JPEG" or progressive):
        return f"too large: {width:,} × {height:,} pixels"
    if progressive and (scans := content.count(_SCAN)) > _MOST_SCANS:
        return f"{scans:,} scans, of which each takes a pass over all pixels"
    return ""


def _clear(image: Image.Image) -> bool:
    return image.mode in _ONE_CLEAR and "transparency" in image.info


def _coarse(image: ImageFile.ImageFile) -> int:
    if not isinstance(image, JpegImagePlugin.JpegImageFile):
        return 0
    return sum(image.quantization.get(0, []))


def _exif(image: ImageFile.ImageFile, content: bytes) -> Image.Exif:
    # Of a PNG without notes Pillow decodes all pixels, to see whether some stand behind them.
    if image.format == "PNG" and not any(sign in content for sign in _PNG_NOTES):
        return Image.Image.getexif(image)
    return image.getexif()


def _pixels(image: ImageFile.ImageFile, height: int, width: int, channels: int) -> Pixels:
    if image.format == "JPEG":
        # Decoded at a half, a quarter or an eighth where that is enough; no more memory is taken.
        image.draft(None, (2 * width, 2 * height))
    if image.size[0] * image.size[1] > MOST_PIXELS:
        raise PictureError(f"too large: {image.size[0]:,} × {image.size[1]:,} pixels")
    turned = ImageOps.exif_transpose(image)
    flat = _of_mode(turned, channels)
    if flat.size != (width, height):
        flat = flat.resize((width, height), Image.Resampling.BILINEAR, reducing_gap=2.0)
    pixels = np.asarray(flat)
    return pixels if pixels.ndim == 3 else pixels[..., None]


def _of_mode(image: Image.Image, channels: int) -> Image.Image:
    """Grey or colour with 8 bits a channel and nothing transparent."""
    mode = "L" if channels == 1 else "RGB"
    if image.mode in _DEEP:
        values = np.nan_to_num(np.asarray(image).astype(np.float32), posinf=0.0, neginf=0.0)
        top = max(float(values.max()), 1.0)  # floats of 0 to 1 stay so
        return Image.fromarray((values * (255 / top)).clip(0, 255).astype(np.uint8)).convert(mode)
    if _clear(image):
        image = image.convert("RGBA")
    if image.mode in ("LA", "La", "RGBA", "RGBa", "PA"):
        over = image.convert("RGBA")
        ground = Image.new("RGBA", over.size, "white")
        return Image.alpha_composite(ground, over).convert(mode)
    return image if image.mode == mode else image.convert(mode)


def _why(error: Exception) -> str:
    if isinstance(error, UnidentifiedImageError):
        return "no picture format that is known"
    if isinstance(error, Image.DecompressionBombError):
        return "too large"
    if "truncated" in str(error):
        return "the file ends too early"
    return f"cannot be decoded ({type(error).__name__})"
