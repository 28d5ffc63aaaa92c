"""Run peers on tasks, one at a time, and append a line per run to `results.jsonl`.

    python -m benchmarks.tables.run --peers catboost linear --tasks "california/*" adult

What is already there is skipped, so that a run can be broken off and taken up again.
"""

import argparse
import fnmatch
import json
import os
import signal
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from benchmarks.tables import datasets, environments, measure, metrics, results
from benchmarks.tables.files import REPOSITORY, cache_folder

# Each peer's environment. The script is `peers/<peer>.py`.
PEERS = {
    "fathom": "own",
    "hist_gradient_boosting": "trees",
    "catboost": "trees",
    "lightgbm": "trees",
    "linear": "trees",
    "keras_mlp": "keras",
    "fastai_tabular": "fastai",
    "pytabkit_realmlp_td": "pytabkit",
    "pytabkit_tabm_d": "pytabkit",
    "fathom_in_realmlp_time": "own",
}
# Quality at equal seconds: fathom, told to take no longer than another peer took on the same task.
SAME_TIME = {"fathom_in_realmlp_time": "pytabkit_realmlp_td"}


def main() -> None:
    """Run what the command line asks for."""
    given = _arguments()
    # So that a polite kill stops the running peer too, as Ctrl-C does.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))
    wanted_tasks = [
        name
        for name in datasets.names()
        if any(fnmatch.fnmatch(name, pattern) for pattern in given.tasks)
    ]
    for peer in given.peers:
        for name in wanted_tasks:
            task = datasets.load(name)
            if task.num_train_rows > given.max_train_rows:
                continue
            wanted: results.Record = {
                "peer": peer,
                "task": name,
                "seed": given.seed,
                "threads": given.threads,
                "quiet": given.quiet_machine,
                "limit": given.limit,
                "data": task.data,
            }
            if not any(
                results.settles(record, wanted, retry_failed=given.retry_failed)
                for record in results.read()
            ):
                _run(task, wanted)


def _run(task: datasets.Task, wanted: results.Record) -> None:
    """Run one peer on one task, score its predictions, append the record."""
    predictions = results.predictions_of(wanted)
    predictions.parent.mkdir(parents=True, exist_ok=True)
    predictions.unlink(missing_ok=True)
    log = predictions.with_suffix(".log")
    command = _command(task, wanted, predictions)
    load_before = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as folder:  # some peers leave files where they run
        measured = measure.run(
            command,
            environment=_environment(wanted["threads"]),
            folder=Path(folder),
            log=log,
            limit=wanted["limit"],
        )
    record = {
        **wanted,
        "status": "ok",
        "seconds": round(measured.seconds, 2),
        "paused_seconds": round(measured.paused_seconds),
        "cpu_seconds": round(measured.cpu_seconds, 2),
        "peak_megabytes": round(measured.peak_megabytes),
    }
    if measured.exit_code is None:
        record["status"] = "unfinished"
    elif measured.exit_code or not predictions.exists():
        record |= {"status": "failed", "reason": _last_words(log)}
    else:
        record["metrics"] = metrics.score(task, predictions)
        with np.load(predictions) as stored:
            record["facts"] = json.loads(str(stored["facts"]))
        record["versions"] = record["facts"].pop("versions")
    record |= {
        "machine": measure.machine(),
        "nice": os.nice(0),
        "load_before": round(load_before, 2),
        "when": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    results.append(record)
    shown = ("peer", "task", "status", "seconds", "metrics")
    print(*(record.get(key, "") for key in shown), flush=True)


def _command(task: datasets.Task, wanted: results.Record, predictions: Path) -> list[str | Path]:
    """The peer's script with its arguments."""
    script, budget = wanted["peer"], []
    if script in SAME_TIME:
        seconds = results.seconds_of({**wanted, "peer": SAME_TIME[script]})
        script, budget = "fathom", ["--seconds", str(seconds)]
    return [
        environments.python_of(PEERS[wanted["peer"]]),
        *("-m", f"benchmarks.tables.peers.{script}"),
        *(task.train, task.test, task.target, task.type, predictions),
        *("--seed", str(wanted["seed"]), *budget),
    ]


def _environment(threads: int) -> dict[str, str]:
    """This process's environment, with the number of threads in every spelling."""
    spellings = ("OMP", "MKL", "OPENBLAS", "NUMEXPR", "NUMBA")
    return {
        **os.environ,
        **{f"{name}_NUM_THREADS": str(threads) for name in spellings},
        "FATHOM_BENCH_THREADS": str(threads),
        "PYTHONPATH": os.pathsep.join([str(REPOSITORY), str(REPOSITORY / "src")]),
    }


def _last_words(log: Path) -> str:
    """The last line of a failed run's output, without this machine's folders."""
    lines = [line.strip() for line in log.read_text(errors="replace").splitlines() if line.strip()]
    text = lines[-1] if lines else "no output"
    for folder in (cache_folder(), REPOSITORY, Path.home()):
        text = text.replace(str(folder), "...")
    return text[:300]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Run peers on tasks, one at a time.")
    parser.add_argument("--peers", nargs="+", default=list(PEERS), choices=PEERS, metavar="PEER")
    parser.add_argument("--tasks", nargs="+", default=["*"], help="patterns; default: all")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--limit", type=float, default=600, help="seconds per run")
    parser.add_argument("--max-train-rows", type=float, default=float("inf"))
    parser.add_argument("--retry-failed", action="store_true")
    parser.add_argument(
        "--quiet-machine",
        action="store_true",
        help="nothing else runs here: the seconds may be quoted",
    )
    return parser.parse_args()


if __name__ == "__main__":
    main()
