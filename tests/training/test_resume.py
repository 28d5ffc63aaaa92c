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


@pytest.mark.parametrize(
    "num_kills", [3, pytest.param(30, marks=pytest.mark.slow, id="30 at random")]
)
def test_kills_at_random_moments_change_no_bit(num_kills: int, tmp_path: Path) -> None:
    said = subprocess.run(
        [sys.executable, str(SCRIPT), str(tmp_path), str(num_kills), str(num_kills)],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "OMP_WAIT_POLICY": "PASSIVE"},
    )
    for way, kills in json.loads(said.stdout).items():
        # On a busy machine a child may be through before its time has come.
        assert kills >= num_kills // 3
        calm, killed = tmp_path / way / "calm", tmp_path / way / "killed"
        state, other = (Snapshot.read(one / "checkpoint").state() for one in (calm, killed))
        assert state.pop("token") != other.pop("token"), "two trainings, alike in all else"
        assert same(state, other)
        for name in ("history.jsonl", "events.jsonl"):
            assert (calm / name).read_bytes() == (killed / name).read_bytes()
        assert [event["event"] for event in state["events"]] == ["roll_back"]
        assert state["learner"]["step"] == 45
        assert {place.name for place in (killed / "checkpoint").iterdir()} == {
            "state.json",
            "state.safetensors",
        }
        assert {place.name for place in killed.iterdir()} == {
            "checkpoint",
            "history.jsonl",
            "events.jsonl",
            "timings.jsonl",
        }
