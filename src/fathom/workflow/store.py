"""Answers as columns of a file."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from fathom.base.files import write_atomically
from fathom.heads.head import Answer


def flat(name: str, answer: Answer) -> dict[str, np.ndarray]:
    """An answer as columns of numbers."""
    if answer.value is not None:
        return {f"answer: {name}": answer.value}
    assert answer.probability is not None, "what is no number has probabilities"
    return {f"p{place}: {name}": column for place, column in enumerate(answer.probability.T)}


def write_frame(path: Path, columns: Mapping[str, Any]) -> None:
    """A Parquet file, whole or not at all."""
    frame = pl.DataFrame([pl.Series(name, values) for name, values in columns.items()])
    write_atomically(path, lambda aside: frame.write_parquet(aside))
