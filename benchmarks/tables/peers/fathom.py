"""fathom's plain command: looking, baselines, scoring and the report included.

The whole verb runs, as a person would call it; only its predictions are read back.
"""

import argparse
import importlib.metadata
import json
import sys
from pathlib import Path

import numpy as np
import polars as pl

from fathom.models.model import class_names
from fathom.workflow.run import Run, load

# Imports, looking, splitting, scoring and the report of a small table.
SECONDS_AROUND = 5.0


def main() -> None:
    """The command line of `common`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("train", type=Path)
    parser.add_argument("test", type=Path)
    parser.add_argument("target")
    parser.add_argument("task", choices=("regression", "classification"))
    parser.add_argument("out", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--seconds", type=float, help="for the whole process; extras are left out")
    given = parser.parse_args()
    folder = Path("run")
    words = ["train", given.train, "-t", given.target, "--test", given.test, "--out", folder]
    kind = "number" if given.task == "regression" else "category"
    words += ["--seed", given.seed, "--kind", f"{given.target}={kind}", "--json"]
    if given.seconds is not None:
        words += _within(given.seconds)
    _command([str(word) for word in words])
    run = load(folder)
    frame = pl.read_parquet(folder / "predictions" / "test.parquet")
    np.savez(given.out, **_arrays(run, frame, given.task))


def _within(seconds: float) -> list[str]:
    """The words for so many seconds from start to end: what is no training takes some of them."""
    extras = ("evaluate.baselines=false", "evaluate.importance=false", "split.folds=0")
    training = max(seconds - SECONDS_AROUND, 1.0)
    return ["--time", f"{training:.1f}s", *(word for one in extras for word in ("--set", one))]


def _command(words: list[str]) -> None:
    """Run the command in this process, so that the start-up is paid once, as by a person."""
    from fathom.cli import main as command

    sys.argv = ["fathom", *words]
    try:
        command.run()
    except SystemExit as stop:
        if stop.code:
            raise


def _arrays(run: Run, frame: pl.DataFrame, task: str) -> dict[str, np.ndarray]:
    steps = sum(1 for _ in run.history)
    versions = {
        "fathom-learn": importlib.metadata.version("fathom-learn"),
        "torch": importlib.metadata.version("torch"),
    }
    facts = {"num_checks": steps, "versions": versions}
    arrays = {"facts": np.array(json.dumps(facts))}
    target = run.model.targets[0]
    if task == "regression":
        return {**arrays, "prediction": frame[f"answer: {target.name}"].to_numpy()}
    names = class_names(target)
    columns = [frame[f"p{place}: {target.name}"].to_numpy() for place in range(len(names))]
    return {**arrays, "probability": np.stack(columns, axis=1), "classes": np.array(names)}


if __name__ == "__main__":
    main()
