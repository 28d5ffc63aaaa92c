"""Where the time of a training went: every second in one part, and none of it decides anything."""

import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from fathom.base.errors import Stopped
from fathom.base.tensors import Batch
from fathom.training import timing
from fathom.training.checkpoint import same
from fathom.training.timing import PARTS, DeviceTimer, Spent, Timer

Make = Callable[..., Any]


def test_every_second_belongs_to_one_part(monkeypatch: pytest.MonkeyPatch) -> None:
    moments = iter([100.0, 101.0, 103.0, 106.0, 110.0])
    monkeypatch.setattr(timing.time, "perf_counter", lambda: next(moments))
    timer = Timer()
    timer.start()
    timer.lap("data")
    timer.lap("forward")
    timer.lap("data")
    timer.took_step(7)
    spent = timer.spent()
    assert spent.seconds == {"data": 2.0 + 4.0, "forward": 3.0}
    assert (spent.total, spent.steps, spent.examples) == (9.0, 1, 7)
    assert spent.share("data", "forward") == 1.0


def test_two_trainings_add_up() -> None:
    one, two = (
        Spent({"data": 1.0, "checks": 2.0}, 3, 30),
        Spent({"forward": 4.0, "data": 5.0}, 7, 70),
    )
    both = one + two
    assert both == two + one == Spent({"data": 6.0, "forward": 4.0, "checks": 2.0}, 10, 100)
    assert list(both.seconds) == [part for part in PARTS if part in both.seconds]


@pytest.mark.parametrize("line", [{}, {"step": 3, "seconds": 1.0}, {"parts": 3, "steps": 1}])
def test_lines_of_older_versions_tell_nothing(line: dict[str, Any]) -> None:
    assert Spent.from_lines([line]) == Spent()
    assert Spent.from_lines([]) == Spent()


def test_a_line_gives_back_what_it_was_made_of() -> None:
    spent = Spent({"data": 1.25, "other": 0.5}, 11, 121)
    assert Spent.from_lines([{"step": 1}, json.loads(json.dumps(spent.to_dict()))]) == spent


def test_parts_add_up_to_the_time_of_the_training(tiny: Make, plan: Make, train: Make) -> None:
    began = time.perf_counter()
    trained = train(tiny(), plan(), lambda network: {"loss": 1.0})
    whole = time.perf_counter() - began
    assert set(trained.spent.seconds) == set(PARTS) - {"compiling"}
    assert all(seconds >= 0 for seconds in trained.spent.seconds.values())
    assert 0 < trained.spent.total <= whole
    # Two epochs of five batches, and two batches of the third.
    assert (trained.spent.steps, trained.spent.examples) == (12, 2 * 53 + 2 * 11)


def test_the_same_bits_with_and_without(tiny: Make, plan: Make, train: Make, weights: Make) -> None:
    """Counting operations and measuring the machine leave no trace, nor in the generators."""
    after: list[tuple[dict[str, Tensor], Tensor]] = []
    for measure_from in (0.0, float("inf")):
        made = tiny(norm=True, dropout=0.3)
        trained = train(made, plan(), lambda network: {"loss": 1.0}, measure_from=measure_from)
        assert (trained.work is None) == (measure_from > 0)
        after.append((weights(made.network), torch.rand(5)))
        assert not made.network.training
    (one, drawn), (two, drawn_too) = after
    assert same(one, two)
    assert torch.equal(drawn, drawn_too)


def test_a_resumed_training_adds_to_the_time_of_the_first(
    tiny: Make, plan: Make, train: Make, tmp_path: Path, lines: Make
) -> None:
    slow = tiny()
    slow.batches = _Sleepy(slow.batches, 0.02)
    with pytest.raises(Stopped):
        train(slow, plan(), folder=tmp_path, watch=_stop_at(7), watch_every=0.0)
    first = lines(tmp_path, "timings")[-1]
    assert (first["step"], first["steps"]) == (6, 6)
    trained = train(tiny(), plan(), folder=tmp_path, resume=True)
    assert (trained.spent.steps, trained.spent.examples) == (12, 128)
    # The second process did not sleep: the six batches were waited for by the first.
    assert trained.spent.seconds["data"] >= 6 * 0.02
    assert lines(tmp_path, "timings")[-1]["parts"]["data"] >= first["parts"]["data"]


def test_history_holds_no_times(
    tiny: Make, plan: Make, train: Make, tmp_path: Path, lines: Make
) -> None:
    train(tiny(), plan(), lambda network: {"loss": 1.0}, folder=tmp_path)
    assert all("parts" in line and "steps" in line for line in lines(tmp_path, "timings"))
    assert not any(
        set(record) - {"step", "loss", "learning_rate", "parts", "validation", "best"}
        for record in lines(tmp_path, "history")
    )


def test_what_is_begun_anew_forgets_the_time_of_before(
    tiny: Make, plan: Make, train: Make, tmp_path: Path
) -> None:
    train(tiny(), plan(), folder=tmp_path)
    assert train(tiny(), plan(), folder=tmp_path).spent.steps == 12


class _Event:
    """Stands in for a mark in the work of a GPU: its time is known once the GPU is there."""

    now, done, made = 0.0, 0.0, 0

    def __init__(self, enable_timing: bool) -> None:
        assert enable_timing
        type(self).made += 1

    def record(self) -> None:
        self.at = _Event.now

    def query(self) -> bool:
        return self.at <= _Event.done

    def synchronize(self) -> None:
        _Event.done = max(_Event.done, self.at)

    def elapsed_time(self, other: "_Event") -> float:
        assert other.query(), "read before the GPU was there"
        return 1000 * (other.at - self.at)


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch) -> type[_Event]:
    monkeypatch.setattr(torch.cuda, "Event", _Event)
    _Event.now = _Event.done = 0.0
    _Event.made = 0
    return _Event


def test_a_gpu_is_not_waited_for_before_somebody_asks(gpu: type[_Event]) -> None:
    timer = DeviceTimer()
    timer.start()
    for part, passed in (("data", 1.0), ("forward", 2.0), ("backward", 4.0), ("data", 8.0)):
        gpu.now += passed
        timer.lap(part)
    assert gpu.done == 0.0
    assert timer.spent().seconds == {"data": 9.0, "forward": 2.0, "backward": 4.0}
    gpu.now += 16.0
    timer.lap("checks")
    assert timer.spent().seconds["checks"] == 16.0


def test_marks_of_a_gpu_are_used_again(gpu: type[_Event], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timing, "_MOST_WAITING", 10)
    timer = DeviceTimer()
    timer.start()
    for _ in range(500):
        gpu.now += 0.5
        gpu.done = gpu.now - 2.0  # the GPU is four marks behind
        timer.lap("forward")
    assert gpu.made < 20
    assert timer.spent().seconds == {"forward": 250.0}


class _Sleepy:
    """Batches that take their time."""

    def __init__(self, batches: Any, seconds: float) -> None:
        self.batches, self.seconds = batches, seconds
        self.state_dict, self.load_state_dict = batches.state_dict, batches.load_state_dict

    def __iter__(self) -> Iterator[Batch]:
        for batch in self.batches:
            time.sleep(self.seconds)
            yield batch


def _stop_at(step: int) -> Callable[[Any], None]:
    """Somebody presses Ctrl-C."""

    def watch(standing: Any) -> None:
        if standing.step == step:
            os.kill(os.getpid(), signal.SIGINT)

    return watch
