"""How often the same test rows were looked at on this machine.

Choosing the best of many scores on the same test rows makes the best one too good. The ledger
does not forbid looking; it counts, and the count stands beside the score.
"""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import blake2b
from pathlib import Path

import polars as pl

_FILE = "looks.jsonl"


@dataclass(frozen=True)
class Looks:
    """How many models were scored on the same test rows for the same target.

    Attributes:
        count: this one included; None = unknown.
        note: why it is unknown; "" when it is known.
    """

    count: int | None
    note: str = ""


def state_folder(environment: Mapping[str, str] | None = None) -> Path:
    """Where the ledger lies: FATHOM_STATE, else XDG_STATE_HOME/fathom, else ~/.local/state/fathom.

    Raises:
        RuntimeError: nothing is set and there is no home folder.

    Example:
        >>> state_folder({"FATHOM_STATE": "here"}).as_posix()
        'here'
    """
    environment = os.environ if environment is None else environment
    if said := environment.get("FATHOM_STATE"):
        return Path(said)
    if state := environment.get("XDG_STATE_HOME"):
        return Path(state) / "fathom"
    return Path.home() / ".local" / "state" / "fathom"


def rows_key(frame: pl.DataFrame, targets: Sequence[str]) -> str:
    """A name for the content of some rows and what is predicted for them.

    The order of rows and of columns does not matter, so that a shuffled copy is known again.

    Example:
        >>> rows = pl.DataFrame({"a": [1, 2], "y": ["no", "yes"]})
        >>> rows_key(rows, ["y"]) == rows_key(rows[::-1].select("y", "a"), ["y"])
        True
    """
    digest = blake2b(digest_size=16)
    digest.update(json.dumps(sorted(targets)).encode())
    if frame.width and frame.height:
        # Not by expressions: polars would take names such as "^a$" for patterns.
        columns = [_writable(frame[name]) for name in sorted(frame.columns)]
        lines = pl.DataFrame(columns).to_struct("rows").struct.json_encode()
        for line in lines.sort():
            digest.update(b"\n" + line.encode())
    return digest.hexdigest()


def _writable(series: pl.Series) -> pl.Series:
    """The cells as JSON can hold them: bytes by their digits."""
    if series.dtype != pl.Binary:
        return series
    return series.alias("cells").bin.encode("hex").alias(series.name)


def look(key: str, model: str, folder: Path | None = None) -> Looks:
    """Note that a model was scored on these rows, and count the models so far.

    A model that is scored again teaches nothing new and is counted once. One short line is
    appended in a single write, so two processes do not disturb each other.

    Args:
        key: from `rows_key`.
        model: names the trained model, a hash of its weights or answers for example.
        folder: where the ledger lies; None = `state_folder()`.

    Returns:
        The count, or None with a note where the place cannot be written to or read. Never an
        error: a score must not fail for want of a ledger.
    """
    line = {"key": key, "model": model, "time": datetime.now(UTC).isoformat(timespec="seconds")}
    try:
        place = (state_folder() if folder is None else folder) / _FILE
        place.parent.mkdir(parents=True, exist_ok=True)
        _append(place, line)
        return Looks(len(_models(place, key)))
    except (OSError, RuntimeError) as error:
        return Looks(None, f"looks are not counted: {error}")


def count_looks(key: str, folder: Path | None = None) -> Looks:
    """The models scored on these rows so far, without adding one."""
    try:
        place = (state_folder() if folder is None else folder) / _FILE
        return Looks(len(_models(place, key)) if place.exists() else 0)
    except (OSError, RuntimeError) as error:
        return Looks(None, f"looks are not counted: {error}")


def _append(place: Path, line: dict[str, str]) -> None:
    # The line break comes first: after a line that a kill cut short, this one still stands alone.
    content = ("\n" + json.dumps(line)).encode()
    handle = os.open(place, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(handle, content)
    finally:
        os.close(handle)


def _models(place: Path, key: str) -> set[str]:
    models: set[str] = set()
    for text in place.read_text(encoding="utf-8", errors="replace").splitlines():
        if key not in text:
            continue
        try:
            line = json.loads(text)
        except json.JSONDecodeError:
            continue
        if isinstance(line, dict) and line.get("key") == key:
            models.add(str(line.get("model")))
    return models
