"""A network that cannot fit into memory is refused while it is put together.

An operating system promises more memory than there is: a layer of a hundred gigabytes can be made,
and the machine comes to a halt when its weights are drawn.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn
from torch.nn.modules.module import register_module_parameter_registration_hook

from fathom.base.errors import RecipeError
from fathom.base.memory import available_memory

_GIGABYTE = 1e9


@contextmanager
def weights_fit(copies: int = 1) -> Iterator[None]:
    """Within the block a module whose weights go beyond what memory is left is refused.

    Args:
        copies: how many arrays of each weight's size will be held: 1 to answer, at least 2 to
            train (the weights and their gradients).

    Raises:
        RecipeError: they do not fit. It is told when a weight is registered, before most are
            given their first values.

    Example:
        >>> with weights_fit():
        ...     layer = nn.Linear(3, 2)
    """
    left, held = available_memory() // copies, 0

    def note(module: nn.Module, name: str, weight: nn.Parameter | None) -> None:
        nonlocal held
        held += 0 if weight is None or weight.is_meta else weight.nbytes
        if held > left:
            raise _too_large(held * copies, left * copies, copies)

    hook = register_module_parameter_registration_hook(note)
    try:
        yield
    finally:
        hook.remove()


def _too_large(wanted: int, left: int, copies: int) -> RecipeError:
    what = "its weights" if copies == 1 else "its weights and what training keeps beside them"
    return RecipeError(
        "The network does not fit into memory.",
        where="network",
        expected=f"at most {left / _GIGABYTE:,.1f} GB, which is what is left",
        got=f"{wanted / _GIGABYTE:,.1f} GB or more for {what}",
        do='Choose a smaller network (size = "small", a smaller network.width, fewer '
        "network.channels for pictures), or end other programs that hold memory.",
    )
