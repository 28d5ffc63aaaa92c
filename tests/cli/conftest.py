"""The command, called in this process."""

import contextlib
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from fathom.cli.main import run as command

TINY = (
    "--size=small",
    "--set=training.epochs=2.0",
    "--set=network.members=2",
    "--set=network.width=7",
    "--set=split.folds=0",
    "--set=evaluate.baselines=false",
    "--set=evaluate.importance=false",
)


@dataclass(frozen=True)
class Said:
    """What a call of the command said.

    Attributes:
        code: the exit code.
        out, err: what it printed.
    """

    code: int
    out: str
    err: str


Fathom = Callable[..., Said]


@pytest.fixture
def fathom(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Fathom:
    """Call it as a person would; anything but an orderly exit is the test's failure."""

    def call(*words: object) -> Said:
        monkeypatch.setattr(sys, "argv", ["fathom", *map(str, words)])
        monkeypatch.setattr(sys, "excepthook", sys.excepthook)
        capsys.readouterr()
        code = 0
        try:
            command()
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 1
        told = capsys.readouterr()
        return Said(code, told.out, told.err)

    return call


@pytest.fixture
def tiny() -> tuple[str, ...]:
    """Options with which a training takes a fraction of a second."""
    return TINY


@pytest.fixture(scope="session")
def houses(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A table of a number, a word and a price."""
    draw = np.random.default_rng(0)
    lines = ["area,style,price"]
    for area, style in zip(
        draw.normal(100, 30, 149), draw.choice(["brick", "wood"], 149), strict=True
    ):
        lines.append(f"{area:.1f},{style},{2 * area + draw.normal():.2f}")
    place = tmp_path_factory.mktemp("data") / "houses.csv"
    place.write_text("\n".join(lines) + "\n")
    return place


@pytest.fixture(scope="session")
def run_folder(houses: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run, trained by the command."""
    place = tmp_path_factory.mktemp("runs") / "houses"
    words = ["fathom", "train", str(houses), "-t", "price", "-q", "--out", str(place), *TINY]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", words)
        patch.setattr(sys, "excepthook", sys.excepthook)
        with contextlib.suppress(SystemExit):
            command()
    assert (place / "report.html").exists()
    return place
