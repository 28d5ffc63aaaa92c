"""fathom's command on Fashion-MNIST, with what FATHOM_BENCH_SET says beside it."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.pictures.peers.fashion import tell


def main() -> None:
    """One process as a person starts it; its score tells the accuracy on the test file."""
    data = str(Path(os.environ["FATHOM_DATA"]) / "fashion_mnist")
    seed = os.environ.get("FATHOM_BENCH_SEED", "0")
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "fathom", "train", data, "--seed", seed, "--json"]
        command += ["--out", f"{folder}/run"]
        for word in os.environ.get("FATHOM_BENCH_SET", "").split():
            command += ["--set", word]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        score = json.loads((Path(folder) / "run" / "score.json").read_text())
        record = json.loads((Path(folder) / "run" / "record.json").read_text())
    process = record.get("speed", {}).get("process", {})
    tell(0, score["metrics"]["accuracy"]["value"], process.get("training"))


if __name__ == "__main__":
    main()
