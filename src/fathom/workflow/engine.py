"""How the machine goes about a training: what changes its speed and only the rounding."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import nn

from fathom.base.errors import RecipeError
from fathom.base.precision import Precision, best_precision
from fathom.training.records import Validate
from fathom.workflow.decider import Circumstances, Decider
from fathom.workflow.pictures import NO_PICTURE

_LONGEST = 200
_HAVE_FUSED = ("adam", "adamw", "muon")


@dataclass(frozen=True, kw_only=True)
class Engine:
    """What the plan of a training takes from here.

    Attributes:
        precision: what matrix products are computed in.
        fused: whether one kernel moves the weights.
    """

    precision: Precision
    fused: bool


def decide_engine(decide: Decider, facts: Circumstances, optimizer: str) -> Engine:
    """What is switched on, and why.

    None of it is measured when a training begins: seconds differ from one time to the next, and
    the same seed would not give the same bits. `fathom plan --speed` measures on demand.
    """
    precision = decide("training.precision", *best_precision(facts.device))
    decide.where(
        facts.inputs.get("image", 0) > 0,
        "training.memory_format",
        "channels_last",
        "convolutions took a quarter less time so",
        NO_PICTURE,
    )
    fused = decide.where(
        optimizer in _HAVE_FUSED,
        "training.fused",
        True,
        "one kernel in place of several for each tensor",
        f"the optimiser is '{optimizer}'",
    )
    late = "compiling took longer than it spared in trainings of minutes"
    decide("training.compile", False, late)
    return Engine(precision=precision, fused=bool(fused))


def check_compiler() -> None:
    """Compile something small, so that what is missing is told before the training.

    Raises:
        RecipeError: this machine cannot compile.
    """
    try:
        torch.compile(_tiny, dynamic=False)(torch.ones(3))
    except Exception as error:  # compilers fail in ways of their own
        raise RecipeError(
            "PyTorch cannot compile on this machine.",
            where="training.compile",
            expected="a C++ compiler (g++ or clang++), and Triton for a GPU",
            got=(str(error).splitlines() or [type(error).__name__])[0],
            do="Install one, or leave training.compile out.",
        ) from error


def _tiny(x: torch.Tensor) -> torch.Tensor:
    return torch.sin(x) + 1


@contextmanager
def compiling_told() -> Iterator[None]:
    """What a compiler says of a network that it cannot compile, in four beats and not in pages.

    Raises:
        RecipeError: in place of the compiler's own errors.
    """
    try:
        yield
    except Exception as error:
        if type(error).__module__.partition("._")[2].split(".")[0] not in ("dynamo", "inductor"):
            raise
        raise RecipeError(
            "PyTorch could not compile the network.",
            where="training.compile",
            expected="a program for its layers",
            got=(str(error).splitlines() or [type(error).__name__])[0][:_LONGEST],
            do="Leave training.compile out.",
        ) from error


def uncompiled(validate: Validate) -> Validate:
    """Checks that run compiled networks as they were written.

    They see batches of other sizes than steps: a program for each would cost more than it spares.
    """

    def check(network: nn.Module) -> dict[str, float]:
        with torch.compiler.set_stance("force_eager"):
            return validate(network)

    return check
