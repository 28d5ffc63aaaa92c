"""One call for a module, a loader and a loss of one's own; and out again as a plain module."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

import fathom.training
from fathom.base.errors import RecipeError, RunError
from fathom.base.tensors import Batch, Loss
from fathom.objectives.objective import Objective, Phase
from fathom.training import OptimizerPlan, Trained, TrainingPlan, fit
from fathom.training.checkpoint import same

NUM, WIDTH = 97, 5


def _data(num: int = NUM) -> TensorDataset:
    x = torch.randn(num, WIDTH, generator=torch.Generator().manual_seed(0))
    return TensorDataset(x, x.sum(1, keepdim=True) > 0)


class _Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.layers = nn.Sequential(
            nn.Linear(WIDTH, 7), nn.BatchNorm1d(7), nn.ReLU(), nn.Dropout(0.2), nn.Linear(7, 1)
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x)


def _loss(output: Tensor, target: Tensor) -> Tensor:
    return nn.functional.binary_cross_entropy_with_logits(output, target.float())


def _fit(network: nn.Module, **options: Any) -> Trained:
    torch.manual_seed(1)  # whatever the caller drew before must not matter
    loader = DataLoader(_data(), batch_size=11, shuffle=True)
    validation = DataLoader(_data(31), batch_size=13, shuffle=True)
    return fit(network, loader, _loss, **{"epochs": 4, "validation": validation, **options})


def test_one_call_trains(tmp_path: Path) -> None:
    network = _Net()
    plan = TrainingPlan(
        num_steps=90, check_every=9, optimizer=OptimizerPlan(learning_rate=0.03), clip_norm=None
    )
    trained = _fit(network, epochs=None, plan=plan, folder=tmp_path)
    assert trained.network is network
    assert trained.history[0]["validation"]["loss"] > 2 * trained.history[-1]["validation"]["loss"]
    right = (network(_data().tensors[0]) > 0) == _data().tensors[1]
    assert float(right.float().mean()) > 0.9


def test_epochs_are_counted_and_each_is_checked() -> None:
    trained = _fit(_Net(), epochs=2.5)
    assert trained.steps == 22
    assert [record["step"] for record in trained.history] == [9, 18, 22]
    assert _fit(_Net(), epochs=0.1).steps == 1


def test_the_folder_holds_the_weights_and_the_record(tmp_path: Path) -> None:
    trained = _fit(_Net(), folder=str(tmp_path / "runs" / "mine"))
    folder = tmp_path / "runs" / "mine"
    assert sorted(place.name for place in folder.iterdir()) == [
        "checkpoint",
        "events.jsonl",
        "history.jsonl",
        "model.safetensors",
        "record.json",
        "timings.jsonl",
    ]
    network = _Net()
    network.load_state_dict(load_file(folder / "model.safetensors"))
    assert same(network.state_dict(), trained.network.state_dict())
    record = json.loads((folder / "record.json").read_text())
    assert record["plan"]["num_steps"] == 36
    assert record["best_step"] == trained.best_step
    assert record["versions"]["torch"] == torch.__version__
    lines = (folder / "history.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in lines] == trained.history


class _Killed(BaseException):
    pass


@pytest.mark.parametrize("last", [1, 10, 14, 47])
def test_killed_and_resumed_it_ends_with_the_same_bits(last: int, tmp_path: Path) -> None:
    calm = _fit(_Net(), folder=tmp_path / "calm")
    calls: list[int] = []

    def dying(output: Tensor, target: Tensor) -> Tensor:
        calls.append(1)
        if len(calls) > last:  # in a step, or in the validation
            raise _Killed
        return _loss(output, target)

    loader = DataLoader(_data(), batch_size=11, shuffle=True)
    validation = DataLoader(_data(31), batch_size=13, shuffle=True)
    options: dict[str, Any] = {"epochs": 4, "validation": validation, "folder": tmp_path / "killed"}
    with pytest.raises(_Killed):
        fit(_Net(), loader, dying, **options)
    network = _Net()
    resumed = fit(network, loader, _loss, **options, resume=True)
    assert same(resumed.network.state_dict(), calm.network.state_dict())
    assert resumed.history == calm.history


def test_a_loader_of_another_length_cannot_be_resumed(tmp_path: Path) -> None:
    _fit(_Net(), folder=tmp_path)
    with pytest.raises(RunError, match="belongs to another"):
        fit(_Net(), DataLoader(_data(), 7), _loss, epochs=4, folder=tmp_path, resume=True)


def test_validation_may_be_a_function() -> None:
    trained = _fit(_Net(), validation=lambda network: {"loss": 1.0, "width": 3})
    assert trained.history[0]["validation"] == {"loss": 1.0, "width": 3.0}
    assert trained.best_step == 9


def test_validation_is_the_mean_over_the_loader() -> None:
    seen: list[float] = []

    def noting(output: Tensor, target: Tensor) -> Tensor:
        found = _loss(output, target)
        seen.append(found.item() * len(output))
        return found

    trained = fit(_Net(), [_data()[:]], noting, epochs=1, validation=[_data()[:20], _data()[20:]])
    figure = trained.history[0]["validation"]["loss"]
    assert figure == pytest.approx((seen[1] + seen[2]) / NUM, rel=1e-5)


@pytest.mark.parametrize(
    ("options", "got"),
    [
        ({"epochs": None}, "neither"),
        ({"epochs": 1, "plan": TrainingPlan(num_steps=1)}, "both"),
    ],
)
def test_how_long_must_be_said_once(options: dict[str, Any], got: str) -> None:
    with pytest.raises(RecipeError, match="How long to train must be said once") as caught:
        _fit(_Net(), **options)
    assert caught.value.got == got


def test_epochs_of_an_endless_loader_are_refused() -> None:
    class Endless:
        def __iter__(self) -> Any:
            while True:
                yield _data()[:5]

    with pytest.raises(RecipeError, match="does not say how many batches"):
        fit(_Net(), Endless(), _loss, epochs=1)
    assert fit(_Net(), Endless(), _loss, plan=TrainingPlan(num_steps=3)).steps == 3


def test_a_validation_that_is_used_up_is_told() -> None:
    with pytest.raises(RecipeError, match="nothing to validate with") as caught:
        _fit(_Net(), validation=iter([_data()[:]]))
    assert "generator" in caught.value.do


class _Turns(Objective):
    phases = (Phase("one", lambda name: name.startswith("layers.0")), Phase("rest"))

    def loss(self, network: nn.Module, batch: Batch, phase: Phase) -> Loss:
        (x,), (y,) = batch.inputs.values(), batch.targets.values()
        return Loss({"loss": (_loss(network(x.data), y.data), torch.ones(()))})

    def after_step(self, network: nn.Module, step: int) -> None: ...


def test_an_objective_of_ones_own_serves_too() -> None:
    loader = DataLoader(_data(), batch_size=11)
    trained = fit(_Net(), loader, _Turns(), epochs=1)
    assert set(trained.history[0]["parts"]) == {"one", "rest"}
    with pytest.raises(RecipeError, match="several phases"):
        fit(_Net(), loader, _Turns(), epochs=1, validation=loader)


def test_a_loss_that_is_a_module_serves_too() -> None:
    x, y = torch.randn(13, WIDTH), torch.arange(13) % 3
    trained = fit(nn.Linear(WIDTH, 3), [(x, y)], nn.CrossEntropyLoss(torch.ones(3)), epochs=2)
    assert trained.steps == 2


def test_complex_weights_learn_too() -> None:
    class Turned(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.turn = nn.Parameter(torch.ones(3, dtype=torch.complex64))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return (x * self.turn).real

    x = torch.randn(13, 3, dtype=torch.complex64)
    trained = fit(Turned(), [(x, (x * 2j).real)], nn.functional.mse_loss, epochs=30)
    assert trained.history[-1]["loss"] < trained.history[0]["loss"]


def test_the_public_names_are_there() -> None:
    for name in fathom.training.__all__:
        assert getattr(fathom.training, name) is not None
    found: Callable[..., Any] = fathom.training.fit
    assert callable(found)
