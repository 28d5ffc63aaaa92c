"""Checks of tables and what the finished model answers are in fp32; checks of pictures are not."""

from collections.abc import Callable
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch
from torch import nn

from fathom.columns.number import FittedNumber
from fathom.tables.read import read
from fathom.workflow import learn
from fathom.workflow.checking import validator
from fathom.workflow.recipe import Recipe
from fathom.workflow.run import Run
from fathom.workflow.study import study

Train = Callable[..., Run]


@pytest.mark.parametrize("precision", ["bf16", "fp32"])
def test_tables_are_checked_and_answered_in_fp32(
    precision: str, table: pl.DataFrame, small_train: Train, monkeypatch: pytest.MonkeyPatch
) -> None:
    figures: list[dict[str, float]] = []
    real = learn.validator

    def noting(
        preparation: Any, examples: Any, asked: Any, *, tempered: bool
    ) -> Callable[..., dict[str, float]]:
        assert not tempered, "of tables raw probabilities are judged"

        def validate(network: nn.Module) -> dict[str, float]:
            found = real(preparation, examples, asked)(network)
            for kind in ("bf16", "fp32"):
                figures.append(validator(preparation, examples, kind)(network))
            figures.append(found)
            return found

        return validate

    monkeypatch.setattr(learn, "validator", noting)
    settings = {"training.precision": precision, "network.width": 64}
    run = small_train(table, settings=settings)
    for place, record in enumerate(run.history):
        blurred, exact, found = (one["loss"] for one in figures[3 * place : 3 * place + 3])
        assert record["validation"]["loss"] == found
        assert found == exact
        assert blurred != exact
        assert blurred == pytest.approx(exact, rel=0.02)
    kept = pl.read_parquet(run.folder / "predictions" / "validation.parquet")
    plain = _in_fp32(run, table[(kept["row"] - 1).to_list()])
    assert kept["answer: price"].to_numpy() == pytest.approx(plain, rel=1e-5)


def _in_fp32(run: Run, rows: pl.DataFrame) -> np.ndarray:
    """What the network says when it is called plainly, in the person's unit."""
    (part,) = run.model.parts
    inputs = part.preparation.input_fields(part.preparation.parse(read(rows)))
    with torch.no_grad():
        (said,) = part.network(inputs).values()
    (target,) = part.preparation.targets
    assert isinstance(target.fitted, FittedNumber)
    return target.fitted.unscale(said.double().mean(1).squeeze(-1)).numpy()


def test_pictures_and_classes_are_checked_as_steps_compute(table: pl.DataFrame) -> None:
    rng = np.random.default_rng(0)
    cells = [
        b"P5 8 8 255\n" + rng.integers(0, 255, 64, dtype=np.uint8).tobytes() for _ in range(80)
    ]
    pictures = pl.DataFrame({"photo": cells, "price": rng.normal(size=80)})
    words = table.with_columns(what=pl.col("price") > pl.col("price").median())
    for precision in ("bf16", "fp32"):
        for rows, target in ((pictures, "price"), (words, "what")):
            said = Recipe.of({"target": target, "training.precision": precision})
            found = study(said, rows)
            assert learn._precision_of_checks(found.resolved, found.targets) == precision
    said = Recipe.of({"target": "price", "training.precision": "bf16"})
    found = study(said, table)
    assert learn._precision_of_checks(found.resolved, found.targets) == "fp32"
