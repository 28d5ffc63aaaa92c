"""Whole training states on disk: tensors in safetensors, all else in JSON, nothing in pickle."""

import errno
import hashlib
import json
import math
import os
import re
import shutil
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from fathom.base.errors import RunError
from fathom.base.files import check_ordinary, seal, storage_error

_TENSOR = "__tensor__"
_PAIRS = "__pairs__"
_TUPLE = "__tuple__"
_NUMBER = "__number__"
_SKELETON, _TENSORS = "state.json", "state.safetensors"
_MARKS = {_TENSOR, _PAIRS, _TUPLE, _NUMBER}


def pack(tree: Any) -> tuple[dict[str, Tensor], Any]:
    """Split a nested state into its tensors and a JSON skeleton that says where they go.

    Args:
        tree: any nesting of dicts, lists, tuples, numbers, strings and tensors.

    Raises:
        TypeError: there is something else in it.

    Example:
        >>> tensors, skeleton = pack({"step": 3, "w": torch.zeros(2)})
        >>> list(tensors), skeleton["step"]
        (['0'], 3)
    """
    tensors: dict[str, Tensor] = {}
    return tensors, _pack(tree, tensors)


def _pack(tree: Any, tensors: dict[str, Tensor]) -> Any:
    if isinstance(tree, Tensor):
        name = str(len(tensors))
        # A copy: the training may go on while the file is written, and safetensors wants no
        # two names for one storage.
        tensors[name] = tree.detach().to("cpu", copy=True).contiguous()
        return {_TENSOR: name}
    if isinstance(tree, dict):
        if all(isinstance(key, str) for key in tree) and not _MARKS & tree.keys():
            return {key: _pack(value, tensors) for key, value in tree.items()}
        return {
            _PAIRS: [[_pack(key, tensors), _pack(value, tensors)] for key, value in tree.items()]
        }
    if isinstance(tree, tuple):
        return {_TUPLE: [_pack(value, tensors) for value in tree]}
    if isinstance(tree, list):
        return [_pack(value, tensors) for value in tree]
    if isinstance(tree, float):
        # JSON knows neither infinity nor NaN.
        return float(tree) if math.isfinite(tree) else {_NUMBER: repr(float(tree))}
    if tree is None or isinstance(tree, bool | int | str):
        return tree
    raise TypeError(
        f"a training state holds tensors, numbers, strings, lists and dicts, not a "
        f"{type(tree).__name__}"
    )


def unpack(tensors: dict[str, Tensor], skeleton: Any) -> Any:
    """Undo `pack`."""
    if isinstance(skeleton, list):
        return [unpack(tensors, value) for value in skeleton]
    if not isinstance(skeleton, dict):
        return skeleton
    if _TENSOR in skeleton:
        return tensors[skeleton[_TENSOR]]
    if _NUMBER in skeleton:
        return float(skeleton[_NUMBER])
    if _TUPLE in skeleton:
        return tuple(unpack(tensors, value) for value in skeleton[_TUPLE])
    if _PAIRS in skeleton:
        return {unpack(tensors, key): unpack(tensors, item) for key, item in skeleton[_PAIRS]}
    return {key: unpack(tensors, value) for key, value in skeleton.items()}


class Snapshot:
    """A training state at one moment, in memory, cut loose from the training that goes on.

    Args:
        state: any nesting of dicts, lists, tuples, numbers, strings and tensors.
    """

    def __init__(self, state: dict[str, Any]) -> None:
        self.tensors, self.skeleton = pack(state)

    def state(self) -> dict[str, Any]:
        """The state again; its tensors are copies."""
        copies = {name: tensor.clone() for name, tensor in self.tensors.items()}
        return unpack(copies, self.skeleton)

    def write(self, folder: Path) -> None:
        """Put it on disk whole: written aside, flushed, then renamed in place of the old one.

        Raises:
            StorageError: disk full or not writable; the old one stays.
        """
        aside = folder.with_name(f".{folder.name}.{os.getpid()}.part")
        try:
            _take_away(aside)
            aside.mkdir(parents=True)
            save_file(self.tensors, aside / _TENSORS)
            body = {"schema": 1, "state": self.skeleton, "tensors": _digest(aside / _TENSORS)}
            text = json.dumps({**body, "seal": seal(body)}, allow_nan=False)
            (aside / _SKELETON).write_text(text, encoding="utf-8")
            for file in aside.iterdir():
                with open(file, "rb+") as handle:
                    os.fsync(handle.fileno())
            _exchange(aside, folder)
        except SafetensorError as error:
            shutil.rmtree(aside, ignore_errors=True)
            raise storage_error(folder, _as_os_error(error)) from error
        except OSError as error:
            shutil.rmtree(aside, ignore_errors=True)
            raise storage_error(folder, error) from error

    @classmethod
    def read(cls, folder: Path) -> "Snapshot":
        """Read what `write` put there.

        Raises:
            RunError: there is none, or it is damaged.
        """
        found = folder if folder.is_dir() else _old(folder)
        snapshot = cls({})
        try:
            for file in (_SKELETON, _TENSORS):
                check_ordinary(found / file)
            body = json.loads((found / _SKELETON).read_text(encoding="utf-8"))
            if not isinstance(body, dict):
                raise ValueError(f"{_SKELETON} is no object")
            if body.pop("seal", None) != seal(body):
                raise ValueError(f"{_SKELETON} is not as it was written")
            if body["tensors"] != _digest(found / _TENSORS):
                raise ValueError(f"{_TENSORS} is not as it was written")
            snapshot.skeleton = body["state"]
            snapshot.tensors = load_file(found / _TENSORS)
            if not isinstance(unpack(snapshot.tensors, snapshot.skeleton), dict):
                raise ValueError(f"{_SKELETON} holds no state")
        except (
            OSError,
            ValueError,
            TypeError,
            LookupError,
            RecursionError,
            SafetensorError,
        ) as error:
            raise RunError(
                "There is no whole checkpoint to go on from.",
                where=str(folder),
                expected=f"{_SKELETON} and {_TENSORS} as they were written",
                got=str(error),
                do="Train again; a checkpoint is written at the first check.",
            ) from error
        return snapshot

    @staticmethod
    def exists(folder: Path) -> bool:
        """Whether `write` has ever put one there."""
        return folder.is_dir() or _old(folder).is_dir()


def beside(folder: Path) -> Path:
    """Where a state lies that came after a checkpoint, and goes with it."""
    return (folder if folder.is_dir() else _old(folder)) / "between"


def remove(folder: Path) -> None:
    """Take a checkpoint away, for a training that begins anew in its place."""
    for place in (folder, _old(folder)):
        _take_away(place)


def sweep(folder: Path) -> None:
    """Take away the half-written files that processes killed while writing have left there."""
    for part in folder.glob(".*.part"):
        if part.is_dir():
            shutil.rmtree(part, ignore_errors=True)
        else:
            part.unlink(missing_ok=True)


def _digest(place: Path) -> str:
    with place.open("rb") as file:
        return hashlib.file_digest(file, "blake2b").hexdigest()


def _old(folder: Path) -> Path:
    return folder.with_name(f".{folder.name}.old")


def _exchange(aside: Path, folder: Path) -> None:
    """Rename in two moves; a kill between them leaves the old one under a name `read` knows."""
    if os.path.lexists(folder):
        _take_away(_old(folder))
        os.replace(folder, _old(folder))
    os.replace(aside, folder)
    _take_away(_old(folder))


def _take_away(place: Path) -> None:
    """A folder, or a link or file that somebody put in its place."""
    if place.is_dir() and not place.is_symlink():
        shutil.rmtree(place, ignore_errors=True)
    else:
        place.unlink(missing_ok=True)


def _as_os_error(error: SafetensorError) -> OSError:
    text = str(error)
    found = re.search(r"\bos error (\d+)\b", text)
    return OSError(int(found.group(1)) if found else errno.EIO, text)


def same(first: Any, second: Any) -> bool:
    """Whether two states are equal to the last bit, kinds of numbers and NaN included.

    Example:
        >>> same({"w": torch.zeros(2)}, {"w": torch.zeros(2)}), same([0.0], [-0.0])
        (True, False)
    """
    (one, shape_one), (two, shape_two) = pack(first), pack(second)
    return (
        repr(shape_one) == repr(shape_two)
        and one.keys() == two.keys()
        and all(_same_bits(one[name], two[name]) for name in one)
    )


def _same_bits(one: Tensor, two: Tensor) -> bool:
    if one.dtype != two.dtype or one.shape != two.shape:
        return False
    return torch.equal(one.reshape(-1).view(torch.uint8), two.reshape(-1).view(torch.uint8))
