"""Names of pictures become paths, as Python's own `Path` would write them."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fathom.tables.schema import below

PARTS = st.lists(st.sampled_from(["a", ".", "/", "b.png", "..", " "]), min_size=1, max_size=9).map(
    "".join
)


@given(folder=PARTS, name=PARTS)
def test_a_path_is_what_path_would_make_of_it(folder: str, name: str) -> None:
    assert below(folder, name) == str(Path(folder) / name)


@pytest.mark.parametrize(
    ("folder", "name"),
    [("data", "a.png"), (".", "a.png"), ("data/", "./a.png"), ("/", "a.png"), ("..", "../a.png")],
)
def test_usual_paths(folder: str, name: str) -> None:
    assert below(folder, name) == str(Path(folder) / name)
