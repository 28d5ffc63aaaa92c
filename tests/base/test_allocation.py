"""What a training frees is kept for its next step, and given back when it ends."""

import resource
import sys
import threading

import pytest
import torch

from fathom.base import allocation
from fathom.base.allocation import memory_kept

MEGABYTE = 1 << 20
needs_glibc = pytest.mark.skipif(allocation._glibc() is None, reason="there is no glibc here")


def faults_of_a_block() -> int:
    """How often the system has to hand out a page for 64 MB that are taken, filled and freed."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    torch.empty(64 * MEGABYTE, dtype=torch.uint8).fill_(1)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before


@needs_glibc
def test_a_block_taken_again_costs_no_pages_until_the_end() -> None:
    many = 64 * MEGABYTE // resource.getpagesize() // 2
    faults_of_a_block()
    assert faults_of_a_block() > many
    with memory_kept():
        faults_of_a_block()
        assert faults_of_a_block() < many / 100
        with memory_kept():
            pass
        assert faults_of_a_block() < many / 100, "the inner block is not the end"
    assert faults_of_a_block() > many


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
