"""Ctrl-C and SIGTERM, noted instead of died of."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_NAMES = {int(signal.SIGINT): "Ctrl-C", int(signal.SIGTERM): "SIGTERM"}


def name_of(number: int) -> str:
    """What a person calls the signal.

    Example:
        >>> name_of(2)
        'Ctrl-C'
    """
    return _NAMES[number]


@contextmanager
def signals_noted() -> Iterator[list[int]]:
    """Within the block Ctrl-C and SIGTERM are put into the list; a second one acts as before.

    Signals that this process was told to ignore (as under `nohup`) stay ignored. Python lets only
    the main thread set handlers; in any other nothing is noted.
    """
    caught: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield caught
        return
    handlers = {number: signal.getsignal(number) for number in _NAMES}
    # None: a handler that was not set from Python cannot be put back.
    before = {n: h for n, h in handlers.items() if h is not None and h != signal.SIG_IGN}

    def note(number: int, frame: object) -> None:
        caught.append(number)
        signal.signal(number, before[number])

    for number in before:
        signal.signal(number, note)
    try:
        yield caught
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
