"""A whole training: checks, the best weights, roll-backs, stops, and what stays on disk."""

import errno
import json
import math
import os
import random
import signal
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from fathom.base.errors import RecipeError, RunError, Stopped, StorageError, TrainingError
from fathom.base.tensors import Batch, Loss
from fathom.objectives.objective import Phase
from fathom.objectives.supervised import PlainLoss
from fathom.training.averaging import AveragingPlan
from fathom.training.checkpoint import Snapshot, same
from fathom.training.optimizers import OptimizerPlan
from fathom.training.records import Options, Trained
from fathom.training.session import train_network

Make = Callable[..., Any]


def _train(made: Any, plan: Any, validate: Any = None, **options: Any) -> Trained:
    options = {"save_every": 0.0, **options}
    return train_network(
        made.network, made.batches, made.objective, plan, validate, Options(**options)
    )


def _lines(folder: Path, name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / f"{name}.jsonl").read_text().splitlines()]


def _weights(network: nn.Module) -> dict[str, Tensor]:
    return {name: tensor.clone() for name, tensor in network.state_dict().items()}


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


def test_history_tells_every_check(tiny: Make, plan: Make, tmp_path: Path) -> None:
    made = tiny()
    trained = _train(made, plan(), lambda network: {"loss": 1.0, "other": 2}, folder=tmp_path)
    assert [record["step"] for record in trained.history] == [3, 6, 9, 12]
    assert [record["best"] for record in trained.history] == [True, False, False, False]
    for record in trained.history:
        assert record["validation"] == {"loss": 1.0, "other": 2.0}
        assert record["parts"] == {"all": {"loss": pytest.approx(record["loss"])}}
    assert _lines(tmp_path, "history") == trained.history
    assert [line["step"] for line in _lines(tmp_path, "timings")] == [3, 6, 9, 12]
    assert trained.events == _lines(tmp_path, "events") == []
    assert (trained.steps, trained.best_step) == (12, 3)
    assert not trained.network.training
    assert trained.network is made.network


def test_the_recorded_loss_is_the_mean_of_the_steps(tiny: Make, plan: Make) -> None:
    losses: list[float] = []

    class Noting(PlainLoss):
        def loss(self, network: nn.Module, batch: Batch, phase: Phase) -> Loss:
            found = super().loss(network, batch, phase)
            losses.append(found.mean().item())
            return found

    trained = _train(tiny(Noting(nn.functional.mse_loss)), plan())
    means = [sum(losses[k : k + 3]) / 3 for k in (0, 3, 6, 9)]
    assert [record["loss"] for record in trained.history] == pytest.approx(means)


def test_the_weights_of_the_best_check_are_kept(tiny: Make, plan: Make) -> None:
    figures, seen = iter([3.0, 1.0, 2.0, 1.5]), []

    def validate(network: nn.Module) -> dict[str, float]:
        assert not network.training
        seen.append(_weights(network))
        return {"loss": next(figures)}

    trained = _train(tiny(), plan(averaging=AveragingPlan(name="ema", decay=0.5)), validate)
    assert trained.best_step == 6
    assert same(_weights(trained.network), seen[1])


def test_patience_stops(tiny: Make, plan: Make) -> None:
    figures = iter([3.0, 1.0, 2.0, 1.5, 0.1])
    trained = _train(
        tiny(), plan(num_steps=60, patience=2), lambda network: {"loss": next(figures)}
    )
    assert (trained.steps, trained.best_step) == (12, 6)


@pytest.mark.parametrize(
    ("validate", "got"),
    [(None, "no `validate`"), (lambda network: {"error": 1.0}, "figures ['error']")],
)
def test_patience_without_anything_to_watch_is_refused(
    validate: Any, got: str, tiny: Make, plan: Make
) -> None:
    with pytest.raises(RecipeError, match="Patience needs something to watch") as caught:
        _train(tiny(), plan(patience=1), validate)
    assert caught.value.got == got


def test_a_check_that_is_not_finite_is_an_event_and_never_the_best(
    tiny: Make, plan: Make, tmp_path: Path
) -> None:
    figures = iter([math.nan, 2.0, math.inf, math.nan])
    trained = _train(tiny(), plan(), lambda network: {"loss": next(figures)}, folder=tmp_path)
    assert trained.best_step == 6
    assert [event["step"] for event in trained.events] == [3, 9, 12]
    assert {event["event"] for event in trained.events} == {"validation_not_finite"}
    assert _lines(tmp_path, "events") == trained.events
    never = _train(tiny(), plan(), lambda network: {"loss": math.nan})
    assert never.best_step == 12


def test_a_loss_that_is_not_finite_rolls_back_with_a_smaller_step(
    tiny: Make, plan: Make, tmp_path: Path
) -> None:
    trained = _train(tiny(Bursting({4: 1})), plan(), folder=tmp_path)
    (event,) = trained.events
    assert event == {
        "step": 3,
        "event": "roll_back",
        "why": "the loss was not finite by step 6",
        "rate_scale": pytest.approx(0.3),
    }
    assert _lines(tmp_path, "events") == trained.events
    assert [record["step"] for record in trained.history] == [3, 6, 9, 12]
    calm = _train(tiny(), plan())
    rates = [
        one["learning_rate"] / other["learning_rate"]
        for one, other in zip(trained.history, calm.history, strict=True)
    ]
    assert rates == pytest.approx([1, 0.3, 0.3, 0.3])
    assert all(bool(p.isfinite().all()) for p in trained.network.parameters())


def test_an_update_that_ruins_the_weights_is_seen_at_the_check(tiny: Make, plan: Make) -> None:
    class Ruining(PlainLoss):
        ruined = False

        def after_step(self, network: nn.Module, step: int) -> None:
            if step == 6 and not self.ruined:
                self.ruined = True
                with torch.no_grad():
                    next(network.parameters()).fill_(math.inf)

    trained = _train(tiny(Ruining(nn.functional.mse_loss)), plan())
    assert [event["event"] for event in trained.events] == ["roll_back"]
    assert all(bool(p.isfinite().all()) for p in trained.network.parameters())


def test_tries_are_counted_anew_once_a_failure_was_overcome(tiny: Make, plan: Make) -> None:
    trained = _train(tiny(Bursting({4: 3, 8: 3})), plan())
    assert [event["step"] for event in trained.events] == [3, 3, 3, 6, 6, 6]
    assert trained.events[-1]["rate_scale"] == pytest.approx(0.3**6)
    with pytest.raises(TrainingError, match="three roll-backs"):
        _train(tiny(Bursting({4: 4})), plan())


def test_after_three_tries_it_stops_and_says_what_broke(
    tiny: Make, plan: Make, tmp_path: Path
) -> None:
    made = tiny(Bursting({7: 99}))
    seen: list[dict[str, Tensor]] = []

    def validate(network: nn.Module) -> dict[str, float]:
        seen.append(_weights(network))
        return {"loss": [2.0, 3.0][len(seen) - 1]}

    with pytest.raises(TrainingError, match="stayed so through three roll-backs") as caught:
        _train(made, plan(), validate, folder=tmp_path)
    assert caught.value.where == "between step 6 and 9"
    assert "step 8: the part 'loss' of the loss" in caught.value.got
    assert "weights of the last good check are kept" in caught.value.do
    assert same(_weights(made.network), seen[0])
    kept = Snapshot.read(tmp_path / "checkpoint").state()
    assert same(kept["best"]["weights"], seen[0])
    assert kept["learner"]["step"] == 6
    assert [event["event"] for event in _lines(tmp_path, "events")] == ["roll_back"] * 3
    assert [record["step"] for record in _lines(tmp_path, "history")] == [3, 6]


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
    loss: Any, spoil: Any, fault: str, clip_norm: float | None, tiny: Make, plan: Make
) -> None:
    made = tiny(loss)
    spoil(made)
    with pytest.raises(TrainingError) as caught:
        _train(made, plan(clip_norm=clip_norm))
    assert fault in caught.value.got
    assert all(bool(p.isfinite().all()) for p in made.network.parameters())


def test_a_split_survives_a_roll_back(tiny: Make, plan: Make, tmp_path: Path) -> None:
    class Both(Bursting):
        calls = 0

        def loss(self, network: nn.Module, batch: Batch, phase: Phase) -> Loss:
            self.calls += 1
            if self.calls == 5:
                raise torch.OutOfMemoryError("pretended")
            return super().loss(network, batch, phase)

    # Two pieces, each of them counted and then learned from.
    trained = _train(tiny(Both({5: 4})), plan(), folder=tmp_path)
    told = [(event["step"], event["event"]) for event in trained.events]
    assert told == [(4, "batch_split"), (3, "roll_back")]
    assert _lines(tmp_path, "events") == trained.events
    assert Snapshot.read(tmp_path / "checkpoint").state()["learner"]["pieces"] == 2


def test_a_roll_back_is_obeyed_by_who_goes_on(tiny: Make, plan: Make, tmp_path: Path) -> None:
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
        _train(made, plan(), watch=watch, watch_every=0.0, **options)
    resumed = _train(tiny(), plan(), resume=True, **options)
    whole = _train(tiny(Bursting({4: 1})), plan())
    assert [event["event"] for event in resumed.events] == ["roll_back"]
    assert same(_weights(resumed.network), _weights(whole.network))


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
    kills: int, tiny: Make, plan: Make, tmp_path: Path
) -> None:
    """Memory suffices after the kill, yet the steps round and draw as if it did not."""
    whole = _train(tiny(Short(8), dropout=0.5), plan())
    assert [event["step"] for event in whole.events] == [7]

    def watch(progress: Any) -> None:
        if progress.step == 8:
            raise KeyError

    for objective in (Short(8), Short(0))[:kills]:
        with pytest.raises(KeyError):
            _train(
                tiny(objective, dropout=0.5),
                plan(),
                folder=tmp_path,
                watch=watch,
                watch_every=0.0,
                resume=True,
            )
    assert _lines(tmp_path, "events") == whole.events
    resumed = _train(tiny(dropout=0.5), plan(), folder=tmp_path, resume=True)
    assert same(_weights(resumed.network), _weights(whole.network))
    assert _lines(tmp_path, "events") == resumed.events == whole.events


def test_a_replay_obeys_the_splits_of_the_original(tiny: Make, plan: Make) -> None:
    original = _train(tiny(Short(5), dropout=0.5), plan())
    replay = _train(tiny(dropout=0.5), plan(), obey=tuple(original.events))
    assert same(_weights(replay.network), _weights(original.network))
    assert replay.events == original.events
    deaf = _train(tiny(dropout=0.5), plan())
    assert not same(_weights(deaf.network), _weights(original.network))


def test_a_check_draws_the_same_whenever_it_is_made(tiny: Make, plan: Make, tmp_path: Path) -> None:
    def validate(network: nn.Module) -> dict[str, float]:
        return {"loss": torch.rand(()).item() + random.random()}

    one = _train(tiny(), plan(), validate)
    random.seed(99)
    two = _train(tiny(), plan(), validate)
    figures = [record["validation"]["loss"] for record in one.history]
    assert figures == [record["validation"]["loss"] for record in two.history]
    assert len(set(figures)) == 4


def test_memory_that_runs_out_in_a_check_is_told(tiny: Make, plan: Make, tmp_path: Path) -> None:
    def validate(network: nn.Module) -> dict[str, float]:
        raise MemoryError

    with pytest.raises(TrainingError, match="Memory ran out while checking") as caught:
        _train(tiny(), plan(), validate, folder=tmp_path)
    assert caught.value.where == "the check after step 3"
    assert Snapshot.exists(tmp_path / "checkpoint")


@pytest.mark.parametrize(
    ("number", "name", "code"), [(signal.SIGINT, "Ctrl-C", 130), (signal.SIGTERM, "SIGTERM", 143)]
)
@pytest.mark.parametrize("moment", ["step", "check", "last check"])
def test_a_signal_stops_with_a_checkpoint_to_go_on_from(
    number: int, name: str, code: int, moment: str, tiny: Make, plan: Make, tmp_path: Path
) -> None:
    checks = {"step": 99, "check": 2, "last check": 4}[moment]
    seen: list[int] = []

    def validate(network: nn.Module) -> dict[str, float]:
        seen.append(1)
        if len(seen) == checks:
            os.kill(os.getpid(), number)
        return {"loss": 1 / len(seen)}

    def watch(progress: Any) -> None:
        if moment == "step" and progress.step == 8:
            os.kill(os.getpid(), number)

    handlers = [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)]
    made = tiny(dropout=0.5)
    with pytest.raises(Stopped, match=f"Training was stopped by {name}") as caught:
        _train(made, plan(), validate, folder=tmp_path, watch=watch, watch_every=0.0)
    assert caught.value.exit_code == code
    assert [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)] == handlers
    stands = {"step": 6, "check": 6, "last check": 12}[moment]
    assert f"the checkpoint in {tmp_path} stands at step {stands}" in caught.value.where
    assert "resume=True" in caught.value.do

    seen.clear()
    calm = tiny(dropout=0.5)
    figures = iter([1.0, 0.5, 1 / 3, 0.25])
    _train(calm, plan(), lambda network: {"loss": next(figures)})
    again = tiny(dropout=0.5)
    left = iter([1.0, 0.5, 1 / 3, 0.25][stands // 3 :])
    trained = _train(
        again, plan(), lambda network: {"loss": next(left)}, folder=tmp_path, resume=True
    )
    assert trained.steps == 12
    assert same(_weights(again.network), _weights(calm.network))


def test_without_a_folder_the_stop_says_that_nothing_is_kept(tiny: Make, plan: Make) -> None:
    def watch(progress: Any) -> None:
        os.kill(os.getpid(), signal.SIGTERM)

    with pytest.raises(Stopped) as caught:
        _train(tiny(), plan(), watch=watch, watch_every=0.0)
    assert caught.value.do == "Nothing was kept on disk."
    assert caught.value.where == "step 1 of 12"


def test_in_another_thread_no_handlers_are_set(tiny: Make, plan: Make) -> None:
    found: list[Any] = []
    before = signal.getsignal(signal.SIGINT)

    def run() -> None:
        trained = _train(
            tiny(),
            plan(),
            watch=lambda progress: found.append(signal.getsignal(signal.SIGINT)),
            watch_every=0.0,
        )
        found.append(trained.steps)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert found == [before] * 12 + [12]


def test_a_full_disk_ends_with_the_old_checkpoint_whole(
    tiny: Make, plan: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sync, full = os.fsync, []

    def fail(handle: int) -> None:
        if full:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        sync(handle)

    def watch(progress: Any) -> None:
        if progress.step == 8:
            full.append(True)

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(StorageError, match="The disk is full") as caught:
        _train(tiny(dropout=0.5), plan(), folder=tmp_path, watch=watch, watch_every=0.0)
    assert "Free some space" in caught.value.do
    assert Snapshot.read(tmp_path / "checkpoint").state()["learner"]["step"] == 6
    full.clear()
    made, calm = tiny(dropout=0.5), tiny(dropout=0.5)
    _train(made, plan(), folder=tmp_path, resume=True)
    _train(calm, plan())
    assert same(_weights(made.network), _weights(calm.network))
    assert [line["step"] for line in _lines(tmp_path, "history")] == [3, 6, 9, 12]


def test_resuming_without_a_checkpoint_begins_anew(tiny: Make, plan: Make, tmp_path: Path) -> None:
    trained = _train(tiny(), plan(), folder=tmp_path / "none", resume=True)
    assert trained.steps == 12


def test_resuming_what_is_finished_gives_it_again(tiny: Make, plan: Make, tmp_path: Path) -> None:
    one = _train(tiny(), plan(), folder=tmp_path)
    made = tiny()
    two = _train(made, plan(), folder=tmp_path, resume=True)
    assert same(_weights(one.network), _weights(made.network))
    assert (one.history, one.best_step, one.steps) == (two.history, two.best_step, two.steps)
    assert len(_lines(tmp_path, "timings")) == 4


def test_a_fresh_training_replaces_an_old_one(tiny: Make, plan: Make, tmp_path: Path) -> None:
    _train(tiny(), plan(), folder=tmp_path)

    def watch(progress: Any) -> None:
        raise KeyError

    with pytest.raises(KeyError):
        _train(tiny(), plan(), folder=tmp_path, watch=watch, watch_every=0.0)
    assert not Snapshot.exists(tmp_path / "checkpoint")
    assert _lines(tmp_path, "history") == _lines(tmp_path, "timings") == []
    _train(tiny(), plan(), folder=tmp_path)
    assert [line["step"] for line in _lines(tmp_path, "history")] == [3, 6, 9, 12]


def test_another_plan_cannot_be_resumed(tiny: Make, plan: Make, tmp_path: Path) -> None:
    _train(tiny(), plan(), folder=tmp_path)
    other = plan(seed=5, optimizer=OptimizerPlan(learning_rate=0.1))
    with pytest.raises(RunError, match="belongs to another plan") as caught:
        _train(tiny(), other, folder=tmp_path, resume=True)
    assert "seed = 0" in caught.value.expected
    assert "seed = 5" in caught.value.got
    assert "'learning_rate': 0.1" in caught.value.got


def test_progress_is_told(tiny: Make, plan: Make) -> None:
    told: list[Any] = []
    _train(tiny(), plan(), lambda network: {"loss": 2.0}, watch=told.append, watch_every=0.0)
    assert [progress.step for progress in told] == list(range(1, 13))
    assert {progress.num_steps for progress in told} == {12}
    assert told[2].checked is None
    assert told[3].checked["validation"] == {"loss": 2.0}
    assert all(progress.loss > 0 and progress.left >= 0 for progress in told)
    rare: list[Any] = []
    _train(tiny(), plan(), watch=rare.append, watch_every=60.0)
    assert len(rare) <= 1


def test_tables_that_a_module_fills_while_checked_serve_the_training(
    tiny: Make, plan: Make
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

    assert _train(made, plan(), validate).steps == 12
