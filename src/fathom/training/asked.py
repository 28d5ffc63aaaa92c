"""What a person hands in to be trained, looked at before anything begins."""

import math
from collections.abc import Callable, Iterable
from numbers import Real
from pathlib import Path
from typing import Any

from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from fathom.base.errors import RecipeError, StorageError, listed
from fathom.base.files import check_name
from fathom.objectives.objective import Objective
from fathom.objectives.supervised import PlainLoss


def check_network(network: nn.Module) -> None:
    """What learns must be a module whose weights are there.

    Raises:
        RecipeError: it is something else, or waits for its first input to know its shapes.

    Example:
        >>> check_network(nn.Linear(2, 1))
    """
    given: Any = network
    if not isinstance(given, nn.Module):
        raise RecipeError(
            "The network is no module of PyTorch.",
            expected="an object of a class made from torch.nn.Module",
            got=_named(given),
            do="Pass the module itself, say nn.Sequential(nn.Linear(3, 1)).",
        )
    tensors = [*network.named_parameters(), *network.named_buffers()]
    waiting = [name for name, tensor in tensors if is_lazy(tensor)]
    if waiting:
        raise RecipeError(
            "The network has weights whose shapes are not known yet.",
            where=type(network).__name__,
            expected="weights that are there before the training begins",
            got=f"not yet made: {listed(waiting)}",
            do="Call the network once with a batch of inputs, then train it.",
        )
    if nowhere := [name for name, tensor in tensors if tensor.is_meta]:
        raise RecipeError(
            "The network has weights without values.",
            where=type(network).__name__,
            expected="weights that are there before the training begins",
            got=f"on the device 'meta': {listed(nowhere)}",
            do="Make it on a real device: network.to_empty(device='cpu'), then initialise it.",
        )


def objective_of(objective: Objective | Callable[..., Tensor]) -> Objective:
    """Objectives as they are; a loss function as a `PlainLoss`.

    Raises:
        RecipeError: it is neither.

    Example:
        >>> type(objective_of(nn.functional.mse_loss)).__name__
        'PlainLoss'
    """
    given: Any = objective
    if isinstance(objective, Objective):
        return objective
    if isinstance(given, type) or not callable(given):
        raise RecipeError(
            "The objective is no loss function.",
            expected="a function of (module(x), y), a module such as nn.MSELoss(), or an Objective",
            got=_named(given),
            do="Pass torch.nn.functional.mse_loss, say, itself: no name in quotes, and of a class "
            "an object, nn.MSELoss().",
        )
    return PlainLoss(objective)


def check_epochs(epochs: float) -> None:
    """How often the data are gone through.

    Raises:
        RecipeError: it is no finite number above 0.

    Example:
        >>> check_epochs(2.5)
    """
    given: Any = epochs
    number = isinstance(given, Real) and not isinstance(given, bool)
    if not number or not 0 < epochs < math.inf:
        raise RecipeError(
            "The number of epochs is out of its range.",
            where="epochs",
            expected="a number above 0; parts of an epoch are allowed",
            got=repr(given),
            do="Choose another number, say epochs=20.",
        )


def check_data(data: Any) -> None:
    """What is trained on must give batches.

    Raises:
        RecipeError: it cannot be iterated.

    Example:
        >>> check_data([])
    """
    if not _iterable(data):
        raise RecipeError(
            "The data are no loader.",
            where="data",
            expected="a loader of (x, y), or anything that gives such tuples, each time anew",
            got=_named(data),
            do="Pass a DataLoader, or a list such as [(x, y)] for a single batch.",
        )


def check_validation(validation: Any) -> None:
    """What every check measures.

    Raises:
        RecipeError: it is neither a function, nor anything that gives batches.

    Example:
        >>> check_validation([])
    """
    if not (validation is None or callable(validation) or _iterable(validation)):
        raise RecipeError(
            "The validation is neither a loader nor a function.",
            where="validation",
            expected="a loader of (x, y), a function of the network that gives figures, or None",
            got=_named(validation),
            do="Pass such a loader, or leave validation out.",
        )


def _iterable(given: Any) -> bool:
    # A loader is not asked: it would start its workers and draw from the generators.
    if isinstance(given, Iterable):
        return True
    try:
        iter(given)
    except TypeError:
        return False
    return True


def check_folder(folder: Path) -> None:
    """The folder of a training is one, or may become one.

    Raises:
        StorageError: a file stands in its place or above it.
    """
    check_name(folder)
    there = next((place for place in (folder, *folder.parents) if place.exists()), folder)
    if there.exists() and not there.is_dir():
        raise StorageError(
            "The training cannot be kept there: a file stands in the folder's place.",
            where=str(folder),
            expected="a new or empty folder",
            got=f"{there} is a file",
            do="Choose another folder, or move the file away.",
        )


def _named(given: Any) -> str:
    """What came instead, short: words and numbers as they are, all else by its class."""
    if given is None or isinstance(given, str | int | float):
        return repr(given)
    if isinstance(given, type):
        return f"the class {given.__name__}"
    return f"a {type(given).__name__}"
