"""Speed in the record of a run, its report and the terminal; what it advises has an effect."""

import json
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import torch
from torch import nn

import fathom
from fathom.base.errors import Stopped
from fathom.base.files import read_sealed, write_sealed
from fathom.base.tensors import Batch
from fathom.tables.augment import Augmentation
from fathom.tables.batches import ResidentBatches
from fathom.training.bottleneck import FOR_ONES_OWN
from fathom.training.timing import PARTS, Spent
from fathom.workflow import learn
from fathom.workflow.recipe import Recipe
from fathom.workflow.run import Run, load
from fathom.workflow.settings import BY_KEY
from fathom.workflow.speed import around, remedies
from fathom.workflow.study import Study, study
from fathom.workflow.train import Sources, resume, train

Train = Callable[..., Run]
TINY: dict[str, Any] = {
    "size": "small",
    "network.members": 2,
    "network.width": 7,
    "training.epochs": 2.0,
    "split.folds": 0,
    "evaluate.importance": False,
}
_SETTING = re.compile(r"([a-z_]+\.[a-z_]+|size) = ([\w.]+)")


def test_the_record_tells_where_the_time_went(price_run: Run) -> None:
    speed = price_run.speed
    training = speed["training"]
    assert set(training["seconds"]) == set(PARTS) - {"compiling"}
    assert 0 < sum(training["seconds"].values()) <= speed["process"]["training"]
    assert sum(speed["process"].values()) <= speed["seconds"]
    assert "report" in speed["process"]
    assert training["examples"] / sum(training["seconds"].values()) == pytest.approx(
        training["examples_per_second"], rel=0.01
    )
    assert (training["networks"], training["at_once"]) == (1, 1)
    assert training["steps"] == price_run.history[-1]["step"]
    assert speed["sentence"].endswith(".")
    # The rest of the record is as it was written before the first step.
    assert {"command", "data", "decided", "decisions", "seed"} < set(load(price_run.folder).record)


def test_the_report_shows_it(price_run: Run) -> None:
    page = price_run.report.read_text(encoding="utf-8")
    assert '<section id="speed">' in page
    assert "waiting for data" in page
    assert "<h3>The whole run</h3>" in page


def test_a_run_without_it_has_an_empty_one(price_run: Run, tmp_path: Path) -> None:
    record = read_sealed(price_run.folder / "record.json")
    del record["speed"]
    write_sealed(tmp_path / "record.json", record)
    assert load(tmp_path).speed == {}


def test_a_slow_check_is_named_with_a_setting_that_helps(
    table: pl.DataFrame, small_train: Train, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = learn.validator

    def slow(*arguments: Any, **named: Any) -> Callable[[nn.Module], dict[str, float]]:
        validate = real(*arguments, **named)

        def check(network: nn.Module) -> dict[str, float]:
            time.sleep(0.5)
            return validate(network)

        return check

    monkeypatch.setattr(learn, "validator", slow)
    run = small_train(table, settings={"training.checks": 4, "training.patience": 16})
    training = run.speed["training"]
    assert training["bottleneck"] == "checks"
    assert "training.checks = 1 in place of 4 with training.patience = 4" in training["sentence"]
    assert run.speed["sentence"] == training["sentence"]
    page = run.report.read_text(encoding="utf-8")
    assert "training.checks = 1 in place of 4" in page


def test_slow_batches_are_named(
    table: pl.DataFrame, small_train: Train, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = ResidentBatches.__iter__

    def slow(self: ResidentBatches) -> Iterator[Batch]:
        for batch in real(self):
            time.sleep(0.1)
            yield batch

    monkeypatch.setattr(ResidentBatches, "__iter__", slow)
    run = small_train(table)
    assert run.speed["training"]["bottleneck"] == "data"
    assert run.speed["training"]["sentence"].startswith("Waiting for data took")


def test_another_part_of_the_run_is_named_when_it_took_longer() -> None:
    laps = {"reading": 1.0, "training": 4.0, "baselines": 5.0}
    fact, _, advice = around(laps).partition("; ")
    assert fact == "Baselines took 50 % of the run, more than training"
    assert advice == "evaluate.baselines = false spares them."
    assert around({"training": 4.0, "baselines": 3.0, "report": 3.0}) == ""
    assert around({}) == ""


def test_a_resumed_run_does_not_take_its_last_laps_for_all(
    table: pl.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Training ended in the first process, and baselines took longer than nothing in the second."""

    def fails(*arguments: Any) -> None:
        raise KeyboardInterrupt

    recipe = Recipe.of({**TINY, "target": "price", "evaluate.baselines": True})
    monkeypatch.setattr("fathom.workflow.train.conclude", fails)
    with pytest.raises(Stopped):
        train(recipe, Sources(table), tmp_path / "run")
    monkeypatch.undo()
    run = resume(tmp_path / "run", Sources(table))
    speed = run.speed
    assert speed["resumed"]
    assert speed["process"]["baselines"] > speed["process"]["training"]
    assert speed["sentence"] == speed["training"]["sentence"] != ""
    assert speed["training"]["steps"] == run.history[-1]["step"]


@pytest.mark.parametrize("threads", [1, 2])
def test_folds_add_up(table: pl.DataFrame, tmp_path: Path, threads: int) -> None:
    """Also those that were trained beside each other, each in a process of its own."""
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    settings = {"network.members": 2, "network.width": 7, "training.epochs": 3,
                "evaluate.baselines": False, "evaluate.importance": False}  # fmt: skip
    try:
        run = fathom.train(
            table, "price", out=tmp_path / "run", settings={**settings, "split.folds": 2}
        )
    finally:
        torch.set_num_threads(before)
    training = run.speed["training"]
    assert (training["networks"], training["at_once"]) == (2, threads)
    lines = [
        (run.folder / "folds" / str(fold) / "timings.jsonl").read_text().splitlines()[-1]
        for fold in range(2)
    ]
    told = [Spent.from_lines([json.loads(line)]) for line in lines]
    assert training["steps"] == sum(one.steps for one in told)
    assert training["examples"] == sum(one.examples for one in told)
    # The lines were written at the last check; checkpoint and best weights came after it.
    assert training["seconds"]["forward"] == pytest.approx(
        sum(one.seconds["forward"] for one in told), abs=1e-3
    )


def test_operations_and_peak_are_measured_where_the_training_was_long_enough(
    table: pl.DataFrame, small_train: Train, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert small_train(table).speed["training"]["gflops"] is None
    monkeypatch.setattr(learn, "MEASURE_FROM", 0.0)
    run = small_train(table)
    training = run.speed["training"]
    weights = sum(p.numel() for p in run.network.parameters() if p.ndim > 1)
    # Two operations for each weight of a matrix; look-ups have weights, and no product.
    assert 0 < training["operations_per_example"] <= 6 * weights
    assert 0 < training["share_of_peak"] < 2
    assert "of peak" in run.report.read_text(encoding="utf-8")


def test_measuring_changes_no_bit(
    table: pl.DataFrame, small_train: Train, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = small_train(table)
    monkeypatch.setattr(learn, "MEASURE_FROM", 0.0)
    measured = small_train(table)
    for name in ("model.safetensors", "history.jsonl", "answers.json"):
        assert (plain.folder / name).read_bytes() == (measured.folder / name).read_bytes()


def _study(table: pl.DataFrame, **said: Any) -> Study:
    named = {key.replace("__", "."): value for key, value in said.items()}
    return study(Recipe.of({"target": "price", "split.folds": 0, **named}), table)


def _applied(table: pl.DataFrame, said: dict[str, Any], sentence: str) -> Study:
    """The study with the settings that a sentence advises."""
    found = _SETTING.findall(sentence)
    assert found, sentence
    values = {key: _value(key, text) for key, text in found}
    return _study(table, **{**said, **{key.replace(".", "__"): v for key, v in values.items()}})


def _value(key: str, text: str) -> Any:
    assert key in BY_KEY, key
    kind = BY_KEY[key].types[0]
    text = text.rstrip(".")
    return text == "true" if kind is bool else kind(text)


_SPENT = Spent({"data": 1.0, "forward": 1.0, "checks": 1.0}, 10**9, 10**9)


@pytest.mark.parametrize(
    "said", [{}, {"training__epochs": 9.0}, {"size": "small"}, {"training__batch_size": 128}]
)
@pytest.mark.parametrize("kind", sorted(FOR_ONES_OWN))
def test_what_is_advised_exists_and_has_an_effect(
    kind: str, said: dict[str, Any], table: pl.DataFrame
) -> None:
    made = _study(table, **said)
    before = made.resolved.training
    rows = len(made.material.parts[0][0])
    sentence = remedies(made.resolved, _SPENT, rows)[kind]
    after = _applied(table, said, sentence).resolved
    if kind == "optimizer":
        assert (before.optimizer.name, after.training.optimizer.name) == ("muon", "adamw")
    elif kind == "compiling":
        assert not after.value("training.compile")
    elif kind in ("checks", "saving"):
        assert after.training.check_every > 3 * before.check_every
        assert after.training.patience < before.patience
    else:
        assert after.training.num_steps < 0.9 * before.num_steps


def test_half_the_steps_are_half_of_those_that_were_taken(table: pl.DataFrame) -> None:
    made = _study(table, training__epochs=8.0, size="small")
    quarter = made.resolved.training.num_steps // 4
    sentence = remedies(made.resolved, Spent({"forward": 1.0}, 2 * quarter, 1), 10, 2)["busy"]
    assert sentence == "training.epochs = 1 takes half the steps"


def test_a_batch_of_all_rows_is_not_made_larger(table: pl.DataFrame) -> None:
    made = _study(table, size="medium", training__batch_size=100)
    rows = len(made.material.parts[0][0])
    assert rows < 200
    advice = remedies(made.resolved, _SPENT, rows)["small_steps"]
    assert advice == "size = small takes a smaller network and fewer steps"


def test_one_check_cannot_become_fewer(table: pl.DataFrame) -> None:
    made = _study(table, training__checks=1)
    assert remedies(made.resolved, _SPENT, 100)["checks"] == ""


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"shift": 3}, "augment.shift = 0"),
        ({"shift": 3, "cutout": 4}, "augment.shift = 0 and augment.cutout = 0"),
        ({"shift": 3, "colour": 0.2, "crop": 0.7}, "augment.colour = 0 and augment.crop = 1"),
    ],
)
def test_pictures_that_are_changed_are_told_how_to_spare_it(
    table: pl.DataFrame, changes: dict[str, Any], told: str
) -> None:
    resolved = replace(_study(table).resolved, augment=Augmentation(**changes))
    advice = remedies(resolved, _SPENT, 100)["data"]
    assert advice == f"{told} would make a batch more quickly"
