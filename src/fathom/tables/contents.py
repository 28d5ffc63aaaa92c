"""The bytes of a file, unpacked, and the text that they spell."""

import gzip
import re
import zlib
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from fathom.base.errors import DataError, listed, nearest
from fathom.base.files import check_name
from fathom.base.records import Finding
from fathom.tables.limits import check_size, in_units, most_bytes, too_large

_GZIP = b"\x1f\x8b"
_PACKED = (".gz", ".gzip")
_MARKS = (
    ("utf-8-sig", b"\xef\xbb\xbf"),
    ("utf-32", b"\xff\xfe\x00\x00"),
    ("utf-32", b"\x00\x00\xfe\xff"),
    ("utf-16", b"\xff\xfe"),
    ("utf-16", b"\xfe\xff"),
)
_OTHER_KINDS = (
    (b"PK\x03\x04", "a ZIP archive or an Excel workbook"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook"),
    (b"%PDF", "a PDF document"),
    (b"\x89PNG", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"\x89HDF", "an HDF5 file"),
    (b"\x93NUMPY", "a NumPy array file"),
    (b"SQLite format 3", "an SQLite database"),
    (b"BZh", "a bzip2 archive"),
    (b"\xfd7zXZ", "an xz archive"),
    (b"\x28\xb5\x2f\xfd", "a zstd archive"),
    (b"\x80\x04", "a Python pickle, which fathom never opens"),
    (b"\x80\x05", "a Python pickle, which fathom never opens"),
)
_LOOK = 1 << 16
_AROUND = 8
_PIECE = 1 << 24
# Tab, line breaks and the old end-of-file marks (0x1a, 0x1b) do occur in texts.
_CONTROLS = re.compile(rb"[\x01-\x08\x0e-\x19\x1c-\x1f\x7f]")
_MOST_CONTROLS = 0.05
_SAVE = "Save the table as CSV or Parquet, or unpack the archive, and read that."
_REMOVE = "Remove these bytes, or save the table again as CSV or Parquet."


@dataclass(frozen=True)
class Content:
    """A file as bytes.

    Attributes:
        path: where it lies.
        data: its bytes, unpacked.
        suffix: the last extension in lower case, that of the unpacked file: ".csv" of "x.csv.gz".
        packed: True when it was compressed.
    """

    path: Path
    data: bytes
    suffix: str
    packed: bool


@dataclass(frozen=True)
class Decoded:
    """A text as UTF-8 without a byte-order mark, whatever it was before."""

    data: bytes
    encoding: str
    notes: tuple[Finding, ...] = ()


def load(path: Path) -> Content:
    """Read and, where needed, unpack a file.

    Raises:
        DataError: it is missing, a folder, not to be opened, empty, a damaged archive or too large.
    """
    _check_path(path)
    try:
        check_size(path.stat().st_size, str(path), "the file")
        with path.open("rb") as file:
            data = file.read(most_bytes() + 1)
    except OSError as error:
        raise DataError(
            "The file cannot be read.",
            where=str(path),
            expected="a file that may be read",
            got=error.strerror or str(error),
            do="Check the rights of the file, or copy it to another place.",
        ) from error
    suffixes = [suffix.lower() for suffix in path.suffixes]
    packed = data.startswith(_GZIP)
    if suffixes and suffixes[-1] in _PACKED:
        suffixes.pop()
    # What has no size beforehand, as files that the system makes up, may turn out to have one.
    check_size(len(data), str(path), "what has been read so far")
    if packed:
        data = _unpack(path, data)
    if not data:
        raise DataError(
            "The file is empty.",
            where=str(path),
            expected="a table with at least one row",
            got="0 bytes",
            do="Check how the file was written; perhaps a download or an export broke off.",
        )
    return Content(path, data, suffixes[-1] if suffixes else "", packed)


def _check_path(path: Path) -> None:
    check_name(path)
    try:
        is_folder, exists = path.is_dir(), path.exists()
    except OSError:
        # Longer than any name may be: most likely a text was handed over instead of a path.
        is_folder = exists = False
    if is_folder:
        inside = _names_in(path)
        raise DataError(
            "A folder was named where a file is needed.",
            where=str(path),
            expected="one file with a table, e.g. a .csv",
            got=f"a folder with {len(inside)} files: {listed(inside, most=5)}",
            do="Name one of the files.",
        )
    if exists and not path.is_file():
        raise DataError(
            "This is not a file, so its end may never come.",
            where=str(path),
            expected="a file with a table",
            got="a pipe or a device",
            do="Write what it gives into a file first.",
        )
    if exists:
        return
    folder = path.parent
    beside = _names_in(folder)
    raise DataError(
        "There is no such file.",
        where=str(path)[:300],
        expected="the path of a file that exists",
        got="nothing at that place"
        if _is_folder(folder)
        else "a folder that does not exist either",
        do=nearest(path.name, beside) or "Check the path.",
    )


def _is_folder(path: Path) -> bool:
    """Whether it is one; not where the name is too long or nobody may look."""
    try:
        return path.is_dir()
    except OSError:
        return False


def _names_in(folder: Path) -> list[str]:
    """The files of a folder; none where it may not be looked into."""
    try:
        return sorted(item.name for item in folder.iterdir() if item.is_file())
    except OSError:
        return []


def _unpack(path: Path, data: bytes) -> bytes:
    unpacked, most = BytesIO(), most_bytes()
    try:
        with gzip.open(BytesIO(data)) as packed:
            while piece := packed.read(_PIECE):
                unpacked.write(piece)
                if unpacked.tell() > most:
                    raise too_large(str(path), _unpacking(unpacked.tell(), len(data)))
        return unpacked.getvalue()
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        broken = "it ends too early" if isinstance(error, EOFError) else str(error)
        raise DataError(
            "The compressed file is damaged.",
            where=str(path),
            expected="a whole gzip archive",
            got=f"{len(data):,} bytes that cannot be unpacked: {broken}",
            do="Fetch or write the file again; check with `gzip -t`.",
        ) from error


def _unpacking(num_bytes: int, packed: int) -> str:
    return f"more than {in_units(num_bytes)} unpacked from {in_units(packed)}"


def decode(content: Content, encoding: str | None = None) -> Decoded:
    """The text of a file as UTF-8.

    A byte-order mark decides; else valid UTF-8 is UTF-8; else it is taken for Windows' western
    encoding (cp1252), or latin-1 where that leaves bytes undefined, which is reported.

    Args:
        content: the file.
        encoding: what the person said it is; None = find out.

    Raises:
        DataError: it is not a text, or not in the encoding said.
    """
    if encoding is not None:
        return _decode_as_said(content, encoding)
    for name, mark in _MARKS:
        if content.data.startswith(mark):
            return _decode_as_said(content, name)
    wide = _wide(content.data[:_LOOK])
    if wide:
        return _decode_as_said(content, wide)
    _refuse_binary(content)
    try:
        content.data.decode("utf-8")
    except UnicodeDecodeError as error:
        return _decode_western(content, error.start)
    return Decoded(content.data, "utf-8")


def _decode_as_said(content: Content, encoding: str) -> Decoded:
    try:
        text = content.data.decode(encoding)
    except LookupError as error:
        raise DataError(
            f"'{encoding}' is not an encoding of texts.",
            where=str(content.path),
            expected="a name such as utf-8, latin-1 or cp1252",
            got=f"'{encoding}'",
            do="Name another encoding, or leave the option out so that it is found.",
        ) from error
    except UnicodeError as error:
        start = error.start if isinstance(error, UnicodeDecodeError) else 0
        raise DataError(
            f"The file is not in the encoding {encoding}.",
            where=f"{content.path}, line {_line_of(content.data, start)}",
            expected=f"bytes that {encoding} can spell",
            got=f"the bytes {content.data[start : start + 4]!r}",
            do="Name another encoding, or leave the option out so that it is found.",
        ) from error
    return Decoded(text.removeprefix("\ufeff").encode(), encoding)


def _decode_western(content: Content, start: int) -> Decoded:
    encoding = "cp1252"
    try:
        text = content.data.decode(encoding)
    except UnicodeDecodeError:
        encoding = "latin-1"
        text = content.data.decode(encoding)
    line = _line_of(content.data, start)
    odd = re.search(rb"[^\n]{0,12}$", content.data[:start])
    around = (odd.group() if odd else b"") + content.data[start : start + 8]
    example = around.decode(encoding).splitlines()[0].strip() if around.strip() else ""
    note = Finding(
        code="encoding_guessed",
        severity="low",
        title=f"The text is not UTF-8 and was read as {encoding}.",
        evidence=f"Line {line} holds bytes that UTF-8 does not allow; read as {encoding} it "
        f"says '{example}'.",
        advice="If accented letters look wrong, name the encoding.",
        facts={"encoding": encoding, "line": line},
    )
    return Decoded(text.encode(), encoding, (note,))


def _line_of(data: bytes, position: int) -> int:
    return data.count(b"\n", 0, position) + 1


def _wide(start: bytes) -> str:
    """UTF-16 without a mark: every other byte of western text is zero then."""
    even, odd = start[0::2], start[1::2]
    if len(odd) < 2 or len(_CONTROLS.findall(start)) > _MOST_CONTROLS * len(start):
        return ""
    if odd.count(0) > 0.5 * len(odd) and even.count(0) < 0.05 * len(even):
        return "utf-16-le"
    if even.count(0) > 0.5 * len(even) and odd.count(0) < 0.05 * len(odd):
        return "utf-16-be"
    return ""


def _refuse_binary(content: Content) -> None:
    start = content.data[:_LOOK]
    for mark, kind in _OTHER_KINDS:
        if start.startswith(mark):
            raise _not_a_text(str(content.path), kind, _SAVE)
    few = len(_CONTROLS.findall(start)) <= _MOST_CONTROLS * len(start)
    if few and b"\0" not in start:
        return
    # A few other control bytes would have been let pass: then it was the zeros.
    odd = re.search(rb"\0" if few else rb"\0|" + _CONTROLS.pattern, start)
    place = odd.start() if odd else 0
    where = f"{content.path}, line {_line_of(start, place)}, byte {place + 1:,}"
    around = start[max(place - _AROUND, 0) : place + _AROUND]
    got = f"bytes that no text holds, e.g. {start[place : place + 1]!r} in {around!r}"
    raise _not_a_text(where, got, _REMOVE if few else _SAVE)


def _not_a_text(where: str, got: str, do: str) -> DataError:
    formats = "a table as text (.csv, .tsv, .txt, .arff, .json, .jsonl), as Parquet or Arrow"
    return DataError("The file is not a text.", where=where, expected=formats, got=got, do=do)
