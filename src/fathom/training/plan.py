"""The numerical plan: everything that the loop needs to know, frozen before the first step."""

from dataclasses import dataclass, field
from typing import Literal

import torch

from fathom.training.averaging import AveragingPlan
from fathom.training.optimizers import OptimizerPlan
from fathom.training.schedules import SchedulePlan

Precision = Literal["fp32", "bf16"]


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
        seed: where all randomness starts.
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
    seed: int = 0


def best_precision(device: torch.device) -> tuple[Precision, str]:
    """bf16 where the hardware multiplies matrices in it, and the reason.

    Example:
        >>> best_precision(torch.device("cpu"))[0] in ("fp32", "bf16")
        True
    """
    if device.type == "cuda":
        if torch.cuda.is_bf16_supported():
            return "bf16", "this GPU multiplies bf16 matrices in hardware"
        return "fp32", "this GPU has no bf16 units"
    if device.type == "cpu" and _cpu_multiplies_bf16():
        return "bf16", "this processor multiplies bf16 matrices in hardware"
    return "fp32", "this processor has no bf16 matrix units"


def _cpu_multiplies_bf16() -> bool:
    return "avx512_bf16" in torch.backends.cpu.get_cpu_capability().lower() or bool(
        torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
    )
