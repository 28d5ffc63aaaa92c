"""The quick way: what it takes for regular, and what it makes of it."""

import pytest

from fathom.tables.records import Dialect
from fathom.tables.regular import parse_regular, record_ends

COMMA = Dialect(",", '"')


@pytest.mark.parametrize(
    ("text", "ends"),
    [
        ("a,b\nc,d\n", [3, 7]),
        ("a,b\nc,d", [3, 7]),
        ("a,b\r\nc,d\r\n", [4, 9]),
        ('"a,\n",b\nc,d\n', [7, 11]),
        ('"a""","b"\n"",""\n', [9, 15]),
        ('"""","b"\n,\n', [8, 10]),
    ],
)
def test_regular_texts(text: str, ends: list[int]) -> None:
    found = record_ends(text.encode(), COMMA, 2)
    assert found is not None
    assert found.tolist() == ends


@pytest.mark.parametrize(
    "text",
    [
        "a,b\nc\n",
        "a,b\n\nc,d\n",
        "a,b\nc,d,e\n",
        "a,b\rc,d\n",
        'a"b",c\n',
        '"a"b,c\n',
        'a, "b"\n',
        '"a",b"\n',
        '"a,b\n',
        'a"",b\n',
    ],
)
def test_texts_that_need_care(text: str) -> None:
    assert record_ends(text.encode(), COMMA, 2) is None


def test_dialects_that_need_care() -> None:
    assert record_ends("a§b\n".encode(), Dialect("§", '"'), 2) is None
    assert record_ends(b"a,b\n", Dialect(",", "§"), 2) is None


@pytest.mark.parametrize("header", [True, False])
def test_cells(header: bool) -> None:
    data = b'"x\n""y""",2\r\n3,"a,b"\r\n,""\r\n'
    ends = record_ends(data, COMMA, 2)
    assert ends is not None
    frame = parse_regular(data, COMMA, 2, ends, header=header)
    assert frame is not None
    rows = [('x\n"y"', "2"), ("3", "a,b"), (None, "")]
    assert frame.rows() == rows[int(header) :]
    assert frame.columns == ["column_1", "column_2"]


def test_a_header_alone() -> None:
    ends = record_ends(b"a,b\n", COMMA, 2)
    assert ends is not None
    frame = parse_regular(b"a,b\n", COMMA, 2, ends, header=True)
    assert frame is not None
    assert frame.shape == (0, 2)
