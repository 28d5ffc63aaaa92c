"""Fashion-MNIST as arrays, read as every peer reads it, and lines that tell how far a peer is."""

import gzip
import json
import os
import time
from pathlib import Path

import numpy as np

STARTED = float(os.environ.get("FATHOM_BENCH_STARTED", time.time()))


def arrays() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Training pictures and labels, test pictures and labels; pixels as bytes."""
    folder = Path(os.environ["FATHOM_DATA"]) / "fashion_mnist"
    found: list[np.ndarray] = []
    for part in ("train", "t10k"):
        pixels = gzip.decompress((folder / f"{part}-images-idx3-ubyte.gz").read_bytes())
        labels = gzip.decompress((folder / f"{part}-labels-idx1-ubyte.gz").read_bytes())
        found.append(np.frombuffer(pixels, np.uint8, offset=16).reshape(-1, 28, 28))
        found.append(np.frombuffer(labels, np.uint8, offset=8))
    return found[0], found[1], found[2], found[3]


def tell(epoch: int, accuracy: float, training: float | None = None) -> None:
    """A line for whoever started this process, with the seconds since then."""
    seconds = time.time() - STARTED
    line = {"epoch": epoch, "accuracy": accuracy, "seconds": seconds, "training": training}
    print(json.dumps(line), flush=True)
