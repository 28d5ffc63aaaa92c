"""Halves of characters, which no file can be written with, do not get in."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fathom.base.records import Finding
from fathom.tables.read import read

Fathom = Callable[..., Any]


def told(notes: tuple[Finding, ...]) -> Finding:
    return next(note for note in notes if note.code == "half_characters")


@pytest.mark.parametrize("ending", ["json", "jsonl"])
def test_half_characters_in_json(ending: str, tmp_path: Path) -> None:
    records = [
        {"a": "x\ud800", "b\udfff": 1, "c": ["\ud800"], "d": {"\udfff": 1}},
        {"a": "\U0001f600", "b\udfff": 2, "c": ["y"], "d": {}},
    ]
    path = tmp_path / f"a.{ending}"
    lines = [json.dumps(record) for record in records]
    path.write_text("\n".join(lines) if ending == "jsonl" else f"[{','.join(lines)}]")
    table = read(path)
    assert table.columns == ("a", "b\ufffd", "c", "d")
    assert table.column("a").to_list() == ["x\ufffd", "\U0001f600"]
    assert "\ufffd" in str(table.frame.rows())
    assert table.content_hash()
    note = told(table.notes)
    assert note.title == "'a' holds halves of characters, which were replaced by '\ufffd'."
    assert note.rows == (1,)
    assert any("The name of a column" in note.title for note in table.notes)


def test_half_characters_in_memory() -> None:
    for source in ({"a\ud800": ["x\udfff", None]}, [{"a\ud800": "x\udfff"}, {}]):
        table = read(source)
        assert table.columns == ("a\ufffd",)
        assert table.frame.rows() == [("x\ufffd",), (None,)]
        assert told(table.notes).severity == "low"


def test_whole_characters_are_left_alone() -> None:
    table = read({"größe": ["色", "\U0001f600", None]})
    assert table.frame.rows() == [("色",), ("\U0001f600",), (None,)]
    assert table.notes == ()
