"""A training is killed at random moments and gone on with: does it end with the same bits?

    python -m benchmarks.trust.kills 30
    python -m benchmarks.trust.kills 10 --data PICTURES --set augment.mixup=0.2

Airfoil with its folds side by side, or what is named. Each fourth time SIGTERM is sent in place of
SIGKILL. Weights, predictions and histories of all folds are compared byte by byte with those of a
training that nobody disturbed.
"""

import argparse
import hashlib
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np

from benchmarks.tables.files import data_folder
from benchmarks.trust.commands import command, train


def main() -> None:
    """Kill as often as the command line asks."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("times", type=int)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--data", type=Path, help="a folder of pictures or another table")
    parser.add_argument("--target", help="of the table that is named")
    parser.add_argument("--set", action="append", default=[], help="KEY=VALUE of the training")
    given = parser.parse_args()
    what: list[object] = [data_folder() / "uci_regression/airfoil/data.csv.gz", "--target", "last"]
    if given.data is not None:
        what = [given.data, *(["--target", given.target] if given.target else [])]
    for setting in given.set:
        what += ["--set", setting]
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        code, _, said = train(*what, out=Path(folder) / "whole")
        assert code == 0, said
        seconds = time.perf_counter() - began
        whole = bits(Path(folder) / "whole")
        print(f"undisturbed: {seconds:.1f} s, {len(whole)} files compared", flush=True)
        rng, same, stopped = np.random.default_rng(given.seed), 0, 0
        for number in range(given.times):
            out = Path(folder) / str(number)
            moment = rng.uniform(0, seconds)
            killed = _killed(
                what, out, moment, signal.SIGTERM if number % 4 == 3 else signal.SIGKILL
            )
            stopped += killed
            alike = bits(out) == whole
            same += alike
            print(f"{number}: {moment:.1f} s, killed {killed}, same bits {alike}", flush=True)
    print(
        f"{same} of {given.times} ended with the same bits; {stopped} of them were killed in time"
    )


def bits(run: Path) -> dict[str, str]:
    """Name of a file -> digest of what a training decides in it."""
    wanted = ("*.safetensors", "history.jsonl", "predictions/*")
    files = [file for pattern in wanted for file in sorted(run.rglob(pattern))]
    return {
        str(file.relative_to(run)): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in files
        if "checkpoint" not in file.parts
    }


def _killed(what: list[object], out: Path, moment: float, number: signal.Signals) -> bool:
    """Start, send the signal at a moment, and go on to the end; whether it came in time."""
    process = subprocess.Popen(
        command("train", *what, "--out", out, "--quiet"),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    time.sleep(moment)
    in_time = process.poll() is None
    process.send_signal(number)
    process.wait()
    if (out / "recipe.toml").exists() and in_time:
        subprocess.run(command("train", "--resume", out, "--quiet"), check=False)
    elif in_time:  # before there was a run: the person types the command again
        subprocess.run(command("train", *what, "--out", out, "--quiet"), check=False)
    return in_time


if __name__ == "__main__":
    main()
