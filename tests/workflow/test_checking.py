"""By what the best check of a training is told."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from torch import nn

import fathom
from fathom.workflow import learn

SETTINGS = {
    "size": "small",
    "training.epochs": 1,
    "training.checks": 1,
    "look": False,
    "report": False,
    "evaluate.baselines": False,
    "evaluate.importance": False,
}


@pytest.mark.parametrize(("count", "tempered"), [(200, True), (90, False)])
def test_classes_of_pictures_are_judged_at_their_best_temperature(
    count: int, tempered: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only where so many rows are validated, folds together, that one will be fitted."""
    asked: list[bool] = []
    real = learn.validator

    def noting(*given: Any, tempered: bool) -> Callable[[nn.Module], dict[str, float]]:
        asked.append(tempered)
        plain, judged = (real(*given, tempered=kind) for kind in (False, True))

        def validate(network: nn.Module) -> dict[str, float]:
            assert judged(network)["loss"] < plain(network)["loss"]
            return real(*given, tempered=tempered)(network)

        return validate

    monkeypatch.setattr(learn, "validator", noting)
    rng = np.random.default_rng(0)
    path = tmp_path / "pictures.npz"
    kinds = np.array(["a", "b"])[rng.integers(0, 2, count)]
    np.savez(path, photo=rng.integers(0, 255, (count, 8, 8), dtype=np.uint8), kind=kinds)
    fathom.train(path, target="kind", out=tmp_path / "run", settings=SETTINGS, watch=None)
    assert asked == [tempered] * 5
