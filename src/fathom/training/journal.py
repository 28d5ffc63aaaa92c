"""The files of one training in its folder: checkpoint, history, events, timings."""

import json
from collections.abc import Iterable
from pathlib import Path

from fathom.base.files import append_line, plain, read_lines, write_text
from fathom.training.checkpoint import Snapshot, remove, sweep
from fathom.training.learner import Event
from fathom.training.records import Record


class Journal:
    """Writes as the training goes; without a folder it keeps quiet.

    Args:
        folder: of the training; made when first needed.
    """

    def __init__(self, folder: Path | None) -> None:
        self.folder = folder
        self._saved: Snapshot | None = None

    def found(self) -> Snapshot | None:
        """The checkpoint that lies there, if one does.

        Raises:
            RunError: it is damaged.
        """
        if self.folder is None or not Snapshot.exists(self.folder / "checkpoint"):
            return None
        return Snapshot.read(self.folder / "checkpoint")

    def events(self) -> list[Event]:
        """The events that lie there, also those past the checkpoint."""
        return [] if self.folder is None else read_lines(self.folder / "events.jsonl")

    def clear(self) -> None:
        """Take away what an earlier training left, for one that begins anew in its place."""
        if self.folder is not None:
            remove(self.folder / "checkpoint")
            (self.folder / "timings.jsonl").unlink(missing_ok=True)

    def begin(self, history: Iterable[Record], events: Iterable[Event], step: int) -> None:
        """Make the files say what was known at a step: what comes after will be done again."""
        if self.folder is None:
            return
        sweep(self.folder)
        times = [line for line in read_lines(self.folder / "timings.jsonl") if line["step"] <= step]
        self._write("history.jsonl", history)
        self._write("timings.jsonl", times)
        self.write_events(events)

    def note(self, record: Record, seconds: float) -> None:
        """A check: its figures, and apart from them when it came."""
        if self.folder is None:
            return
        append_line(self.folder / "history.jsonl", record)
        append_line(
            self.folder / "timings.jsonl", {"step": record["step"], "seconds": round(seconds, 3)}
        )

    def write_events(self, events: Iterable[Event]) -> None:
        """All events; they are few."""
        if self.folder is not None:
            self._write("events.jsonl", events)

    def save(self, snapshot: Snapshot) -> None:
        """Put a checkpoint on disk, unless it is there already.

        Raises:
            StorageError: disk full or not writable; the one before stays.
        """
        if self.folder is None or snapshot is self._saved:
            return
        snapshot.write(self.folder / "checkpoint")
        self._saved = snapshot

    def _write(self, name: str, records: Iterable[Record]) -> None:
        assert self.folder is not None, "asked only with a folder"
        lines = [json.dumps(plain(record), ensure_ascii=False) + "\n" for record in records]
        write_text(self.folder / name, "".join(lines))
