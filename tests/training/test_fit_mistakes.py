"""What a person may hand in wrongly, and the words in which it is told."""

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import DataLoader, TensorDataset

from fathom.base.errors import RecipeError, RunError, StorageError, TrainingError
from fathom.base.files import seal
from fathom.training import Trained, TrainingPlan, fit, learning_rate_range

NUM, WIDTH = 12, 3


def _pairs(shape: tuple[int, ...] = (NUM, 1), num: int = 2) -> list[tuple[Tensor, Tensor]]:
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(NUM, WIDTH, generator=generator)
    return [(x, torch.randn(shape, generator=generator)) for _ in range(num)]


def _fit(**options: Any) -> Trained:
    usual: dict[str, Any] = {
        "network": nn.Linear(WIDTH, 1),
        "data": _pairs(),
        "objective": functional.mse_loss,
    }
    usual |= {} if "plan" in options else {"epochs": 2}
    return fit(**(usual | options))


@pytest.mark.parametrize(
    ("network", "got"),
    [(None, "None"), (lambda x: x, "a function"), (nn.Linear, "the class Linear")],
)
def test_a_network_that_is_no_module_is_refused(network: Any, got: str) -> None:
    for train in (_fit, _ranged):
        with pytest.raises(RecipeError, match=r"^The network is no module of PyTorch\.") as caught:
            train(network=network)
        assert caught.value.got == got


def _ranged(**options: Any) -> Any:
    usual: dict[str, Any] = {"network": nn.Linear(WIDTH, 1), "data": _pairs()}
    return learning_rate_range(**{**usual, "objective": functional.mse_loss, **options})


def test_weights_that_are_not_made_yet_are_named() -> None:
    network = nn.Sequential(nn.LazyLinear(4), nn.LazyBatchNorm1d(), nn.Linear(4, 1))
    with pytest.raises(RecipeError, match="shapes are not known yet") as caught:
        _fit(network=network)
    assert "'0.weight', '0.bias', '1.weight'" in caught.value.got
    assert "Call the network once" in caught.value.do
    network(_pairs()[0][0])
    assert _fit(network=network).steps == 4


def test_weights_without_values_are_named() -> None:
    with pytest.raises(RecipeError, match=r"^The network has weights without values\.") as caught:
        _fit(network=nn.Linear(WIDTH, 1, device="meta"))
    assert caught.value.got == "on the device 'meta': 'weight', 'bias'"
    assert "to_empty" in caught.value.do


def test_a_module_may_have_a_state_of_its_own(tmp_path: Path) -> None:
    class Counting(nn.Linear):
        seen = 0

        def get_extra_state(self) -> dict[str, int]:
            return {"seen": self.seen}

        def set_extra_state(self, state: dict[str, int]) -> None:
            self.seen = state["seen"]

        def forward(self, input: torch.Tensor) -> torch.Tensor:
            self.seen += self.training
            return super().forward(input)

    network = Counting(WIDTH, 1)
    found = _fit(network=network, validation=_pairs(), folder=tmp_path / "run")
    assert found.steps == 4
    assert network.seen == found.best_step


@pytest.mark.parametrize(
    ("objective", "got"),
    [("mse", "'mse'"), (None, "None"), (nn.MSELoss, "the class MSELoss")],
)
def test_an_objective_that_is_no_function_is_refused(objective: Any, got: str) -> None:
    for train in (_fit, _ranged):
        with pytest.raises(RecipeError, match=r"^The objective is no loss function\.") as caught:
            train(objective=objective)
        assert caught.value.got == got
        assert "torch.nn.functional.mse_loss" in caught.value.do


@pytest.mark.parametrize("epochs", [0, -1, math.nan, math.inf, "2", True])
def test_epochs_out_of_their_range_are_refused(epochs: Any) -> None:
    with pytest.raises(RecipeError, match=r"^The number of epochs is out of its range") as caught:
        _fit(epochs=epochs)
    assert caught.value.got == repr(epochs)
    assert "epochs=20" in caught.value.do


@pytest.mark.parametrize(
    ("objective", "got"),
    [
        (lambda output, target: None, "None"),
        (lambda output, target: functional.mse_loss(output, target).item(), "a float"),
    ],
)
def test_a_loss_that_is_no_tensor_is_told(objective: Any, got: str) -> None:
    with pytest.raises(RecipeError, match=r"^The loss function gives no tensor\.") as caught:
        _fit(objective=objective)
    assert caught.value.got == got
    assert "without .item()" in caught.value.do


@pytest.mark.parametrize("epochs", [1, 20])
@pytest.mark.parametrize(
    "objective",
    [
        lambda output, target: functional.mse_loss(output, target).detach(),
        lambda output, target: torch.tensor(3.0),
        lambda output, target: torch.tensor(3.0, requires_grad=True) * 2,
    ],
)
def test_a_loss_that_depends_on_no_parameter_is_told(objective: Any, epochs: int) -> None:
    with pytest.raises(TrainingError, match="The loss depends on no parameter") as caught:
        _fit(objective=objective, epochs=epochs)
    assert caught.value.where == f"steps 1 to {min(10, 2 * epochs)}"
    assert ".detach()" in caught.value.do


def test_going_on_does_not_hide_that_nothing_was_learnt(tmp_path: Path) -> None:
    for resume in (False, True):
        with pytest.raises(TrainingError, match="The loss depends on no parameter"):
            _fit(
                objective=lambda output, target: functional.mse_loss(output, target).detach(),
                epochs=6,
                folder=tmp_path,
                resume=resume,
            )


def test_batches_with_nothing_to_find_in_them_may_have_a_constant_loss() -> None:
    calls: list[int] = []

    def loss(output: Tensor, target: Tensor) -> Tensor:
        calls.append(1)
        return functional.mse_loss(output, target) if len(calls) == 4 else torch.zeros(())

    assert _fit(objective=loss, epochs=8).steps == 16


@pytest.mark.parametrize(
    ("figures", "got"),
    [
        ({}, "figures []"),
        ({"error": 1.0}, "figures ['error']"),
        (None, "None"),
        (0.5, "a float"),
        ({"loss": None}, "figures that are no numbers"),
        ({"loss": torch.zeros(2)}, "figures that are no numbers"),
    ],
)
def test_a_validation_without_a_loss_is_told(figures: Any, got: str) -> None:
    with pytest.raises(RecipeError, match=r"^The validation gives no loss") as caught:
        _fit(validation=lambda network: figures)
    assert caught.value.got.startswith(got)
    assert '{"loss": …}' in caught.value.do


def test_a_validation_that_is_no_loader_is_refused() -> None:
    with pytest.raises(RecipeError, match="neither a loader nor a function") as caught:
        _fit(validation=3)
    assert caught.value.got == "3"


def test_a_validation_that_is_never_finite_is_an_event_at_each_check() -> None:
    trained = _fit(validation=lambda network: {"loss": math.nan})
    assert [(event["step"], event["event"]) for event in trained.events] == [
        (2, "validation_not_finite"),
        (4, "validation_not_finite"),
    ]


@pytest.mark.parametrize("data", [None, 3])
def test_data_that_are_no_loader_are_refused(data: Any) -> None:
    for train in (_fit, _ranged):
        with pytest.raises(RecipeError, match=r"^The data are no loader\.") as caught:
            train(data=data)
        assert caught.value.got == repr(data)


@pytest.mark.parametrize(
    ("data", "got", "do"),
    [
        ([], "a list without any", "See whether the data are there"),
        (
            DataLoader(TensorDataset(torch.zeros(0, WIDTH))),
            "a DataLoader without any",
            "See whether the data are",
        ),
        (
            DataLoader(TensorDataset(torch.zeros(3, WIDTH)), batch_size=4, drop_last=True),
            "a DataLoader without any",
            "Leave drop_last out or choose a smaller batch_size",
        ),
    ],
)
def test_a_loader_without_a_batch_is_told(data: Any, got: str, do: str, tmp_path: Path) -> None:
    for train in (_fit, _ranged):
        with pytest.raises(RecipeError, match=r"^The loader gave no batch\.") as caught:
            train(data=data)
        assert (caught.value.where, caught.value.got) == ("data", got)
        assert caught.value.do.startswith(do)
    with pytest.raises(RecipeError, match=r"^The loader gave no batch\."):
        _fit(data=data, folder=tmp_path / "kept")
    assert not (tmp_path / "kept").exists()


def test_what_can_be_gone_through_once_is_refused() -> None:
    for train in (_fit, _ranged):
        for data in (iter(_pairs()), (pair for pair in _pairs())):
            with pytest.raises(
                RecipeError, match=r"^An iterator can be gone through only"
            ) as caught:
                train(data=data)
            assert caught.value.got == type(data).__name__
            assert caught.value.do.startswith("Pass the DataLoader or the list itself")


def test_a_stream_without_end_serves_where_the_steps_are_said() -> None:
    stream = (pair for _ in iter(int, 1) for pair in _pairs())
    assert _fit(data=stream, epochs=None, plan=TrainingPlan(num_steps=7)).steps == 7


def test_a_loader_that_is_an_iterator_inside_is_told_when_it_is_used_up() -> None:
    class Once:
        pairs = iter(_pairs())

        def __iter__(self) -> Any:
            return self.pairs

    for first in ("An iterator can be gone through only once", "The loader gave no batch"):
        with pytest.raises(RecipeError, match=f"^{first}"):
            _fit(data=Once(), plan=TrainingPlan(num_steps=3))


def test_a_loader_is_not_begun_before_the_training() -> None:
    class Counted:
        begun = 0

        def __iter__(self) -> Any:
            self.begun += 1
            return iter(_pairs())

        def __len__(self) -> int:
            return 2

    data, validation = Counted(), Counted()
    _fit(data=data, validation=validation)
    assert (data.begun, validation.begun) == (2, 2)


@pytest.mark.parametrize("where", ["data", "validation"])
def test_an_empty_batch_is_told(where: str) -> None:
    pairs = [*_pairs(), (torch.zeros(0, WIDTH), torch.zeros(0, 1))]
    with pytest.raises(RecipeError, match=r"^The loader gives an empty batch\.") as caught:
        _fit(**{where: pairs})
    assert caught.value.got == f"tuple of shape [0, {WIDTH}], shape [0, 1]"


def test_an_empty_batch_of_ones_own_is_told(tiny: Any, plan: Any) -> None:
    made = tiny()
    whole = next(iter(made.batches))

    class Empty:
        def __iter__(self) -> Any:
            yield whole.rows(slice(0, 0))

        def state_dict(self) -> dict[str, Any]:
            return {}

        def load_state_dict(self, state: dict[str, Any]) -> None: ...

    with pytest.raises(TrainingError, match=r"^The batch is empty\.") as caught:
        fit(made.network, Empty(), made.objective, plan=plan())
    assert caught.value.where == "step 1"


@pytest.mark.parametrize(
    "objective",
    [
        functional.mse_loss,
        nn.SmoothL1Loss(),
        lambda output, target: functional.l1_loss(input=output, target=target),
        lambda output, target: (output - target).square().mean(),
        lambda output, target: torch.sub(target, output).abs().mean(),
        lambda output, target: (1 - output * target).relu().mean(),
        lambda output, target: functional.mse_loss(output.sigmoid(), target.double().float()),
    ],
)
def test_a_target_that_would_be_compared_with_all_outputs_is_told(objective: Any) -> None:
    with pytest.raises(TrainingError, match="compared all with all") as caught:
        _fit(data=_pairs((NUM,)), objective=objective)
    assert caught.value.got == f"output [{NUM}, 1], target [{NUM}]"
    assert caught.value.expected == f"a target of shape [{NUM}, 1], as the output has"
    assert "y.reshape(output.shape)" in caught.value.do


def test_a_validation_target_of_another_shape_is_told_too() -> None:
    with pytest.raises(TrainingError, match="compared all with all"):
        _fit(
            objective=lambda output, target: functional.mse_loss(output, target),
            data=_pairs((NUM,)),
            network=nn.Sequential(nn.Linear(WIDTH, 1), nn.Flatten(0)),
            validation=_pairs((NUM, 1)),
        )


@pytest.mark.parametrize(
    ("objective", "shape", "width"),
    [
        (lambda output, target: functional.mse_loss(output.squeeze(-1), target), (NUM,), 1),
        (lambda output, target: functional.mse_loss(output[:, 0], target), (NUM,), 1),
        (lambda output, target: (output - target).abs().mean(1), (NUM, 1), 5),
        (lambda output, target: (output[:, 0] - target).square() * output[:, 1], (NUM,), 2),
        (lambda output, target: (output @ target[None]).square().mean(), (NUM,), 1),
    ],
)
def test_functions_that_know_what_they_do_may_be_given_other_shapes(
    objective: Callable[..., Tensor], shape: tuple[int, ...], width: int
) -> None:
    network = nn.Linear(WIDTH, width)
    assert _fit(network=network, data=_pairs(shape), objective=objective).steps == 4


def test_class_numbers_have_another_shape_than_outputs() -> None:
    data = [(x, (y[:, 0] > 0).long()) for x, y in _pairs()]
    network = nn.Linear(WIDTH, 2)
    assert _fit(network=network, data=data, objective=functional.cross_entropy).steps == 4


@pytest.mark.parametrize("resume", [False, True])
@pytest.mark.parametrize("below", ["", "deeper/still"])
def test_a_folder_that_is_a_file_is_told(below: str, resume: bool, tmp_path: Path) -> None:
    (tmp_path / "notes").write_text("mine")
    with pytest.raises(StorageError, match="a file stands in the folder's place") as caught:
        _fit(folder=tmp_path / "notes" / below, resume=resume)
    assert caught.value.got == f"{tmp_path / 'notes'} is a file"
    assert (tmp_path / "notes").read_text() == "mine"


@pytest.mark.parametrize(
    ("network", "expected", "got"),
    [
        (nn.Linear(WIDTH, 1, bias=False), "'bias: shape [1]'", "'bias: none'"),
        (
            nn.Sequential(nn.Linear(WIDTH, 1)),
            "'0.weight: none', '0.bias: none', 'weight: shape [1, 3]' and 1 more",
            "'0.weight: shape [1, 3]', '0.bias: shape [1]', 'weight: none' and 1 more",
        ),
        (
            nn.Linear(WIDTH, 2),
            "'weight: shape [1, 3]', 'bias: shape [1]'",
            "'weight: shape [2, 3]', 'bias: shape [2]'",
        ),
    ],
)
def test_a_checkpoint_of_another_network_is_told(
    network: nn.Module, expected: str, got: str, tmp_path: Path
) -> None:
    _fit(folder=tmp_path)
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    with pytest.raises(RunError, match=r"^The checkpoint belongs to another network\.") as caught:
        _fit(network=network, folder=tmp_path, resume=True)
    assert (caught.value.where, caught.value.expected) == (str(tmp_path), expected)
    assert caught.value.got == got
    assert all(torch.equal(before[name], now) for name, now in network.state_dict().items())


def _all(tree: Any, value: Any) -> Any:
    """The same tree with another value in each place."""
    if isinstance(tree, dict):
        return {name: _all(item, value) for name, item in tree.items()}
    return [_all(item, value) for item in tree] if isinstance(tree, list) else value


def _only(tree: Any, *names: str, value: Any = "zz") -> Any:
    name, *rest = names
    return {**tree, name: _only(tree[name], *rest, value=value) if rest else value}


@pytest.mark.parametrize(
    "damage",
    [
        lambda body: [],
        lambda body: None,
        lambda body: {},
        lambda body: dict.fromkeys(body),
        lambda body: dict.fromkeys(body, "zz"),
        lambda body: _only(body, "state", value=[]),
        lambda body: _only(body, "state", value=dict.fromkeys(body["state"])),
        lambda body: _only(body, "state", value=dict.fromkeys(body["state"], "zz")),
        lambda body: _all(body, None),
        lambda body: _all(body, "zz"),
        lambda body: _all(body, 7),
        lambda body: _only(body, "state", "learner", "step"),
        lambda body: _only(body, "state", "learner", "network"),
        lambda body: _only(body, "state", "learner", "network", "bias"),
        lambda body: _only(body, "state", "learner", "optimizers"),
        lambda body: _only(body, "state", "learner", "optimizers", "all"),
        lambda body: _only(body, "state", "learner", "objective", value=None),
        lambda body: _only(body, "state", "batches", "epoch"),
        lambda body: _only(body, "state", "batches", value={}),
        lambda body: _only(body, "state", "plan", value=None),
        lambda body: _only(body, "state", "best", "value"),
        lambda body: _only(body, "state", "history", value=[None]),
        lambda body: _only(body, "state", "events", value=[{}]),
    ],
)
def test_a_damaged_checkpoint_is_told(damage: Callable[[Any], Any], tmp_path: Path) -> None:
    _fit(folder=tmp_path)
    place = tmp_path / "checkpoint" / "state.json"
    body = damage(json.loads(place.read_text()))
    if isinstance(body, dict):  # whoever edits it may seal it again
        body.pop("seal", None)
        body["seal"] = seal(body)
    place.write_text(json.dumps(body))
    with pytest.raises(RunError, match=r"checkpoint|position of the batches is damaged") as caught:
        _fit(folder=tmp_path, resume=True)
    assert "another plan" not in str(caught.value)
    assert all([caught.value.expected, caught.value.got, caught.value.do])


@pytest.mark.parametrize("name", ["events", "timings"])
def test_damaged_lines_are_told(name: str, tmp_path: Path) -> None:
    _fit(folder=tmp_path)
    (tmp_path / f"{name}.jsonl").write_text('{"other": 1}\n')
    with pytest.raises(RunError, match=r"^A file of the training is damaged\.") as caught:
        _fit(folder=tmp_path, resume=True)
    assert caught.value.where == f"{tmp_path}/{name}.jsonl"
    assert caught.value.got == '{"other": 1}'


def test_a_whole_checkpoint_is_still_taken_up(tmp_path: Path) -> None:
    plan = TrainingPlan(num_steps=4, check_every=2)
    first = _fit(plan=plan, folder=tmp_path)
    again = _fit(plan=plan, folder=tmp_path, resume=True)
    assert again.history == first.history


def test_going_on_needs_a_folder() -> None:
    with pytest.raises(RecipeError, match=r"nothing to go on from\.\n.*\n.*\n  got: +no folder"):
        _fit(resume=True)
