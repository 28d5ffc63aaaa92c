"""Where the data and the cache lie, and reading and writing them."""

import csv
import gzip
import hashlib
import os
from collections.abc import Iterable, Sequence
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
RESULTS = REPOSITORY / "benchmarks" / "tables" / "results.jsonl"


def data_folder() -> Path:
    """The folder of raw data (`FATHOM_DATA`, default: `shared/data` beside the repository)."""
    return Path(os.environ.get("FATHOM_DATA", REPOSITORY.parent / "shared" / "data"))


def cache_folder() -> Path:
    """Where tasks, environments and predictions are kept (`FATHOM_BENCH_CACHE`)."""
    chosen = os.environ.get("FATHOM_BENCH_CACHE", "~/.cache/fathom-bench")
    return Path(chosen).expanduser()


def read_lines(path: Path) -> list[str]:
    """The lines of a text file, gzipped or not, without their ends."""
    content = path.read_bytes()
    if path.suffix == ".gz":
        content = gzip.decompress(content)
    return content.decode().splitlines()


def read_rows(path: Path) -> list[list[str]]:
    """The rows of a comma-separated file as text, blanks around cells removed, no empty rows."""
    rows = csv.reader(read_lines(path), skipinitialspace=True)
    return [[cell.strip() for cell in row] for row in rows if any(cell.strip() for cell in row)]


def write_rows(path: Path, header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Write a comma-separated file; cells are quoted where they must be."""
    with path.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


def digest(*paths: Path) -> str:
    """A short fingerprint of the files' bytes: the same rows give the same text."""
    hashed = hashlib.sha256()
    for path in paths:
        hashed.update(path.read_bytes())
    return hashed.hexdigest()[:16]
