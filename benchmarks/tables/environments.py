"""Make the peers' environments: one each, apart from fathom's own.

    python -m benchmarks.tables.environments [trees keras keras_torch fastai lightning pytabkit]

An environment that already has what its requirements file says is left as it is. The files pin
every package and pip is told not to look for dependencies, for two reasons: the same packages
come tomorrow, and no wheel with CUDA kernels comes in through the back door (xgboost asks for
nccl, torchvision for a PyTorch of its own). `requirements/fastai.txt` has torchvision all the
same, because fastai imports it; `peers/fastai_tabular.py` says how that is made to work.
"""

import argparse
import subprocess
import sys
import venv
from pathlib import Path

from benchmarks.tables.files import REPOSITORY, cache_folder, digest

REQUIREMENTS = REPOSITORY / "benchmarks" / "tables" / "requirements"
# The environment that runs the benchmark: fathom's own.
OWN = "own"


def names() -> list[str]:
    """The environments that have a requirements file."""
    return sorted(path.stem for path in REQUIREMENTS.glob("*.txt"))


def python_of(environment: str) -> Path:
    """That environment's interpreter."""
    if environment == OWN:
        return Path(sys.executable)
    return cache_folder() / "envs" / environment / "bin" / "python"


def make(environment: str) -> bool:
    """Make one environment; False if it was there already."""
    requirements = REQUIREMENTS / f"{environment}.txt"
    folder = cache_folder() / "envs" / environment
    stamp = folder / "requirements.digest"
    if stamp.exists() and stamp.read_text() == digest(requirements):
        return False
    venv.create(folder, with_pip=True, clear=True)
    command = [python_of(environment), "-m", "pip", "install", "--quiet", "--no-deps"]
    subprocess.run([*command, "--requirement", requirements], check=True)
    stamp.write_text(digest(requirements))
    return True


def main() -> None:
    """Make the environments named on the command line, or all."""
    parser = argparse.ArgumentParser(description="Make the peers' environments.")
    parser.add_argument("environments", nargs="*", metavar="ENVIRONMENT", help=", ".join(names()))
    for environment in parser.parse_args().environments or names():
        print(f"{environment}: {'made' if make(environment) else 'is there'}", flush=True)


if __name__ == "__main__":
    main()
