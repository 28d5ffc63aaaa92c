"""Killed at random moments and gone on with, a training ends with the same bits."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from fathom.training.checkpoint import Snapshot, same

SCRIPT = Path(__file__).with_name("killed_training.py")
pytestmark = pytest.mark.skipif(os.name != "posix", reason="kills are for POSIX systems")


def _killed_often(home: Path, way: str, num_kills: int, seed: int) -> None:
    said = subprocess.run(
        [sys.executable, str(SCRIPT), str(home), way, str(num_kills), str(seed)],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "OMP_WAIT_POLICY": "PASSIVE"},
    )
    # On a busy machine a child may be through before its time has come.
    assert json.loads(said.stdout)["kills"] >= min(2, num_kills // 2)
    calm, killed = (
        Snapshot.read(home / name / "checkpoint").state() for name in ("calm", "killed")
    )
    assert same(calm, killed)
    for name in ("history.jsonl", "events.jsonl"):
        assert (home / "calm" / name).read_bytes() == (home / "killed" / name).read_bytes()
    events = [event["event"] for event in calm["events"]]
    assert events == ["roll_back"]
    assert calm["learner"]["step"] == 90
    assert {place.name for place in (home / "killed").iterdir()} == {
        "checkpoint",
        "history.jsonl",
        "events.jsonl",
        "timings.jsonl",
    }


@pytest.mark.parametrize("way", ["resident", "loader"])
def test_a_few_kills_change_no_bit(way: str, tmp_path: Path) -> None:
    _killed_often(tmp_path, way, 5, seed=0)


@pytest.mark.slow
@pytest.mark.parametrize("way", ["resident", "loader"])
def test_thirty_kills_change_no_bit(way: str, tmp_path: Path) -> None:
    _killed_often(tmp_path, way, 30, seed=1)
