"""Fixtures that every test may use."""

import os
from pathlib import Path

import pytest

_BESIDE = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The folder of real data sets; the test is skipped where there is none."""
    folder = Path(os.environ.get("FATHOM_DATA", _BESIDE))
    if not folder.is_dir():
        pytest.skip("no real data: set FATHOM_DATA to a folder that holds them")
    return folder
