"""The plain command, as a person types it."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any


def command(*arguments: object) -> list[str]:
    """`fathom …` with the Python that runs this script."""
    return [sys.executable, "-m", "fathom", *map(str, arguments)]


def train(*arguments: object, out: Path) -> tuple[int, dict[str, Any], str]:
    """Train into a folder that is not there yet.

    Returns:
        Exit code, score (empty where there is none), and what was said on the other channel.
    """
    done = subprocess.run(
        command("train", *arguments, "--out", out, "--json", "--quiet"),
        capture_output=True,
        text=True,
        check=False,
    )
    score = json.loads(done.stdout) if done.returncode == 0 else {}
    return done.returncode, score, done.stderr
