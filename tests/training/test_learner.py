"""One step: pieces add up to the whole, phases keep to themselves, what does not fit is refused."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from fathom.base.errors import RecipeError, TrainingError
from fathom.base.seeds import uniform
from fathom.base.tensors import Batch, Loss
from fathom.objectives.objective import Objective, Phase
from fathom.objectives.supervised import PlainLoss
from fathom.training.averaging import AveragingPlan
from fathom.training.checkpoint import same
from fathom.training.learner import Learner
from fathom.training.loop import steps
from fathom.training.memory import ran_out
from fathom.training.optimizers import PlannedOptimizer

Make = Callable[..., Any]
CPU_WORDS = (
    "[enforce fail at alloc_cpu.cpp:118] err == 0. DefaultCPUAllocator: can't allocate memory"
)


class Plain(Objective):
    """Squared error; what subclasses change is what a test is about."""

    def loss(self, network: nn.Module, batch: Batch, phase: Phase) -> Loss:
        error = network(batch.inputs["x"].data) - batch.targets["y"].data
        return Loss({"loss": (error.square().sum(), batch.weight.sum())})

    def after_step(self, network: nn.Module, step: int) -> None:
        """Nothing."""


class Failing(Plain):
    """Memory runs out in the calls that are named."""

    def __init__(self, *calls: int, words: str | None = None) -> None:
        super().__init__()
        self.fail_at, self.words, self.calls = set(calls), words, 0

    def loss(self, network: nn.Module, batch: Batch, phase: Phase) -> Loss:
        self.calls += 1
        found = super().loss(network, batch, phase)
        if self.calls in self.fail_at:
            raise (
                torch.OutOfMemoryError("pretended")
                if self.words is None
                else RuntimeError(self.words)
            )
        return found


class WithPenalty(Plain):
    """A part whose gradient needs a gradient, one that few examples have, one with own counts."""

    def loss(self, network: nn.Module, batch: Batch, phase: Phase) -> Loss:
        parts = super().loss(network, batch, phase).parts
        x = batch.inputs["x"].data.clone().requires_grad_()
        (slope,) = torch.autograd.grad(network(x).sum(), x, create_graph=True)
        parts |= {"slope": (slope.square().sum(), batch.weight.sum())}
        use = batch.example % 7 == 0
        if use.any():
            few = network(x[use]).square()
            parts |= {"few": (few.sum(), batch.weight[use].sum() * 3)}
        return Loss(parts)


def _gradients(
    tiny: Make, plan: Make, objective: Objective, pieces: int, **options: Any
) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    made = tiny(objective, **options)
    learner = Learner(made.network, made.objective, plan(accumulate=pieces, clip_norm=None))
    step = next(steps(learner, made.batches))
    return {n: g.clone() for n, g in learner.gradients().items()}, {"all": step.loss, **step.parts}


@pytest.mark.parametrize("pieces", [2, 3, 11, 10**12])
@pytest.mark.parametrize("objective", [Plain, WithPenalty])
def test_pieces_give_the_gradients_of_the_whole(
    objective: type[Plain], pieces: int, tiny: Make, plan: Make
) -> None:
    whole, losses = _gradients(tiny, plan, objective(), 1)
    split, other = _gradients(tiny, plan, objective(), pieces)
    assert whole.keys() == split.keys()
    assert losses.keys() == other.keys()
    for name, gradient in whole.items():
        torch.testing.assert_close(split[name], gradient, rtol=1e-5, atol=1e-6)
    for name, loss in losses.items():
        torch.testing.assert_close(other[name], loss, rtol=1e-5, atol=1e-6)


def test_noise_of_the_example_is_the_same_in_pieces(tiny: Make, plan: Make) -> None:
    class Noisy(Plain):
        def loss(self, network: nn.Module, batch: Batch, phase: Phase) -> Loss:
            noise = uniform(3, "noise", batch.step, example=batch.example, num=3)
            error = network(batch.inputs["x"].data + noise) - batch.targets["y"].data
            return Loss({"loss": (error.square().sum(), batch.weight.sum())})

    whole, _ = _gradients(tiny, plan, Noisy(), 1)
    split, _ = _gradients(tiny, plan, Noisy(), 3)
    for name, gradient in whole.items():
        torch.testing.assert_close(split[name], gradient, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("words", [None, CPU_WORDS, "CUBLAS_STATUS_ALLOC_FAILED when calling"])
def test_out_of_memory_splits_the_batch_and_keeps_the_gradients(
    words: str | None, tiny: Make, plan: Make
) -> None:
    whole, _ = _gradients(tiny, plan, Plain(), 1)
    made = tiny(Failing(1, 3, words=words))
    learner = Learner(made.network, made.objective, plan(clip_norm=None))
    next(steps(learner, made.batches))
    for name, gradient in learner.gradients().items():
        torch.testing.assert_close(gradient, whole[name], rtol=1e-5, atol=1e-6)
    assert learner.events == [
        {"step": 0, "event": "batch_split", "pieces": 2},
        {"step": 0, "event": "batch_split", "pieces": 4},
    ]
    assert learner.pieces == 4


def test_a_split_draws_what_a_replay_of_it_draws(tiny: Make, plan: Make) -> None:
    """Dropout after a failed attempt is that of a training that obeys the event from the start."""
    made = tiny(Failing(3), dropout=0.5)
    learner = Learner(made.network, made.objective, plan())
    _take(learner, made, 5)
    assert [event["step"] for event in learner.events] == [2]
    again = tiny(Plain(), dropout=0.5)
    replay = Learner(again.network, again.objective, plan())
    replay.planned = tuple(learner.events)
    _take(replay, again, 5)
    assert same(learner.state(), replay.state())
    assert replay.events == learner.events


def _take(learner: Learner, made: Any, num: int) -> None:
    for step in steps(learner, made.batches):
        if step.number == num:
            break


def test_pieces_draw_for_themselves_and_twice_alike(tiny: Make, plan: Make) -> None:
    """A piece draws the same when counted and when learned from, and not what another draws."""
    drawn: list[float] = []

    class Drawing(Plain):
        def loss(self, network: nn.Module, batch: Batch, phase: Phase) -> Loss:
            drawn.append(torch.rand(()).item())
            return super().loss(network, batch, phase)

    made = tiny(Drawing())
    _take(Learner(made.network, made.objective, plan(accumulate=3)), made, 2)
    assert drawn[:3] == drawn[3:6]
    assert drawn[6:9] == drawn[9:]
    assert len(set(drawn)) == 6


def test_running_statistics_of_a_failed_attempt_are_undone(tiny: Make, plan: Make) -> None:
    states = []
    for objective, options in ((Failing(1), {}), (Plain(), {"accumulate": 2})):
        made = tiny(objective, norm=True)
        learner = Learner(made.network, made.objective, plan(**options))
        _take(learner, made, 1)
        states.append(made.network.state_dict())
    assert same(*states)
    assert int(states[0]["1.num_batches_tracked"]) == 2  # the two pieces, and no other pass


def test_memory_that_splitting_does_not_save_is_told(tiny: Make, plan: Make) -> None:
    made = tiny(Failing(*range(1, 99)))
    learner = Learner(made.network, made.objective, plan())
    with pytest.raises(TrainingError, match="cannot be split any further") as caught:
        _take(learner, made, 1)
    assert caught.value.where == "step 1, a batch of 11 in 11 pieces"
    assert caught.value.got == "pretended"
    assert "smaller batch_size" in caught.value.do


def test_batches_that_compare_their_examples_are_not_split(tiny: Make, plan: Make) -> None:
    made = tiny(Failing(1))
    made.objective.splittable = False
    with pytest.raises(TrainingError, match="cannot be split"):
        _take(Learner(made.network, made.objective, plan()), made, 1)
    with pytest.raises(RecipeError, match="batches of this objective cannot be split"):
        Learner(made.network, made.objective, plan(accumulate=2))


def test_memory_that_the_optimiser_lacks_is_told(
    tiny: Make, plan: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = tiny()
    learner = Learner(made.network, made.objective, plan())

    def fail(self: PlannedOptimizer) -> None:
        raise RuntimeError(CPU_WORDS)

    monkeypatch.setattr(PlannedOptimizer, "step", fail)
    with pytest.raises(TrainingError, match="Memory ran out for the optimiser") as caught:
        _take(learner, made, 1)
    assert caught.value.where == "step 1"


def test_other_errors_are_not_taken_for_memory(tiny: Make, plan: Make) -> None:
    made = tiny(Failing(1, words="mat1 and mat2 shapes cannot be multiplied"))
    learner = Learner(made.network, made.objective, plan())
    with pytest.raises(RuntimeError, match="shapes cannot be multiplied"):
        _take(learner, made, 1)
    assert learner.events == []


def test_a_real_lack_of_memory_is_recognised() -> None:
    with pytest.raises(RuntimeError) as caught:
        torch.empty(10**16)
    assert ran_out(caught.value)
    assert ran_out(MemoryError())
    assert not ran_out(ValueError("not enough memory"))


class Turns(Plain):
    """Two phases, each moving its own layer."""

    phases = (
        Phase("first", lambda name: name.startswith("0."), every=2),
        Phase("last", lambda name: name.startswith("4.")),
    )


@pytest.mark.parametrize("average", [None, AveragingPlan(name="ema", decay=0.5)])
def test_each_phase_moves_its_own_weights_only(
    average: AveragingPlan | None, tiny: Make, plan: Make
) -> None:
    made = tiny(Turns())
    learner = Learner(made.network, made.objective, plan(averaging=average))
    moved: list[set[str]] = []
    before = {name: p.detach().clone() for name, p in made.network.named_parameters()}
    phases: list[str] = []
    for step in steps(learner, made.batches):
        now = {name: p.detach().clone() for name, p in made.network.named_parameters()}
        moved.append({name[0] for name in now if not torch.equal(now[name], before[name])})
        assert {name[0] for name in learner.gradients()} == moved[-1]
        before, phases = now, [*phases, step.phase]
        if step.number == 6:
            break
    assert phases == ["first", "first", "last"] * 2
    assert moved == [{"0"}, {"0"}, {"4"}] * 2


def test_weights_of_the_objective_are_trained_too(tiny: Make, plan: Make) -> None:
    class Scaled(Plain):
        def __init__(self) -> None:
            super().__init__()
            self.scale = nn.Parameter(torch.ones(()))

        def loss(self, network: nn.Module, batch: Batch, phase: Phase) -> Loss:
            error = network(batch.inputs["x"].data) * self.scale - batch.targets["y"].data
            return Loss({"loss": (error.square().sum(), batch.weight.sum())})

    made = tiny(Scaled())
    learner = Learner(made.network, made.objective, plan(averaging=AveragingPlan(name="ema")))
    _take(learner, made, 3)
    assert made.objective.scale.item() != 1
    state = learner.state()
    assert "objective.scale" in state["average"]
    assert any("objective.scale" in key for key in state["optimizers"]["all"])


@pytest.mark.parametrize(
    ("phases", "got"),
    [
        ((Phase("a", lambda name: name.startswith("0.")),), "in no phase: '4.weight', '4.bias'"),
        ((Phase("a"), Phase("a")), "phases 'a', 'a'"),
        ((Phase("a", every=0),), "phases 'a'"),
    ],
)
def test_phases_that_do_not_fit_are_refused(phases: Any, got: str, tiny: Make, plan: Make) -> None:
    made = tiny(Plain())
    made.objective.phases = phases
    with pytest.raises(RecipeError, match="phases of the objective do not fit") as caught:
        Learner(made.network, made.objective, plan())
    assert got in caught.value.got
    assert "requires_grad = False" in caught.value.do


def test_frozen_weights_stand_still(tiny: Make, plan: Make) -> None:
    made = tiny()
    made.network[0].requires_grad_(False)
    before = made.network[0].weight.clone()
    _take(Learner(made.network, made.objective, plan()), made, 3)
    assert torch.equal(made.network[0].weight, before)
    with pytest.raises(RecipeError, match="nothing to learn"):
        Learner(nn.Sequential(nn.ReLU()), PlainLoss(nn.functional.mse_loss), plan())


def test_parts_that_were_put_to_sleep_stay_so(tiny: Make, plan: Make) -> None:
    made = tiny(norm=True)
    made.network[1].eval()
    learner = Learner(made.network, made.objective, plan())
    _take(learner, made, 2)
    assert made.network.training
    assert not made.network[1].training
    assert int(made.network[1].num_batches_tracked) == 0
    made.network.eval()
    learner = Learner(made.network, made.objective, plan())
    learner.wake()
    assert made.network[1].training


def test_a_batch_without_anything_to_learn_is_a_step_of_loss_zero(tiny: Make, plan: Make) -> None:
    class Rare(Plain):
        def loss(self, network: nn.Module, batch: Batch, phase: Phase) -> Loss:
            return Loss({}) if batch.step % 2 == 0 else super().loss(network, batch, phase)

    made = tiny(Rare())
    learner = Learner(made.network, made.objective, plan())
    losses = [
        step.loss.item() for step, _ in zip(steps(learner, made.batches), range(4), strict=False)
    ]
    assert losses[0] == losses[2] == 0
    assert losses[1] > 0


def test_batches_that_end_are_told(tiny: Make, plan: Make) -> None:
    made = tiny()
    first = next(iter(made.batches))

    class Once:
        def __iter__(self) -> Any:
            return iter([first])

        def state_dict(self) -> dict[str, Any]:
            return {}

        def load_state_dict(self, state: dict[str, Any]) -> None: ...

    learner = Learner(made.network, made.objective, plan())
    with pytest.raises(TrainingError, match="batches came to an end") as caught:
        list(steps(learner, Once()))
    assert (caught.value.where, caught.value.got) == ("step 2 of 12", "none after step 1")
    assert "pass a DataLoader" in caught.value.do


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_the_same_seed_gives_the_same_weights(precision: str, tiny: Make, plan: Make) -> None:
    states = []
    for seed in (0, 0, 1):
        made = tiny(dropout=0.5)
        learner = Learner(made.network, made.objective, plan(precision=precision, seed=seed))
        _take(learner, made, 5)
        states.append(made.network.state_dict())
    assert same(states[0], states[1])
    assert not same(states[0], states[2])


@pytest.mark.parametrize(
    "options",
    [
        {"num_steps": 0},
        {"accumulate": 0},
        {"check_every": -1},
        {"patience": -1},
        {"clip_norm": 0.0},
        {"precision": "fp8"},
    ],
    ids=lambda options: next(iter(options)),
)
def test_plans_out_of_range_are_refused(options: dict[str, Any], plan: Make) -> None:
    (name,) = options
    with pytest.raises(RecipeError, match=f"'{name}' of the training is out of its range"):
        plan(**options)
