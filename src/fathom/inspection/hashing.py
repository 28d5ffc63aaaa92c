"""One 64-bit number per cell, so that rows and columns are compared without comparing all pairs."""

from typing import Any

import numpy as np
import polars as pl
from jaxtyping import Float, UInt64

from fathom.base.seeds import derive

Hashes = UInt64[np.ndarray, " rows"]
_ABSENT = np.uint64(0x5851F42D4C957F2D)


def mix(numbers: Hashes) -> Hashes:
    """Spread every bit over all 64, so that sums of the results do not agree by accident.

    Source: Steele, Lea, Flood (2014), "Fast Splittable Pseudorandom Number Generators" (the
    finaliser of SplitMix64).

    Example:
        >>> bool(mix(np.array([1], dtype=np.uint64))[0] == 1)
        False
    """
    mixed = numbers ^ (numbers >> np.uint64(30))
    mixed = mixed * np.uint64(0xBF58476D1CE4E5B9)
    mixed = mixed ^ (mixed >> np.uint64(27))
    mixed = mixed * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))


def hash_numbers(data: Float[np.ndarray, " rows"], present: np.ndarray) -> Hashes:
    """Equal for equal numbers; minus zero is zero; all absent cells are alike."""
    bits = (np.where(present, data, 0.0).astype(np.float64) + 0.0).view(np.uint64)
    return np.where(present, mix(bits), _ABSENT)


def hash_words(data: np.ndarray, present: np.ndarray) -> Hashes:
    """Equal for equal words (or tuples of words); all absent cells are alike."""
    words: list[Any] = data.tolist()
    if words and isinstance(words[0], tuple):
        words = ["\x1f".join(labels) for labels in words]
    hashed = pl.Series(words, dtype=pl.String).hash(seed=0).to_numpy()
    return np.where(present, mix(hashed), _ABSENT)


def salted(hashes: Hashes, name: str) -> Hashes:
    """The hashes of a column as part of a row's: the same word in another column is another."""
    return mix(hashes ^ np.uint64(derive(0, "column", name)))
