"""The files of one training in its folder: checkpoint, history, events, timings."""

import json
from collections.abc import Iterable
from pathlib import Path

from fathom.base.errors import RunError
from fathom.base.files import append_line, plain, read_lines, storage_error, write_text
from fathom.training.checkpoint import Snapshot, beside, remove, sweep
from fathom.training.learner import Event
from fathom.training.records import Record
from fathom.training.timing import Spent


class Journal:
    """Writes as the training goes; without a folder it keeps quiet.

    Args:
        folder: of the training; made when first needed.

    Attributes:
        spent: time of earlier processes, up to the step that `begin` was told.
    """

    def __init__(self, folder: Path | None) -> None:
        self.folder = folder
        self._saved: Snapshot | None = None
        self.spent = Spent()

    def found(self) -> Snapshot | None:
        """The checkpoint that lies there, if one does.

        Raises:
            RunError: it is damaged.
        """
        if self.folder is None or not Snapshot.exists(self.folder / "checkpoint"):
            return None
        self._saved = Snapshot.read(self.folder / "checkpoint")
        return self._saved

    def events(self) -> list[Event]:
        """The events that lie there, also those past the checkpoint.

        Raises:
            RunError: they are damaged.
        """
        return self._lines("events.jsonl", "event")

    def clear(self) -> None:
        """Take away what an earlier training left, for one that begins anew in its place.

        Raises:
            StorageError: the folder may not be written to, or is none.
        """
        if self.folder is not None:
            try:
                remove(self.folder / "checkpoint")
                (self.folder / "timings.jsonl").unlink(missing_ok=True)
            except OSError as error:
                raise storage_error(self.folder, error) from error

    def begin(self, history: Iterable[Record], events: Iterable[Event], step: int) -> None:
        """Make the files say what was known at a step: what comes after will be done again."""
        if self.folder is None:
            return
        sweep(self.folder)
        times = [line for line in self._lines("timings.jsonl") if line["step"] <= step]
        self.spent = Spent.from_lines(times)
        self._write("history.jsonl", history)
        self._write("timings.jsonl", times)
        self.write_events(events)

    def note(self, record: Record, seconds: float, spent: Spent) -> None:
        """A check: its figures, and apart from them when it came and where the time went."""
        if self.folder is None:
            return
        append_line(self.folder / "history.jsonl", record)
        when = {"step": record["step"], "seconds": round(seconds, 3)}
        append_line(self.folder / "timings.jsonl", {**when, **spent.to_dict()})

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

    def keep(self, snapshot: Snapshot) -> None:
        """Put a state between two checks beside the checkpoint of the one before.

        Whatever checkpoint comes next takes it away.

        Raises:
            StorageError: disk full or not writable; what was kept before stays.
        """
        if self.folder is not None:
            snapshot.write(beside(self.folder / "checkpoint"))

    def kept(self, token: str) -> Snapshot | None:
        """The state between two checks that lies there; None where there is none, or no whole one.

        The checkpoint goes to the same bits, with more steps.

        Args:
            token: of the training; what another one left there is passed over.
        """
        if self.folder is None or not Snapshot.exists(beside(self.folder / "checkpoint")):
            return None
        try:
            found = Snapshot.read(beside(self.folder / "checkpoint"))
        except RunError:
            return None
        return found if found.skeleton.get("token") == token else None

    def _lines(self, name: str, *words: str) -> list[Record]:
        """The records of a file, each with its step and these words."""
        found = [] if self.folder is None else read_lines(self.folder / name)
        odd = [
            line for line in found if type(line.get("step")) is not int or set(words) - set(line)
        ]
        if odd:
            raise RunError(
                "A file of the training is damaged.",
                where=f"{self.folder}/{name}",
                expected=f"lines with {', '.join(('step', *words))}",
                got=json.dumps(odd[0])[:80],
                do="Restore the folder, or train anew in a new one.",
            )
        return found

    def _write(self, name: str, records: Iterable[Record]) -> None:
        assert self.folder is not None, "asked only with a folder"
        lines = [json.dumps(plain(record), ensure_ascii=False) + "\n" for record in records]
        write_text(self.folder / name, "".join(lines))
