"""Defaults that depend on the data, each with the circumstances that decide it."""

import polars as pl
import pytest

import fathom

LEVELS = ("low", "middle", "high")


def _table(num_rows: int, target: str, columns: str) -> pl.DataFrame:
    """Rows without gaps whose target is a number, one of three classes, or yes and no."""
    words = {f"w{k}": [LEVELS[(row // 3**k) % 3] for row in range(num_rows)] for k in range(5)}
    numbers = {f"n{k}": [(row * (7 + k)) % 101 / 7 for row in range(num_rows)] for k in range(3)}
    answers = {
        "number": [(row * 13) % 97 / 3 for row in range(num_rows)],
        "classes": [f"class {LEVELS[(row // 5) % 3]}" for row in range(num_rows)],
        "flag": ["yes" if (row // 5) % 3 else "no" for row in range(num_rows)],
    }
    inputs = {"words": words, "numbers": numbers, "mixed": {**words, **numbers}}[columns]
    return pl.DataFrame({**inputs, "answer": answers[target]})


def _decided(num_rows: int, target: str, columns: str, key: str) -> object:
    table = _table(num_rows, target, columns)
    kinds = {"answer": "category" if target == "classes" else target}
    made = fathom.plan(table, "answer", kinds=kinds)
    return next(decision.value for decision in made if decision.key == key)


@pytest.mark.parametrize(
    ("num_rows", "target", "columns", "pull"),
    [
        (600, "number", "mixed", 3e-4),
        (600, "classes", "mixed", 1.0),
        (600, "classes", "numbers", 1.0),
        (600, "classes", "words", 0.1),
        (600, "flag", "words", 0.1),
        (12_000, "flag", "mixed", 1.0),
        (12_000, "flag", "words", 1.0),
    ],
)
def test_weight_decay(num_rows: int, target: str, columns: str, pull: float) -> None:
    assert _decided(num_rows, target, columns, "training.weight_decay") == pull


@pytest.mark.parametrize(
    ("num_rows", "target", "folds"),
    [
        (1000, "number", 5),
        (2500, "number", 0),
        (1000, "classes", 5),
        (2500, "classes", 5),
        (5000, "classes", 3),
        (10_000, "classes", 0),
        (10_000, "flag", 3),
    ],
)
def test_folds(num_rows: int, target: str, folds: int) -> None:
    assert _decided(num_rows, target, "mixed", "split.folds") == folds


@pytest.mark.parametrize(("checks", "patience"), [(8, 0), (16, 0), (17, 16), (40, 16)])
def test_patience_is_said_only_where_it_can_run_out(checks: int, patience: int) -> None:
    table = _table(600, "number", "mixed")
    made = fathom.plan(table, "answer", settings={"training.checks": checks})
    assert next(one.value for one in made if one.key == "training.patience") == patience
