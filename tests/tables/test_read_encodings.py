"""Packed files and encodings."""

import gzip
from pathlib import Path

import pytest

from fathom.base.errors import DataError
from fathom.tables.options import ReadOptions
from fathom.tables.read import read

TEXT = "név,straße\ncafé,1\nnaïve,2\nøre,3\n"


def put(folder: Path, data: bytes, name: str = "x.csv") -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


@pytest.mark.parametrize(
    ("written", "found"),
    [
        ("utf-8", "utf-8"),
        ("utf-8-sig", "utf-8-sig"),
        ("utf-16", "utf-16"),
        ("utf-32", "utf-32"),
        ("utf-16-le", "utf-16-le"),
        ("utf-16-be", "utf-16-be"),
    ],
)
def test_encodings_of_unicode_are_found(tmp_path: Path, written: str, found: str) -> None:
    text = TEXT.replace("é", "e") if written in ("utf-16-le", "utf-16-be") else TEXT
    table = read(put(tmp_path, text.encode(written)))
    assert table.source.encoding == found
    assert table.columns[1] == "straße"
    assert table.column("straße").to_list() == ["1", "2", "3"]
    assert table.columns[0][0] == "n"
    assert not any(note.code == "encoding_guessed" for note in table.notes)


def test_western_text_is_told(tmp_path: Path) -> None:
    text = "name,price\nplain,1\ncafé “x” – 5 €,2\n"
    table = read(put(tmp_path, text.encode("cp1252")))
    assert table.column("name").to_list() == ["plain", "café “x” – 5 €"]
    assert table.source.encoding == "cp1252"
    (told,) = (note for note in table.notes if note.code == "encoding_guessed")
    assert told.severity == "low"
    assert told.title == "The text is not UTF-8 and was read as cp1252."
    assert told.facts == {"encoding": "cp1252", "line": 3}
    assert "'café “x”" in told.evidence


def test_bytes_that_cp1252_leaves_undefined(tmp_path: Path) -> None:
    table = read(put(tmp_path, b"a,b\n\x81x,\xe9\ny,z\n"))
    assert table.source.encoding == "latin-1"
    assert table.column("b").to_list() == ["é", "z"]


def test_the_encoding_said_is_obeyed(tmp_path: Path) -> None:
    path = put(tmp_path, "a,b\nПривет,1\n".encode("cp1251"))
    assert read(path).column("a").to_list() != ["Привет"]
    table = read(path, ReadOptions(encoding="cp1251"))
    assert table.column("a").to_list() == ["Привет"]
    assert table.source.encoding == "cp1251"
    assert not any(note.code == "encoding_guessed" for note in table.notes)


def test_the_wrong_encoding_said(tmp_path: Path) -> None:
    path = put(tmp_path, "a,b\nx,1\ncafé,2\n".encode("cp1252"))
    with pytest.raises(DataError) as caught:
        read(path, ReadOptions(encoding="utf-8"))
    assert caught.value.what == "The file is not in the encoding utf-8."
    assert caught.value.where == f"{path}, line 3"
    assert "leave the option out" in caught.value.do


@pytest.mark.parametrize("name", ["x.csv.gz", "x.CSV.GZ", "x.gz", "x.csv", "x"])
def test_packed_text(tmp_path: Path, name: str) -> None:
    path = put(tmp_path, gzip.compress(TEXT.encode()), name)
    assert read(path).num_rows == 3
    assert read(path).source.name == name


def test_an_archive_of_several_parts(tmp_path: Path) -> None:
    halves = TEXT[:20].encode(), TEXT[20:].encode()
    path = put(tmp_path, b"".join(map(gzip.compress, halves)), "x.csv.gz")
    assert read(path).content_hash() == read(put(tmp_path, TEXT.encode())).content_hash()


def test_an_archive_cut_short(tmp_path: Path) -> None:
    whole = gzip.compress(TEXT.encode() * 50)
    path = put(tmp_path, whole[: len(whole) // 2], "x.csv.gz")
    with pytest.raises(DataError) as caught:
        read(path)
    assert caught.value.what == "The compressed file is damaged."
    assert caught.value.where == str(path)
    assert "it ends too early" in caught.value.got
    assert "again" in caught.value.do


def test_a_damaged_archive(tmp_path: Path) -> None:
    whole = bytearray(gzip.compress(TEXT.encode() * 50))
    whole[len(whole) // 2] ^= 0xFF
    with pytest.raises(DataError, match="damaged"):
        read(put(tmp_path, bytes(whole), "x.csv.gz"))
    with pytest.raises(DataError, match="damaged"):
        read(put(tmp_path, b"\x1f\x8bnonsense", "x.csv.gz"))


def test_gz_by_name_only(tmp_path: Path) -> None:
    assert read(put(tmp_path, TEXT.encode(), "x.csv.gz")).num_rows == 3
