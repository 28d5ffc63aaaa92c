"""Checks of a training compute as its steps do; what the finished model answers is in fp32."""

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
from fathom.workflow.run import Run

Train = Callable[..., Run]


@pytest.mark.parametrize("precision", ["bf16", "fp32"])
def test_checks_compute_as_steps_do_and_answers_in_fp32(
    precision: str, table: pl.DataFrame, small_train: Train, monkeypatch: pytest.MonkeyPatch
) -> None:
    figures: list[dict[str, float]] = []
    real = learn.validator

    def noting(preparation: Any, examples: Any, asked: Any) -> Callable[..., dict[str, float]]:
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
        assert found == (blurred if precision == "bf16" else exact)
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
