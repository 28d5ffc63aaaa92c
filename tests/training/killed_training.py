"""Trains again and again in children that are killed; told the folder, the kills, the seed.

Called by test_resume.py as a program of its own: it forks, which a test process with threads
should not. Prints one line: how many children were really killed while they trained.
"""

import json
import math
import os
import random
import signal
import sys
import time
from pathlib import Path
from typing import Any

import torch
import torch._dynamo  # the first step of an optimiser loads it: once, not in every child
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from fathom.base.tensors import Batch, Field, Loss
from fathom.objectives.objective import Objective, Phase
from fathom.tables.batches import ResidentBatches, RowExamples
from fathom.training import (
    AveragingPlan,
    LoaderBatches,
    OptimizerPlan,
    Options,
    TrainingPlan,
    train_network,
)

NUM, WIDTH = 53, 3
# The last step of a stretch, and what an update at the full rate exceeds, one at 0.3 of it not.
BURST, LONG = 26, 0.0015


class Turns(Objective):
    """Two phases, memories of its own, and a loss that is infinite while the steps are long."""

    phases = (Phase("body", lambda name: not name.startswith("5."), every=2), Phase("all"))

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Buffer(torch.zeros(7, WIDTH))
        self.moved = nn.Buffer(torch.zeros(()))

    def loss(self, network: nn.Module, batch: Batch, phase: Phase) -> Loss:
        (x,), (y,) = batch.inputs.values(), batch.targets.values()
        error = network(x.data) - y.data + 0.1 * self.weight.mean()
        long = batch.step == BURST and float(self.moved) > LONG
        return Loss(
            {"loss": (error.square().sum() * (math.inf if long else 1), batch.weight.sum())}
        )

    def after_step(self, network: nn.Module, step: int) -> None:
        with torch.no_grad():
            now = next(network.parameters())
            self.moved.copy_((now - self.weight).abs().mean())
            self.weight.copy_(now)


class Blurred(Dataset[tuple[Tensor, Tensor]]):
    """Rows with noise from the global generator."""

    def __init__(self, x: Tensor, y: Tensor) -> None:
        self.x, self.y = x, y

    def __len__(self) -> int:
        return len(self.x)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        return self.x[index] + 0.1 * torch.randn(WIDTH) + 0.1 * random.random(), self.y[index]


def train(folder: Path, way: str) -> None:
    """One training, gone on with if there is something to go on from."""
    torch.manual_seed(0)
    x = torch.randn(NUM, WIDTH)
    y = x.sum(1, keepdim=True)
    network = nn.Sequential(
        nn.Linear(WIDTH, 7),
        nn.BatchNorm1d(7),
        nn.ReLU(),
        nn.Dropout(0.3),
        nn.ReLU(),
        nn.Linear(7, 1),
    )
    batches: Any = ResidentBatches(
        RowExamples({"x": Field(x)}, {"y": Field(y)}, torch.ones(NUM)), 11, 0
    )
    if way == "loader":
        batches = LoaderBatches(DataLoader(Blurred(x, y), batch_size=11, shuffle=True))
    plan = TrainingPlan(
        num_steps=45,
        check_every=9,
        accumulate=2,
        optimizer=OptimizerPlan(learning_rate=0.01),
        averaging=AveragingPlan(name="ema", decay=0.9),
    )

    def validate(module: nn.Module) -> dict[str, float]:
        return {"loss": (module(x) - y).square().mean().item()}

    train_network(
        network,
        batches,
        Turns(),
        plan,
        validate,
        Options(folder=folder, save_every=0.0, keep_every=0.0, resume=True),
    )


def in_child(folder: Path, way: str, most_seconds: float | None) -> bool:
    """Train in a child; True if it was killed on the way."""
    child = os.fork()
    if child == 0:
        train(folder, way)
        os._exit(0)
    end = None if most_seconds is None else time.monotonic() + most_seconds
    while end is None or time.monotonic() < end:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            if status:
                sys.exit(f"a child ended with {status}")
            return False
        time.sleep(0.001)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return True


def main() -> None:
    home, num_kills, seed = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    torch.set_num_threads(1)
    draw = random.Random(seed)
    found: dict[str, int] = {}
    for way in ("resident", "loader"):
        began = time.monotonic()
        in_child(home / way / "calm", way, None)
        most = 2 * (time.monotonic() - began) / num_kills
        killed, kills = home / way / "killed", 0
        while kills < num_kills and in_child(killed, way, draw.uniform(0, most)):
            kills += 1
        in_child(killed, way, None)
        found[way] = kills
    print(json.dumps(found))


if __name__ == "__main__":
    main()
