"""A tiny training that many tests share, on one thread."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from torch import nn

from fathom.base.tensors import Field
from fathom.objectives.objective import Objective
from fathom.objectives.supervised import PlainLoss
from fathom.tables.batches import ResidentBatches, RowExamples
from fathom.training.optimizers import OptimizerPlan
from fathom.training.plan import TrainingPlan

NUM, WIDTH, BATCH = 53, 3, 11


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


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
