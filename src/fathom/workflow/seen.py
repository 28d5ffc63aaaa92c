"""Fingerprints of the rows that a run was trained on, so that a score on them can be told as such.

They hold no cell of the data; whoever has a row can tell from them whether it was among the
training rows.
"""

import math
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Int, UInt64
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from fathom.base.errors import RunError
from fathom.base.files import write_atomically
from fathom.columns.category import FittedCategory
from fathom.columns.flag import FittedFlag
from fathom.columns.image import FittedImage, named
from fathom.columns.kind import Values
from fathom.evaluation.seen import SeenRows
from fathom.inspection.column import Column
from fathom.inspection.duplicates import NATURAL
from fathom.inspection.hashing import hash_numbers, salted
from fathom.models.preparation import Column as PreparedColumn
from fathom.models.preparation import Preparation
from fathom.tables.table import Table

FILE = "predictions/seen.safetensors"
_VERSION, _BEFORE = "2", "1"


@dataclass(frozen=True, eq=False)
class Seen:
    """Fingerprints of rows: what the network saw of them, and their targets.

    Attributes:
        rows: one per row, sorted.
        log_chance: logarithm of the chance that two different rows are equal, were the columns
            independent.
    """

    rows: UInt64[np.ndarray, " rows"]
    log_chance: float

    @classmethod
    def of(cls, preparation: Preparation, table: Table) -> "Seen":
        """Of the rows of a table that has its targets."""
        columns = _columns(preparation, table)
        log_chance = math.fsum(math.log(max(column.chance, 1e-300)) for column in columns)
        return cls(np.sort(_fingerprints(columns, table.num_rows)), log_chance)

    def times(self, preparation: Preparation, table: Table) -> Int[np.ndarray, " rows"]:
        """How often each row of another table stands among these."""
        asked = _fingerprints(_columns(preparation, table), table.num_rows)
        first, last = (np.searchsorted(self.rows, asked, side) for side in ("left", "right"))
        return last - first

    def among(self, times: Int[np.ndarray, " rows"], notable: float = 0.01) -> SeenRows:
        """What to tell of scored rows.

        Args:
            times: how often each of them stands among these.
            notable: the share from which it belongs into the verdict.
        """
        expected = len(self.rows) * len(times) * math.exp(max(self.log_chance, -700.0))
        found: Bool[np.ndarray, " rows"] = times > 0
        by_chance = bool(times.sum() <= NATURAL * expected)
        count = int(found.sum())
        return SeenRows(count=count, rows=len(times), by_chance=by_chance, notable=notable)

    def write(self, folder: Path) -> None:
        """Into a run folder.

        Raises:
            StorageError: it cannot be written.
        """
        # One fact in the metadata, whose order is by chance: the same run has the same file.
        facts = {"version": _VERSION}
        arrays = {"log_chance": np.array([self.log_chance]), "rows": self.rows}
        write_atomically(folder / FILE, lambda aside: save_file(arrays, aside, metadata=facts))


def read_seen(folder: Path) -> Seen | None:
    """What a run was trained on; None for runs that kept no fingerprints.

    Raises:
        RunError: the file is damaged or of a newer make.
    """
    place = folder / FILE
    if not place.exists():
        return None
    try:
        with safe_open(place, "numpy") as found:
            facts = found.metadata()
            if facts["version"] not in (_VERSION, _BEFORE):
                raise ValueError(f"version {facts['version']}")
            before = facts["version"] == _BEFORE
            chance = facts["log_chance"] if before else found.get_tensor("log_chance")[0]
            return Seen(found.get_tensor("rows"), float(chance))
    except (SafetensorError, OSError, KeyError, TypeError, ValueError) as error:
        raise RunError(
            "The fingerprints of the training rows cannot be read.",
            where=str(place),
            expected=f"a file of version {_VERSION}, as `fathom train` writes it",
            got=str(error).splitlines()[0] if str(error) else type(error).__name__,
            do="Restore the file; without it, it is not told which rows were trained on.",
        ) from error


def _columns(preparation: Preparation, table: Table) -> list[Column]:
    values = preparation.parse(table)
    return [
        Column(column.name, column.kind.name, _matched(column, values[column.name]))
        for column in (*preparation.inputs, *preparation.targets)
    ]


def _matched(column: PreparedColumn, values: Values) -> Values:
    """Words as the training rows wrote them, so that "<=50K." is no other class."""
    fitted = column.fitted
    if isinstance(fitted, FittedImage):
        return named(values)
    known = isinstance(fitted, FittedCategory | FittedFlag)
    return fitted.reconcile(values) if known else values


def _fingerprints(columns: list[Column], num_rows: int) -> UInt64[np.ndarray, " rows"]:
    """One number per row, the same on every machine and with every version of what we use."""
    total = np.zeros(num_rows, dtype=np.uint64)
    for column in columns:
        if column.numeric:
            hashes = hash_numbers(column.values.data, column.present)
        else:
            hashes = _word_hashes(column)
        total += salted(hashes, column.name)
    return total


def _word_hashes(column: Column) -> UInt64[np.ndarray, " rows"]:
    """Of words, by level: there are far fewer of them than rows."""
    words = [column.word(code).encode() for code in range(column.levels.num)]
    hashes = [int.from_bytes(blake2b(word, digest_size=8).digest(), "little") for word in words]
    return np.array([*hashes, 0], dtype=np.uint64)[column.levels.codes]
