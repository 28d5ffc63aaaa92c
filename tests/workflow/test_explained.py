from typing import Any

import numpy as np
import polars as pl
import pytest

from fathom.workflow.explained import explained_share
from fathom.workflow.recipe import Recipe
from fathom.workflow.study import study

TINY = {"training.epochs": 1.0, "network.members": 2, "network.width": 7, "prepare.num_pairs": 0}


def _table(noise: float, num_rows: int = 9001) -> pl.DataFrame:
    random = np.random.default_rng(3)
    one, two = random.normal(size=(2, num_rows))
    target = one + np.where(two > 0, 2.0, 0.0) + noise * random.normal(size=num_rows)
    return pl.DataFrame({"one": one, "two": two, "who": np.arange(num_rows) // 3, "y": target})


def _share(noise: float, **said: Any) -> float | None:
    made = study(Recipe.of({"target": "y", **TINY, "network.dropout": 0.1, **said}), _table(noise))
    return explained_share(made.material, made.schema, made.targets, 0)


@pytest.mark.parametrize("noise", [0.5, 1.0])
def test_the_share_is_what_the_noise_leaves(noise: float) -> None:
    signal = 1.0 + 1.0  # variances of the line and of the step
    share = _share(noise)
    assert share is not None
    assert share == pytest.approx(signal / (signal + noise**2), abs=0.08)


def test_groups_and_times_are_not_measured() -> None:
    assert _share(0.0, group="who") is None
    assert _share(0.0, time_column="who") is None


@pytest.mark.parametrize(("noise", "dropout"), [(0.05, 0.0), (1.0, 0.1)])
def test_dropout_guards_against_noise_only(noise: float, dropout: float) -> None:
    made = study(Recipe.of({"target": "y", **TINY}), _table(noise))
    decision = next(d for d in made.resolved.decisions if d.key == "network.dropout")
    assert decision.value == dropout
    assert ("trees explain" in decision.reason) == (dropout == 0.0)
