"""A checkpoint is looked at before a training takes it up: is it whole, is it of this network?"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from torch import Tensor, nn

from fathom.base.errors import FathomError, RunError, listed

# Their content is the plan's, the batches' or the network's own business, each with its own check.
_OWN = {"plan", "batches", "network", "objective", "optimizers", "average", "weights", "moved"}


def check_state(stored: Any, fresh: dict[str, Any], where: str) -> None:
    """What a checkpoint holds must be of the kinds that a training has, name by name.

    Args:
        stored: the state that was read.
        fresh: the state of the training that shall take it up.
        where: the folder of the checkpoint.

    Raises:
        RunError: something is missing or of another kind.

    Example:
        >>> check_state({"failed_at": 3}, {"failed_at": 0}, "runs/a")
    """
    odd = list(_odd(stored, fresh, "state"))
    if odd:
        raise _damaged(where, "; ".join(odd[:3]))
    for name in ("history", "events"):
        for record in stored.get(name, []):
            if not isinstance(record, dict) or type(record.get("step")) is not int:
                raise _damaged(where, f"{name} with a line that is no record")


def _odd(stored: Any, fresh: Any, name: str) -> Iterator[str]:
    if fresh is not None and not isinstance(stored, type(fresh)):
        yield f"{name} is {_short(stored)}, not a {type(fresh).__name__}"
    elif isinstance(fresh, dict):
        for key, value in fresh.items():
            known = ({} if isinstance(value, dict) else None) if key in _OWN else value
            if key in stored:
                yield from _odd(stored[key], known, key)
            elif key != "moved":
                yield f"{name} has no {key}"


def _short(value: Any) -> str:
    return repr(value) if value is None or isinstance(value, int | float) else type(value).__name__


def check_same_network(network: nn.Module, stored: dict[str, Any], where: str) -> None:
    """A training goes on with the network that it began with.

    Args:
        network: that of now.
        stored: the weights in the checkpoint, as `state_dict` gave them.
        where: the folder of the checkpoint.

    Raises:
        RunError: names or shapes differ.
    """
    mine = network.state_dict()
    names = [name for name in (*mine, *stored) if (name in mine) != (name in stored)]
    # Of the other tensors some modules change the shapes themselves.
    for name, weight in network.named_parameters():
        if name in stored and _shape(stored[name]) != _shape(weight):
            names.append(name)
    if names:
        raise RunError(
            "The checkpoint belongs to another network.",
            where=where,
            expected=_shown(stored, names),
            got=_shown(mine, names),
            do="Resume with the network that the run was started with, or train anew in a new "
            "folder.",
        )


def check_same_rows(mine: str, stored: str, where: str) -> None:
    """A training goes on with the rows that it began with.

    Args:
        mine: the identity of the training of now.
        stored: that in the checkpoint.
        where: the folder of the checkpoint.

    Raises:
        RunError: they differ.
    """
    if mine != stored:
        raise RunError(
            "The checkpoint belongs to a training on other rows.",
            where=where,
            expected=f"one that learned from {mine or 'rows without a name'}",
            got=f"one that learned from {stored or 'rows without a name'}",
            do="Bring its own checkpoint back, or train anew in a new folder.",
        )


def _shape(value: Any) -> str:
    return (
        f"shape {list(value.shape)}" if isinstance(value, Tensor) else f"a {type(value).__name__}"
    )


def _shown(held: dict[str, Any], names: list[str]) -> str:
    return listed(
        (f"{name}: {_shape(held[name]) if name in held else 'none'}" for name in names), 3
    )


@contextmanager
def damage_told(where: str) -> Iterator[None]:
    """Whatever breaks while a checkpoint is taken up is told as damage of the checkpoint.

    Args:
        where: the folder of the checkpoint.

    Raises:
        RunError: in place of any error that does not speak for itself.
    """
    try:
        yield
    except FathomError:
        raise
    except (
        ArithmeticError,
        AttributeError,
        LookupError,
        RuntimeError,
        TypeError,
        ValueError,
    ) as error:
        raise _damaged(where, f"{type(error).__name__}: {error}") from error


def _damaged(where: str, got: str) -> RunError:
    return RunError(
        "The checkpoint is damaged, or belongs to another training.",
        where=where,
        expected="a state as this training would have written it",
        got=got,
        do="Restore the folder, or train anew in a new one.",
    )
