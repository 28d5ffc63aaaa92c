"""Randomness as a function of (seed, stream, step): nothing to carry, nothing to lose.

A resumed run draws what the uninterrupted one would have drawn, because no generator's state is
kept anywhere: each use derives its own generator from the seed and a name.
"""

import random
from hashlib import blake2b

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor


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
    _seed_torch(derive(seed, *stream))


def seed_everything(seed: int, *stream: object) -> None:
    """Seed the global generators of PyTorch, NumPy and Python, for data loaders of others."""
    key = derive(seed, *stream)
    _seed_torch(key)
    np.random.seed(key % (1 << 32))
    random.seed(key)


def uniform(
    seed: int, *stream: object, example: Int[Tensor, " batch"], num: int
) -> Float[Tensor, "batch num"]:
    """Numbers in (0, 1) that belong to the example: the same however a batch is split.

    For noise, masking and augmentation inside an objective: what a generator draws depends on
    how many examples it is asked for at once, what this gives does not.

    Args:
        seed: of the training.
        stream: names of the use and the moment, such as "mask", batch.step.
        example: which examples; the numbers are made where these lie.
        num: numbers for each.

    Source: Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014 (the mixing
        of 64 bits, applied to key, example and place in turn).

    Example:
        >>> whole = uniform(0, "mask", 7, example=torch.tensor([2, 5, 3]), num=4)
        >>> half = uniform(0, "mask", 7, example=torch.tensor([5]), num=4)
        >>> torch.equal(whole[1:2], half)
        True
    """
    place = torch.arange(num, device=example.device)
    x = derive(seed, *stream) + example[:, None] * -0x61C8864680B583EB
    x = _mixed(_mixed(x) + place * -0x3B314601E57A13AD)
    return (((x >> 40) & 0xFFFFFF).float() + 0.5) / (1 << 24)


def _seed_torch(key: int) -> None:
    if torch.accelerator.is_available():
        torch.manual_seed(key)
    else:
        # The same for the host, without writing down a trace for devices that are not there,
        # which takes longer than a step of a small network.
        torch.default_generator.manual_seed(key)


def _mixed(x: Tensor) -> Tensor:
    x = (x ^ ((x >> 30) & 0x3FFFFFFFF)) * -0x40A7B892E31B1A47
    x = (x ^ ((x >> 27) & 0x1FFFFFFFFF)) * -0x6B2FB644ECCEEE15
    return x ^ ((x >> 31) & 0x1FFFFFFFF)
