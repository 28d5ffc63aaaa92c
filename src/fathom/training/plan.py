"""The numerical plan: everything that the loop needs to know, frozen before the first step."""

from dataclasses import asdict, dataclass, field
from typing import Any

from fathom.base.errors import RecipeError, RunError
from fathom.base.files import plain
from fathom.base.precision import Precision
from fathom.training.averaging import AveragingPlan
from fathom.training.optimizers import OptimizerPlan
from fathom.training.schedules import SchedulePlan


@dataclass(frozen=True, kw_only=True)
class LayerPlan:
    """How a part of the network moves that knows something already.

    Attributes:
        prefix: the dotted name of the part, or of a single parameter.
        factor: on the learning rate.
        begins: the share of all steps after which it begins to move.
    """

    prefix: str
    factor: float = 1.0
    begins: float = 0.0

    def holds(self, name: str) -> bool:
        """Whether a parameter belongs to it."""
        return name == self.prefix or name.startswith(f"{self.prefix}.")


@dataclass(frozen=True, kw_only=True)
class TrainingPlan:
    """How a network is trained, step by step.

    Everything is counted in steps, because steps can be replayed and seconds cannot.

    Attributes:
        num_steps: how many steps at most.
        optimizer: which optimiser, with its options.
        schedule: how the learning rate moves over the steps.
        averaging: average of the weights over the steps, used for checking and kept; None = the
            last weights themselves.
        clip_norm: gradients longer than this are shortened to it; None = never.
        accumulate: a batch is taken in so many pieces, added up before the optimiser steps.
        check_every: steps between two checks (validation, snapshot); 0 = only at the end.
        patience: checks without progress after which training stops; 0 = never.
        precision: what the matrix products are computed in.
        fused: whether one kernel moves all weights, where the optimiser has one.
        layers: parts of the network that move otherwise than the rest.
        seed: where all randomness starts.

    Raises:
        RecipeError: a number out of its range.
    """

    num_steps: int
    optimizer: OptimizerPlan = field(default_factory=OptimizerPlan)
    schedule: SchedulePlan = field(default_factory=SchedulePlan)
    averaging: AveragingPlan | None = None
    clip_norm: float | None = 1.0
    accumulate: int = 1
    check_every: int = 0
    patience: int = 0
    precision: Precision = "fp32"
    fused: bool = False
    layers: tuple[LayerPlan, ...] = ()
    seed: int = 0

    def __post_init__(self) -> None:
        _at_least("num_steps", self.num_steps, 1)
        _at_least("accumulate", self.accumulate, 1)
        _at_least("check_every", self.check_every, 0)
        _at_least("patience", self.patience, 0)
        if self.clip_norm is not None and not self.clip_norm > 0:
            raise _out_of_range("clip_norm", "above 0, or None to clip nothing", self.clip_norm)
        if self.precision not in ("fp32", "bf16"):
            raise _out_of_range("precision", "'fp32' or 'bf16'", self.precision)


def _at_least(name: str, value: int, least: int) -> None:
    if value < least:
        raise _out_of_range(name, f"a whole number, {least} or more", value)


def _out_of_range(name: str, expected: str, got: object) -> RecipeError:
    return RecipeError(
        f"The option '{name}' of the training is out of its range.",
        where=f"training.{name}",
        expected=expected,
        got=str(got),
        do=f"Choose another '{name}', or leave it out.",
    )


def plan_to_dict(plan: TrainingPlan) -> dict[str, Any]:
    """Everything as plain JSON values."""
    return plain(asdict(plan))


def check_same_plan(plan: TrainingPlan, stored: dict[str, Any], where: str) -> None:
    """A training goes on by the plan that it began with.

    Args:
        plan: that of now.
        stored: that of the checkpoint, as `plan_to_dict` gave it.
        where: the folder of the checkpoint.

    Raises:
        RunError: they differ.
    """
    mine = plan_to_dict(plan)
    # What older checkpoints do not say was then as it is unless it is said.
    stored = _filled(stored, plan_to_dict(TrainingPlan(num_steps=1)))
    odd = [name for name in mine if mine[name] != stored.get(name)]
    if odd:
        raise RunError(
            "The checkpoint belongs to another plan.",
            where=where,
            expected=", ".join(f"{name} = {stored.get(name)}" for name in odd),
            got=", ".join(f"{name} = {mine[name]}" for name in odd),
            do="Resume with the plan that the run was started with, or train anew.",
        )


def _filled(stored: dict[str, Any], usual: dict[str, Any]) -> dict[str, Any]:
    told = {
        name: {**usual[name], **value}
        if isinstance(value, dict) and isinstance(usual.get(name), dict)
        else value
        for name, value in stored.items()
    }
    return {**usual, **told}
