"""Results grouped for reading: one cell per set and peer."""

import fnmatch
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.tables import datasets, results


@dataclass(frozen=True)
class Cell:
    """All runs of one peer on one set: its tasks (folds or splits) times its seeds."""

    records: list[results.Record]
    num_tasks: int

    @property
    def ok(self) -> list[results.Record]:
        """The runs that have a score."""
        return [record for record in self.records if record["status"] == "ok"]

    @property
    def complete(self) -> bool:
        """Whether each of the set's tasks has a score."""
        return len({record["task"] for record in self.ok}) == self.num_tasks

    def mean(self, metric: str) -> float:
        """The metric's mean over runs."""
        return float(np.mean([record["metrics"][metric] for record in self.ok]))


Cells = dict[tuple[str, str], Cell]  # by set and peer


def choose(
    patterns: Sequence[str], peers: Sequence[str] | None, *, quiet_only: bool
) -> list[results.Record]:
    """One record per run: a scored one before others, a quiet one before others, then the last."""
    best: dict[tuple, results.Record] = {}
    for record in results.read():
        wanted = any(fnmatch.fnmatch(record["task"], pattern) for pattern in patterns)
        if not wanted or (peers and record["peer"] not in peers):
            continue
        if quiet_only and not record["quiet"]:
            continue
        run = (record["peer"], record["task"], record["seed"])
        if run not in best or _worth(record) >= _worth(best[run]):
            best[run] = record
    return list(best.values())


def _worth(record: results.Record) -> tuple[bool, bool]:
    return record["status"] == "ok", record["quiet"]


def group(records: list[results.Record]) -> Cells:
    """The records of each set and peer."""
    tasks: dict[str, set[str]] = {}
    for name in datasets.names():
        tasks.setdefault(datasets.set_of(name), set()).add(name)
    grouped: dict[tuple[str, str], list[results.Record]] = {}
    for record in records:
        grouped.setdefault((datasets.set_of(record["task"]), record["peer"]), []).append(record)
    return {key: Cell(group, len(tasks[key[0]])) for key, group in grouped.items()}
