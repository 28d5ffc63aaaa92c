"""The learning-rate range test: let the rate climb, and watch where the loss falls and bursts."""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from jaxtyping import Float
from numpy.linalg import norm
from torch import Tensor, nn

from fathom.base.errors import RecipeError, TrainingError
from fathom.objectives.objective import Objective
from fathom.training.asked import check_data, check_network, objective_of
from fathom.training.learner import Learner
from fathom.training.loader import batches_of
from fathom.training.loop import Batches, steps
from fathom.training.plan import TrainingPlan
from fathom.training.schedules import SchedulePlan
from fathom.training.untouched import untouched

Floats = Float[np.ndarray, " steps"]
Matrix = Float[np.ndarray, "steps steps"]

_LEAST_STEPS = 20
# A loss so many times its best one has burst.
_BURST = 4.0
# Share of the running average that is kept from step to step; it decides only when to stop.
_KEPT = 0.9
# A loss that falls by more than this factor is smoothed, and its fall judged, by ratios.
_WIDE = 50.0
# How far a place of the smooth curve looks to either side, as a share of all steps.
_BREADTH = 0.03
# The first share of the steps, whose rates are too small to change the loss.
_QUIET = 0.2
# The fall has begun where this share of it is done; before, slopes are noise.
_BEGUN = 0.1
# A fall is believed from so many standard errors of the smoothed curve on; the lowest of many
# places is two below the middle by chance alone.
_SURE = 4.0


@dataclass(frozen=True)
class RateRange:
    """What a range test found.

    Attributes:
        rates: the learning rate of each step that was taken.
        losses: the loss of each step's batch, before the step was taken.
        smoothed: the losses without the noise of the batches; NaN where a loss is not finite.
        suggested: where the loss falls steepest, to two digits; None when it never fell.
        reason: why, in words.
        before_minimum: a second opinion: a tenth of the rate of the lowest loss.
        burst_at: the rate of the last step before the loss stayed beyond four times its best, or
            was not finite; None when it never burst.
        ended: why the test ended, in words.
    """

    rates: tuple[float, ...]
    losses: tuple[float, ...]
    smoothed: tuple[float, ...]
    suggested: float | None
    reason: str
    before_minimum: float | None
    burst_at: float | None
    ended: str

    def to_dict(self) -> dict[str, Any]:
        """As JSON can hold it."""
        return asdict(self)

    def as_text(self) -> str:
        """What it came to, in two or three lines."""
        if self.suggested is None:
            lines = [f"No learning rate can be suggested: {self.reason}."]
        else:
            lines = [f"Suggested learning rate: {self.suggested:g}; {self.reason}."]
        if self.before_minimum is not None:
            lines.append(
                f"A second opinion: {self.before_minimum:g}, a tenth of where the loss is lowest."
            )
        return "\n".join([*lines, f"The test ended: {self.ended}."])

    def __repr__(self) -> str:
        return f"RateRange of {len(self.rates)} steps\n{self.as_text()}"


def learning_rate_range(
    network: nn.Module,
    data: Batches | Iterable[Any],
    objective: Objective | Callable[..., Tensor],
    *,
    plan: TrainingPlan | None = None,
    low: float = 1e-6,
    high: float = 10.0,
    num_steps: int = 100,
) -> RateRange:
    """Find a learning rate before training: from far too small to far too large in 100 steps.

    The rate of step k is low · (high / low)^(k / (num_steps − 1)). Too small a rate leaves the
    loss where it is, a good one makes it fall, too large a one makes it burst; the place of the
    steepest fall is a rate to begin with. The test ends when a running average of the loss
    exceeds four times its best value, or when the loss is not finite. Network, objective, loader
    and all generators are afterwards as before, bit for bit.

    Args:
        network: what shall be trained, on the device where it is.
        data: as `fit` takes it: a loader of (x, y), any iterable of such tuples that can begin
            anew, or batches of your own. Training data only.
        objective: a loss function of (module(x), y), or an `Objective` of one phase.
        plan: the training that is intended: its optimiser, clipping, accumulation, precision and
            seed are used; its rate, schedule and number of steps are not. None = adamw.
        low: the rate of the first step.
        high: the rate of the last.
        num_steps: how many steps at most.

    Returns:
        Rates, losses, the suggestion and its reason. `fathom.reports.rates` draws them.

    Raises:
        RecipeError: rates or number of steps out of their range, or an objective of several
            phases, whose losses have no common curve.
        TrainingError: the first loss is not finite, or the batches came to an end.

    Source: Smith, "Cyclical learning rates for training neural networks", 2017, section 3.3.

    Example:
        >>> import torch
        >>> x = torch.linspace(-1, 1, 64)[:, None]
        >>> pairs = [(x[place::4], 3 * x[place::4]) for place in range(4)]
        >>> layer = nn.Linear(1, 1)
        >>> plan = TrainingPlan(num_steps=500)
        >>> found = learning_rate_range(layer, pairs, nn.functional.mse_loss, plan=plan)
        >>> found.suggested is not None and 1e-4 < found.suggested < 1
        True
    """
    _check_range(low, high, num_steps)
    used = plan or TrainingPlan(num_steps=num_steps)
    check_network(network)
    check_data(data)
    learns = objective_of(objective)
    _check_phases(learns)
    batches = batches_of(data, used.seed, unlabelled=learns.unlabelled)
    rates = np.geomspace(low, high, num_steps)
    with untouched(batches, network, learns):
        losses, ended = _climb(network, batches, learns, _climbing(used, rates), rates)
    return judge(rates[: len(losses)].tolist(), losses, ended, num_steps)


def _check_phases(objective: Objective) -> None:
    if len(objective.phases) > 1:
        raise RecipeError(
            "A range test needs an objective of a single phase.",
            where=type(objective).__name__,
            expected="one loss, whose fall can be followed",
            got=f"{len(objective.phases)} phases",
            do="Test the phases one by one, each as an objective of its own.",
        )


def _check_range(low: float, high: float, num_steps: int) -> None:
    if not 0 < low < high < math.inf:
        raise RecipeError(
            "The rates of a range test are out of their range.",
            expected="0 < low < high, both finite",
            got=f"low = {low:g}, high = {high:g}",
            do="Leave both out, or choose low = 1e-6 and high = 10.",
        )
    if num_steps < _LEAST_STEPS:
        raise RecipeError(
            "A range test has too few steps.",
            expected=f"num_steps of {_LEAST_STEPS} or more, so that there is a curve to judge",
            got=f"num_steps = {num_steps}",
            do="Leave num_steps out; the usual 100 take seconds.",
        )


def _climbing(plan: TrainingPlan, rates: Floats) -> TrainingPlan:
    """The plan with the first rate throughout; the loop multiplies it."""
    return replace(
        plan,
        num_steps=len(rates),
        optimizer=replace(plan.optimizer, learning_rate=float(rates[0])),
        schedule=SchedulePlan(name="constant"),
        averaging=None,
        check_every=0,
        patience=0,
    )


def _climb(
    network: nn.Module, batches: Batches, objective: Objective, plan: TrainingPlan, rates: Floats
) -> tuple[list[float], str]:
    """The losses of the steps, and why there are no more of them."""
    learner = Learner(network, objective, plan)
    stream = steps(learner, batches)
    losses: list[float] = []
    running = _Running()
    for place, rate in enumerate(rates):
        learner.rate_scale = float(rate / rates[0])
        losses.append(next(stream).loss.item())
        if not math.isfinite(losses[-1]):
            if place == 0:
                raise _never_finite(network, losses[0])
            return losses, "the loss was not finite any more"
        running.add(losses[-1])
        if running.average > running.allowed:
            return losses, "the loss had grown to more than four times its best value"
    return losses, "the highest rate was reached"


def _never_finite(network: nn.Module, loss: float) -> TrainingError:
    return TrainingError(
        "The loss is not finite before the first step, so no rate can be at fault.",
        where=type(network).__name__,
        expected="a finite loss on the first batch",
        got=str(loss),
        do="Look for NaN or infinite values in inputs and targets, and for divisions and "
        "logarithms of zero in the loss.",
    )


class _Running:
    """A running average of the losses so far, its best value, and what follows from it.

    Divided by the sum of its weights, so that it does not lean towards nought in its first steps.
    """

    def __init__(self) -> None:
        self.total, self.weight, self.count = 0.0, 0.0, 0
        self.first, self.best = math.inf, math.inf

    def add(self, loss: float) -> None:
        """Take in one loss."""
        self.total = _KEPT * self.total + (1 - _KEPT) * loss
        self.weight = _KEPT * self.weight + (1 - _KEPT)
        self.count += 1
        # Before the average has seen some batches, its noise would look like a burst.
        if self.count >= 1 / (1 - _KEPT):
            self.first = self.average if math.isinf(self.first) else self.first
            self.best = min(self.best, self.average)

    @property
    def average(self) -> float:
        return self.total / self.weight

    @property
    def allowed(self) -> float:
        """What a loss may reach; infinite before anything is known."""
        return most_allowed(self.first, self.best)


def most_allowed(first: float, best: float) -> float:
    """What a loss may reach: four times the best; of losses that may be negative, as much above
    the best as four times its size or the distance that it fell.

    Example:
        >>> most_allowed(2.0, 0.5), most_allowed(1.0, -3.0)
        (2.0, 13.0)
    """
    return _BURST * best if best > 0 else best + _BURST * max(first - best, abs(best))


def judge(rates: Sequence[float], losses: Sequence[float], ended: str, num_steps: int) -> RateRange:
    """Smooth the losses and find the steepest fall.

    Args:
        rates: of the steps, each the same multiple of the one before.
        losses: of the steps; the last may be NaN or infinite.
        ended: why there are no more.
        num_steps: how many steps were planned; sets how much is smoothed.
    """
    finite = np.array([loss for loss in losses if math.isfinite(loss)])
    running = _Running()
    for loss in finite.tolist():
        running.add(loss)
    last = int(np.flatnonzero(finite <= running.allowed)[-1])
    burst_at = None if last == len(losses) - 1 else float(rates[last])
    # One burst loss would outweigh all its neighbours.
    held = np.where(np.arange(len(finite)) > last, running.allowed, finite)
    heights, slopes = _smoothers(len(finite), max(1.0, _BREADTH * num_steps))
    level = heights @ held
    by_ratios = bool(held.min() > 0 and level.min() > 0 and level.max() > _WIDE * level.min())
    if by_ratios:
        held = np.log(held)
        level = heights @ held
    shown = np.exp(level) if by_ratios else level
    smoothed = (*shown.tolist(), *[math.nan] * (len(losses) - len(finite)))
    common = (tuple(rates), tuple(losses), smoothed)
    # At first the rates are too small for anything to happen.
    quiet = max(1, round(_QUIET * num_steps))
    start = float(np.median(held[:quiet]))
    lowest = int(level.argmin())
    fall = start - float(level[lowest])
    if lowest < quiet or fall <= _SURE * _noise(held[: lowest + 1]) * norm(heights[lowest]):
        reason = "the loss never fell by more than the noise between batches; more steps may tell"
        return RateRange(*common, None, reason, None, burst_at, ended)
    before = np.flatnonzero(level[:lowest] >= start - _BEGUN * fall)
    begin = int(before[-1]) if len(before) else 0
    steepest = begin + int((slopes @ held)[begin : lowest + 1].argmin())
    top = math.exp(start) if by_ratios else start
    reason = (
        f"there the loss falls steepest on its way from {top:.3g} down to "
        f"{shown[lowest]:.3g} at a rate of {rates[lowest]:.2g}"
    )
    second = _two_digits(rates[lowest] / 10)
    return RateRange(*common, _two_digits(rates[steepest]), reason, second, burst_at, ended)


def _noise(losses: Floats) -> float:
    """Standard deviation of the losses of batches; their slow fall hardly counts."""
    return float(np.diff(losses).std() / math.sqrt(2)) if len(losses) > 1 else 0.0


def _two_digits(rate: float) -> float:
    """More digits would pretend to know more."""
    return float(f"{rate:.1e}")


def _smoothers(num: int, width: float) -> tuple[Matrix, Matrix]:
    """Matrices that give height and slope of a straight line fitted around each place.

    Nearer neighbours count more, as the normal density of this width. Looking both ways, the line
    does not lag behind as a running average does, and at the ends it does not lean inwards as a
    weighted mean does.
    """
    place = np.arange(num, dtype=float)
    away = place[None, :] - place[:, None]
    weight = np.exp(-0.5 * (away / width) ** 2)
    count, first, second = (weight.sum(1), (weight * away).sum(1), (weight * away**2).sum(1))
    if num == 1:
        return np.ones((1, 1)), np.zeros((1, 1))
    spread = (count * second - first**2)[:, None]
    heights = weight * (second[:, None] - first[:, None] * away) / spread
    return heights, weight * (count[:, None] * away - first[:, None]) / spread
