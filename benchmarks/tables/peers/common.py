"""What all peers share: the command line, reading the two files with pandas, writing the answer.

    python -m benchmarks.tables.peers.<peer> TRAIN.csv TEST.csv TARGET TASK OUT.npz --seed S

Nothing here is fitted to the test rows, and no column is chosen or dropped by hand.
"""

import argparse
import importlib.metadata
import json
import os
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd


@dataclass(frozen=True)
class Table:
    """Training and test rows as a pandas user would hold them.

    Numbers are numbers; every other column has pandas' category type, with the categories seen in
    the training rows (a category first met in the test rows is a missing cell).
    """

    train: pd.DataFrame
    target: np.ndarray
    test: pd.DataFrame
    classification: bool
    seed: int
    threads: int

    @property
    def categories(self) -> list[str]:
        """Names of the category columns."""
        return list(self.train.select_dtypes("category").columns)

    @property
    def numbers(self) -> list[str]:
        """Names of the number columns."""
        return list(self.train.columns.difference(self.categories, sort=False))


@dataclass(frozen=True)
class Answer:
    """A peer's predictions for the test rows: numbers, or a probability per class.

    Attributes:
        classes: the labels, in the order of the columns of `prediction`; None for regression.
        facts: what is worth knowing about the fit, for example the number of epochs.
    """

    prediction: np.ndarray
    classes: np.ndarray | None = None
    facts: dict[str, Any] = field(default_factory=dict)


def main(fit_and_predict: Callable[[Table], Answer], packages: Iterable[str]) -> None:
    """Run one peer from the command line; `packages` are those whose versions are kept."""
    parser = argparse.ArgumentParser(description=sys.modules["__main__"].__doc__)
    parser.add_argument("train", type=Path)
    parser.add_argument("test", type=Path)
    parser.add_argument("target")
    parser.add_argument("task", choices=("regression", "classification"))
    parser.add_argument("out", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    table = _read(given)
    answer = fit_and_predict(table)
    _check(answer, table)
    facts = {
        **answer.facts,
        "versions": {name: importlib.metadata.version(name) for name in sorted(packages)},
    }
    arrays = {"facts": np.array(json.dumps(facts))}
    if answer.classes is None:
        arrays["prediction"] = np.asarray(answer.prediction, np.float64)
    else:
        arrays["probability"] = np.asarray(answer.prediction, np.float32)
        arrays["classes"] = np.asarray(answer.classes, str)
    np.savez_compressed(given.out, **arrays)


def fill_numbers(table: Table) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Both frames with missing numbers replaced by the training rows' median.

    For peers that refuse missing numbers. A column that had gaps in training gets a second one
    beside it, which says where they were.
    """
    train, test = table.train.copy(), table.test.copy()
    for name in table.numbers:
        gaps = train[name].isna()
        if gaps.any():
            train[f"{name} is missing"] = gaps.astype(float)
            test[f"{name} is missing"] = test[name].isna().astype(float)
        median = float(train[name].median())
        train[name] = train[name].astype(float).fillna(median)
        test[name] = test[name].astype(float).fillna(median)
    return train, test


def category_text(column: pd.Series) -> pd.Series:
    """A category column as text, where missing is a category of its own."""
    return column.astype(object).where(column.notna(), "missing").astype(str)


def _read(given: argparse.Namespace) -> Table:
    classification = given.task == "classification"
    # Labels stay text: the digits 0 to 9 are names of classes, not numbers.
    as_text = {given.target: str} if classification else None
    train = pd.read_csv(given.train, na_values=["?"], dtype=as_text)
    test = pd.read_csv(given.test, na_values=["?"], dtype=as_text)
    target = train.pop(given.target).to_numpy(str if classification else float)
    test = test.drop(columns=given.target)
    for name in train.columns:
        if train[name].notna().sum() == 0:  # no peer can learn from it, and some refuse it
            train, test = train.drop(columns=name), test.drop(columns=name)
        elif pd.api.types.is_numeric_dtype(train[name]) and train[name].dtype != bool:
            test[name] = pd.to_numeric(test[name], errors="coerce")
        else:
            train[name] = train[name].astype("string").astype(object).astype("category")
            seen = test[name].astype("string").astype(object)
            test[name] = pd.Categorical(
                seen.where(seen.isin(train[name].cat.categories)),
                categories=train[name].cat.categories,
            )
    threads = int(os.environ.get("FATHOM_BENCH_THREADS", os.cpu_count() or 1))
    return Table(train, target, test, classification, given.seed, threads)


def _check(answer: Answer, table: Table) -> None:
    """A prediction that is missing or not finite is a failure, not a bad score."""
    num_rows = len(table.test)
    shape = (num_rows,) if answer.classes is None else (num_rows, len(answer.classes))
    if np.shape(answer.prediction) != shape:
        raise ValueError(f"predictions have shape {np.shape(answer.prediction)}, not {shape}")
    if not np.isfinite(answer.prediction).all():
        raise ValueError("some predictions are not finite")
