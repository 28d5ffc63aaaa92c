"""How parts are trained: beside each other or in turn, with how many threads."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch
from PIL import Image

import fathom
from fathom.training.records import Progress
from fathom.workflow.learn import threads_for
from fathom.workflow.recipe import Recipe
from fathom.workflow.study import study

SMALL = {
    "network.members": 2,
    "network.width": 16,
    "training.epochs": 6,
    "training.checks": 2,
    "evaluate.baselines": False,
    "evaluate.importance": False,
}


@pytest.fixture
def two_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


@pytest.mark.usefixtures("two_threads")
def test_beside_each_other_or_in_turn_the_bits_are_the_same(
    table: pl.DataFrame, tmp_path: Path
) -> None:
    found: list[list[object]] = []
    for threads in (2, 1):
        torch.set_num_threads(threads)
        told: list[tuple[int, int]] = []

        def watch(part: int, parts: int, now: Progress, told: list[tuple[int, int]] = told) -> None:
            told.append((part, now.at_once))

        out = tmp_path / str(threads)
        settings = {**SMALL, "split.folds": 2}
        run = fathom.train(table, "price", out=out, settings=settings, watch=watch)
        assert {beside for _, beside in told} == {threads}
        assert [part for part, _ in told] == sorted(part for part, _ in told)
        weights = [
            tensor for part in run.model.parts for tensor in part.network.state_dict().values()
        ]
        files = [(out / "folds" / str(n) / "history.jsonl").read_bytes() for n in range(2)]
        found.append([*(tensor.numpy().tobytes() for tensor in weights), *files])
    assert found[0] == found[1]


@pytest.mark.usefixtures("two_threads")
@pytest.mark.parametrize(("members", "threads"), [(2, 1), (64, 2)])
def test_small_steps_have_one_thread(
    table: pl.DataFrame, tmp_path: Path, members: int, threads: int
) -> None:
    seen: set[int] = set()
    settings = {**SMALL, "split.folds": 0, "network.members": members, "training.epochs": 2}
    fathom.train(
        table,
        "price",
        out=tmp_path / "run",
        settings=settings,
        watch=lambda part, parts, now: seen.add(torch.get_num_threads()),
    )
    assert seen == {threads}
    assert torch.get_num_threads() == 2


@pytest.mark.usefixtures("two_threads")
def test_flat_pictures_are_wide_and_have_both_threads_sooner(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for number in range(400):
        place = tmp_path / "ab"[number % 2] / f"{number}.png"
        place.parent.mkdir(exist_ok=True)
        Image.fromarray(rng.integers(0, 256, (8, 8), dtype=np.uint8)).save(place)
    said = {"network.pictures": "flat", "network.name": "mlp", "split.folds": 0}
    found = {
        size: threads_for(study(Recipe.of(said | {"training.batch_size": size}), tmp_path).resolved)
        for size in (64, 256)
    }
    assert found == {64: 1, 256: 2}
