"""What a training frees is kept for its next step, and given back when it ends."""

import resource
import subprocess
import sys
import threading

import pytest
import torch

from fathom.base import allocation
from fathom.base.allocation import memory_kept

MEGABYTE = 1 << 20
needs_glibc = pytest.mark.skipif(allocation._glibc() is None, reason="there is no glibc here")


# In a process of its own: another test may have left room for such a block.
FAULTS = """
import resource
import numpy as np
from fathom.base.allocation import memory_kept

def fewest():
    found = []
    for _ in range(12):
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        np.empty(64 << 20, dtype=np.uint8).fill(1)
        found.append(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
    return min(found)

print(fewest())
with memory_kept():
    print(fewest())
    with memory_kept():
        pass
    print(fewest())
"""


@needs_glibc
def test_a_block_taken_again_costs_no_pages_until_the_end() -> None:
    said = subprocess.run(
        [sys.executable, "-c", FAULTS], capture_output=True, text=True, check=True
    )
    before, kept, still_kept = map(int, said.stdout.split())
    assert before > 20, "even with pages of 2 MB, as NumPy asks for"
    assert kept < before / 10
    assert still_kept < before / 10, "the inner block is not the end"


@needs_glibc
def test_what_is_free_is_given_back() -> None:
    def held() -> int:
        with open("/proc/self/statm") as file:
            return int(file.read().split()[1]) * resource.getpagesize()

    before = held()
    with memory_kept():
        torch.empty(200 * MEGABYTE, dtype=torch.uint8).fill_(1)
        assert held() > before + 150 * MEGABYTE
    assert held() < before + 50 * MEGABYTE


def test_an_error_ends_the_block_too() -> None:
    with pytest.raises(ZeroDivisionError), memory_kept():
        raise ZeroDivisionError
    assert allocation._within == 0


def test_blocks_in_threads_are_counted() -> None:
    def hold() -> None:
        with memory_kept():
            together.wait()

    together = threading.Barrier(4)
    threads = [threading.Thread(target=hold) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert allocation._within == 0


def test_without_glibc_nothing_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules["ctypes"], "CDLL", lambda name: object())
    with memory_kept():
        assert allocation._within == 0
