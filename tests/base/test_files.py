"""JSON files: what is written is what is read, short lines for lists."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fathom.base.errors import RunError
from fathom.base.files import (
    plain,
    read_json,
    read_lines,
    read_sealed,
    write_atomically,
    write_json,
    write_sealed,
    write_text,
)

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**60), 2**60)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=7)
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=17,
)


@settings(max_examples=99, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.dictionaries(st.sampled_from("abc"), VALUES))
def test_json_and_back(content: dict[str, Any], tmp_path: Path) -> None:
    write_json(tmp_path / "x.json", content)
    assert read_json(tmp_path / "x.json") == {"schema": 1, **content}
    text = (tmp_path / "x.json").read_text(encoding="utf-8")
    assert json.loads(text) == {"schema": 1, **content}


def test_a_list_stands_in_one_line(tmp_path: Path) -> None:
    write_json(tmp_path / "x.json", {"a": [1.5, 2.0], "b": [[1], {"c": "d"}], "e": {}, "f": []})
    assert (tmp_path / "x.json").read_text(encoding="utf-8") == (
        '{\n "schema": 1,\n "a": [1.5, 2.0],\n "b": [\n  [1],\n  {\n   "c": "d"\n  }\n ],\n'
        ' "e": {},\n "f": []\n}\n'
    )


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ((1.0, float("nan"), 3.0), [1.0, None, 3.0]),
        ([float("inf")], [None]),
        (np.array([1.0, np.inf]), [1.0, None]),
        ([np.float64(2.0), np.float64("nan"), np.int64(3)], [2.0, None, 3]),
        ((1.5, 2.5), [1.5, 2.5]),
        ({"a": {Path("b")}}, {"a": ["b"]}),
        ([], []),
    ],
)
def test_plain_values(value: object, expected: object) -> None:
    found = plain(value)
    assert found == expected
    json.dumps(found, allow_nan=False)


def test_a_writer_that_makes_a_file_of_its_own_keeps_the_usual_permissions(tmp_path: Path) -> None:
    def private(aside: Path) -> None:
        other = aside.with_suffix(".other")
        other.write_text("weights")
        other.chmod(0o600)
        other.replace(aside)

    write_text(tmp_path / "usual", "")
    write_atomically(tmp_path / "found", private)
    assert (tmp_path / "found").read_text() == "weights"
    assert (tmp_path / "found").stat().st_mode == (tmp_path / "usual").stat().st_mode


@pytest.mark.parametrize(
    ("edit", "got"),
    [
        (lambda text: text.replace(": 48", ": 1000000000000"), "another content"),
        (lambda text: text.replace(": 48", ': "48"'), "another content"),
        (lambda text: text.replace('"bins"', '"bens"'), "another content"),
        (lambda text: "{}", "None"),
        (lambda text: '{"schema": 1, "bins": 48}', "no seal"),
        (lambda text: text[:20], "Unterminated string"),
        (lambda text: "[" * 100_000, "recursion"),
    ],
)
def test_what_was_edited_is_refused(edit: Callable[[str], str], got: str, tmp_path: Path) -> None:
    place = tmp_path / "x.json"
    write_sealed(place, {"bins": 48, "name": "a", "share": (0.1, np.float64("nan"))})
    assert read_sealed(place) == {"schema": 1, "bins": 48, "name": "a", "share": [0.1, None]}
    place.write_text(edit(place.read_text(encoding="utf-8")), encoding="utf-8")
    with pytest.raises(RunError) as caught:
        read_sealed(place)
    assert got in caught.value.got
    assert str(place) in caught.value.where
    assert caught.value.do


def test_lines_that_are_no_objects_are_refused(tmp_path: Path) -> None:
    place = tmp_path / "x.jsonl"
    place.write_bytes(b'{"step": 1}\n{"step": 2, "name": "\xc3')
    assert read_lines(place) == [{"step": 1}]
    place.write_text("[1]\n", encoding="utf-8")
    with pytest.raises(RunError, match="a line that is no object"):
        read_lines(place)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_in_the_place_of_a_file_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "x.json")
    for read in (read_json, read_sealed, read_lines):
        with pytest.raises(RunError, match="not an ordinary file"):
            read(tmp_path / "x.json")
