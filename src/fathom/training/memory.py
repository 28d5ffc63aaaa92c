"""Memory that ran out: recognised on every device, told in four beats."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from fathom.base.errors import TrainingError

# PyTorch has an error of its own for GPUs only; the others are told by their words.
_WORDS = (
    "not enough memory",
    "can't allocate memory",
    "Cannot allocate memory",
    "bad_alloc",
    "CUBLAS_STATUS_ALLOC_FAILED",
)


def ran_out(error: BaseException) -> bool:
    """Whether this is memory that ran out.

    Example:
        >>> ran_out(RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried ..."))
        True
    """
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    return isinstance(error, RuntimeError) and any(word in str(error) for word in _WORDS)


def memory_error(what: str, where: str, error: BaseException) -> TrainingError:
    """The four beats for memory that ran out where no smaller piece would help."""
    return TrainingError(
        what,
        where=where,
        got=_asked(str(error)) or (str(error).splitlines() or [type(error).__name__])[0],
        do='Choose a smaller batch_size or a smaller network (size = "small"), or end other '
        "programs that hold memory.",
    )


def _asked(words: str) -> str:
    """What PyTorch's allocator wanted, without the line of its source; "" = it does not say.

    Example:
        >>> _asked("[enforce fail at a.cpp:127] err == 0. you tried to allocate 604000000 bytes")
        'another 0.6 GB were asked for'
    """
    found = re.search(r"allocate (\d+) bytes", words)
    return f"another {int(found[1]) / 1e9:,.1f} GB were asked for" if found else ""


@contextmanager
def memory_told(what: str, where: str) -> Iterator[None]:
    """Within the block memory that runs out becomes an error in four beats.

    Raises:
        TrainingError: memory ran out.
    """
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        if not ran_out(error):
            raise
        raise memory_error(what, where, error) from error
