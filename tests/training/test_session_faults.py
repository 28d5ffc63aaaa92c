"""What goes wrong in a step: losses that are not finite, memory that runs out, and replay."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from fathom.base.errors import TrainingError
from fathom.base.tensors import Batch, Loss
from fathom.objectives.objective import Phase
from fathom.objectives.supervised import PlainLoss
from fathom.training.checkpoint import Snapshot, same
from fathom.training.optimizers import OptimizerPlan

Make = Callable[..., Any]


class Bursting(PlainLoss):
    """The loss is infinite in some steps, for as many attempts as are named."""

    def __init__(self, bursts: dict[int, int]) -> None:
        super().__init__(nn.functional.mse_loss)
        self.bursts = dict(bursts)

    def loss(self, network: nn.Module, batch: Batch, phase: Phase) -> Loss:
        total, count = super().loss(network, batch, phase).parts["loss"]
        if self.bursts.get(batch.step, 0) > 0:
            self.bursts[batch.step] -= 1
            total = total * math.inf
        return Loss({"loss": (total, count)})


def test_a_loss_that_is_not_finite_rolls_back_with_a_smaller_step(
    tiny: Make, plan: Make, tmp_path: Path, train: Make, lines: Make
) -> None:
    trained = train(tiny(Bursting({4: 1})), plan(), folder=tmp_path)
    (event,) = trained.events
    assert event == {
        "step": 3,
        "event": "roll_back",
        "why": "the loss was not finite by step 6",
        "rate_scale": pytest.approx(0.3),
    }
    assert lines(tmp_path, "events") == trained.events
    assert [record["step"] for record in trained.history] == [3, 6, 9, 12]
    calm = train(tiny(), plan())
    rates = [
        one["learning_rate"] / other["learning_rate"]
        for one, other in zip(trained.history, calm.history, strict=True)
    ]
    assert rates == pytest.approx([1, 0.3, 0.3, 0.3])
    assert all(bool(p.isfinite().all()) for p in trained.network.parameters())


def test_an_update_that_ruins_the_weights_is_seen_at_the_check(
    tiny: Make, plan: Make, train: Make
) -> None:
    class Ruining(PlainLoss):
        ruined = False

        def after_step(self, network: nn.Module, step: int) -> None:
            if step == 6 and not self.ruined:
                self.ruined = True
                with torch.no_grad():
                    next(network.parameters()).fill_(math.inf)

    trained = train(tiny(Ruining(nn.functional.mse_loss)), plan())
    assert [event["event"] for event in trained.events] == ["roll_back"]
    assert all(bool(p.isfinite().all()) for p in trained.network.parameters())


def test_tries_are_counted_anew_once_a_failure_was_overcome(
    tiny: Make, plan: Make, train: Make
) -> None:
    trained = train(tiny(Bursting({4: 3, 8: 3})), plan())
    assert [event["step"] for event in trained.events] == [3, 3, 3, 6, 6, 6]
    assert trained.events[-1]["rate_scale"] == pytest.approx(0.3**6)
    with pytest.raises(TrainingError, match="three roll-backs"):
        train(tiny(Bursting({4: 4})), plan())


def test_after_three_tries_it_stops_and_says_what_broke(
    tiny: Make, plan: Make, tmp_path: Path, train: Make, lines: Make, weights: Make
) -> None:
    made = tiny(Bursting({7: 99}))
    seen: list[dict[str, Tensor]] = []

    def validate(network: nn.Module) -> dict[str, float]:
        seen.append(weights(network))
        return {"loss": [2.0, 3.0][len(seen) - 1]}

    with pytest.raises(TrainingError, match="stayed so through three roll-backs") as caught:
        train(made, plan(), validate, folder=tmp_path)
    assert caught.value.where == "between step 6 and 9"
    assert "step 8: the part 'loss' of the loss" in caught.value.got
    assert caught.value.do.startswith("Look for infinite or huge values")
    assert "weights of the last good check are kept" in caught.value.do
    assert same(weights(made.network), seen[0])
    kept = Snapshot.read(tmp_path / "checkpoint").state()
    assert same(kept["best"]["weights"], seen[0])
    assert kept["learner"]["step"] == 6
    assert [event["event"] for event in lines(tmp_path, "events")] == ["roll_back"] * 3
    assert [record["step"] for record in lines(tmp_path, "history")] == [3, 6]


def test_a_huge_learning_rate_is_named_as_the_cause(tiny: Make, plan: Make, train: Make) -> None:
    with pytest.raises(TrainingError, match="three roll-backs") as caught:
        train(tiny(Bursting({4: 99})), plan(optimizer=OptimizerPlan(learning_rate=300.0)))
    assert caught.value.do.startswith("Lower the learning rate: hardly any network is trained with")


def _nan_input(made: Any) -> None:
    made.batches.examples.inputs["x"].data[7, 1] = math.nan


def _nan_target(made: Any) -> None:
    made.batches.examples.targets["y"].data[29] = -math.inf


def _root(output: Tensor, target: Tensor) -> Tensor:
    # The slope of the root is infinite at 0, where the loss is finite.
    return (output - target).square().mean() + (output - output.detach()).abs().sqrt().mean()


@pytest.mark.parametrize(
    ("loss", "spoil", "fault"),
    [
        (nn.functional.mse_loss, _nan_input, "the input 'x' is NaN or infinite in 1 examples (7)"),
        (nn.functional.mse_loss, _nan_target, "the target 'y' is NaN or infinite in 1 examples"),
        (_root, lambda made: None, "the gradient of '0.weight', though the loss is finite"),
    ],
    ids=["input", "target", "gradient"],
)
@pytest.mark.parametrize("clip_norm", [1.0, None])
def test_the_first_fault_is_named(
    loss: Any, spoil: Any, fault: str, clip_norm: float | None, tiny: Make, plan: Make, train: Make
) -> None:
    made = tiny(loss)
    spoil(made)
    with pytest.raises(TrainingError) as caught:
        train(made, plan(clip_norm=clip_norm))
    assert fault in caught.value.got
    assert all(bool(p.isfinite().all()) for p in made.network.parameters())


def test_a_split_survives_a_roll_back(
    tiny: Make, plan: Make, tmp_path: Path, train: Make, lines: Make
) -> None:
    class Both(Bursting):
        calls = 0

        def loss(self, network: nn.Module, batch: Batch, phase: Phase) -> Loss:
            self.calls += 1
            if self.calls == 5:
                raise torch.OutOfMemoryError("pretended")
            return super().loss(network, batch, phase)

    # Two pieces, each of them counted and then learned from.
    trained = train(tiny(Both({5: 4})), plan(), folder=tmp_path)
    told = [(event["step"], event["event"]) for event in trained.events]
    assert told == [(4, "batch_split"), (3, "roll_back")]
    assert lines(tmp_path, "events") == trained.events
    assert Snapshot.read(tmp_path / "checkpoint").state()["learner"]["pieces"] == 2


def test_a_roll_back_is_obeyed_by_who_goes_on(
    tiny: Make, plan: Make, tmp_path: Path, train: Make, weights: Make
) -> None:
    """Also when what was not finite does not come again, and no check was passed since."""

    def watch(progress: Any) -> None:
        if progress.step == 5 and made.objective.bursts[4] == 0:
            seen.append(progress.step)
            if len(seen) == 2:
                raise KeyError

    seen: list[int] = []
    made = tiny(Bursting({4: 1}))
    options: dict[str, Any] = {"folder": tmp_path, "save_every": 1e9}
    with pytest.raises(KeyError):
        train(made, plan(), watch=watch, watch_every=0.0, **options)
    resumed = train(tiny(), plan(), resume=True, **options)
    whole = train(tiny(Bursting({4: 1})), plan())
    assert [event["event"] for event in resumed.events] == ["roll_back"]
    assert same(weights(resumed.network), weights(whole.network))


class Short(PlainLoss):
    """Memory runs out once, in the call that is named."""

    def __init__(self, call: int) -> None:
        super().__init__(nn.functional.mse_loss)
        self.left = call

    def loss(self, network: nn.Module, batch: Batch, phase: Phase) -> Loss:
        self.left -= 1
        if self.left == 0:
            raise torch.OutOfMemoryError("pretended")
        return super().loss(network, batch, phase)


@pytest.mark.parametrize("kills", [1, 2])
def test_a_split_is_obeyed_by_who_goes_on(
    kills: int, tiny: Make, plan: Make, tmp_path: Path, train: Make, lines: Make, weights: Make
) -> None:
    """Memory suffices after the kill, yet the steps round and draw as if it did not."""
    whole = train(tiny(Short(8), dropout=0.5), plan())
    assert [event["step"] for event in whole.events] == [7]

    def watch(progress: Any) -> None:
        if progress.step == 8:
            raise KeyError

    for objective in (Short(8), Short(0))[:kills]:
        with pytest.raises(KeyError):
            train(
                tiny(objective, dropout=0.5),
                plan(),
                folder=tmp_path,
                watch=watch,
                watch_every=0.0,
                resume=True,
            )
    assert lines(tmp_path, "events") == whole.events
    resumed = train(tiny(dropout=0.5), plan(), folder=tmp_path, resume=True)
    assert same(weights(resumed.network), weights(whole.network))
    assert lines(tmp_path, "events") == resumed.events == whole.events


def test_a_replay_obeys_the_splits_of_the_original(
    tiny: Make, plan: Make, train: Make, weights: Make
) -> None:
    original = train(tiny(Short(5), dropout=0.5), plan())
    replay = train(tiny(dropout=0.5), plan(), obey=tuple(original.events))
    assert same(weights(replay.network), weights(original.network))
    assert replay.events == original.events
    deaf = train(tiny(dropout=0.5), plan())
    assert not same(weights(deaf.network), weights(original.network))
