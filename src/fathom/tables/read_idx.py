"""Arrays in IDX files, as MNIST and its kin are passed on: pictures and their labels."""

import math
from pathlib import Path

import numpy as np

from fathom.base.errors import DataError
from fathom.tables.contents import Content, load

# Two zeros, the type of the numbers (8 = unsigned bytes), how many axes.
_BYTES = b"\x00\x00\x08"


def is_idx(content: Content) -> bool:
    """Whether these are arrays of bytes in the IDX format."""
    return content.data.startswith(_BYTES) and 1 <= content.data[3] <= 4


def read_idx(path: Path) -> np.ndarray:
    """The array of an IDX file.

    Raises:
        DataError: it is none, or ends too early.
    """
    content = load(path)
    axes = content.data[3] if is_idx(content) else 0
    sizes = np.frombuffer(content.data[4 : 4 + 4 * axes], dtype=">i4").astype(np.int64)
    rest, wanted = len(content.data) - 4 - 4 * axes, math.prod(sizes.tolist())
    if axes == 0 or len(sizes) < axes or (sizes < 0).any() or rest != wanted:
        raise DataError(
            "The file is no whole array of bytes in the IDX format.",
            where=str(path),
            expected="two zeros, 8, the number of axes, their sizes, and as many bytes"
            + (f" ({wanted:,})" if axes else ""),
            got=f"{rest:,} bytes" if axes else f"a file that begins with {content.data[:4]!r}",
            do="Fetch the file again.",
        )
    return np.frombuffer(content.data, dtype=np.uint8, offset=4 + 4 * axes).reshape(tuple(sizes))


def cells_of(pixels: np.ndarray, where: str) -> list[bytes]:
    """Pictures as the bytes of files (PNM), so that they are cells like any other picture.

    Args:
        pixels: of 8 bits, [pictures, height, width] or [pictures, height, width, 1 or 3].
        where: for the error.

    Raises:
        DataError: the axes are others.

    Example:
        >>> cells_of(np.zeros((1, 1, 2), dtype=np.uint8), "x")
        [b'P5 2 1 255\\n\\x00\\x00']
    """
    if pixels.ndim == 3:
        pixels = pixels[..., None]
    if pixels.ndim != 4 or pixels.shape[3] not in (1, 3) or pixels.dtype != np.uint8:
        raise DataError(
            "The array does not hold pictures.",
            where=where,
            expected="bytes with the axes pictures, height, width and, for colour, 3 channels",
            got=f"{pixels.dtype} with the axes {pixels.shape}",
            do="Bring the array into that form.",
        )
    num, height, width, channels = pixels.shape
    header = f"P{5 if channels == 1 else 6} {width} {height} 255\n".encode()
    size = height * width * channels
    whole = np.ascontiguousarray(pixels).tobytes()
    return [header + whole[place * size : (place + 1) * size] for place in range(num)]
