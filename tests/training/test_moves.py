"""Our optimisers beside PyTorch's own: the same arithmetic, bit by bit."""

import subprocess
import sys

import pytest
import torch
from torch import Tensor, nn

from fathom.base.precision import best_precision
from fathom.training.moves import FusedAdam, Muon

RATE, DECAY, STEPS = 0.01, 0.3, 7


def _weights(*shapes: tuple[int, ...]) -> list[nn.Parameter]:
    draw = torch.Generator().manual_seed(3)
    return [nn.Parameter(torch.randn(*shape, generator=draw)) for shape in shapes]


def _group(weights: list[nn.Parameter]) -> dict[str, object]:
    named = [(str(place), weight) for place, weight in enumerate(weights)]
    return {"params": named, "lr": RATE, "weight_decay": DECAY}


def _stepped(optimizer: object, weights: list[nn.Parameter]) -> list[Tensor]:
    draw = torch.Generator().manual_seed(5)
    for step in range(STEPS):
        for place, weight in enumerate(weights):
            gradient = torch.randn(weight.shape, generator=draw)
            # One parameter has no gradient at first, as a part of a network that sleeps.
            weight.grad = None if place == 1 and step < 3 else gradient
        optimizer.step()  # pyright: ignore[reportAttributeAccessIssue]
    return [weight.detach() for weight in weights]


@pytest.mark.parametrize("decoupled", [True, False])
def test_adam_is_that_of_pytorch(decoupled: bool) -> None:
    shapes = ((17, 13), (13,), (5, 3, 2, 2))
    ours, theirs = _weights(*shapes), _weights(*shapes)
    kind = torch.optim.AdamW if decoupled else torch.optim.Adam
    theirs_optimizer = kind(theirs, lr=RATE, weight_decay=DECAY, fused=True)
    ours_optimizer = FusedAdam([_group(ours)], (0.9, 0.999), 1e-8, decoupled=decoupled)
    pairs = zip(_stepped(ours_optimizer, ours), _stepped(theirs_optimizer, theirs), strict=True)
    assert all(torch.equal(one, other) for one, other in pairs)


@pytest.mark.parametrize("nesterov", [True, False])
def test_muon_of_matrices_is_that_of_pytorch(nesterov: bool) -> None:
    shapes = ((17, 13), (13, 29), (7, 7))
    ours, theirs = _weights(*shapes), _weights(*shapes)
    theirs_optimizer = torch.optim.Muon(
        theirs,
        lr=RATE,
        weight_decay=DECAY,
        momentum=0.9,
        nesterov=nesterov,
        adjust_lr_fn="match_rms_adamw",
    )
    ours_optimizer = Muon([_group(ours)], 0.9, nesterov=nesterov)
    pairs = zip(_stepped(ours_optimizer, ours), _stepped(theirs_optimizer, theirs), strict=True)
    if best_precision(torch.device("cpu"))[0] == "bf16":
        assert all(torch.equal(one, other) for one, other in pairs)
    else:  # PyTorch rounds to bf16 on every machine, we where that is quick
        assert all(torch.allclose(one, other, atol=0.05 * RATE) for one, other in pairs)


def test_a_step_does_not_wait_for_pytorchs_compiler() -> None:
    """It takes more than a second to import, and nothing here is compiled."""
    program = """
import sys, torch
from torch import nn
from fathom.training.optimizers import OptimizerPlan, build_optimizer
for name in ("adam", "adamw", "muon"):
    layer = nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 2))
    plan = OptimizerPlan(name=name)
    optimizer = build_optimizer(dict(layer.named_parameters()), plan, implementation="fused")
    layer(torch.ones(2, 3)).sum().backward()
    optimizer.step()
from fathom.training.throughput import Operations
with Operations() as counted:
    layer(torch.ones(2, 3)).sum().backward()
assert counted.total > 0
from fathom.training import fit
fit(layer, [(torch.ones(2, 3), torch.ones(2, 2))], nn.functional.mse_loss, epochs=1)
print("torch._dynamo" in sys.modules)
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "False"
