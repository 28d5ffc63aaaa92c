"""A tiny training that many tests share."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from fathom.base.tensors import Field
from fathom.objectives.objective import Objective
from fathom.objectives.supervised import PlainLoss
from fathom.tables.batches import ResidentBatches, RowExamples
from fathom.training.optimizers import OptimizerPlan
from fathom.training.plan import TrainingPlan
from fathom.training.records import Options, Trained
from fathom.training.session import train_network

NUM, WIDTH, BATCH = 53, 3, 11


@dataclass
class Tiny:
    """Network, batches and objective of a training that takes milliseconds."""

    network: nn.Sequential
    batches: ResidentBatches
    objective: Objective


@pytest.fixture
def tiny() -> Callable[..., Tiny]:
    """Makes it: (loss or objective, norm: whether with batch normalisation, dropout)."""

    def make(loss: Any = nn.functional.mse_loss, norm: bool = False, dropout: float = 0.0) -> Tiny:
        torch.manual_seed(0)
        x = torch.randn(NUM, WIDTH)
        y = x.sum(1, keepdim=True) + 0.1 * torch.randn(NUM, 1)
        network = nn.Sequential(
            nn.Linear(WIDTH, 7),
            nn.BatchNorm1d(7) if norm else nn.Identity(),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(7, 1),
        )
        examples = RowExamples({"x": Field(x)}, {"y": Field(y)}, torch.ones(NUM))
        objective = loss if isinstance(loss, Objective) else PlainLoss(loss)
        return Tiny(network, ResidentBatches(examples, BATCH, 0), objective)

    return make


@pytest.fixture
def plan() -> Callable[..., TrainingPlan]:
    """A plan of twelve steps, four checks."""

    def make(**options: Any) -> TrainingPlan:
        usual = {"num_steps": 12, "check_every": 3, "optimizer": OptimizerPlan(learning_rate=0.01)}
        return TrainingPlan(**{**usual, **options})

    return make


@pytest.fixture
def train() -> Callable[..., Trained]:
    """Trains what `tiny` made: (made, plan, validate, options); a folder gets every checkpoint."""

    def start(made: Tiny, plan: TrainingPlan, validate: Any = None, **options: Any) -> Trained:
        options = {"save_every": 0.0, **options}
        return train_network(
            made.network, made.batches, made.objective, plan, validate, Options(**options)
        )

    return start


@pytest.fixture
def lines() -> Callable[..., list[dict[str, Any]]]:
    """Reads what a training wrote down: (folder, name)."""

    def read(folder: Path, name: str) -> list[dict[str, Any]]:
        return [json.loads(line) for line in (folder / f"{name}.jsonl").read_text().splitlines()]

    return read


@pytest.fixture
def weights() -> Callable[..., dict[str, Tensor]]:
    """Copies the weights of a network."""

    def copy(network: nn.Module) -> dict[str, Tensor]:
        return {name: tensor.clone() for name, tensor in network.state_dict().items()}

    return copy
