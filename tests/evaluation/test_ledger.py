"""The count of looks: the same rows are known again, two processes do not disturb each other."""

import os
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from fathom.evaluation.ledger import count_looks, look, rows_key, state_folder

ROWS = pl.DataFrame(
    {"size": [1.5, 2.0, None], "word": ["a", "b\nc", "é"], "day": ["x", None, "z"], "y": [1, 0, 1]}
)


def test_the_key_is_of_the_content() -> None:
    key = rows_key(ROWS, ["y"])
    assert rows_key(ROWS[::-1], ["y"]) == key
    assert rows_key(ROWS.select("y", "day", "word", "size"), ["y"]) == key
    assert rows_key(ROWS.clone(), ["y"]) == key


def test_another_cell_row_name_or_target_is_another_key() -> None:
    others = [
        rows_key(ROWS.with_columns(y=pl.Series([1, 0, 0])), ["y"]),
        rows_key(ROWS[:2], ["y"]),
        rows_key(pl.concat([ROWS, ROWS[:1]]), ["y"]),
        rows_key(ROWS.rename({"size": "height"}), ["y"]),
        rows_key(ROWS, ["word"]),
        rows_key(ROWS, ["y", "word"]),
        rows_key(ROWS[:0], ["y"]),
    ]
    assert len({rows_key(ROWS, ["y"]), *others}) == 1 + len(others)


def test_cells_do_not_run_into_each_other() -> None:
    first = pl.DataFrame({"a": ["1,2", "x"], "b": ["", "y"]})
    second = pl.DataFrame({"a": ["1", "x"], "b": ["2", "y"]})
    assert rows_key(first, ["b"]) != rows_key(second, ["b"])


def test_lists_dates_and_categories_have_a_key() -> None:
    frame = pl.DataFrame({"tags": [["a", "b"], []], "c": ["u", "v"]}).with_columns(
        c=pl.col("c").cast(pl.Categorical),
        d=pl.Series(["2020-01-01", "2021-05-05"]).str.to_date(),
    )
    assert rows_key(frame, ["c"]) == rows_key(frame[::-1], ["c"])


def test_models_are_counted_once_each(tmp_path: Path) -> None:
    assert count_looks("rows", tmp_path).count == 0
    assert look("rows", "first", tmp_path).count == 1
    assert look("rows", "second", tmp_path).count == 2
    assert look("rows", "first", tmp_path).count == 2
    assert look("others", "first", tmp_path).count == 1
    assert count_looks("rows", tmp_path).count == 2


def test_a_line_cut_short_does_not_hide_the_others(tmp_path: Path) -> None:
    look("rows", "first", tmp_path)
    with open(tmp_path / "looks.jsonl", "a", encoding="utf-8") as handle:
        handle.write('\n{"key": "rows", "mod')
    assert look("rows", "second", tmp_path).count == 2
    assert look("rows", "third", tmp_path).count == 3


def test_two_processes_lose_nothing(tmp_path: Path) -> None:
    program = (
        "import sys\nfrom pathlib import Path\nfrom fathom.evaluation.ledger import look\n"
        "for i in range(200): look('rows', f'{sys.argv[1]}-{i}', Path(sys.argv[2]))"
    )
    both = [subprocess.Popen([sys.executable, "-c", program, name, str(tmp_path)]) for name in "ab"]
    assert [process.wait(timeout=60) for process in both] == [0, 0]
    assert count_looks("rows", tmp_path).count == 400


def test_an_unwritable_place_is_unknown_not_a_crash(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    found = look("rows", "first", blocked)
    assert found.count is None
    assert found.note.startswith("looks are not counted: ")


def test_where_the_ledger_lies(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert state_folder({"FATHOM_STATE": "/a", "XDG_STATE_HOME": "/b"}) == Path("/a")
    assert state_folder({"XDG_STATE_HOME": "/b"}) == Path("/b/fathom")
    assert state_folder({"FATHOM_STATE": ""}) == Path.home() / ".local" / "state" / "fathom"
    monkeypatch.setenv("FATHOM_STATE", str(tmp_path / "new"))
    assert look("rows", "first").count == 1
    assert (tmp_path / "new" / "looks.jsonl").exists()
    if os.name == "posix":
        assert (tmp_path / "new" / "looks.jsonl").stat().st_mode & 0o077 == 0


def test_names_are_no_patterns_and_bytes_are_cells() -> None:
    rows = ROWS.with_columns(pl.lit(b"\xff").alias("^y$"))
    assert rows_key(rows, ["y"]) == rows_key(rows[::-1], ["y"])
    assert rows_key(rows, ["y"]) != rows_key(rows.with_columns(pl.lit(b"a").alias("^y$")), ["y"])
