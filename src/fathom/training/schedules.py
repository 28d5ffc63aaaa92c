"""Learning-rate schedules by name: pure functions of the step, so that nothing must be stored.

| word | the learning rate | when |
|---|---|---|
| constant | stays | looking around; together with weight averaging |
| linear | falls evenly | short trainings, fine-tuning |
| cosine | falls slowly, fast, slowly | the plain choice |
| one_cycle | climbs for a third, then falls | few epochs at a high learning rate |
| step | drops to a tenth a few times | pictures, the classical recipe |
| exponential | falls by the same share at each step | a smooth version of step |
| inverse_sqrt | falls like 1/√step | transformers of unknown training length |
| coslog4 | swings between 0 and 1 four times, each swing longer | tables |
| warmup_stable_decay | stays, then falls at the end | when the end is moved later |

All may begin with a warm-up, a straight climb from near 0: large first steps spoil optimisers
that still know nothing about the gradients.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass

from fathom.base.errors import RecipeError, listed, nearest


@dataclass(frozen=True)
class NamedSchedule:
    """One schedule of the course.

    Attributes:
        shape: (progress after the warm-up from 0 to 1, settings) -> factor.
        options: the options of a plan that it uses, with their usual values.
        sentence: what it does and when to use it, for a newcomer.
        climbs: True when the shape holds its own warm-up.
    """

    shape: Callable[[float, Mapping[str, float]], float]
    options: dict[str, float]
    sentence: str
    climbs: bool = False


_WHERE = "the schedule of the learning rate"


@dataclass(frozen=True, kw_only=True)
class SchedulePlan:
    """Which schedule, with which options.

    An option left at None takes the usual value of `SCHEDULES`; one that the chosen schedule does
    not use is an error.

    Attributes:
        name: a word of `SCHEDULES`.
        warmup_share: share of all steps for the climb at the start.
        start_share: factor at the first step of one_cycle.
        final_share: factor at the end.
        num_cycles: how often cosine starts anew, or coslog4 swings.
        num_drops: how often step drops.
        drop_factor: what step multiplies by at a drop.
        decay_share: share of all steps for the fall of warmup_stable_decay.

    Raises:
        RecipeError: an unknown name, an option not used or out of its range.

    Source: cosine: Loshchilov and Hutter 2017; one_cycle: Smith and Topin 2018; inverse_sqrt:
        Vaswani et al. 2017; coslog4: Holzmüller, Grinsztajn, Steinwart 2024 (RealMLP);
        warmup_stable_decay: Hu et al. 2024 (MiniCPM).

    Example:
        >>> SchedulePlan(name="cosine", final_share=0.1).settings()
        {'warmup_share': 0.0, 'final_share': 0.1, 'num_cycles': 1}
    """

    name: str = "cosine"
    warmup_share: float | None = None
    start_share: float | None = None
    final_share: float | None = None
    num_cycles: int | None = None
    num_drops: int | None = None
    drop_factor: float | None = None
    decay_share: float | None = None

    def __post_init__(self) -> None:
        if self.name not in SCHEDULES:
            raise RecipeError(
                f"There is no schedule '{self.name}'.",
                where=_WHERE,
                expected=f"one of {listed(SCHEDULES, most=20)}",
                got=f"'{self.name}'",
                do=nearest(str(self.name).lower(), SCHEDULES) or "Choose one of the words above.",
            )
        used = SCHEDULES[self.name].options
        for option, value in asdict(self).items():
            if option != "name" and value is not None and option not in used:
                users = [word for word, named in SCHEDULES.items() if option in named.options]
                raise RecipeError(
                    f"The schedule '{self.name}' does not use the option '{option}'.",
                    where=_WHERE,
                    expected=f"'{option}' with {listed(users, most=20)} only",
                    got=f"{option} = {value}",
                    do=f"Leave '{option}' out, or choose another schedule.",
                )
        _check_ranges(self.name, self.settings())

    def settings(self) -> dict[str, float]:
        """The options that the schedule uses, the usual values filled in."""
        options = SCHEDULES[self.name].options
        given = {key: value for key, value in vars(self).items() if key in options}
        return {**options, **{key: value for key, value in given.items() if value is not None}}


def factor(step: int, num_steps: int, plan: SchedulePlan) -> float:
    """What the learning rate is multiplied by in a step.

    Args:
        step: 0 for the first; `num_steps` gives the value that the schedule ends at, which no
            step uses. Later steps stay there.
        num_steps: how many steps the whole training has.
        plan: which schedule.

    Raises:
        RecipeError: a training without steps, or a step before the first.

    Example:
        >>> plan = SchedulePlan(name="linear", warmup_share=0.5)
        >>> [factor(step, 8, plan) for step in range(9)]
        [0.25, 0.5, 0.75, 1.0, 1.0, 0.75, 0.5, 0.25, 0.0]
    """
    if num_steps < 1 or step < 0:
        raise RecipeError(
            "A schedule needs at least one step, and steps count from 0.",
            expected="a step from 0 on, of 1 or more",
            got=f"step {step} of {num_steps}",
            do="Check the number of steps.",
        )
    used, named = plan.settings(), SCHEDULES[plan.name]
    num_warmup = 0 if named.climbs else round(used.get("warmup_share", 0.0) * num_steps)
    if step < num_warmup:
        return (step + 1) / num_warmup
    progress = (step - num_warmup) / max(num_steps - num_warmup, 1)
    return named.shape(min(progress, 1.0), used)


def _constant(progress: float, used: Mapping[str, float]) -> float:
    return 1.0


def _linear(progress: float, used: Mapping[str, float]) -> float:
    return 1 - (1 - used["final_share"]) * progress


def _cosine(progress: float, used: Mapping[str, float]) -> float:
    swept = progress * used["num_cycles"]
    inside = swept - min(math.floor(swept), used["num_cycles"] - 1)
    return _glide(1.0, used["final_share"], inside)


def _one_cycle(progress: float, used: Mapping[str, float]) -> float:
    top = used["warmup_share"]
    if progress < top:
        return _glide(used["start_share"], 1.0, progress / top)
    return _glide(1.0, used["final_share"], (progress - top) / (1 - top))


def _step(progress: float, used: Mapping[str, float]) -> float:
    # A hair more, so that rounding does not put a drop off by a step.
    num_past = math.floor(progress * (used["num_drops"] + 1) + 1e-9)
    return used["drop_factor"] ** min(num_past, used["num_drops"])


def _exponential(progress: float, used: Mapping[str, float]) -> float:
    return used["final_share"] ** progress


def _inverse_sqrt(progress: float, used: Mapping[str, float]) -> float:
    start = used["warmup_share"]
    return math.sqrt(start / (start + progress * (1 - start)))


def _coslog(progress: float, used: Mapping[str, float]) -> float:
    swept = math.log2(1 + (2 ** used["num_cycles"] - 1) * progress)
    return 0.5 * (1 - math.cos(2 * math.pi * swept))


def _stable_decay(progress: float, used: Mapping[str, float]) -> float:
    falling = used["decay_share"] / (1 - used["warmup_share"])
    left = min((1 - progress) / falling, 1.0)
    return used["final_share"] + (1 - used["final_share"]) * left


def _glide(begin: float, end: float, share: float) -> float:
    """From one value to another along half a cosine."""
    return end + (begin - end) * 0.5 * (1 + math.cos(math.pi * share))


SCHEDULES: dict[str, NamedSchedule] = {
    "constant": NamedSchedule(
        _constant, {"warmup_share": 0.0}, "Stays; for looking around, or with weight averaging."
    ),
    "linear": NamedSchedule(
        _linear,
        {"warmup_share": 0.0, "final_share": 0.0},
        "Falls evenly to the end; for short trainings and fine-tuning.",
    ),
    "cosine": NamedSchedule(
        _cosine,
        {"warmup_share": 0.0, "final_share": 0.0, "num_cycles": 1},
        "Falls slowly, fast, slowly; the plain choice. Several cycles start anew each time.",
    ),
    "one_cycle": NamedSchedule(
        _one_cycle,
        {"warmup_share": 0.3, "start_share": 0.04, "final_share": 0.0},
        "Climbs, then falls to the end; for few epochs at a high learning rate.",
        climbs=True,
    ),
    "step": NamedSchedule(
        _step,
        {"warmup_share": 0.0, "num_drops": 2, "drop_factor": 0.1},
        "Drops to a tenth at even distances; the classical recipe for pictures.",
    ),
    "exponential": NamedSchedule(
        _exponential,
        {"warmup_share": 0.0, "final_share": 0.01},
        "Falls by the same share at each step; a smooth version of step.",
    ),
    "inverse_sqrt": NamedSchedule(
        _inverse_sqrt,
        {"warmup_share": 0.1},
        "Climbs, then falls like one over the root of the step; for transformers.",
    ),
    "coslog4": NamedSchedule(
        _coslog,
        {"num_cycles": 4},
        "Swings from 0 to 1 and back, each swing longer; found good for tables.",
        climbs=True,
    ),
    "warmup_stable_decay": NamedSchedule(
        _stable_decay,
        {"warmup_share": 0.05, "decay_share": 0.2, "final_share": 0.0},
        "Climbs, stays, falls at the end; when the end may be moved later.",
    ),
}


def _check_ranges(name: str, used: Mapping[str, float]) -> None:
    for option, value in used.items():
        if option.startswith("num_"):
            fits = value >= 1 and value == int(value)
            _refuse(fits, option, value, "a whole number from 1 on")
        else:
            _refuse(0 <= value <= 1, option, value, "a number from 0 to 1")
    _refuse(used.get("warmup_share", 0) < 1, "warmup_share", 1, "a number below 1")
    if name in ("inverse_sqrt", "one_cycle"):
        share = used["warmup_share"]
        _refuse(share > 0, "warmup_share", share, f"a number above 0, for '{name}'")
    if name == "exponential":
        final = used["final_share"]
        _refuse(final > 0, "final_share", final, f"a number above 0, for '{name}'")
    if name == "warmup_stable_decay":
        share, both = used["decay_share"], used["decay_share"] + used["warmup_share"]
        _refuse(share > 0, "decay_share", share, f"a number above 0, for '{name}'")
        _refuse(both <= 1, "decay_share", share, "at most 1 together with 'warmup_share'")


def _refuse(fits: bool, option: str, value: float, expected: str) -> None:
    if not fits:
        raise RecipeError(
            f"The option '{option}' of the schedule is out of its range.",
            where=_WHERE,
            expected=expected,
            got=str(value),
            do=f"Choose another '{option}', or leave it out.",
        )
