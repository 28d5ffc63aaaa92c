"""How the machine goes about it: what is compiled, laid out and fused, and what each is worth."""

import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch
from torch import nn

from fathom.base.errors import RecipeError
from fathom.encoders.image import ImageEncoder
from fathom.models.network import Network
from fathom.training.plan import TrainingPlan, check_same_plan, plan_to_dict
from fathom.workflow import engine, engine_speeds
from fathom.workflow.engine_speeds import Speed, as_text, speeds_of, to_dict
from fathom.workflow.ready import ready_part, schema_of, targets_of
from fathom.workflow.recipe import Recipe
from fathom.workflow.run import Run
from fathom.workflow.study import Study, study

Tables = Callable[..., pl.DataFrame]


@pytest.fixture
def pictures() -> dict[str, np.ndarray]:
    draw = np.random.default_rng(0)
    return {
        "x": draw.integers(0, 256, (60, 12, 12)).astype(np.uint8),
        "y": np.arange(60) % 2,
    }


@pytest.fixture
def made_of(pictures: dict[str, np.ndarray], tmp_path: Path) -> Callable[..., Study]:
    np.savez(tmp_path / "pictures.npz", **pictures)

    def make(**said: Any) -> Study:
        settings = {key.replace("__", "."): value for key, value in said.items()}
        settings = {"target": "y", "split.folds": 0, **settings}
        return study(Recipe.of(settings), tmp_path / "pictures.npz")

    return make


def network_of(made: Study) -> Network:
    schema = schema_of(made.schema, made.resolved)
    rows = made.material.pool.rows(made.material.parts[0][0])
    return ready_part(rows, schema, targets_of(made.material, schema), made.resolved).network


@pytest.mark.parametrize("name", ["channels_last", "contiguous"])
def test_pictures_lie_in_memory_as_was_said(name: str, made_of: Callable[..., Study]) -> None:
    network = network_of(made_of(training__memory_format=name))
    layout = torch.channels_last if name == "channels_last" else torch.contiguous_format
    (encoder,) = network.encoders.values()
    assert isinstance(encoder, ImageEncoder)
    assert encoder.memory_format == layout
    weights = [weight for weight in network.parameters() if weight.ndim == 4]
    assert weights
    assert all(weight.is_contiguous(memory_format=layout) for weight in weights)


def test_tables_have_no_layout(make_houses: Tables) -> None:
    said = {"target": "price", "training.memory_format": "contiguous"}
    with pytest.raises(RecipeError, match="no input is a picture"):
        study(Recipe.of(said), make_houses(223))


def test_only_some_optimisers_are_fused(make_houses: Tables) -> None:
    said = {"target": "price", "training.optimizer": "rmsprop", "training.fused": True}
    with pytest.raises(RecipeError, match="the optimiser is 'rmsprop'"):
        study(Recipe.of(said), make_houses(223))
    made = study(Recipe.of({"target": "price", "training.optimizer": "adamw"}), make_houses(223))
    assert made.resolved.training.fused


def test_a_checkpoint_of_before_was_not_fused() -> None:
    stored = plan_to_dict(TrainingPlan(num_steps=5))
    del stored["fused"]
    check_same_plan(TrainingPlan(num_steps=5), stored, "here")


def test_a_compiler_that_fails_is_told_in_four_beats() -> None:
    class Broken(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x + 1

    def backend(program: Any, inputs: list[torch.Tensor]) -> Any:
        raise ValueError("pages\n" * 100)

    network = Broken()
    network.compile(backend=backend)
    with (
        pytest.raises(RecipeError, match=r"^PyTorch could not compile the network\.") as caught,
        engine.compiling_told(),
    ):
        network(torch.ones(3))
    assert len(caught.value.got or "") <= 200
    assert caught.value.do == "Leave training.compile out."
    with pytest.raises(KeyError), engine.compiling_told():
        raise KeyError("of somebody else")


def test_what_cannot_compile_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise RuntimeError("no compiler\nmore")

    monkeypatch.setattr(torch, "compile", refuse)
    with pytest.raises(RecipeError) as caught:
        engine.check_compiler()
    assert caught.value.what == "PyTorch cannot compile on this machine."
    assert caught.value.got == "no compiler"
    assert "leave training.compile out" in (caught.value.do or "")


def test_every_choice_is_measured(make_houses: Tables, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_speeds, "_SECONDS", 0.01)

    def refuse() -> None:
        raise RecipeError("PyTorch cannot compile on this machine.")

    monkeypatch.setattr(engine_speeds, "check_compiler", refuse)
    said = {"target": "price", "size": "small", "training.batch_size": 32}
    told: list[str] = []
    found = speeds_of(study(Recipe.of(said), make_houses(223).drop("dear")), told.append)
    assert told[0] == "First steps, 1 of 7: the plan as it stands …"
    assert told[-1] == "All 6 in turn, 3 rounds …"
    assert [one.words for one in found] == [
        "the plan as it stands",
        f"training.precision={'fp32' if said_bf16(found) else 'bf16'}",
        "training.fused=false",
        "training.batch_size=16",
        "training.batch_size=64",
        "training.batch_size=128",
        "training.compile=true",
    ]
    assert all(one.rate > 0 for one in found[:-1])
    assert "training.compile=true: PyTorch cannot compile on this machine." in as_text(found)
    assert to_dict(found)[-1]["settings"] == {"training.compile": True}


def said_bf16(found: list[Speed]) -> bool:
    return found[1].settings["training.precision"] == "fp32"


@pytest.mark.slow
def test_a_compiled_training_is_the_same_after_a_kill(tmp_path: Path, table: pl.DataFrame) -> None:
    """Compiled programs compute the same bits in both processes, and learn what others learn."""
    table.drop("dear").write_csv(tmp_path / "houses.csv")
    command = [sys.executable, "-m", "fathom", "train", str(tmp_path / "houses.csv"), "-q",
               "-t", "price", "--set=split.folds=0", "--set=training.compile=true",
               "--set=evaluate.baselines=false", "--set=evaluate.importance=false"]  # fmt: skip
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    subprocess.run([*command, "--out", str(whole)], check=True, capture_output=True)
    with subprocess.Popen([*command, "--out", str(cut)], stdout=subprocess.DEVNULL) as started:
        _wait_for(cut / "history.jsonl")
        started.send_signal(signal.SIGKILL)
    again = [sys.executable, "-m", "fathom", "train", "--resume", str(cut), "-q"]
    subprocess.run(again, check=True, capture_output=True)
    one, two = ((place / "model.safetensors").read_bytes() for place in (whole, cut))
    assert one == two
    assert Run(whole).score["metrics"]["r2"]["value"] > 0.5


def _wait_for(path: Path) -> None:
    import time

    for _ in range(6000):
        if path.exists() and path.read_text().count("\n") >= 2:
            return
        time.sleep(0.05)
    raise AssertionError("the training did not begin")
