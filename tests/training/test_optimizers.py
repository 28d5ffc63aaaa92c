"""Optimisers against updates written out in NumPy, five steps each, and their common state."""

import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from fathom.base.errors import RecipeError, RunError
from fathom.training.moves import orthogonal
from fathom.training.optimizers import (
    OPTIMIZERS,
    OptimizerPlan,
    build_optimizer,
    decays,
    guess_role,
    parameter_roles,
)

RATE, DECAY, STEPS = 0.05, 0.1, 5
Memory = dict[str, Any]


def _sgd(w: np.ndarray, g: np.ndarray, memory: Memory, step: int) -> np.ndarray:
    return w - RATE * (g + DECAY * w)


def _momentum(w: np.ndarray, g: np.ndarray, memory: Memory, step: int) -> np.ndarray:
    memory["v"] = 0.9 * memory.get("v", 0) + g + DECAY * w
    return w - RATE * memory["v"]


def _nesterov(w: np.ndarray, g: np.ndarray, memory: Memory, step: int) -> np.ndarray:
    g = g + DECAY * w
    memory["v"] = 0.9 * memory.get("v", 0) + g
    return w - RATE * (g + 0.9 * memory["v"])


def _adagrad(w: np.ndarray, g: np.ndarray, memory: Memory, step: int) -> np.ndarray:
    g = g + DECAY * w
    memory["s"] = memory.get("s", 0) + g**2
    return w - RATE * g / (np.sqrt(memory["s"]) + 1e-10)


def _rmsprop(w: np.ndarray, g: np.ndarray, memory: Memory, step: int) -> np.ndarray:
    g = g + DECAY * w
    memory["s"] = 0.99 * memory.get("s", 0) + 0.01 * g**2
    return w - RATE * g / (np.sqrt(memory["s"]) + 1e-8)


def _adam(w: np.ndarray, g: np.ndarray, memory: Memory, step: int) -> np.ndarray:
    return w - _adam_step(g + DECAY * w, memory, step)


def _adamw(w: np.ndarray, g: np.ndarray, memory: Memory, step: int) -> np.ndarray:
    return w * (1 - RATE * DECAY) - _adam_step(g, memory, step)


def _adam_step(g: np.ndarray, memory: Memory, step: int) -> np.ndarray:
    memory["m"] = 0.9 * memory.get("m", 0) + 0.1 * g
    memory["v"] = 0.999 * memory.get("v", 0) + 0.001 * g**2
    m, v = memory["m"] / (1 - 0.9**step), memory["v"] / (1 - 0.999**step)
    return RATE * m / (np.sqrt(v) + 1e-8)


def _muon(w: np.ndarray, g: np.ndarray, memory: Memory, step: int) -> np.ndarray:
    memory["v"] = 0.95 * memory.get("v", 0) + 0.05 * g
    ahead = 0.05 * g + 0.95 * memory["v"]
    length = 0.2 * math.sqrt(max(w.shape))
    return w * (1 - RATE * DECAY) - RATE * length * _newton_schulz(ahead)


def _newton_schulz(g: np.ndarray) -> np.ndarray:
    x = g / np.linalg.norm(g)
    for _ in range(5):
        gram = x @ x.T
        x = 3.4445 * x + (-4.775 * gram + 2.0315 * gram @ gram) @ x
    return x


UPDATES = {
    "sgd": _sgd,
    "momentum": _momentum,
    "nesterov": _nesterov,
    "adagrad": _adagrad,
    "rmsprop": _rmsprop,
    "adam": _adam,
    "adamw": _adamw,
    "muon": _muon,
}


def _trained(plan: OptimizerPlan, implementation: Any = "auto") -> tuple[nn.Parameter, np.ndarray]:
    """A matrix after five steps along drawn gradients, and the same by hand."""
    draw = np.random.default_rng(0)
    by_hand = draw.normal(size=(5, 7))
    matrix = nn.Parameter(torch.tensor(by_hand))
    optimizer = build_optimizer({"matrix": matrix}, plan, implementation=implementation)
    memory: Memory = {}
    for step in range(1, STEPS + 1):
        gradient = draw.normal(size=(5, 7))
        matrix.grad = torch.tensor(gradient)
        optimizer.step()
        by_hand = UPDATES[plan.name](by_hand, gradient, memory, step)
    return matrix, by_hand


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_five_steps_equal_the_update_written_out(name):
    plan = OptimizerPlan(name=name, learning_rate=RATE, weight_decay=DECAY)
    matrix, by_hand = _trained(plan)
    # PyTorch orthogonalises for muon in bf16; an entry of its step is of the size of RATE · 0.2.
    tolerance = 0.04 * RATE * 0.2 * STEPS if name == "muon" else 1e-6
    np.testing.assert_allclose(matrix.detach().numpy(), by_hand, atol=tolerance, rtol=0)


@pytest.mark.parametrize("shape", [(5, 2, 3, 3), (30, 2, 3, 3), (6, 4, 3)])
def test_muon_takes_the_filters_of_a_convolution_as_a_matrix(shape):
    """More filters than weights in each, fewer, and those of a series."""
    plan = OptimizerPlan(name="muon", learning_rate=RATE, weight_decay=DECAY)
    draw = np.random.default_rng(0)
    by_hand = draw.normal(size=(shape[0], math.prod(shape[1:])))
    filters = nn.Parameter(torch.tensor(by_hand.reshape(shape)))
    if len(shape) == 4:
        filters.data = filters.data.contiguous(memory_format=torch.channels_last)
    optimizer = build_optimizer({"filters": filters}, plan)
    memory: Memory = {}
    for step in range(1, STEPS + 1):
        gradient = draw.normal(size=by_hand.shape)
        filters.grad = torch.tensor(gradient.reshape(shape))
        optimizer.step()
        by_hand = _muon(by_hand, gradient, memory, step)
    found = filters.detach().numpy().reshape(by_hand.shape)
    np.testing.assert_allclose(found, by_hand, atol=0.08 * RATE * 0.2 * STEPS, rtol=0)
    assert set(optimizer.state_dict()) == {"convolution_muon/filters/momentum_buffer"}


def test_filters_that_keep_their_length_turn_by_ten_times_the_rate():
    plan = OptimizerPlan(name="muon", learning_rate=0.03, hold_norm=True, weight_decay=DECAY)
    filters = nn.Parameter(torch.randn(8, 4, 3, 3, generator=torch.Generator().manual_seed(0)))
    before = filters.detach().clone()
    optimizer = build_optimizer({"filters": filters}, plan)
    filters.grad = torch.randn(8, 4, 3, 3, generator=torch.Generator().manual_seed(1))
    optimizer.step()
    after = filters.detach()
    assert after.norm().item() == pytest.approx(before.norm().item(), rel=1e-5)
    # The step has nothing to do with the weights here: a right angle, nearly.
    turned = torch.acos((before * after).sum() / before.norm() / after.norm())
    assert turned.item() == pytest.approx(math.atan(0.3), rel=0.15)


def test_only_muon_keeps_the_length_of_filters():
    with pytest.raises(RecipeError, match=r"'adamw' does not use the option 'hold_norm'"):
        OptimizerPlan(name="adamw", hold_norm=True)


def test_the_orthogonal_matrix_is_nearly_that_of_the_singular_vectors():
    matrix = torch.randn(12, 40, generator=torch.Generator().manual_seed(0))
    u, _, v = torch.linalg.svd(matrix, full_matrices=False)
    found = orthogonal(matrix).float()
    assert 0.6 < torch.linalg.svdvals(found).min() < torch.linalg.svdvals(found).max() < 1.3
    alike = (found * (u @ v)).sum() / (found.norm() * (u @ v).norm())
    assert alike > 0.97


WAYS = [
    (name, implementation)
    for name in OPTIMIZERS
    for implementation in ("plain", "foreach", "fused")
    if (name, implementation) != ("rmsprop", "fused")
]


@pytest.mark.parametrize(("name", "implementation"), WAYS)
def test_every_implementation_takes_the_same_steps(name, implementation):
    plan = OptimizerPlan(name=name, learning_rate=RATE, weight_decay=DECAY)
    torch.testing.assert_close(_trained(plan, implementation)[0], _trained(plan)[0])


@pytest.mark.parametrize(
    ("option", "value", "name"),
    [
        ("momentum", 0.5, "momentum"),
        ("momentum", 0.5, "rmsprop"),
        ("momentum", 0.5, "muon"),
        ("nesterov", False, "muon"),
        ("smoothing", 0.5, "rmsprop"),
        ("betas", (0.5, 0.9), "adamw"),
        ("eps", 0.5, "adam"),
        ("eps", 0.5, "adagrad"),
        ("weight_decay", 0.5, "sgd"),
    ],
)
def test_every_option_has_an_effect(option, value, name):
    plain = OptimizerPlan(name=name, learning_rate=RATE)
    other = OptimizerPlan(name=name, learning_rate=RATE, **{option: value})
    assert not torch.equal(_trained(other)[0], _trained(plain)[0])


def _network() -> nn.ModuleDict:
    torch.manual_seed(0)
    return nn.ModuleDict(
        {
            "words": nn.Embedding(11, 5),
            "body": nn.Sequential(nn.Linear(5, 7), nn.LayerNorm(7)),
            "answer": nn.Linear(7, 3),
        }
    )


def _step(network: nn.ModuleDict, optimizer: Any, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    words = torch.randint(0, 11, (13,), generator=generator)
    optimizer.zero_grad()
    network["answer"](network["body"](network["words"](words)).relu()).square().mean().backward()
    optimizer.step()


def test_roles_of_a_network():
    assert parameter_roles(_network(), heads=["answer"]) == {
        "words.weight": "embedding",
        "body.0.weight": "hidden",
        "body.0.bias": "bias",
        "body.1.weight": "gain",
        "body.1.bias": "bias",
        "answer.weight": "head",
        "answer.bias": "bias",
    }
    # The gain of a normalisation over several axes has several axes, too.
    assert parameter_roles(nn.LayerNorm([3, 5])) == {"weight": "gain", "bias": "bias"}
    # "ans" is not the beginning of a module's path.
    assert parameter_roles(_network(), heads=["ans"])["answer.weight"] == "hidden"


def test_roles_from_names_alone():
    matrix = torch.zeros(3, 5)
    assert guess_role("members.scale", matrix) == "gain"
    assert guess_role("lstm.bias_ih_l0", torch.zeros(3)) == "bias"
    assert guess_role("color_embedding", matrix) == "embedding"
    assert guess_role("body.weight", matrix) == "hidden"
    assert guess_role("power", torch.zeros(())) == "gain"


def test_weight_decay_pulls_at_weights_only():
    network = _network()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    parameters = dict(network.named_parameters())
    plan = OptimizerPlan(name="adamw", learning_rate=0.1, weight_decay=0.5)
    optimizer = build_optimizer(parameters, plan, roles=parameter_roles(network))
    for parameter in parameters.values():
        parameter.grad = torch.zeros_like(parameter)
    optimizer.step()
    moved = {name for name, value in parameters.items() if not torch.equal(value, before[name])}
    assert moved == {"body.0.weight", "answer.weight"}
    assert [role for role in ("hidden", "head", "embedding", "gain", "bias") if decays(role)] == [
        "hidden",
        "head",
    ]


def test_muon_takes_hidden_matrices_and_adamw_the_rest():
    network = _network()
    roles = parameter_roles(network, heads=["answer"])
    optimizer = build_optimizer(
        dict(network.named_parameters()), OptimizerPlan(name="muon"), roles=roles
    )
    _step(network, optimizer, 1)
    owners = {key.split("/")[1]: key.split("/")[0] for key in optimizer.state_dict()}
    assert owners.pop("body.0.weight") == "muon"
    assert set(owners.values()) == {"adamw"}
    assert owners.keys() == roles.keys() - {"body.0.weight"}


def test_depthwise_filters_are_no_matrix_for_muon():
    """Each sees one channel; so does the first layer for grey pictures, but all of its do."""
    network = nn.ModuleDict(
        {
            "first": nn.Conv2d(1, 6, 3, bias=False),
            "around": nn.Conv2d(6, 6, 3, groups=6, bias=False),
            "halves": nn.Conv2d(6, 6, 3, groups=2, bias=False),
        }
    )
    roles = parameter_roles(network)
    assert roles == {
        "first.weight": "hidden",
        "around.weight": "depthwise",
        "halves.weight": "hidden",
    }
    assert decays("depthwise")
    weights = dict(network.named_parameters())
    optimizer = build_optimizer(weights, OptimizerPlan(name="muon"), roles=roles)
    for parameter in weights.values():
        parameter.grad = torch.ones_like(parameter)
    optimizer.step()
    owners = {key.split("/")[1]: key.split("/")[0] for key in optimizer.state_dict()}
    assert owners == {
        "first.weight": "convolution_muon",
        "around.weight": "adamw",
        "halves.weight": "convolution_muon",
    }


def test_multipliers_and_the_rate():
    first, second = nn.Parameter(torch.zeros(3)), nn.Parameter(torch.zeros(3))
    optimizer = build_optimizer(
        {"first": first, "second": second},
        OptimizerPlan(name="sgd", learning_rate=1.0),
        multipliers={"second": 0.25},
    )
    for rate in (1.0, 0.5):
        first.grad, second.grad = torch.ones(3), torch.ones(3)
        optimizer.set_rate(rate)
        optimizer.step()
    assert first.tolist() == [-1.5] * 3
    assert second.tolist() == [-0.375] * 3


@pytest.mark.parametrize(("name", "implementation"), WAYS)
def test_a_resumed_optimizer_goes_on_with_the_same_bits(name, implementation):
    plan = OptimizerPlan(name=name, learning_rate=RATE, weight_decay=DECAY)

    def built(network: nn.ModuleDict):
        return build_optimizer(
            dict(network.named_parameters()), plan, implementation=implementation
        )

    network = _network()
    optimizer = built(network)
    for seed in range(3):
        _step(network, optimizer, seed)
    stored = {key: value.clone() for key, value in optimizer.state_dict().items()}
    untouched = {key: value.clone() for key, value in stored.items()}
    again = _network()
    again.load_state_dict(network.state_dict())
    resumed = built(again)
    resumed.load_state_dict(stored)
    for seed in range(3, 6):
        _step(network, optimizer, seed)
        _step(again, resumed, seed)
    for key, value in network.state_dict().items():
        assert value.isfinite().all()
        assert torch.equal(value, again.state_dict()[key])
    assert all(isinstance(value, torch.Tensor) for value in stored.values())
    assert all(torch.equal(stored[key], untouched[key]) for key in stored)
    if name != "sgd":
        assert stored


@pytest.mark.parametrize(("name", "implementation"), WAYS)
def test_a_state_out_of_a_file_lies_as_its_weights_do(name: Any, implementation: Any):
    """A file holds rows one after the other; weights of pictures have their channels last."""
    made: list[torch.Tensor] = []
    for again in (False, True):
        torch.manual_seed(0)
        net = nn.Conv2d(3, 4, 3).to(memory_format=torch.channels_last)
        given, plan = dict(net.named_parameters()), OptimizerPlan(name=name, learning_rate=0.1)
        moves = build_optimizer(given, plan, implementation=implementation)
        for step in range(6):
            if again and step == 3:
                state = {key: one.contiguous().clone() for key, one in moves.state_dict().items()}
                moves = build_optimizer(given, plan, implementation=implementation)
                moves.load_state_dict(state)
            for parameter in net.parameters():
                parameter.grad = torch.randn_like(parameter)
            moves.step()
        made.append(net.weight.detach().clone())
    assert torch.equal(*made)


def test_loading_an_empty_state_forgets():
    network = _network()
    optimizer = build_optimizer(dict(network.named_parameters()), OptimizerPlan())
    _step(network, optimizer, 1)
    optimizer.load_state_dict({})
    assert optimizer.state_dict() == {}


def test_a_state_of_another_network_is_refused():
    network = _network()
    optimizer = build_optimizer(dict(network.named_parameters()), OptimizerPlan())
    _step(network, optimizer, 1)
    state = optimizer.state_dict()
    with pytest.raises(RunError, match="does not fit the network") as caught:
        optimizer.load_state_dict({**state, "adamw/answer.weight/exp_avg": torch.zeros(2, 2)})
    assert caught.value.where == "'exp_avg' of parameter 'answer.weight'"
    with pytest.raises(RunError, match="belongs to another network") as caught:
        optimizer.load_state_dict({**state, "muon/answer.weight/momentum_buffer": torch.zeros(2)})
    assert caught.value.got == "'muon/answer.weight/momentum_buffer'"


def test_options_that_are_not_used_are_errors():
    with pytest.raises(RecipeError) as caught:
        OptimizerPlan(name="sgd", momentum=0.9)
    assert caught.value.what == "The optimiser 'sgd' does not use the option 'momentum'."
    assert caught.value.expected == "'momentum' with 'momentum', 'nesterov', 'rmsprop', 'muon' only"
    with pytest.raises(RecipeError, match="'adamw' does not use the option 'nesterov'"):
        OptimizerPlan(name="adamw", nesterov=False)
    with pytest.raises(RecipeError, match="'momentum' does not use the option 'betas'"):
        OptimizerPlan(name="momentum", betas=(0.9, 0.99))


def test_messages():
    weight = {"body.weight": nn.Parameter(torch.zeros(3, 5))}
    with pytest.raises(RecipeError, match="Did you mean 'adamw'") as caught:
        OptimizerPlan(name="AdamWW")
    assert caught.value.what == "There is no optimiser 'AdamWW'."
    refused: list[dict[str, Any]] = [
        {"learning_rate": -1.0},
        {"learning_rate": float("nan")},
        {"weight_decay": -0.1},
        {"betas": (0.9, 1.0)},
        {"eps": -1e-8},
    ]
    for wrong in refused:
        with pytest.raises(RecipeError, match=f"'{next(iter(wrong))}' of the optimiser is out"):
            OptimizerPlan(**wrong)
    with pytest.raises(RecipeError, match="There is nothing to optimise"):
        build_optimizer({}, OptimizerPlan())
    with pytest.raises(RecipeError, match=r"Did you mean 'body\.weight'"):
        build_optimizer(weight, OptimizerPlan(), multipliers={"body.wieght": 0.1})
    with pytest.raises(RecipeError, match="'multipliers' of the optimiser is out"):
        build_optimizer(weight, OptimizerPlan(), multipliers={"body.weight": -0.1})
    with pytest.raises(RecipeError, match="A parameter has no role"):
        build_optimizer(weight, OptimizerPlan(), roles={})
    with pytest.raises(RecipeError, match="no fused implementation"):
        build_optimizer(weight, OptimizerPlan(name="rmsprop"), implementation="fused")
    unknown: Any = "fussed"
    with pytest.raises(RecipeError, match="Did you mean 'fused'"):
        build_optimizer(weight, OptimizerPlan(), implementation=unknown)
