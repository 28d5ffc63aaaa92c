"""Arrays in an .npz archive, read without unpickling anything and without trusting its figures."""

import math
import zipfile
import zlib
from io import BytesIO
from pathlib import Path, PurePosixPath

import numpy as np

from fathom.base.errors import DataError, listed
from fathom.tables.contents import load
from fathom.tables.limits import check_size

# Unpacked bytes, the array, and its rows as cells.
_TIMES = 4
# Truth values, whole numbers, floats, texts and dates.
_KINDS = "biufUSM"


def read_archive(path: Path) -> dict[str, np.ndarray]:
    """The arrays of an .npz archive by name, in its order.

    Raises:
        DataError: it is damaged or too large, or holds something other than plain arrays.
    """
    content = load(path)
    try:
        with zipfile.ZipFile(BytesIO(content.data)) as archive:
            members = archive.infolist()
            # No more is unpacked than an archive says it holds.
            declared = sum(member.file_size for member in members)
            check_size(declared, str(path), "the arrays, unpacked", _TIMES)
            _check_names(path, [member.filename for member in members])
            packed = {member.filename: archive.read(member) for member in members}
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise DataError(
            "The archive of arrays is damaged.",
            where=str(path),
            expected="a whole .npz, as numpy.savez writes it",
            got=f"{len(content.data):,} bytes that cannot be unpacked: {error}",
            do="Fetch or write the file again.",
        ) from error
    return {name.removesuffix(".npy"): _array(path, name, data) for name, data in packed.items()}


def _check_names(path: Path, names: list[str]) -> None:
    odd = [name for name in names if PurePosixPath(name).suffix != ".npy"]
    twice = {name for name in names if names.count(name) > 1}
    if odd or twice or not names:
        raise DataError(
            "The archive holds something other than arrays, each under its own name.",
            where=str(path),
            expected="files that end in .npy, as numpy.savez writes them",
            got=listed(odd or sorted(twice)),
            do="Write the arrays with numpy.savez, or unpack the archive and read what is in it.",
        )


def _array(path: Path, name: str, data: bytes) -> np.ndarray:
    stream = BytesIO(data)
    try:
        version = np.lib.format.read_magic(stream)
        header = {
            (1, 0): np.lib.format.read_array_header_1_0,
            (2, 0): np.lib.format.read_array_header_2_0,
        }.get(version)
        if header is None:  # only names of fields need a newer one
            raise _not_plain(path, name, f"an array in the format {version[0]}.{version[1]}")
        shape, _, dtype = header(stream)
        if dtype.hasobject or dtype.kind not in _KINDS:
            what = "Python objects" if dtype.hasobject else f"values of type {dtype}"
            raise _not_plain(path, name, f"an array of {what}")
        # Before memory is taken for what a header claims.
        if math.prod(shape) * dtype.itemsize != len(data) - stream.tell():
            raise ValueError(f"{len(data) - stream.tell():,} bytes for {dtype} of shape {shape}")
        stream.seek(0)
        return np.lib.format.read_array(stream, allow_pickle=False)
    except DataError:
        raise
    except (ValueError, EOFError, OverflowError, TypeError) as error:
        raise DataError(
            "An array of the archive is damaged.",
            where=f"{path}, array '{name.removesuffix('.npy')}'",
            expected="a header with type and shape, and as many bytes as they take",
            got=str(error),
            do="Fetch or write the file again.",
        ) from error


def _not_plain(path: Path, name: str, got: str) -> DataError:
    return DataError(
        "An array of the archive does not hold plain values.",
        where=f"{path}, array '{name.removesuffix('.npy')}'",
        expected="numbers, truth values, texts or dates; Python objects would have to be "
        "unpickled, which can run any code",
        got=got,
        do="Leave this array out, or save it as one of these types.",
    )
