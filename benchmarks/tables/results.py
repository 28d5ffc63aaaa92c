"""The file of results: one JSON line per run, only ever appended to."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.tables.files import RESULTS, cache_folder

Record = dict[str, Any]


def read(path: Path = RESULTS) -> Iterator[Record]:
    """All records, oldest first."""
    if path.exists():
        yield from (json.loads(line) for line in path.read_text().splitlines() if line.strip())


def append(record: Record, path: Path = RESULTS) -> None:
    """Add one record."""
    with path.open("a") as file:
        file.write(json.dumps(record) + "\n")


def predictions_of(record: Record) -> Path:
    """Where a run's predictions lie: in the cache, not in the repository."""
    task = record["task"].replace("/", "--")
    run = f"seed-{record['seed']}-threads-{record['threads']}.npz"
    return cache_folder() / "predictions" / record["peer"] / task / run


def seconds_of(wanted: Record) -> float:
    """How long the last such run took, that another may be given the same time.

    Raises:
        SystemExit: there is none yet.
    """
    same = ("peer", "task", "threads", "data")
    found = [
        record["seconds"]
        for record in read()
        if record["status"] == "ok" and all(record[key] == wanted[key] for key in same)
    ]
    if not found:
        raise SystemExit(f"run {wanted['peer']} on {wanted['task']} first: its time is needed")
    return found[-1]


def settles(record: Record, wanted: Record, *, retry_failed: bool = False) -> bool:
    """Whether a record makes the wanted run superfluous.

    A run that was stopped is worth repeating only with more time.
    """
    same = ("peer", "task", "seed", "threads", "quiet", "data")
    if any(record[key] != wanted[key] for key in same):
        return False
    if record["status"] == "failed":
        return not retry_failed
    return record["status"] == "ok" or record["limit"] >= wanted["limit"]
