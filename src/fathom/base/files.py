"""Files written whole or not at all, and JSON that carries a schema version."""

import errno
import hashlib
import json
import math
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from fathom.base.errors import RunError, StorageError

_JSON = json.JSONEncoder(ensure_ascii=False, allow_nan=False)
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


def storage_error(path: Path, error: OSError) -> StorageError:
    """The four beats for a file that could not be written."""
    if error.errno in _FULL:
        return StorageError(
            "The disk is full: a file could not be written whole.",
            where=str(path),
            got=str(error.strerror or error),
            do="Free some space (or choose another place with --out) and resume; "
            "what was written before is kept.",
        )
    return StorageError(
        "A file could not be written.",
        where=str(path),
        expected="a folder that may be written to",
        got=str(error.strerror or error),
        do="Choose another place with --out, or change the rights of this one.",
    )


def write_atomically(path: Path, write: Callable[[Path], None]) -> None:
    """Let `write` fill a file beside `path`, flush it to disk, then put it in place at once.

    A kill or a full disk leaves the old file as it was.

    Raises:
        StorageError: the disk is full or the place cannot be written to.
    """
    aside = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        aside.touch()
        mode = aside.stat().st_mode
        write(aside)
        # Some writers put a file of their own there, which nobody else may read.
        aside.chmod(mode)
        with open(aside, "rb+") as handle:
            os.fsync(handle.fileno())
        os.replace(aside, path)
    except OSError as error:
        with suppress(OSError):
            aside.unlink(missing_ok=True)
        raise storage_error(path, error) from error


def write_text(path: Path, text: str) -> None:
    """Write a text file whole or not at all."""
    write_atomically(path, lambda aside: _put(aside, text))


def _put(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")


def plain(value: Any) -> Any:
    """NumPy scalars, arrays, tuples and non-finite numbers as JSON can hold them."""
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        items = list(value)
        # Long lists of numbers are the rule in wide tables, and need no look at each.
        if all(type(item) is float for item in items) and all(map(math.isfinite, items)):
            return items
        return [plain(item) for item in items]
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, np.generic):
        return plain(value.item())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Path):
        return str(value)
    return value


def write_json(path: Path, content: dict[str, Any], schema: int = 1) -> None:
    """Write a JSON object with its schema version, whole or not at all."""
    write_text(path, _lines({"schema": schema, **plain(content)}) + "\n")


def _lines(value: Any, indent: int = 1) -> str:
    """JSON with a line for each item, but a single one for a list of mere numbers or words."""
    if isinstance(value, dict) and value:
        items = [f"{_line(key)}: {_lines(item, indent + 1)}" for key, item in value.items()]
        first, last = "{}"
    elif isinstance(value, list) and any(isinstance(item, list | dict) for item in value):
        items, (first, last) = [_lines(item, indent + 1) for item in value], "[]"
    else:
        return _line(value)
    between = ",\n" + " " * indent
    return f"{first}\n{' ' * indent}{between.join(items)}\n{' ' * (indent - 1)}{last}"


def _line(value: Any) -> str:
    return _JSON.encode(value)


def check_name(path: Path) -> None:
    """A path must be a text, since records and reports name it.

    Raises:
        StorageError: some bytes of it are no letters.
    """
    odd = [letter for letter in str(path) if letter == "\0" or "\ud800" <= letter <= "\udfff"]
    if odd:
        raise StorageError(
            "The name of a file or folder holds bytes that are no letters.",
            where=str(path)[:300],
            expected="a name in UTF-8",
            got=ascii(odd[0]),
            do="Rename it, or choose another place.",
        )


def spelled(name: str) -> str:
    """A name of a file with those bytes spelled out that are no letters; others as they are.

    Example:
        >>> print(spelled("cat" + chr(0xDCFF)), spelled("chat"))
        cat\\xff chat
    """
    return name.encode(errors="surrogateescape").decode(errors="backslashreplace")


def check_ordinary(path: Path) -> None:
    """What is there must be a file with an end: a pipe or a device is never read.

    Raises:
        OSError: it is there and is no ordinary file.
    """
    if path.exists() and not path.is_file():
        raise OSError(errno.EINVAL, "a folder, a pipe or a device, not an ordinary file")


def read_json(path: Path, schema: int = 1) -> dict[str, Any]:
    """Read a JSON object written by `write_json`.

    Raises:
        RunError: it is absent, is not JSON, or was written by a newer version.
    """
    try:
        check_ordinary(path)
        content = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(content, dict):
            raise ValueError("not a JSON object")
    except FileNotFoundError as error:
        raise RunError(
            "A file of the run is missing.",
            where=str(path),
            do="Check the path of the run folder, or train again.",
        ) from error
    except (OSError, ValueError, RecursionError) as error:
        raise _unreadable(path, error) from error
    found = content.get("schema")
    if not isinstance(found, int) or found > schema:
        raise RunError(
            "A file of the run was written by a newer fathom.",
            where=str(path),
            expected=f"schema version {schema} or older",
            got=str(found),
            do="Upgrade fathom-learn.",
        )
    return content


def _unreadable(path: Path, error: Exception) -> RunError:
    return RunError(
        "A file of the run cannot be read.",
        where=str(path),
        expected="JSON written by fathom",
        got=str(error),
        do="The folder is damaged: restore it, or train again.",
    )


def write_sealed(path: Path, content: dict[str, Any]) -> None:
    """Write a JSON object that `read_sealed` gives back only as it was written."""
    held = {"schema": 1, **plain(content)}
    write_json(path, {**held, "seal": seal(held)})


def read_sealed(path: Path) -> dict[str, Any]:
    """Read a JSON object written by `write_sealed`, without its seal.

    A figure edited by hand may ask for any amount of memory or answer wrongly without a word, and
    no list of checks would find them all: whatever is not as it was written is refused.

    Raises:
        RunError: it is absent, is not JSON, or is not as it was written.
    """
    content = read_json(path)
    told = content.pop("seal", None)
    if told != seal(content):
        raise RunError(
            "A file of the run is not as it was written.",
            where=str(path),
            expected="the content that its seal was made for",
            got="another content" if told else "no seal",
            do="The file is damaged, was edited, or is of an older fathom: restore it, or train "
            "again (with other settings: from recipe.toml).",
        )
    return content


def seal_of(path: Path) -> str:
    """The seal of a sealed file, for another one that goes with it.

    Raises:
        RunError: it cannot be read.
    """
    return str(read_json(path).get("seal"))


def seal(content: dict[str, Any]) -> str:
    """A fingerprint of a JSON object, whatever the order of its keys."""
    text = json.dumps(content, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def append_line(path: Path, content: dict[str, Any]) -> None:
    """Append one JSON object as a line.

    Raises:
        StorageError: the disk is full or the place cannot be written to.
    """
    try:
        with open(path, "a", encoding="utf-8") as handle:
            handle.write(json.dumps(plain(content), ensure_ascii=False, allow_nan=False) + "\n")
    except OSError as error:
        raise storage_error(path, error) from error


def read_lines(path: Path) -> list[dict[str, Any]]:
    """The JSON objects of a line file; a last line that a kill cut short is left out.

    Raises:
        RunError: it cannot be read, or a line is no object.
    """
    if not path.exists():
        return []
    try:
        check_ordinary(path)
        # The kill may have come in the middle of a letter.
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError as error:
        raise _unreadable(path, error) from error
    found: list[dict[str, Any]] = []
    for line in lines:
        try:
            content = json.loads(line)
        except (ValueError, RecursionError):
            break
        if not isinstance(content, dict):
            raise _unreadable(path, ValueError(f"a line that is no object: {line[:60]}"))
        found.append(content)
    return found
