"""How often is it claimed that something was learned where there is nothing to learn?

    OMP_NUM_THREADS=1 python -m benchmarks.trust.noise 0 100 noise.jsonl

Four kinds of tables in turn: noise with a number, noise with two classes, concrete's columns with
its strengths shuffled, and with a rare class shuffled. A claim is a primary metric that the verdict
calls better than that of always the same answer. A seed that stands in the file is left out, so
that a run can be broken off and gone on with.
"""

import argparse
import json
import tempfile
from pathlib import Path

import numpy as np
import polars as pl

from benchmarks.tables.files import data_folder
from benchmarks.trust.commands import train

_ROWS = 600


def table(seed: int) -> pl.DataFrame:
    """Columns that say nothing about the last of them, "target"."""
    rng = np.random.default_rng([seed, 20261128])
    kind = seed % 4
    if kind < 2:
        inputs = {f"x{i}": rng.normal(size=_ROWS) for i in range(6)}
        inputs["word"] = rng.choice(list("abcd"), _ROWS)
        target = rng.normal(size=_ROWS) if kind == 0 else rng.choice(["no", "yes"], _ROWS)
        return pl.DataFrame({**inputs, "target": target})
    file = data_folder() / "uci_regression/concrete/data.csv.gz"
    rows = pl.read_csv(file, has_header=False)
    *columns, last = rows.columns
    strength = rng.permutation(rows[last].to_numpy())
    rare = np.where(strength > np.quantile(strength, 0.93), "strong", "usual")
    return rows.select(columns).with_columns(target=pl.Series(strength if kind == 2 else rare))


def claims(score: dict[str, object]) -> dict[str, bool | None]:
    """By what the model was compared with on its primary metric -> whether it is called better."""
    return {
        one["against"]: one["better"]
        for one in score["comparisons"]  # type: ignore[attr-defined]
        if one["metric"] == score["primary_metric"]
    }


def main() -> None:
    """Run the seeds that the command line asks for, and count."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("first", type=int)
    parser.add_argument("end", type=int)
    parser.add_argument("results", type=Path)
    given = parser.parse_args()
    known = {one["seed"] for one in _read(given.results)}
    for seed in range(given.first, given.end):
        if seed not in known:
            with given.results.open("a") as file:
                file.write(json.dumps(_try(seed)) + "\n")
    found = _read(given.results)
    better = [one["seed"] for one in found if one["claims"].get("constant")]
    failed = [one["seed"] for one in found if one["exit_code"]]
    print(f"{len(better)} claims in {len(found)}: seeds {better}; failed: seeds {failed}")


def _read(results: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in results.open()] if results.exists() else []


def _try(seed: int) -> dict[str, object]:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "table.csv"
        table(seed).write_csv(file)
        code, score, said = train(
            file, "--target", "target", "--seed", seed, out=Path(folder) / "run"
        )
    return {
        "seed": seed,
        "exit_code": code,
        "claims": claims(score) if score else {},
        "verdict": score.get("verdict", said[-400:]),
    }


if __name__ == "__main__":
    main()
