"""What would not fit into memory is refused before the memory is taken."""

import gzip
import os
import tracemalloc
from io import BytesIO
from pathlib import Path

import polars as pl
import pytest

from fathom.base import memory
from fathom.base.errors import DataError
from fathom.tables import limits
from fathom.tables.read import read

MB = 1_000_000


@pytest.fixture
def little(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine with 40 MB left: 10 MB of text are the most."""
    monkeypatch.setattr(limits, "available_memory", lambda: 40 * MB)


def refused(path: Path) -> DataError:
    with pytest.raises(DataError) as caught:
        read(path)
    error = caught.value
    assert error.what == "The table is too large for the memory of this machine."
    assert str(path) in error.where
    assert "Split the file" in error.do
    assert "Parquet" in error.do
    return error


@pytest.mark.usefixtures("little")
@pytest.mark.parametrize("ending", ["csv", "jsonl", "arff", "names"])
def test_a_small_file_that_unpacks_to_a_large_one(ending: str, tmp_path: Path) -> None:
    path = tmp_path / f"bomb.{ending}.gz"
    with gzip.open(path, "wb", compresslevel=1) as file:
        for _ in range(400):
            file.write(b"0" * MB)
    tracemalloc.start()
    error = refused(path)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 100 * MB
    assert "at most 10.0 MB" in error.expected
    assert "40.0 MB of memory are free" in error.expected
    assert error.got.startswith("more than 16.8 MB unpacked from 1.7 MB")


@pytest.mark.usefixtures("little")
def test_a_large_file_is_not_opened(tmp_path: Path) -> None:
    path = tmp_path / "holes.csv"
    with path.open("wb") as file:
        file.truncate(10**12)
    assert refused(path).got == "the file: 1,000.0 GB"


@pytest.mark.usefixtures("little")
@pytest.mark.parametrize(("ending", "num_bytes"), [("jsonl", 4 * MB), ("arff", 4 * MB)])
def test_cells_one_by_one_take_more(ending: str, num_bytes: int, tmp_path: Path) -> None:
    path = tmp_path / f"large.{ending}"
    path.write_bytes(b" " * num_bytes)
    assert refused(path).got == "the unpacked file: 4.0 MB"
    path.rename(tmp_path / "large.csv")
    with pytest.raises(DataError, match="holds no text"):
        read(tmp_path / "large.csv")


@pytest.mark.usefixtures("little")
@pytest.mark.parametrize("kind", ["parquet", "arrow"])
def test_a_billion_equal_cells(kind: str, tmp_path: Path) -> None:
    frame = pl.select(pl.repeat(0, 3 * MB, dtype=pl.Int64).alias("a"))
    packed = BytesIO()
    if kind == "parquet":
        frame.write_parquet(packed)
    else:
        frame.write_ipc(packed, compression="zstd")
    path = tmp_path / f"bomb.{kind}"
    path.write_bytes(packed.getvalue())
    assert path.stat().st_size < MB
    assert refused(path).got == "3,000,000 rows × 1 columns: 24.0 MB"


def test_what_fits_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.csv.gz"
    path.write_bytes(gzip.compress(b"a,b\n1,2\n") + gzip.compress(b"3,4\n"))
    assert read(path).num_rows == 2


def test_free_memory_is_the_least_of_all_limits(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    machine = tmp_path / "meminfo"
    machine.write_text("MemTotal: 900 kB\nMemFree: 100 kB\nMemAvailable: 500 kB\n")
    monkeypatch.setattr(memory, "_MEMINFO", machine)
    monkeypatch.setattr(memory, "_GROUP", tmp_path)
    assert memory.available_memory() == 500 * 1024
    (tmp_path / "memory.stat").write_text("anon 1000\nfile 300000\n")
    (tmp_path / "memory.max").write_text("max\n")
    assert memory.available_memory() == 500 * 1024
    (tmp_path / "memory.max").write_text("401000\n")
    assert memory.available_memory() == 400_000
    taken = int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    limit = taken + 300_000
    monkeypatch.setattr("resource.getrlimit", lambda _: (limit, limit))
    assert 0 <= memory.available_memory() <= 300_000
    monkeypatch.undo()
    monkeypatch.setattr(memory, "_MEMINFO", tmp_path / "nothing")
    (tmp_path / "memory.max").unlink()
    assert memory.available_memory() > 1_000_000
