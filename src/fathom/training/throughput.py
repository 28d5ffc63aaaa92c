"""How many floating-point operations a step takes, and how many this machine can do."""

import copy
import time
from dataclasses import dataclass
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from fathom.base.precision import Precision
from fathom.base.seeds import seed_global
from fathom.base.tensors import Batch
from fathom.layers.convolution import pictures_apart
from fathom.training.learner import Learner

# Large enough for the units to be full, small enough for some products within the time.
_SIDE = {"cuda": 4096}
_SIDE_ELSEWHERE = 1024
_SECONDS, _MOST = 0.08, 20


@dataclass(frozen=True)
class Work:
    """What a training has to compute, and what the machine could.

    Attributes:
        forward: floating-point operations of matrix products and convolutions in the forward
            pass, for one example.
        backward: those of the backward pass.
        peak: operations that this machine does in a second when it only multiplies large
            matrices, in the precision and with the threads of the training.
    """

    forward: float
    backward: float
    peak: float


def measure_work(learner: Learner, batch: Batch) -> Work | None:
    """Count the operations of a step, and measure what the machine can do.

    The step is taken by copies of network and objective, and generators are put back, so that
    nothing of the training is disturbed. None where copies are refused: a measurement never ends a
    training.

    Args:
        learner: whose step.
        batch: of that step.
    """
    piece = batch.rows(slice(0, max(1, -(-len(batch) // learner.pieces))))
    try:
        forward, backward = _operations(learner, piece)
        peak = matrix_peak(learner.device, learner.plan.precision)
    except Exception:  # noqa: BLE001 modules of others may refuse to be copied in any way
        return None
    return Work(forward / len(piece), backward / len(piece), peak)


def _operations(learner: Learner, batch: Batch) -> tuple[int, int]:
    """Of one forward and one backward pass."""
    devices = [learner.device] if learner.device.type == "cuda" else []
    phase = learner.objective.phase_at(max(0, learner.step - 1))
    with torch.random.fork_rng(devices), Operations() as counted:
        network, objective = copy.deepcopy((learner.network, learner.objective))
        pictures_apart(network)
        seed_global(learner.plan.seed, "operations")
        bf16 = learner.plan.precision == "bf16"
        with torch.autocast(learner.device.type, torch.bfloat16, enabled=bf16):
            loss = objective.loss(network, batch.to(learner.device), phase).mean()
        forward = counted.total
        if loss.requires_grad:
            loss.backward()
        return forward, counted.total - forward


class Operations(TorchDispatchMode):
    """Counts the floating-point operations of what is computed within it, by PyTorch's formulas.

    As PyTorch's `FlopCounterMode` does, but without a tally for each module, for which PyTorch
    imports its compiler: two seconds at the end of every training.

    Example:
        >>> with Operations() as counted:
        ...     _ = torch.ones(3, 5) @ torch.ones(5, 7)
        >>> counted.total
        210
    """

    def __init__(self) -> None:
        super().__init__()
        self.total = 0

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # nothing is compiled here; to say so would import what compiles

    def __torch_dispatch__(
        self,
        func: Any,
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        given = kwargs or {}
        packet = func._overloadpacket
        if packet not in flop_registry and func is not torch.ops.prim.device.default:
            with self:
                found = func.decompose(*args, **given)
            if found is not NotImplemented:
                return found
        found = func(*args, **given)
        if packet in flop_registry:
            self.total += flop_registry[packet](*args, **given, out_val=found)
        return found


def matrix_peak(device: torch.device, precision: Precision) -> float:
    """Floating-point operations a second of a large matrix product, the best of some.

    Args:
        device: where.
        precision: what is multiplied.
    """
    side = _SIDE.get(device.type, _SIDE_ELSEWHERE)
    kind = torch.bfloat16 if precision == "bf16" else torch.float32
    left = torch.full((side, side), 0.5, dtype=kind, device=device)
    best, began = float("inf"), time.perf_counter()
    with torch.no_grad():
        _product(left)  # the first one warms up
        for _ in range(_MOST):
            best = min(best, _product(left))
            if time.perf_counter() - began > _SECONDS:
                break
    return 2 * side**3 / best


def _product(matrix: torch.Tensor) -> float:
    """Seconds of one product; the end of a training is no place where waiting would hurt."""
    if matrix.device.type == "cuda":
        torch.cuda.synchronize()
    began = time.perf_counter()
    torch.mm(matrix, matrix)
    if matrix.device.type == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - began
