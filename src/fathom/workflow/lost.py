"""Inputs that other rows hold no longer as the training rows did: what that makes of a score."""

from collections.abc import Mapping, Sequence
from typing import Any

from fathom.base.errors import listed
from fathom.columns.category import FittedCategory
from fathom.columns.kind import Values
from fathom.models.preparation import Column, Preparation

_NEARLY_ALL, _HALF = 0.9, 0.5
# What lies outside a range of numbers or dates still says something.
_OF_WORDS = ("category", "flag", "image")


def lost_inputs(preparation: Preparation, values: Mapping[str, Values]) -> tuple[str, ...]:
    """Inputs that tell nothing in nine of ten parsed rows, as they did not in training.

    Such cells are missing, cannot be read, or hold words that the training rows lack.
    """
    return tuple(one.name for one in preparation.inputs if _lost(one, values[one.name]))


def _lost(column: Column, values: Values) -> bool:
    fitted: Any = column.fitted
    nothing = ~values.present
    if column.kind.name in _OF_WORDS:
        nothing = nothing | fitted.strange(values)
    return len(values) > 0 and nothing.mean() >= _NEARLY_ALL and _before(fitted) < _HALF


def _before(fitted: Any) -> float:
    """The share of rows in which it told nothing in training, or would have told a new row nothing.

    The share of new words is that of the words which were met once (Good and Turing).
    """
    nothing = fitted.num_missing
    if isinstance(fitted, FittedCategory):
        nothing += fitted.count - sum(fitted.counts) + fitted.counts.count(1)
    return nothing / max(fitted.num_missing + fitted.count, 1)


def lost_sentence(names: Sequence[str], num_inputs: int) -> str:
    """What stands before the verdict; "" where nothing is lost.

    Example:
        >>> print(lost_sentence(["area"], 3))
        'area' tells nothing in nearly all of these rows (cells are missing, cannot be read or hold
        words that the training rows lack): the model answered without 1 of its 3 inputs.
    """
    if not names:
        return ""
    tell = "tells" if len(names) == 1 else "tell"
    return (
        f"{listed(names)} {tell} nothing in nearly all of these rows "
        "(cells are missing, cannot be read or hold words that the training rows lack): the model "
        f"answered without {len(names)} of its {num_inputs} inputs."
    )
