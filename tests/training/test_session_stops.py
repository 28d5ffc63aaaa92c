"""A training that ends early or goes on: signals, a full disk, resuming."""

import errno
import math
import os
import shutil
import signal
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from fathom.base.errors import RunError, Stopped, StorageError
from fathom.training.checkpoint import Snapshot, same
from fathom.training.optimizers import OptimizerPlan
from fathom.training.plan import check_same_plan, plan_to_dict

Make = Callable[..., Any]


@pytest.mark.parametrize(
    ("number", "name", "code"), [(signal.SIGINT, "Ctrl-C", 130), (signal.SIGTERM, "SIGTERM", 143)]
)
@pytest.mark.parametrize("moment", ["step", "check", "last check"])
def test_a_signal_stops_with_a_checkpoint_to_go_on_from(
    number: int,
    name: str,
    code: int,
    moment: str,
    tiny: Make,
    plan: Make,
    tmp_path: Path,
    train: Make,
    weights: Make,
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
        train(made, plan(), validate, folder=tmp_path, watch=watch, watch_every=0.0)
    assert caught.value.exit_code == code
    assert [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)] == handlers
    # A signal that comes within a check is noticed after the next step.
    stands = {"step": 8, "check": 7, "last check": 12}[moment]
    assert f"the checkpoint in {tmp_path} stands at step {stands}" in caught.value.where
    assert "resume=True" in caught.value.do

    seen.clear()
    calm = tiny(dropout=0.5)
    figures = iter([1.0, 0.5, 1 / 3, 0.25])
    train(calm, plan(), lambda network: {"loss": next(figures)})
    again = tiny(dropout=0.5)
    left = iter([1.0, 0.5, 1 / 3, 0.25][stands // 3 :])
    began: list[int] = []
    trained = train(
        again,
        plan(),
        lambda network: {"loss": next(left)},
        folder=tmp_path,
        resume=True,
        watch=lambda progress: began.append(progress.first),
        watch_every=0.0,
    )
    assert trained.steps == 12
    assert began == [stands] * (12 - stands), "the time left is told from this process's steps"
    assert same(weights(again.network), weights(calm.network))


class _Lost(Exception):
    """A process that ends without a word."""


def _lost_at(step: int) -> Callable[[Any], None]:
    def watch(progress: Any) -> None:
        if progress.step == step:
            raise _Lost

    return watch


@pytest.mark.parametrize("step", [2, 8])
def test_between_two_checks_the_state_is_kept(
    step: int, tiny: Make, plan: Make, tmp_path: Path, train: Make, lines: Make, weights: Make
) -> None:
    """Also before the first check: a roll-back would go to where the training began."""
    options = {"watch": _lost_at(step + 1), "watch_every": 0.0, "keep_every": 0.0}
    with pytest.raises(_Lost):
        train(tiny(dropout=0.5), plan(), folder=tmp_path, **options)
    stood = Snapshot.read(tmp_path / "checkpoint").state()["learner"]["step"]
    assert stood == step - step % 3
    again, calm, began = tiny(dropout=0.5), tiny(dropout=0.5), []
    trained = train(
        again,
        plan(),
        folder=tmp_path,
        resume=True,
        watch=lambda progress: began.append(progress.first),
        watch_every=0.0,
    )
    assert began == [step] * (12 - step)
    assert trained.spent.steps == 12
    assert trained.history == train(calm, plan()).history, "the mean loss since the last check, too"
    assert same(weights(again.network), weights(calm.network))
    assert [line["step"] for line in lines(tmp_path, "history")] == [3, 6, 9, 12]
    assert not (tmp_path / "checkpoint" / "between").exists()


def test_seconds_between_checks_are_long_by_default(
    tiny: Make, plan: Make, tmp_path: Path, train: Make
) -> None:
    with pytest.raises(_Lost):
        train(tiny(), plan(), folder=tmp_path, watch=_lost_at(9), watch_every=0.0)
    assert Snapshot.exists(tmp_path / "checkpoint")
    assert not (tmp_path / "checkpoint" / "between").exists()


def test_a_damaged_state_between_checks_is_passed_over(
    tiny: Make, plan: Make, tmp_path: Path, train: Make, weights: Make
) -> None:
    options = {"watch": _lost_at(9), "watch_every": 0.0, "keep_every": 0.0}
    with pytest.raises(_Lost):
        train(tiny(dropout=0.5), plan(), folder=tmp_path, **options)
    place = tmp_path / "checkpoint" / "between" / "state.safetensors"
    content = bytearray(place.read_bytes())
    content[-1] ^= 1
    place.write_bytes(content)
    again, calm = tiny(dropout=0.5), tiny(dropout=0.5)
    trained = train(again, plan(), folder=tmp_path, resume=True)
    assert trained.spent.steps == 12
    train(calm, plan())
    assert same(weights(again.network), weights(calm.network))


def test_a_state_of_another_training_is_passed_over(
    tiny: Make, plan: Make, tmp_path: Path, train: Make, weights: Make
) -> None:
    """Planned alike, on other rows, and put beside this one's checkpoint."""
    options = {"watch": _lost_at(3), "watch_every": 0.0, "keep_every": 0.0}
    own, other = tmp_path / "own", tmp_path / "other"
    for place in (own, other):
        made = tiny(dropout=0.5)
        if place == other:
            made.batches.examples.inputs["x"].data.neg_()
        with pytest.raises(_Lost):
            train(made, plan(), folder=place, **options)
    shutil.rmtree(own / "checkpoint" / "between")
    shutil.copytree(other / "checkpoint" / "between", own / "checkpoint" / "between")
    again, calm = tiny(dropout=0.5), tiny(dropout=0.5)
    train(again, plan(), folder=own, resume=True)
    train(calm, plan())
    assert same(weights(again.network), weights(calm.network))


def test_a_checkpoint_from_other_rows_is_refused(
    tiny: Make, plan: Make, tmp_path: Path, train: Make
) -> None:
    train(tiny(), plan(), folder=tmp_path, identity="rows a")
    with pytest.raises(RunError, match="belongs to a training on other rows") as caught:
        train(tiny(), plan(), folder=tmp_path, identity="rows b", resume=True)
    assert caught.value.expected == "one that learned from rows b"
    assert caught.value.got == "one that learned from rows a"


@pytest.mark.parametrize("what", ["checkpoint", "checkpoint/between"])
@pytest.mark.parametrize("put", ["link", "dangling link", "file", "pipe"])
def test_what_lies_in_a_checkpoints_place_is_no_trap(
    what: str, put: str, tiny: Make, plan: Make, tmp_path: Path, train: Make, weights: Make
) -> None:
    options = {"watch": _lost_at(9), "watch_every": 0.0, "keep_every": 0.0}
    folder = tmp_path / "run"
    with pytest.raises(_Lost):
        train(tiny(dropout=0.5), plan(), folder=folder, **options)
    place, away = folder / what, tmp_path / "away"
    shutil.move(place, away)
    if put == "link":
        place.symlink_to(away)
    elif put == "dangling link":
        place.symlink_to(tmp_path / "nowhere")
    elif put == "file":
        place.write_text("no folder")
    else:
        shutil.copytree(away, place)
        (place / "state.json").unlink()
        os.mkfifo(place / "state.json")
    again, calm = tiny(dropout=0.5), tiny(dropout=0.5)
    if (what, put) == ("checkpoint", "pipe"):
        with pytest.raises(RunError, match="not an ordinary file"):
            train(again, plan(), folder=folder, resume=True)
        return
    train(again, plan(), folder=folder, resume=True)
    train(calm, plan())
    assert same(weights(again.network), weights(calm.network))
    assert (folder / "checkpoint").is_dir()
    assert not (folder / "checkpoint").is_symlink()
    assert away.is_dir(), "what a link leads to is somebody's own"


def test_a_file_in_place_of_the_folder_is_told(
    tiny: Make, plan: Make, tmp_path: Path, train: Make
) -> None:
    (tmp_path / "run").write_text("no folder")
    with pytest.raises(StorageError):
        train(tiny(), plan(), folder=tmp_path / "run")


def test_what_is_not_finite_is_not_kept(
    tiny: Make, plan: Make, tmp_path: Path, train: Make
) -> None:
    made = tiny()

    def watch(progress: Any) -> None:
        if progress.step == 8:
            with torch.no_grad():
                next(made.network.parameters()).fill_(math.nan)
            os.kill(os.getpid(), signal.SIGTERM)

    with pytest.raises(Stopped) as caught:
        train(made, plan(), folder=tmp_path, watch=watch, watch_every=0.0)
    assert caught.value.where.endswith("stands at step 6")
    assert not (tmp_path / "checkpoint" / "between").exists()


def test_without_a_folder_the_stop_says_that_nothing_is_kept(
    tiny: Make, plan: Make, train: Make
) -> None:
    def watch(progress: Any) -> None:
        os.kill(os.getpid(), signal.SIGTERM)

    with pytest.raises(Stopped) as caught:
        train(tiny(), plan(), watch=watch, watch_every=0.0)
    assert caught.value.do == "Nothing was kept on disk."
    assert caught.value.where == "step 1 of 12"


def test_in_another_thread_no_handlers_are_set(tiny: Make, plan: Make, train: Make) -> None:
    found: list[Any] = []
    before = signal.getsignal(signal.SIGINT)

    def run() -> None:
        trained = train(
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
    tiny: Make,
    plan: Make,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    train: Make,
    lines: Make,
    weights: Make,
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
        train(tiny(dropout=0.5), plan(), folder=tmp_path, watch=watch, watch_every=0.0)
    assert "Free some space" in caught.value.do
    assert Snapshot.read(tmp_path / "checkpoint").state()["learner"]["step"] == 6
    full.clear()
    made, calm = tiny(dropout=0.5), tiny(dropout=0.5)
    train(made, plan(), folder=tmp_path, resume=True)
    train(calm, plan())
    assert same(weights(made.network), weights(calm.network))
    assert [line["step"] for line in lines(tmp_path, "history")] == [3, 6, 9, 12]


def test_resuming_without_a_checkpoint_begins_anew(
    tiny: Make, plan: Make, tmp_path: Path, train: Make
) -> None:
    trained = train(tiny(), plan(), folder=tmp_path / "none", resume=True)
    assert trained.steps == 12


def test_resuming_what_is_finished_gives_it_again(
    tiny: Make, plan: Make, tmp_path: Path, train: Make, lines: Make, weights: Make
) -> None:
    one = train(tiny(), plan(), folder=tmp_path)
    made = tiny()
    two = train(made, plan(), folder=tmp_path, resume=True)
    assert same(weights(one.network), weights(made.network))
    assert (one.history, one.best_step, one.steps) == (two.history, two.best_step, two.steps)
    assert len(lines(tmp_path, "timings")) == 4


def test_a_fresh_training_replaces_an_old_one(
    tiny: Make, plan: Make, tmp_path: Path, train: Make, lines: Make
) -> None:
    train(tiny(), plan(), folder=tmp_path)

    def watch(progress: Any) -> None:
        raise KeyError

    with pytest.raises(KeyError):
        train(tiny(), plan(), folder=tmp_path, watch=watch, watch_every=0.0)
    assert not Snapshot.exists(tmp_path / "checkpoint")
    assert lines(tmp_path, "history") == lines(tmp_path, "timings") == []
    train(tiny(), plan(), folder=tmp_path)
    assert [line["step"] for line in lines(tmp_path, "history")] == [3, 6, 9, 12]


def test_what_older_checkpoints_do_not_say_is_as_usual(plan: Make) -> None:
    mine = plan(optimizer=OptimizerPlan(name="muon", learning_rate=0.1))
    stored = plan_to_dict(mine)
    del stored["optimizer"]["hold_norm"], stored["fused"]
    check_same_plan(mine, stored, "here")
    held = plan(optimizer=OptimizerPlan(name="muon", learning_rate=0.1, hold_norm=True))
    with pytest.raises(RunError, match="another plan"):
        check_same_plan(held, stored, "here")


def test_another_plan_cannot_be_resumed(
    tiny: Make, plan: Make, tmp_path: Path, train: Make
) -> None:
    train(tiny(), plan(), folder=tmp_path)
    other = plan(seed=5, optimizer=OptimizerPlan(learning_rate=0.1))
    with pytest.raises(RunError, match="belongs to another plan") as caught:
        train(tiny(), other, folder=tmp_path, resume=True)
    assert "seed = 0" in caught.value.expected
    assert "seed = 5" in caught.value.got
    assert "'learning_rate': 0.1" in caught.value.got
