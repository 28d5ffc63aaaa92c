"""Pictures whose class is plain to see, and a run on a folder of them."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import fathom
from fathom.workflow.run import Run


def _square(bright: bool, seed: int) -> bytes:
    rng = np.random.default_rng(seed)
    pixels = rng.integers(0, 120, (12, 14, 3), dtype=np.uint8)
    pixels[:, 7:] += np.uint8(130 if bright else 0)
    pixels[:, :7] += np.uint8(0 if bright else 130)
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG")
    return stream.getvalue()


@pytest.fixture(scope="session")
def square() -> Callable[[bool, int], bytes]:
    """Makes a noisy picture whose right half is bright, or else its left one."""
    return _square


@pytest.fixture(scope="session")
def quick() -> dict[str, Any]:
    """Settings of a training that takes seconds."""
    return {
        "training.epochs": 4,
        "training.batch_size": 32,
        "split.folds": 0,
        "evaluate.baselines": False,
        "evaluate.importance": False,
    }


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """120 pictures to learn from and 40 to test on, in folders by class; no test writes here."""
    root = tmp_path_factory.mktemp("pictures")
    for split, num in (("train", 120), ("test", 40)):
        for number in range(num):
            place = root / split / ("left", "right")[number % 2] / f"{number}.png"
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(_square(number % 2 == 1, 1000 * num + number))
    return root


@pytest.fixture(scope="session")
def run(folder: Path, quick: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A training on that folder."""
    out = tmp_path_factory.mktemp("runs") / "run"
    return fathom.train(folder, out=out, settings=quick, watch=None)
