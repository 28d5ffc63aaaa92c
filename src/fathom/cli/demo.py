"""`make demo`: train on a table that ships with scikit-learn and write a report."""

import sys
import tempfile
from pathlib import Path
from typing import Any

from fathom.cli import verbs
from fathom.workflow.recipe import Recipe
from fathom.workflow.train import Sources, train


def main() -> None:
    """Diabetes of 442 patients: predict the progression of the disease after a year."""
    from sklearn.datasets import load_diabetes

    found: Any = load_diabetes(as_frame=True, scaled=False)
    table = found.frame
    out = Path(tempfile.mkdtemp(prefix="fathom-demo-")) / "diabetes"
    print(f"{len(table)} patients, {len(table.columns) - 1} measurements each, some seconds …")
    with verbs.progress(quiet=False) as watch:
        recipe = Recipe.of({"target": "target", "size": "small"})
        run = train(recipe, Sources(table), out, watch)
    verbs.conclude(run, verbs.Show())


if __name__ == "__main__":
    sys.exit(main())
