"""Decisions about the machine that were measured on it: what is written in a planned recipe."""

from collections.abc import Sequence
from dataclasses import replace

from fathom.base.records import Decision
from fathom.workflow.engine_speeds import Speed
from fathom.workflow.study import Study

# Less is what two measurements of the same differ by.
_WORTH_IT = 0.95
_BATCHES = "training.batch_size"  # changes what is learned, and is not chosen for speed


def measured(made: Study, speeds: Sequence[Speed]) -> dict[str, Decision]:
    """What was measured, decided by the seconds that the whole training would take, all folds.

    Whatever comes before the first step (compiling) counts, spread over the steps there are.
    Each choice was changed by itself; two that help are taken together.

    Args:
        made: what was decided by rule.
        speeds: as `speeds_of` found them, the plan as it stands first.

    Returns:
        The decision by its key, for each choice that could be measured, in the order measured.
    """
    decisions = {decision.key: decision for decision in made.decisions}
    num_examples = made.resolved.training.num_steps * made.resolved.batch_size
    num_networks = len(made.material.parts)
    plan, others = num_networks * _seconds(speeds[0], num_examples), speeds[1:]
    found: dict[str, Decision] = {}
    for one in others:
        ((key, value),) = one.settings.items()
        if key == _BATCHES or one.why_not:
            continue
        seconds, now = num_networks * _seconds(one, num_examples), decisions[key]
        better = not now.said and seconds < _WORTH_IT * plan
        reason = f"measured here: {seconds:,.0f} s of training with {_word(value)}, "
        reason += f"{plan:,.0f} s with {_word(now.value)}"
        found[key] = replace(now, value=value if better else now.value, reason=reason)
    return found


def _seconds(speed: Speed, num_examples: int) -> float:
    """Of one network."""
    return speed.before + num_examples / speed.rate


def _word(value: object) -> str:
    return str(value).lower()
