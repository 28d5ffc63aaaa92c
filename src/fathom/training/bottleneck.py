"""What held a training up, decided from figures and said in one sentence."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from fathom.training.throughput import Work
from fathom.training.timing import Spent

Kind = Literal[
    "data",
    "checks",
    "saving",
    "compiling",
    "optimizer",
    "small_steps",
    "busy",
    "forward",
    "backward",
    "compute",
]

# What takes a quarter of the time makes the whole a third slower: worth a sentence. Below that the
# network itself is what one has to look at.
_LARGE = 0.25
# Part of a step itself, and some optimisers (muon) buy fewer steps with it: named when it comes
# near to what it serves.
_LARGE_OPTIMIZER = 0.4
# A large matrix product on all units is 1. Half of that is what good programs reach with a real
# network, where sums, bends and copies stand between the products.
_BUSY = 0.5
# Starting an operation takes some 5 microseconds, and a small network has hundreds of them: in
# steps below this they are a good part of it.
_SMALL_STEP = 0.003
# A backward pass takes about twice a forward pass. Beyond these ratios one of the two is odd.
_ODD_FORWARD, _ODD_BACKWARD = 2.0, 6.0


@dataclass(frozen=True)
class Bottleneck:
    """What held a training up.

    Attributes:
        kind: its name.
        share: of the training's time.
        words: the fact with its figures, as the beginning of a sentence.
    """

    kind: Kind
    share: float
    words: str

    def sentence(self, remedies: Mapping[str, str]) -> str:
        """The fact, and what would help where something does.

        Args:
            remedies: kind -> what to do; "" or absent = nothing.

        Example:
            >>> found = Bottleneck("checks", 0.5, "Checks took 50 % of the training (2 s)")
            >>> found.sentence({"checks": "check less often"})
            'Checks took 50 % of the training (2 s); check less often.'
        """
        remedy = remedies.get(self.kind, "")
        return f"{self.words}; {remedy}." if remedy else f"{self.words}."


FOR_ONES_OWN: dict[str, str] = {
    "data": "a DataLoader with num_workers loads while the network learns, and what fits into "
    "memory is best held there as tensors",
    "checks": "a larger check_every in the plan, or fewer validation rows, would be quicker",
    "saving": "a larger check_every in the plan would be quicker",
    "compiling": "a network that is not compiled begins at once",
    "optimizer": "larger batches take fewer steps",
    "small_steps": "larger batches take fewer steps",
    "busy": "a smaller network or fewer steps would be quicker",
    "compute": "a smaller network or fewer steps would be quicker",
    "forward": "look at what network and loss do beside matrix products",
    "backward": "look at what network and loss do beside matrix products",
}
"""What helps who trains a module of their own with `fit`."""


def bottleneck(spent: Spent, work: Work | None = None) -> Bottleneck | None:
    """What held a training up; None where no step was taken.

    Args:
        spent: its seconds by part.
        work: what it had to compute, if that was measured.

    Example:
        >>> slow = Spent({"data": 6.0, "forward": 1.0, "backward": 2.0}, 100, 3200)
        >>> bottleneck(slow).kind, bottleneck(slow).words
        ('data', 'Waiting for data took 67 % of the training (60 ms a step)')
    """
    if not spent.steps or not spent.total:
        return None
    avoidable = {"optimizer": _LARGE_OPTIMIZER}
    avoidable |= dict.fromkeys(("data", "checks", "saving", "compiling"), _LARGE)
    large = [part for part, least in avoidable.items() if spent.share(part) >= least]
    if large:
        return _avoidable(max(large, key=spent.share), spent)
    return _computing(spent, work)


def _avoidable(part: str, spent: Spent) -> Bottleneck:
    share, seconds = spent.share(part), spent.seconds[part]
    kinds: dict[str, tuple[Kind, str, str]] = {
        "data": ("data", "Waiting for data", _each(seconds, spent)),
        "checks": ("checks", "Checks", f"{_rounded(seconds)} s"),
        "saving": ("saving", "Checkpoints and writing", f"{_rounded(seconds)} s"),
        "compiling": ("compiling", "Compiling", f"{_rounded(seconds)} s"),
        "optimizer": ("optimizer", "The optimiser", _each(seconds, spent)),
    }
    kind, what, amount = kinds[part]
    return Bottleneck(kind, share, f"{what} took {percent(share)} of the training ({amount})")


def _computing(spent: Spent, work: Work | None) -> Bottleneck:
    """No other part is large: it is the network, or the way to it."""
    share, reached = spent.share("forward", "backward"), share_of_peak(spent, work)
    peak = "" if reached is None else f", {percent(reached)} of this machine's peak"
    if reached is not None and reached > 1:
        # Machines that are shared change their speed by a factor of two within minutes.
        words = (
            f"Forward and backward pass, {percent(share)} of the training, computed faster than "
            "large matrix products alone did after it, when the machine was slower"
        )
        return Bottleneck("busy", share, words)
    if reached is not None and reached >= _BUSY:
        words = (
            f"The matrix units did {percent(reached)} of what they can on this machine in forward "
            f"and backward pass, {percent(share)} of the training"
        )
        return Bottleneck("busy", share, words)
    steps = 1 - spent.share("checks", "saving", "compiling")
    each = steps * spent.total / spent.steps
    if each < _SMALL_STEP:
        words = (
            f"The steps are small ({_rounded(1000 * each)} ms{peak}): starting operations takes a "
            "good part of them"
        )
        return Bottleneck("small_steps", steps, words)
    return _network(spent, peak)


def _network(spent: Spent, peak: str) -> Bottleneck:
    forward, backward = (spent.seconds.get(part, 0.0) for part in ("forward", "backward"))
    kind: Kind = "compute"
    what, seconds = "Forward and backward pass", forward + backward
    if forward > _ODD_FORWARD * backward:
        kind, what, seconds = "forward", "The forward pass", forward
    elif backward > _ODD_BACKWARD * forward:
        kind, what, seconds = "backward", "The backward pass", backward
    share = seconds / spent.total
    both = peak if kind == "compute" else peak.replace(", ", "; both passes at ")
    words = f"{what} took {percent(share)} of the training ({_each(seconds, spent)}{both})"
    return Bottleneck(kind, share, words)


def share_of_peak(spent: Spent, work: Work | None, *parts: str) -> float | None:
    """Operations reached in the forward and backward pass, as a share of what the machine can.

    Args:
        spent: seconds by part.
        work: what had to be computed; None = it was not measured, and None is the answer.
        parts: "forward" or "backward" alone; none = both.
    """
    wanted = parts or ("forward", "backward")
    seconds = sum(spent.seconds.get(part, 0.0) for part in wanted)
    if work is None or not seconds or not work.peak:
        return None
    each = {"forward": work.forward, "backward": work.backward}
    operations = sum(each[part] for part in wanted) * spent.examples
    return operations / seconds / work.peak


def percent(share: float) -> str:
    """A share as a person writes it.

    Example:
        >>> percent(0.431), percent(0.0042), percent(0.0)
        ('43 %', '0.4 %', '0 %')
    """
    value = 100 * share
    return f"{value:.1f} %" if 0.05 <= value < 1 else f"{value:.0f} %"


def _each(seconds: float, spent: Spent) -> str:
    return f"{_rounded(1000 * seconds / spent.steps)} ms a step"


def _rounded(value: float) -> str:
    """Two digits that count, never as a power of ten."""
    return f"{float(f'{value:.2g}'):,g}"


def figures(spent: Spent, work: Work | None = None) -> dict[str, Any]:
    """A training's speed as plain numbers; what was not measured is None.

    Args:
        spent: its seconds by part.
        work: what it had to compute, if that was measured.

    Example:
        >>> figures(Spent({"forward": 1.0, "backward": 3.0}, 10, 200))["examples_per_second"]
        50.0
    """
    total = spent.total
    found: dict[str, Any] = {
        "seconds": {part: round(seconds, 4) for part, seconds in spent.seconds.items()},
        "steps": spent.steps,
        "examples": spent.examples,
        "examples_per_second": round(spent.examples / total, 2) if total else None,
        "operations_per_example": None if work is None else work.forward + work.backward,
        "peak_gflops": None if work is None else round(work.peak / 1e9, 2),
    }
    for name, parts in (("", ()), ("_forward", ("forward",)), ("_backward", ("backward",))):
        share = share_of_peak(spent, work, *parts)
        peak = 0.0 if work is None else work.peak
        found[f"gflops{name}"] = None if share is None else round(share * peak / 1e9, 2)
        found[f"share_of_peak{name}"] = None if share is None else round(share, 5)
    return found
