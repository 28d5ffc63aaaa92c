"""What held a training up is named: each part is slowed on purpose, and the sentence finds it."""

import re
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from fathom.base.tensors import Batch, Field, Loss
from fathom.objectives.objective import Phase
from fathom.objectives.supervised import PlainLoss
from fathom.training import TrainingPlan, fit, optimizers
from fathom.training.bottleneck import FOR_ONES_OWN, bottleneck, figures, percent, share_of_peak
from fathom.training.learner import Learner
from fathom.training.throughput import Operations, Work, matrix_peak, measure_work
from fathom.training.timing import Spent

Make = Callable[..., Any]
# Large against a step of the tiny network, which takes a millisecond or two.
_LONG = 0.05


class _SlowBatches:
    def __init__(self, batches: Any) -> None:
        self.batches = batches
        self.state_dict, self.load_state_dict = batches.state_dict, batches.load_state_dict

    def __iter__(self) -> Iterator[Batch]:
        for batch in self.batches:
            time.sleep(_LONG)
            yield batch


class _SlowLoss(PlainLoss):
    def loss(self, network: nn.Module, batch: Batch, phase: Phase) -> Loss:
        time.sleep(_LONG)
        return super().loss(network, batch, phase)


class _SlowBackward(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return x.clone()

    @staticmethod
    def backward(ctx: Any, *grad: Tensor) -> Tensor:
        time.sleep(_LONG)
        return grad[0]


def _slow_backward(output: Tensor, target: Tensor) -> Tensor:
    return nn.functional.mse_loss(_SlowBackward.apply(output), target)


class _Whole(nn.Module):
    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor) -> Tensor:
        return self.network(x)


def _slow_check(network: nn.Module) -> dict[str, float]:
    time.sleep(10 * _LONG)
    return {"loss": 1.0}


def _sleeping(call: Callable[..., Any]) -> Callable[..., Any]:
    def slow(*arguments: Any, **named: Any) -> Any:
        time.sleep(_LONG)
        return call(*arguments, **named)

    return slow


@pytest.mark.parametrize("part", ["data", "forward", "backward", "optimizer", "checks", "saving"])
def test_the_part_that_sleeps_is_named(
    part: str, tiny: Make, plan: Make, train: Make, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    losses = {"forward": _SlowLoss(nn.functional.mse_loss), "backward": _slow_backward}
    made = tiny(losses.get(part, nn.functional.mse_loss))
    if part == "data":
        made.batches = _SlowBatches(made.batches)
    if part == "optimizer":
        step = optimizers.PlannedOptimizer.step
        monkeypatch.setattr(optimizers.PlannedOptimizer, "step", _sleeping(step))
    if part == "saving":
        kept = "fathom.training.session.Snapshot.write"
        monkeypatch.setattr(kept, _sleeping(lambda *_: None))
    validate = _slow_check if part == "checks" else lambda network: {"loss": 1.0}
    trained = train(made, plan(), validate, folder=tmp_path)
    assert trained.spent.share(part) > 0.5
    assert trained.speed["bottleneck"] == part
    sentence = trained.speed["sentence"]
    words = {
        "data": "Waiting for data took",
        "forward": "The forward pass took",
        "backward": "The backward pass took",
        "optimizer": "The optimiser took",
        "checks": "Checks took",
        "saving": "Checkpoints and writing took",
    }
    assert sentence.startswith(words[part])
    assert sentence.endswith(f"; {FOR_ONES_OWN[part]}.")
    (told,) = re.findall(r"took (\d+) % of the training", sentence)
    assert int(told) == round(100 * trained.spent.share(part))


@pytest.mark.filterwarnings("ignore:.torch.jit.script_method:DeprecationWarning")
def test_a_compiler_that_sleeps_is_named(tiny: Make, plan: Make, train: Make) -> None:
    """Batches of 11 and of 9 rows: two programs, made in the first step of each."""
    made: list[int] = []

    def slow_compiler(program: Any, inputs: list[Tensor]) -> Any:
        made.append(len(inputs))
        time.sleep(10 * _LONG)
        return program.forward

    slow = tiny()
    slow.network = _Whole(slow.network)  # `nn.Sequential.compile` compiles nothing
    slow.network.compile(backend=slow_compiler, dynamic=False)
    trained = train(slow, plan())
    assert len(made) == 2
    assert trained.spent.seconds["compiling"] >= 2 * 10 * _LONG
    assert trained.speed["bottleneck"] == "compiling"
    said = r"Compiling took \d\d % of the training \([\d.]+ s\); a network that is not compiled .*"
    assert re.fullmatch(said, trained.speed["sentence"])


def test_a_loader_that_sleeps_is_named() -> None:
    class Slow(torch.utils.data.Dataset[Any]):
        def __len__(self) -> int:
            return 20

        def __getitem__(self, place: int) -> tuple[Tensor, Tensor]:
            time.sleep(_LONG / 5)
            return torch.full((3,), float(place)), torch.ones(1)

    loader = torch.utils.data.DataLoader(Slow(), batch_size=5, shuffle=True)
    trained = fit(nn.Linear(3, 1), loader, nn.functional.mse_loss, plan=TrainingPlan(num_steps=8))
    assert trained.speed["bottleneck"] == "data"
    assert "DataLoader with num_workers" in trained.speed["sentence"]


def _spent(steps: int = 100, **seconds: float) -> Spent:
    return Spent(seconds, steps, 32 * steps)


_HALF = Work(forward=1e6, backward=2e6, peak=1e9)


@pytest.mark.parametrize(
    ("spent", "work", "words"),
    [
        (
            _spent(data=43.0, forward=19.0, backward=38.0),
            None,
            "Waiting for data took 43 % of the training (430 ms a step)",
        ),
        (
            _spent(data=30.0, forward=10.0, backward=20.0, checks=40.0),
            None,
            "Checks took 40 % of the training (40 s)",
        ),
        (
            # 3,200 examples of 3 million operations in 12 seconds: 0.8 of 1 GFLOP/s.
            _spent(forward=4.0, backward=8.0, optimizer=3.0),
            _HALF,
            "The matrix units did 80 % of what they can on this machine in forward and backward "
            "pass, 80 % of the training",
        ),
        (
            _spent(forward=3.0, backward=5.0, optimizer=2.0),
            _HALF,
            "Forward and backward pass, 80 % of the training, computed faster than large matrix "
            "products alone did after it, when the machine was slower",
        ),
        (
            _spent(forward=12.0, backward=24.0, optimizer=12.0, checks=12.0),
            _HALF,
            "Forward and backward pass took 60 % of the training (360 ms a step, 27 % of this "
            "machine's peak)",
        ),
        (
            _spent(steps=20_000, forward=4.0, backward=6.0, optimizer=4.0, other=2.0, checks=4.0),
            Work(1e3, 2e3, 1e11),
            "The steps are small (0.8 ms, 0.2 % of this machine's peak): starting operations takes "
            "a good part of them",
        ),
        (
            _spent(forward=60.0, backward=20.0, optimizer=20.0),
            _HALF,
            "The forward pass took 60 % of the training (600 ms a step; both passes at 12 % of "
            "this machine's peak)",
        ),
        (
            _spent(forward=10.0, backward=20.0, compiling=30.0),
            _HALF,
            "Compiling took 50 % of the training (30 s)",
        ),
        (
            _spent(forward=10.0, backward=20.0, optimizer=30.0),
            None,
            "The optimiser took 50 % of the training (300 ms a step)",
        ),
        (
            _spent(forward=20.0, backward=40.0, optimizer=30.0, saving=10.0),
            None,
            "Forward and backward pass took 60 % of the training (600 ms a step)",
        ),
    ],
)
def test_the_fact_and_its_figures(spent: Spent, work: Work | None, words: str) -> None:
    found = bottleneck(spent, work)
    assert found is not None
    assert found.words == words
    assert found.sentence({}) == f"{words}."


def test_nothing_is_said_of_a_training_without_steps() -> None:
    assert bottleneck(Spent()) is None
    assert bottleneck(Spent({"checks": 1.0})) is None


def test_every_kind_has_a_remedy_for_modules_of_ones_own() -> None:
    kinds = bottleneck.__globals__["Kind"].__args__
    assert set(FOR_ONES_OWN) == set(kinds)


def test_operations_are_those_of_a_closed_form(tiny: Make, plan: Make) -> None:
    """A product of [n, a] and [a, b] takes 2nab; backward one for weights, one for the input."""
    made = tiny()
    learner = Learner(made.network, made.objective, plan())
    work = measure_work(learner, next(iter(made.batches)))
    assert work is not None
    first, second = 2 * 3 * 7, 2 * 7 * 1
    assert work.forward == first + second
    assert work.backward == first + 2 * second  # nobody asks for the gradient of the data
    assert work.peak > 0


def test_operations_of_ensembles_and_convolutions_are_counted(plan: Make) -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.convolution = nn.Conv2d(3, 5, 3, padding=1, bias=False)
            self.weight = nn.Parameter(torch.ones(4, 5, 2))

        def forward(self, x: Tensor) -> Tensor:
            found = self.convolution(x).mean((2, 3))[:, None].expand(-1, 4, -1)
            return torch.einsum("bmi,mio->bmo", found, self.weight).mean((1, 2))

    batch = Batch(
        {"x": Field(torch.ones(2, 3, 8, 8))}, {"y": Field(torch.ones(2))}, torch.ones(2),
        torch.arange(2),
    )  # fmt: skip
    work = measure_work(Learner(Net(), PlainLoss(nn.functional.mse_loss), plan()), batch)
    assert work is not None
    assert work.forward == 2 * 5 * 3 * 9 * 64 + 2 * 4 * 5 * 2
    assert work.backward == 2 * 5 * 3 * 9 * 64 + 2 * (2 * 4 * 5 * 2)


def test_what_cannot_be_copied_is_not_measured(tiny: Make, plan: Make) -> None:
    made = tiny()
    made.network.helper = (one for one in (1, 2))  # generators cannot be copied
    assert (
        measure_work(Learner(made.network, made.objective, plan()), next(iter(made.batches)))
        is None
    )


def test_measuring_leaves_network_and_generators_alone(
    tiny: Make, plan: Make, weights: Make
) -> None:
    made = tiny(norm=True, dropout=0.5)
    learner = Learner(made.network, made.objective, plan())
    before, state = weights(made.network), torch.random.get_rng_state()
    assert measure_work(learner, next(iter(made.batches))) is not None
    after = weights(made.network)
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert torch.equal(state, torch.random.get_rng_state())
    assert not learner.gradients()


def test_the_peak_is_not_far_from_a_plain_measurement() -> None:
    matrix = torch.ones(512, 512)
    torch.mm(matrix, matrix)
    began = time.perf_counter()
    torch.mm(matrix, matrix)
    plain = 2 * 512**3 / (time.perf_counter() - began)
    assert matrix_peak(torch.device("cpu"), "fp32") > plain / 20


def test_figures_are_plain_and_fit_together() -> None:
    found = figures(_spent(forward=4.0, backward=8.0, optimizer=4.0), _HALF)
    assert found["examples_per_second"] == 3200 / 16
    assert (found["gflops_forward"], found["share_of_peak_forward"]) == (0.8, 0.8)
    assert (found["gflops_backward"], found["gflops"]) == (0.8, 0.8)
    assert found["operations_per_example"] == 3e6
    unknown = figures(_spent(forward=1.0))
    assert unknown["gflops"] is unknown["peak_gflops"] is unknown["share_of_peak"] is None
    assert share_of_peak(_spent(data=1.0), _HALF) is None
    assert [percent(share) for share in (1.2, 0.005, 0.0001)] == ["120 %", "0.5 %", "0 %"]


@pytest.mark.parametrize(
    ("module", "shape"),
    [
        (nn.Sequential(nn.Conv2d(3, 5, 3), nn.Flatten(), nn.Linear(5 * 49, 7)), (2, 3, 9, 9)),
        (nn.TransformerEncoderLayer(8, 2, 13, batch_first=True), (3, 5, 8)),
        (nn.GRU(7, 11, batch_first=True), (2, 5, 7)),
    ],
)
def test_operations_are_counted_as_pytorch_counts_them(
    module: nn.Module, shape: tuple[int, ...]
) -> None:
    counts: list[int] = []
    for mode in (Operations(), FlopCounterMode(display=False)):
        with mode:
            out = module(torch.ones(shape))
            (out[0] if isinstance(out, tuple) else out).sum().backward()
        counts.append(mode.total if isinstance(mode, Operations) else mode.get_total_flops())
    assert counts[0] == counts[1] > 0
