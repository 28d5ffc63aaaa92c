"""Names and types that would lead polars astray."""

import json
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest

from fathom.base.errors import DataError
from fathom.tables.read import read
from fathom.workflow.api import look


def test_names_that_are_patterns() -> None:
    rows = {"^a$": [n % 7 / 2 for n in range(60)], "a": [1, 2, 3] * 20, "^b$": ["p", "q", "r"] * 20}
    found = look(rows, "a")
    assert {name: one.kind.name for name, one in found.schema.columns.items()} == {
        "^a$": "number",
        "a": "category",
        "^b$": "category",
    }


def test_types_of_parquet(tmp_path: Path) -> None:
    frame = pl.DataFrame(
        {
            "length": [timedelta(seconds=n / 4) for n in range(60)],
            "bytes": [bytes([n, 255]) for n in range(60)],
            "y": [n * 7 % 31 / 3 for n in range(60)],
        }
    )
    frame.write_parquet(tmp_path / "a.parquet")
    found = look(tmp_path / "a.parquet", "y")
    assert found.schema.columns["length"].kind.name == "number"
    assert found.schema.columns["bytes"].kind.name == "identifier"
    assert found.table.content_hash()


@pytest.mark.parametrize("ending", ["json", "jsonl"])
def test_cells_that_are_nested_too_deeply(ending: str, tmp_path: Path) -> None:
    record = json.dumps({"a": 1})[:-1] + ',"b":' + "[" * 900 + "]" * 900 + "}"
    text = f"[{record}]" if ending == "json" else record
    (tmp_path / f"a.{ending}").write_text(text)
    with pytest.raises(DataError, match="nested too deeply"):
        read(tmp_path / f"a.{ending}")


def test_a_long_first_record(tmp_path: Path) -> None:
    """A first record longer than the sample, with commas within its quotes."""
    (tmp_path / "a.csv").write_text(f'a,b\n"{"x, " * 100_000}",1\n"k, l",2\n')
    assert read(tmp_path / "a.csv").frame.shape == (2, 2)
    (tmp_path / "b.csv").write_text(f'"{"x, " * 100_000}",b\n1,2\n3,4\n')
    assert read(tmp_path / "b.csv").frame.shape == (2, 2)
