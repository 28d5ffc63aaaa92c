"""Training states on disk: the same bits again, whole or not at all."""

import errno
import json
import math
import os
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors import SafetensorError
from torch import Tensor

from fathom.base.errors import RunError, StorageError
from fathom.training import checkpoint
from fathom.training.checkpoint import Snapshot, pack, remove, same, sweep, unpack

TYPES = (torch.float32, torch.float64, torch.bfloat16, torch.int64, torch.bool, torch.uint8)


@st.composite
def tensors(draw: st.DrawFn) -> Tensor:
    shape = draw(st.lists(st.integers(0, 3), max_size=3))
    generator = torch.Generator().manual_seed(draw(st.integers(0, 99)))
    made = 9 * torch.randn(shape, generator=generator)
    return made.to(draw(st.sampled_from(TYPES)))


plain = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**70), 2**70), st.floats(), st.text(max_size=5)
)
marks = st.sampled_from(["__tensor__", "__pairs__", "__tuple__", "__number__"])
keys = st.one_of(st.text(max_size=5), marks)
odd_keys = st.one_of(
    st.integers(), st.text(max_size=3), st.tuples(st.integers(), st.text(max_size=3))
)
states = st.recursive(
    st.one_of(plain, tensors()),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.lists(inner, max_size=3).map(tuple),
        st.dictionaries(keys, inner, max_size=3),
        st.dictionaries(odd_keys, inner, max_size=3),
    ),
    max_leaves=9,
)


def _equal(one: Any, two: Any) -> bool:
    """Equality written anew: types, NaN and tensors included."""
    if type(one) is not type(two):
        return False
    if isinstance(one, Tensor):
        alike = one.dtype == two.dtype and one.shape == two.shape
        return alike and torch.equal(one.nan_to_num(7), two.nan_to_num(7))
    if isinstance(one, dict):
        return list(one) == list(two) and all(_equal(one[key], two[key]) for key in one)
    if isinstance(one, list | tuple):
        return len(one) == len(two) and all(map(_equal, one, two))
    if isinstance(one, float):
        return one == two or (math.isnan(one) and math.isnan(two))
    return one == two


@given(states)
def test_what_is_packed_comes_back(state: Any) -> None:
    found, skeleton = pack(state)
    assert all(isinstance(tensor, Tensor) for tensor in found.values())
    assert _equal(unpack(found, json.loads(json.dumps(skeleton, allow_nan=False))), state)


@given(st.dictionaries(keys, states, max_size=3))
def test_what_is_written_comes_back(tmp_path_factory: pytest.TempPathFactory, state: Any) -> None:
    folder = tmp_path_factory.mktemp("state") / "checkpoint"
    Snapshot(state).write(folder)
    again = Snapshot.read(folder).state()
    assert _equal(again, state)
    assert same(again, state)


def test_a_snapshot_is_cut_loose() -> None:
    weights, numbers = torch.zeros(5), [1]
    snapshot = Snapshot({"w": weights, "list": numbers})
    weights += 1
    numbers.append(2)
    first = snapshot.state()
    first["w"] += 5
    assert snapshot.state()["w"].tolist() == [0] * 5
    assert snapshot.state()["list"] == [1]


@pytest.mark.parametrize("odd", [{1, 2}, b"x", object(), lambda: 0])
def test_what_json_and_safetensors_cannot_hold_is_refused(odd: object) -> None:
    with pytest.raises(TypeError, match=f"not a {type(odd).__name__}"):
        pack({"a": [odd]})


def test_same_sees_every_bit() -> None:
    state = {"w": torch.tensor([0.0, 1.0]), "n": [1, math.nan]}
    assert same(state, {"w": torch.tensor([0.0, 1.0]), "n": [1, math.nan]})
    assert not same(state, {"w": torch.tensor([-0.0, 1.0]), "n": [1, math.nan]})
    assert not same(state, {"w": torch.tensor([0.0, 1.0]).double(), "n": [1, math.nan]})
    assert not same(state, {"w": torch.tensor([0.0, 1.0]), "n": [1.0, math.nan]})
    assert not same(state, {"w": torch.tensor([0.0, 1.0]), "n": (1, math.nan)})


def _written(tmp_path: Path) -> Path:
    folder = tmp_path / "run" / "checkpoint"
    Snapshot({"w": torch.arange(7), "step": 1}).write(folder)
    return folder


def _fail(*args: object, **kwargs: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _fail_in_rust(*args: object) -> None:
    raise SafetensorError("Error while serializing: I/O error: No space left (os error 28)")


def _over_quota(*args: object) -> None:
    raise SafetensorError("Error while serializing: I/O error: Disk quota exceeded (os error 122)")


@pytest.mark.parametrize(
    ("module", "name", "failure"),
    [
        (os, "fsync", _fail),
        (Path, "write_text", _fail),
        (os, "replace", _fail),
        (checkpoint, "save_file", _fail_in_rust),
        (checkpoint, "save_file", _over_quota),
    ],
    ids=["fsync", "write", "rename", "safetensors", "quota"],
)
def test_a_full_disk_leaves_the_old_one_whole(
    module: Any, name: str, failure: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = _written(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(module, name, failure)
        with pytest.raises(StorageError, match="The disk is full") as caught:
            Snapshot({"w": torch.zeros(7), "step": 2}).write(folder)
    assert str(folder) in caught.value.where
    assert "Free some space" in caught.value.do
    assert Snapshot.read(folder).state()["step"] == 1
    assert [place.name for place in folder.parent.iterdir()] == ["checkpoint"]


def test_a_place_that_may_not_be_written_to_is_told(tmp_path: Path) -> None:
    (tmp_path / "run").write_text("a file, no folder")
    with pytest.raises(StorageError, match="could not be written") as caught:
        Snapshot({}).write(tmp_path / "run" / "checkpoint")
    assert "--out" in caught.value.do


class _Killed(BaseException):
    pass


@pytest.mark.parametrize("moment", [0, 1])
def test_a_kill_while_renaming_leaves_a_whole_one(
    moment: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, replace, calls = _written(tmp_path), os.replace, []

    def dying(source: Path, to: Path) -> None:
        if len(calls) == moment:
            raise _Killed
        calls.append(source)
        replace(source, to)

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", dying)
        with pytest.raises(_Killed):
            Snapshot({"step": 2}).write(folder)
    assert Snapshot.exists(folder)
    assert Snapshot.read(folder).state()["step"] == 1
    Snapshot({"step": 3}).write(folder)
    sweep(folder.parent)
    assert Snapshot.read(folder).state()["step"] == 3
    assert [place.name for place in folder.parent.iterdir()] == ["checkpoint"]


def test_sweeping_takes_away_what_the_killed_left(tmp_path: Path) -> None:
    folder = _written(tmp_path)
    left = folder.parent / ".checkpoint.4711.part"
    left.mkdir()
    (left / "state.json").write_text("{")
    (folder.parent / ".history.jsonl.4711.part").write_text("{")
    sweep(folder.parent)
    assert [place.name for place in folder.parent.iterdir()] == ["checkpoint"]
    remove(folder)
    assert not Snapshot.exists(folder)


@pytest.mark.parametrize("damage", ["absent", "state.json", "state.safetensors", "cut"])
def test_a_damaged_one_is_told(damage: str, tmp_path: Path) -> None:
    folder = _written(tmp_path)
    if damage == "absent":
        remove(folder)
    elif damage == "cut":
        whole = (folder / "state.safetensors").read_bytes()
        (folder / "state.safetensors").write_bytes(whole[:-9])
    else:
        (folder / damage).unlink()
    with pytest.raises(RunError, match="no whole checkpoint") as caught:
        Snapshot.read(folder)
    assert "Train again" in caught.value.do


@pytest.mark.parametrize("name", ["state.json", "state.safetensors"])
def test_what_is_not_as_it_was_written_is_refused(name: str, tmp_path: Path) -> None:
    folder = _written(tmp_path)
    content = bytearray((folder / name).read_bytes())
    place = content.rindex(b"1") if name == "state.json" else len(content) - 3
    content[place] ^= 3
    (folder / name).write_bytes(content)
    with pytest.raises(RunError, match="no whole checkpoint") as caught:
        Snapshot.read(folder)
    assert caught.value.expected == "state.json and state.safetensors as they were written"
    assert caught.value.got == f"{name} is not as it was written"
