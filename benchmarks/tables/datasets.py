"""Named tasks: a training file, a test file, a target and a task type for each.

Cells are copied as text from the raw files, so that every peer reads exactly what was published.
The split of a task never depends on a peer, nor on the seed of a run.
"""

import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from sklearn.model_selection import KFold, StratifiedKFold, train_test_split

from benchmarks.tables.arff import read_arff
from benchmarks.tables.files import cache_folder, data_folder, digest, read_rows, write_rows

NUM_CALIFORNIA_SPLITS = 5
NUM_FOLDS = 3
# Part of the cache's path: raise it when anything below changes what is written.
VERSION = 1


@dataclass(frozen=True)
class Task:
    """One benchmark task, written to the cache.

    Attributes:
        test_rows: position in the raw data of each test row. Splits of one set can overlap;
            paired tests need to know which rows are the same.
        data: fingerprint of both files, kept with every result.
    """

    name: str
    train: Path
    test: Path
    target: str
    type: str
    num_train_rows: int
    test_rows: list[int]
    data: str


@dataclass(frozen=True)
class _Table:
    header: list[str]
    rows: list[list[str]]
    target: str
    type: str


def names() -> list[str]:
    """All tasks' names, in the order in which they are run."""
    return [
        *(f"california/{split}" for split in range(NUM_CALIFORNIA_SPLITS)),
        "adult",
        *(f"uci_regression/{name}/{fold}" for name in _regression() for fold in range(NUM_FOLDS)),
        *(
            f"uci_classification/{name}/{fold}"
            for name in _classification()
            for fold in range(NUM_FOLDS)
        ),
    ]


def set_of(name: str) -> str:
    """A task's name without the fold or split: tasks of one set are reported together."""
    start, _, end = name.rpartition("/")
    return start if end.isdigit() else name


def load(name: str) -> Task:
    """The task of that name; its files are written to the cache first if they are not there."""
    folder = cache_folder() / "data" / f"version-{VERSION}" / name
    facts = folder / "task.json"
    if not facts.exists():
        _write(name, folder)
    return Task(
        name=name,
        train=folder / "train.csv",
        test=folder / "test.csv",
        **json.loads(facts.read_text()),
    )


def _write(name: str, folder: Path) -> None:
    table, train_rows, test_rows = _split(name)
    aside = folder.with_name(folder.name + ".partial")
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir(parents=True)
    write_rows(aside / "train.csv", table.header, (table.rows[row] for row in train_rows))
    write_rows(aside / "test.csv", table.header, (table.rows[row] for row in test_rows))
    facts = {
        "target": table.target,
        "type": table.type,
        "num_train_rows": len(train_rows),
        "test_rows": [int(row) for row in test_rows],
        "data": digest(aside / "train.csv", aside / "test.csv"),
    }
    (aside / "task.json").write_text(json.dumps(facts))
    aside.rename(folder)  # whole or not at all


def _split(name: str) -> tuple[_Table, np.ndarray, np.ndarray]:
    """The whole table of a task, and its training and test rows."""
    match name.split("/"):
        case ["california", split]:
            header, *rows = read_rows(data_folder() / "california_housing" / "housing.csv")
            table = _Table(header, rows, "median_house_value", "regression")
            train, test = train_test_split(
                np.arange(len(rows)), test_size=0.2, random_state=int(split)
            )
            return table, train, test
        case ["adult"]:
            return _adult()
        case ["uci_regression", name, fold]:
            folder = data_folder() / "uci_regression" / name
            rows = read_rows(folder / "data.csv.gz")
            header = [*(f"x{column}" for column in range(len(rows[0]) - 1)), "target"]
            mask = np.array(read_rows(folder / "test_mask.csv.gz"))[:, int(fold)] == "1"
            table = _Table(header, rows, "target", "regression")
            return table, np.flatnonzero(~mask), np.flatnonzero(mask)
        case ["uci_classification", name, fold]:
            relation = read_arff(data_folder() / "uci_classification_arff" / f"{name}.arff.gz")
            table = _Table(relation.names, relation.rows, relation.names[-1], "classification")
            return table, *list(_folds([row[-1] for row in table.rows]))[int(fold)]
    raise ValueError(f"there is no task {name!r}")


def _adult() -> tuple[_Table, np.ndarray, np.ndarray]:
    """The official training and test files, with a header and clean labels."""
    folder = data_folder() / "adult"
    names = re.findall(r"^([\w-]+):", (folder / "adult.names").read_text(), flags=re.MULTILINE)
    train = read_rows(folder / "adult-train.csv.gz")
    test = read_rows(folder / "adult-test.csv.gz")
    test = [[*row[:-1], row[-1].removesuffix(".")] for row in test]
    table = _Table([*names, "income"], train + test, "income", "classification")
    rows = np.arange(len(table.rows))
    return table, rows[: len(train)], rows[len(train) :]


def _folds(labels: list[str]) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Five folds, stratified unless a class has too few rows for one in each fold."""
    _, counts = np.unique(labels, return_counts=True)
    method = StratifiedKFold if counts.min() >= 5 else KFold
    return method(5, shuffle=True, random_state=0).split(np.zeros(len(labels)), labels)


def _regression() -> list[str]:
    return sorted(path.parent.name for path in (data_folder() / "uci_regression").glob("*/data.*"))


def _classification() -> list[str]:
    folder = data_folder() / "uci_classification_arff"
    return sorted(path.name.split(".")[0] for path in folder.glob("*.arff.gz"))
