"""Randomness as a function of (seed, stream, step): nothing to carry, nothing to lose.

A resumed run draws what the uninterrupted one would have drawn, because no generator's state is
kept anywhere: each use derives its own generator from the seed and a name.
"""

from hashlib import blake2b

import numpy as np
import torch


def derive(seed: int, *stream: object) -> int:
    """A 63-bit seed of its own for each named stream.

    Example:
        >>> derive(0, "order", 3) == derive(0, "order", 3)
        True
        >>> derive(0, "order", 3) == derive(0, "order", 4)
        False
    """
    text = "\x1f".join(str(part) for part in (seed, *stream))
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big") >> 1


def numpy_generator(seed: int, *stream: object) -> np.random.Generator:
    """NumPy's generator for one stream."""
    return np.random.default_rng(derive(seed, *stream))


def torch_generator(seed: int, *stream: object) -> torch.Generator:
    """A PyTorch generator (on the host) for one stream."""
    return torch.Generator().manual_seed(derive(seed, *stream))


def seed_global(seed: int, *stream: object) -> None:
    """Seed PyTorch's own generators, which dropout and user modules draw from.

    The loop calls this at the start of every step, so that any module's randomness is a function
    of (seed, step) without knowing anything about us.
    """
    torch.manual_seed(derive(seed, *stream))
