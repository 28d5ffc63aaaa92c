"""Small tables and runs that all tests of the workflow share."""

from collections.abc import Callable
from typing import Any

import numpy as np
import polars as pl
import pytest

from fathom.workflow.recipe import Recipe
from fathom.workflow.run import Run
from fathom.workflow.train import Sources, train

TINY = {
    "size": "small",
    "network.members": 2,
    "network.width": 7,
    "network.number_dim": 3,
    "training.epochs": 2.0,
    "training.checks": 3,
    "training.batch_size": 31,
    "split.folds": 0,
    "evaluate.baselines": False,
    "evaluate.importance": False,
}
"""Settings with which a training takes a fraction of a second."""

Train = Callable[..., Run]


def houses(num_rows: int = 211, seed: int = 0) -> pl.DataFrame:
    """Rows with numbers, words, gaps, years and weights; a number and a word to learn."""
    draw = np.random.default_rng(seed)
    area = draw.normal(100, 30, num_rows)
    style = draw.choice(["brick", "wood", "glass"], num_rows, p=[0.6, 0.3, 0.1])
    rooms: list[Any] = [
        None if u < 0.1 else v for u, v in zip(draw.random(num_rows), area / 23, strict=True)
    ]
    price = 2 * area + 40 * (style == "glass") + draw.normal(0, 5, num_rows)
    return pl.DataFrame(
        {
            "area": area.round(2),
            "rooms": pl.Series(rooms, dtype=pl.Float64).round(2),
            "style": style,
            "lot": (draw.lognormal(3, 1, num_rows)).round(3),
            "town": [f"t{n}" for n in draw.integers(0, 29, num_rows)],
            "year": draw.permutation(num_rows) + 1800,
            "worth": draw.integers(1, 4, num_rows),
            "price": price.round(1),
            "dear": np.where(price > 215 + draw.normal(0, 15, num_rows), "yes", "no"),
        }
    )


@pytest.fixture(scope="session")
def table() -> pl.DataFrame:
    return houses()


@pytest.fixture(scope="session")
def small_train(tmp_path_factory: pytest.TempPathFactory) -> Train:
    """Train in a new folder: (data, target, settings, test, validation) -> run."""

    def start(
        data: object,
        target: str = "price",
        settings: dict[str, Any] | None = None,
        test: object = None,
        validation: object = None,
        kinds: dict[str, str] | None = None,
    ) -> Run:
        recipe = Recipe.of({**TINY, "target": target, **(settings or {})}, kinds)
        folder = tmp_path_factory.mktemp("runs") / "run"
        return train(recipe, Sources(data, test, validation), folder)

    return start


@pytest.fixture(scope="session")
def price_run(table: pl.DataFrame, small_train: Train) -> Run:
    """Price and its dearness are both known; 'dear' is left out, 'town' is a plain input."""
    return small_train(table.drop("dear", "worth"))


@pytest.fixture(scope="session")
def dear_run(
    table: pl.DataFrame, small_train: Train, tmp_path_factory: pytest.TempPathFactory
) -> Run:
    """A class, trained from a file."""
    path = tmp_path_factory.mktemp("files") / "houses.csv"
    table.drop("price", "worth").write_csv(path)
    return small_train(path, "dear")


@pytest.fixture(scope="session")
def make_houses() -> Callable[..., pl.DataFrame]:
    """The maker of the table: (num_rows, seed)."""
    return houses
