"""A training from check to check: history, the best weights, patience, progress."""

import math
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from fathom.base.errors import RecipeError, TrainingError
from fathom.base.tensors import Batch, Loss
from fathom.objectives.objective import Phase
from fathom.objectives.supervised import PlainLoss
from fathom.training.averaging import AveragingPlan
from fathom.training.checkpoint import Snapshot, same

Make = Callable[..., Any]


def test_history_tells_every_check(
    tiny: Make, plan: Make, tmp_path: Path, train: Make, lines: Make
) -> None:
    made = tiny()
    trained = train(made, plan(), lambda network: {"loss": 1.0, "other": 2}, folder=tmp_path)
    assert [record["step"] for record in trained.history] == [3, 6, 9, 12]
    assert [record["best"] for record in trained.history] == [True, False, False, False]
    for record in trained.history:
        assert record["validation"] == {"loss": 1.0, "other": 2.0}
        assert record["parts"] == {"all": {"loss": pytest.approx(record["loss"])}}
    assert lines(tmp_path, "history") == trained.history
    assert [line["step"] for line in lines(tmp_path, "timings")] == [3, 6, 9, 12]
    assert trained.events == lines(tmp_path, "events") == []
    assert (trained.steps, trained.best_step) == (12, 3)
    assert not trained.network.training
    assert trained.network is made.network


def test_the_recorded_loss_is_the_mean_of_the_steps(tiny: Make, plan: Make, train: Make) -> None:
    losses: list[float] = []

    class Noting(PlainLoss):
        def loss(self, network: nn.Module, batch: Batch, phase: Phase) -> Loss:
            found = super().loss(network, batch, phase)
            losses.append(found.mean().item())
            return found

    trained = train(tiny(Noting(nn.functional.mse_loss)), plan())
    means = [sum(losses[k : k + 3]) / 3 for k in (0, 3, 6, 9)]
    assert [record["loss"] for record in trained.history] == pytest.approx(means)


def test_the_weights_of_the_best_check_are_kept(
    tiny: Make, plan: Make, train: Make, weights: Make
) -> None:
    figures, seen = iter([3.0, 1.0, 2.0, 1.5]), []

    def validate(network: nn.Module) -> dict[str, float]:
        assert not network.training
        seen.append(weights(network))
        return {"loss": next(figures)}

    trained = train(tiny(), plan(averaging=AveragingPlan(name="ema", decay=0.5)), validate)
    assert trained.best_step == 6
    assert same(weights(trained.network), seen[1])


def test_patience_stops(tiny: Make, plan: Make, train: Make) -> None:
    figures = iter([3.0, 1.0, 2.0, 1.5, 0.1])
    trained = train(tiny(), plan(num_steps=60, patience=2), lambda network: {"loss": next(figures)})
    assert (trained.steps, trained.best_step) == (12, 6)


@pytest.mark.parametrize(
    ("validate", "got"),
    [(None, "no `validate`"), (lambda network: {"error": 1.0}, "figures ['error']")],
)
def test_patience_without_anything_to_watch_is_refused(
    validate: Any, got: str, tiny: Make, plan: Make, train: Make
) -> None:
    with pytest.raises(RecipeError, match="Patience needs something to watch") as caught:
        train(tiny(), plan(patience=1), validate)
    assert caught.value.got == got


def test_a_check_that_is_not_finite_is_an_event_and_never_the_best(
    tiny: Make, plan: Make, tmp_path: Path, train: Make, lines: Make
) -> None:
    figures = iter([math.nan, 2.0, math.inf, math.nan])
    trained = train(tiny(), plan(), lambda network: {"loss": next(figures)}, folder=tmp_path)
    assert trained.best_step == 6
    assert [event["step"] for event in trained.events] == [3, 9, 12]
    assert {event["event"] for event in trained.events} == {"validation_not_finite"}
    assert lines(tmp_path, "events") == trained.events
    never = train(tiny(), plan(), lambda network: {"loss": math.nan})
    assert never.best_step == 12


def test_a_check_draws_the_same_whenever_it_is_made(
    tiny: Make, plan: Make, tmp_path: Path, train: Make
) -> None:
    def validate(network: nn.Module) -> dict[str, float]:
        return {"loss": torch.rand(()).item() + random.random()}

    one = train(tiny(), plan(), validate)
    random.seed(99)
    two = train(tiny(), plan(), validate)
    figures = [record["validation"]["loss"] for record in one.history]
    assert figures == [record["validation"]["loss"] for record in two.history]
    assert len(set(figures)) == 4


def test_memory_that_runs_out_in_a_check_is_told(
    tiny: Make, plan: Make, tmp_path: Path, train: Make
) -> None:
    def validate(network: nn.Module) -> dict[str, float]:
        raise MemoryError

    with pytest.raises(TrainingError, match="Memory ran out while checking") as caught:
        train(tiny(), plan(), validate, folder=tmp_path)
    assert caught.value.where == "the check after step 3"
    assert Snapshot.exists(tmp_path / "checkpoint")


def test_progress_is_told(tiny: Make, plan: Make, train: Make) -> None:
    told: list[Any] = []
    train(tiny(), plan(), lambda network: {"loss": 2.0}, watch=told.append, watch_every=0.0)
    assert [progress.step for progress in told] == list(range(1, 13))
    assert {progress.num_steps for progress in told} == {12}
    assert told[2].checked is None
    assert told[3].checked["validation"] == {"loss": 2.0}
    assert all(progress.loss > 0 for progress in told)
    assert math.isnan(told[0].left), "nobody knows what a step takes before the second"
    assert all(progress.left >= 0 for progress in told[1:])
    rare: list[Any] = []
    train(tiny(), plan(), watch=rare.append, watch_every=60.0)
    assert len(rare) <= 1


def test_tables_that_a_module_fills_while_checked_serve_the_training(
    tiny: Make, plan: Make, train: Make
) -> None:
    class Lazy(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.table: Tensor | None = None

        def forward(self, x: Tensor) -> Tensor:
            if self.table is None and not self.training:
                self.table = torch.ones(7) * 2
            return x if self.table is None else x * self.table

    made = tiny()
    made.network[1] = Lazy()

    def validate(network: nn.Module) -> dict[str, float]:
        return {"loss": network(torch.ones(2, 3)).mean().item()}

    assert train(made, plan(), validate).steps == 12
