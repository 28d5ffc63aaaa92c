"""Training and reading in processes that others started."""

import multiprocessing
import sys

import polars as pl
import pytest

from fathom.sklearn import FathomClassifier

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="forks are safe on Linux only")


def _train(seed: int) -> str:
    from sklearn.datasets import load_breast_cancer

    X, y = load_breast_cancer(return_X_y=True)
    try:
        model = FathomClassifier(epochs=30, size="small", random_state=seed).fit(X[:200], y[:200])
    except ValueError as error:
        return str(error)
    return f"{model.score(X[200:], y[200:]) > 0.8}"


def _in_pool(how: str) -> list[str]:
    with multiprocessing.get_context(how).Pool(2) as pool:
        return pool.map_async(_train, [1, 2]).get(timeout=120)


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_fork_of_a_process_that_read_tables_is_refused_and_does_not_hang() -> None:
    pl.DataFrame({"a": [1]}).select(pl.col("a") + 1)
    for told in _in_pool("fork"):
        assert told.startswith("Tables cannot be read in a process that was forked")
        assert 'multiprocessing.get_context("spawn")' in told


def test_spawned_workers_train() -> None:
    assert _in_pool("spawn") == ["True", "True"]
