"""More pictures than memory should hold: how much does a training take, and does it wait for data?

    python -m benchmarks.trust.large 300000 --set training.epochs=0.5

So many noisy pictures of 64 x 64 as JPEG files in ten folders, made once in the benchmarks' cache.
"""

import argparse
import json
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.tables.files import cache_folder
from benchmarks.trust.commands import command
from benchmarks.trust.memory import watched

_CLASSES, _SIDE = 10, 64


def main() -> None:
    """Make the pictures, train, tell."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pictures", type=int)
    parser.add_argument("--set", action="append", default=[], help="KEY=VALUE of the training")
    given = parser.parse_args()
    folder = cache_folder() / f"pictures_{given.pictures}"
    _make(folder, given.pictures)
    with tempfile.TemporaryDirectory() as place:
        what = ["train", folder, "--out", f"{place}/run", "--quiet"]
        for setting in given.set:
            what += ["--set", setting]
        code, most, seconds = watched(command(*what))
        print(f"exit code {code}, {seconds:.0f} s, anonymous memory at most {most:,.0f} MB")
        record = json.loads((Path(place) / "run" / "record.json").read_text())
    speed = record["speed"]
    parts = speed["training"]["seconds"]
    for name, over in (("training", parts), ("steps", _steps(parts))):
        print(f"waiting for data: {100 * parts['data'] / sum(over.values()):.1f} % of the {name}")
    print(f"{speed['training']['examples_per_second']:,.0f} pictures a second; {speed['process']}")
    print(speed["sentence"])


def _steps(parts: dict[str, float]) -> dict[str, float]:
    return {k: parts[k] for k in ("data", "forward", "backward", "optimizer", "other")}


def _make(folder: Path, num: int) -> None:
    """Waves of a length and direction for each class, under noise."""
    done = folder.with_suffix(".done")
    if done.exists():
        return
    y, x = np.mgrid[:_SIDE, :_SIDE] / _SIDE
    rng = np.random.default_rng(0)
    for number in range(_CLASSES):
        (folder / f"class{number}").mkdir(parents=True, exist_ok=True)
    for place in range(num):
        kind = place % _CLASSES
        turn = np.pi * kind / _CLASSES
        wave = np.sin(2 * np.pi * 5 * (x * np.cos(turn) + y * np.sin(turn)) + rng.uniform(0, 6))
        pixels = 127 + 40 * wave[..., None] + rng.normal(0, 30, (_SIDE, _SIDE, 3))
        picture = Image.fromarray(pixels.clip(0, 255).astype(np.uint8))
        picture.save(folder / f"class{kind}" / f"{place}.jpg", quality=85)
    done.touch()


if __name__ == "__main__":
    main()
