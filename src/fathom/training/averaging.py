"""Averages of the weights over the steps: calmer, often better than the last weights.

| word | the average holds | when |
|---|---|---|
| none | the last weights | schedules that fall to 0 do the calming themselves |
| ema | recent weights, older ones fading | any training; half_life says how fast |
| tail | the last part of the training, all steps alike | constant or cyclic schedules |

The weight of each step follows from its number alone, so a resumed run needs nothing but the
averaged tensors.
"""

# PyTorch offers its fast operations on lists of tensors under private names only.
# pyright: reportPrivateImportUsage=false

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor

from fathom.base.errors import RecipeError, RunError, listed, nearest

AVERAGES: dict[str, str] = {
    "none": "The last weights; enough when the learning rate falls to 0.",
    "ema": "Recent weights count most and older ones fade; a calm model at any moment.",
    "tail": "All weights of the last part of the training alike; with constant learning rates.",
}

_OPTIONS = {"decay": "ema", "half_life": "ema", "tail_share": "tail"}


@dataclass(frozen=True, kw_only=True)
class AveragingPlan:
    """Which average of the weights.

    Attributes:
        name: a word of `AVERAGES`.
        decay: ema: share of the average kept at each step; 0.999 if neither is given.
        half_life: ema: after how many steps a step counts half; instead of decay.
        tail_share: tail: the last share of all steps that is averaged; 0.25 if not given.

    Raises:
        RecipeError: an unknown name, an option not used or out of its range, decay and half_life
            together.

    Source: Polyak and Juditsky 1992 (averaging); Izmailov et al. 2018 (SWA, here: tail); Kingma
        and Ba 2015, section 7.2 (the corrected ema).

    Example:
        >>> plan = AveragingPlan(name="ema", half_life=10)
        >>> round(plan.decay_used() ** 10, 6)
        0.5
    """

    name: str = "ema"
    decay: float | None = None
    half_life: float | None = None
    tail_share: float | None = None

    def __post_init__(self) -> None:
        if self.name not in AVERAGES:
            raise RecipeError(
                f"There is no average of weights '{self.name}'.",
                expected=f"one of {listed(AVERAGES)}",
                got=f"'{self.name}'",
                do=nearest(str(self.name).lower(), AVERAGES) or "Choose one of the words above.",
            )
        given = {"decay": self.decay, "half_life": self.half_life, "tail_share": self.tail_share}
        given = {option: value for option, value in given.items() if value is not None}
        for option, value in given.items():
            if self.name != _OPTIONS[option]:
                raise RecipeError(
                    f"The average '{self.name}' does not use the option '{option}'.",
                    expected=f"'{option}' with '{_OPTIONS[option]}' only",
                    got=f"{option} = {value}",
                    do=f"Leave '{option}' out, or choose '{_OPTIONS[option]}'.",
                )
        if "decay" in given and "half_life" in given:
            raise RecipeError(
                "The average 'ema' was given both 'decay' and 'half_life'.",
                expected="one of the two",
                got=f"decay = {self.decay}, half_life = {self.half_life}",
                do="Leave one out; half_life is the easier to imagine.",
            )
        _check_ranges(given)

    def decay_used(self) -> float:
        """The decay of ema, from the half-life where that was given."""
        if self.half_life is not None:
            return 0.5 ** (1 / self.half_life)
        return 0.999 if self.decay is None else self.decay

    def start(self, num_steps: int) -> int:
        """After how many steps the average begins; tail averages at least the last step."""
        if self.name != "tail":
            return 0
        share = 0.25 if self.tail_share is None else self.tail_share
        return num_steps - max(round(share * num_steps), 1)

    def weight(self, step: int, num_steps: int) -> float:
        """How far the average moves towards the weights after a step: a ← a + weight · (w − a).

        For ema this is (1 − d) / (1 − d^t) after the t-th step, which makes the average free of
        the pull towards its beginning; for tail it is one over the number of steps averaged. Up
        to the first step that counts it is 1: the average is then the weights themselves.

        Args:
            step: how many steps have been taken, 1 after the first.
            num_steps: how many the whole training has.
        """
        count = step - self.start(num_steps)
        if self.name == "none" or count <= 1:
            return 1.0
        if self.name == "tail":
            return 1 / count
        decay = self.decay_used()
        return (1 - decay) / -math.expm1(count * math.log(decay)) if decay > 0 else 1.0


def _check_ranges(given: Mapping[str, float]) -> None:
    fits = {
        "decay": (lambda value: 0 <= value < 1, "a number from 0 to below 1"),
        "half_life": (lambda value: 0 < value < math.inf, "a number of steps above 0"),
        "tail_share": (lambda value: 0 < value <= 1, "a number above 0, at most 1"),
    }
    for option, value in given.items():
        inside, expected = fits[option]
        if not inside(value):
            raise RecipeError(
                f"The option '{option}' of the average is out of its range.",
                expected=expected,
                got=str(value),
                do=f"Choose another '{option}', or leave it out.",
            )


def build_average(
    tensors: Mapping[str, Tensor], plan: AveragingPlan, num_steps: int
) -> "WeightAverage":
    """The average of a plan for some tensors, as they are before the first step.

    Args:
        tensors: name -> weights; copied.
        plan: which average.
        num_steps: how many steps the whole training has; tail begins by it.

    Example:
        >>> weights = {"w": torch.tensor([0.0])}
        >>> average = build_average(weights, AveragingPlan(name="tail", tail_share=0.5), 4)
        >>> for step in (1, 2, 3, 4):
        ...     weights["w"] += 1
        ...     average.update(weights, step)
        >>> average.tensors()["w"]
        tensor([3.5000])
    """
    kept = {
        name: value.detach().to(_kept_type(value.dtype), copy=True)
        for name, value in tensors.items()
    }
    types = {name: value.dtype for name, value in tensors.items()}
    return WeightAverage(kept, types, plan, num_steps)


class WeightAverage:
    """A running average of some tensors, kept in fp32 or better, updated in place.

    Tensors of whole numbers (counters) are not averaged: the last value is taken.

    Args:
        kept: name -> where the average lives.
        types: name -> type of the weights themselves.
        plan: which average.
        num_steps: how many steps the whole training has.
    """

    def __init__(
        self,
        kept: dict[str, Tensor],
        types: dict[str, torch.dtype],
        plan: AveragingPlan,
        num_steps: int,
    ) -> None:
        self.plan, self.num_steps = plan, num_steps
        self._kept, self._types = kept, types

    @torch.no_grad()
    def update(self, tensors: Mapping[str, Tensor], step: int) -> None:
        """Take in the weights after a step; call once after each step, in order.

        Args:
            tensors: the same names and shapes as at the beginning.
            step: how many steps have been taken, 1 after the first.
        """
        weight = self.plan.weight(step, self.num_steps)
        by_type: dict[torch.dtype, list[str]] = {}
        for name, kept in self._kept.items():
            by_type.setdefault(kept.dtype, []).append(name)
        for dtype, names in by_type.items():
            kept = [self._kept[name] for name in names]
            if weight == 1.0 or not dtype.is_floating_point:
                torch._foreach_copy_(kept, [tensors[name].detach() for name in names])
            else:
                torch._foreach_lerp_(kept, [tensors[name].to(dtype) for name in names], weight)

    def tensors(self) -> dict[str, Tensor]:
        """The averaged weights in the types of the weights themselves.

        Those already in fp32 are the kept tensors, not copies: the next update changes them.
        """
        return {name: kept.to(self._types[name]) for name, kept in self._kept.items()}

    @contextmanager
    def applied(self, tensors: Mapping[str, Tensor]) -> Iterator[None]:
        """Within the block the given weights hold the average; after it their own bits again.

        Args:
            tensors: the weights that learn; changed in place and put back.
        """
        live = [tensors[name].detach() for name in self._kept]
        own = [tensor.clone() for tensor in live]
        with torch.no_grad():
            torch._foreach_copy_(live, list(self._kept.values()))
        try:
            yield
        finally:
            with torch.no_grad():
                torch._foreach_copy_(live, own)

    def state_dict(self) -> dict[str, Tensor]:
        """All there is to store; the tensors themselves, not copies."""
        return dict(self._kept)

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Take up what `state_dict` gave; the tensors are copied.

        Raises:
            RunError: the state belongs to other tensors.
        """
        shapes = {name: value.shape for name, value in state.items()}
        wanted = {name: value.shape for name, value in self._kept.items()}
        if shapes != wanted:
            odd = [
                name
                for name in [*wanted, *(key for key in shapes if key not in wanted)]
                if shapes.get(name) != wanted.get(name)
            ]
            raise RunError(
                "The averaged weights do not fit the network.",
                expected=f"{len(wanted)} tensors with the names and shapes of the network's",
                got=f"differences in {listed(odd, most=3)}",
                do="Resume with the recipe that the run was started with.",
            )
        with torch.no_grad():
            for name, kept in self._kept.items():
                kept.copy_(state[name])


def _kept_type(dtype: torch.dtype) -> torch.dtype:
    return torch.promote_types(dtype, torch.float32) if dtype.is_floating_point else dtype
