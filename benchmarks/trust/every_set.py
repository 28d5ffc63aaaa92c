"""All twenty sets of the tables' benchmark, one plain command each: does any of them fail?

python -m benchmarks.trust.every_set [--epochs 2]
"""

import argparse
import tempfile
from pathlib import Path

from benchmarks.tables.files import data_folder
from benchmarks.trust.commands import train


def main() -> None:
    """Train on each, and tell."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--epochs", type=float, help="for a quick look; left out = as decided")
    given = parser.parse_args()
    data = data_folder()
    files = sorted(data.glob("uci_regression/*/data.csv.gz"))
    files += sorted(data.glob("uci_classification_arff/*.arff.gz"))
    brief = ["--set", f"training.epochs={given.epochs}"] if given.epochs else []
    done = 0
    with tempfile.TemporaryDirectory() as folder:
        for number, file in enumerate(files):
            code, score, said = train(
                file, "--target", "last", *brief, out=Path(folder) / str(number)
            )
            done += code == 0
            name = file.parent.name if file.name.startswith("data.") else file.name
            print(f"{name}: {score.get('verdict', said)[:160]}", flush=True)
    print(f"{done} of {len(files)} without a failure")


if __name__ == "__main__":
    main()
