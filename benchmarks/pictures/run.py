"""Run the peers on Fashion-MNIST, one after another, and append what they tell to results.jsonl.

python -m benchmarks.pictures.run --peers keras_convnet torch_convnet fathom_fashion --seeds 3
python -m benchmarks.pictures.run --peers fathom_fashion --set training.epochs=1
"""

import argparse
import json
import os
import subprocess
import time
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from benchmarks.tables import environments, measure
from benchmarks.tables.files import REPOSITORY

# Each peer's environment. The script is `peers/<peer>.py`.
PEERS = {
    "keras_convnet": "keras",
    "keras_torch_convnet": "keras_torch",
    "keras_beginner": "keras",
    "lightning_convnet": "lightning",
    "fastai_vision": "fastai",
    "torch_convnet": "own",
    "torch_tuned": "own",
    "torch_beginner": "own",
    "torch_airbench": "own",
    "fathom_fashion": "own",
}
RESULTS = REPOSITORY / "benchmarks" / "pictures" / "results.jsonl"


def main() -> None:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--peers", nargs="+", choices=PEERS, default=list(PEERS))
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--set", nargs="*", default=[], help="settings for fathom")
    parser.add_argument("--limit", type=float, default=900.0)
    parser.add_argument("--quiet-machine", action="store_true")
    given = parser.parse_args()
    for seed in range(given.seeds):
        for peer in given.peers:
            _run(peer, seed, given)


def _run(peer: str, seed: int, given: argparse.Namespace) -> None:
    settings = given.set if peer.startswith("fathom") else []
    command = [environments.python_of(PEERS[peer]), "-m", f"benchmarks.pictures.peers.{peer}"]
    started = time.time()
    environment = os.environ | {
        "PYTHONPATH": str(REPOSITORY / "src") + os.pathsep + str(REPOSITORY),
        "FATHOM_BENCH_STARTED": str(started),
        "FATHOM_BENCH_SEED": str(seed),
        "FATHOM_BENCH_SET": " ".join(settings),
        "FATHOM_DATA": os.environ.get("FATHOM_DATA", str(REPOSITORY.parent / "shared" / "data")),
    }
    load = os.getloadavg()[0]
    try:
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=given.limit
        )
        status, told = ("ok" if done.returncode == 0 else "failed"), done.stdout
        if done.returncode:
            print(done.stderr[-2000:])
    except subprocess.TimeoutExpired as stopped:
        output = stopped.stdout or b""
        status, told = "unfinished", output.decode() if isinstance(output, bytes) else output
    record = {
        "peer": peer,
        "settings": settings,
        "seed": seed,
        "status": status,
        "seconds": round(time.time() - started, 2),
        "told": [json.loads(line) for line in told.splitlines() if line.startswith("{")],
        "quiet": given.quiet_machine,
        "load_before": round(load, 2),
        "versions": {"fathom-learn": version("fathom-learn"), "torch": version("torch")},
        "machine": measure.machine(),
        "when": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    with Path(RESULTS).open("a") as file:
        file.write(json.dumps(record) + "\n")
    last = record["told"][-1] if record["told"] else {}
    print(peer, *settings, "seed", seed, status, f"{record['seconds']:.1f} s", last, flush=True)


if __name__ == "__main__":
    main()
