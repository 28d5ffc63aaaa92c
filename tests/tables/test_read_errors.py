"""What cannot be read is said in four beats, never with a stack trace of others."""

import random
from pathlib import Path
from typing import Any

import pytest

from fathom.base.errors import DataError
from fathom.tables.options import ReadOptions
from fathom.tables.read import read


def refused(source: object, **options: object) -> DataError:
    with pytest.raises(DataError) as caught:
        read(source, ReadOptions(**options))  # type: ignore[arg-type]
    error = caught.value
    assert all([error.what, error.where, error.expected, error.got, error.do])
    return error


def test_a_missing_file_is_named_with_the_nearest(tmp_path: Path) -> None:
    (tmp_path / "houses.csv").write_text("a\n1\n")
    error = refused(tmp_path / "hosues.csv")
    assert error.what == "There is no such file."
    assert error.got == "nothing at that place"
    assert error.do == "Did you mean 'houses.csv'?"
    error = refused(str(tmp_path / "nowhere" / "houses.csv"))
    assert error.got == "a folder that does not exist either"
    assert error.do == "Check the path."
    error = refused(tmp_path / ("x" * 300) / "houses.csv")
    assert error.got == "a folder that does not exist either"


def test_a_folder(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("a\n1\n")
    error = refused(tmp_path)
    assert error.what == "A folder was named that holds no pictures."
    assert error.got == "a folder with 1 files and folders: 'a.csv'"


def test_a_file_that_may_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.csv"
    path.write_text("a\n1\n")

    opened = Path.open

    def denied(self: Path, *how: Any, **more: Any) -> Any:
        if self == path:
            raise PermissionError(13, "Permission denied", str(self))
        return opened(self, *how, **more)

    monkeypatch.setattr(Path, "open", denied)
    error = refused(path)
    assert error.what == "The file cannot be read."
    assert error.got == "Permission denied"


def test_nothing_in_it(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b"")
    assert refused(path).what == "The file is empty."
    path.write_bytes(b"\n \r\n\n")
    error = refused(path)
    assert error.what == "The file holds no text."
    assert error.got == "5 bytes of blanks and empty lines"
    path.write_bytes(b"\xef\xbb\xbf")
    assert refused(path).what == "The file holds no text."


@pytest.mark.parametrize("text", ["a,b,c\n", "a,b,c", "name\n\n", "# remark\na,b\n"])
def test_a_header_only(tmp_path: Path, text: str) -> None:
    path = tmp_path / "a.csv"
    path.write_text(text)
    error = refused(path)
    assert error.what == "The table has no rows."
    assert error.got == "a header and nothing below it"


@pytest.mark.parametrize(
    ("data", "got"),
    [
        (b"PK\x03\x04xl/workbook", "a ZIP archive or an Excel workbook"),
        (b"\x89PNG\r\n\x1a\n", "a PNG picture"),
        (b"\x80\x04\x95", "a Python pickle, which fathom never opens"),
        (b"%PDF-1.7\n", "a PDF document"),
        (random.Random(7).randbytes(999), "bytes that no text holds"),
        (bytes(range(1, 32)) * 9, "bytes that no text holds"),
    ],
)
@pytest.mark.parametrize("name", ["a.csv", "a.xlsx", "a"])
def test_what_is_no_text(tmp_path: Path, data: bytes, got: str, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(data)
    error = refused(path)
    assert error.what == "The file is not a text."
    assert error.got.startswith(got)
    assert "CSV or Parquet" in error.do


@pytest.mark.parametrize(
    ("data", "where", "got"),
    [
        (
            b"amount,what\n1,ok\n22,x\x00yz\n",
            "line 3, byte 22",
            "b'\\x00' in b',ok\\n22,x\\x00yz\\n'",
        ),
        (
            b"\x01a,b\n" + b"1,\x02\n" * 9 + b"\x00",
            "line 1, byte 1",
            "b'\\x01' in b'\\x01a,b\\n1,\\x02'",
        ),
    ],
)
def test_the_first_byte_that_no_text_holds_is_shown_with_its_place(
    tmp_path: Path, data: bytes, where: str, got: str
) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(data)
    error = refused(path)
    assert error.what == "The file is not a text."
    assert error.where == f"{path}, {where}"
    assert error.got == f"bytes that no text holds, e.g. {got}"
    assert error.do.startswith("Remove these bytes" if b"ok" in data else "Save the table as CSV")


def test_too_many_columns(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(",".join(f"x{place}" for place in range(23)) + "\n" + "1," * 22 + "1\n")
    error = refused(path, columns_limit=22)
    assert error.what == "The table is wider than is likely."
    assert error.got == "23 columns"
    assert "columns_limit" in error.do
    assert len(read(path, ReadOptions(columns_limit=23)).columns) == 23
    assert refused({"a": [1], "b": [2]}, columns_limit=1).got == "2 columns"


def test_a_title_above_the_header(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("Sales of 2020\na,b,c\n1,2,3\n4,5,6\n7,8,9\n")
    error = refused(path)
    assert error.got == "3 cells: 'a', 'b', 'c'"
    assert error.where.endswith("line 2")
    assert "if the first lines are a title, delete them" in error.do
    assert read(path, ReadOptions(skip_lines=1)).columns == ("a", "b", "c")


def test_a_text_instead_of_a_path() -> None:
    error = refused("a,b\n" + "1,2\n" * 9999)
    assert error.what == "There is no such file."
    assert len(error.where) <= 300
