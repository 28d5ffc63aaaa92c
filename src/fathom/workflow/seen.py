"""Fingerprints of the rows that a run was trained on, so that a score on them can be told as such.

They hold no cell of the data; whoever has a row can tell from them whether it was among the
training rows.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Int, UInt64
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from fathom.base.errors import RunError
from fathom.base.files import check_ordinary, write_atomically
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

FILE = "predictions/seen.safetensors"
_VERSION, _BEFORE = "3", ("1", "2")


def _none() -> UInt64[np.ndarray, " files"]:
    return np.zeros(0, dtype=np.uint64)


@dataclass(frozen=True, eq=False)
class Seen:
    """Fingerprints of rows: what the network saw of them, and their targets.

    Attributes:
        rows: one per row, sorted.
        log_chance: logarithm of the chance that two different rows are equal, were the columns
            independent.
        pictures: one per picture, sorted, whatever stood beside it; also of those that the network
            which the training began with had learned from.
    """

    rows: UInt64[np.ndarray, " rows"]
    log_chance: float
    pictures: UInt64[np.ndarray, " files"] = field(default_factory=_none)

    @classmethod
    def of(cls, preparation: Preparation, values: Mapping[str, Values]) -> "Seen":
        """Of parsed rows with their targets."""
        columns = _columns(preparation, values)
        log_chance = math.fsum(math.log(max(column.chance, 1e-300)) for column in columns)
        files = [hashes[hashes > 0] for hashes in _pictures(columns)]
        pictures = np.unique(np.concatenate([_none(), *files]))
        return cls(np.sort(_fingerprints(columns)), log_chance, pictures)

    def and_pictures_of(self, other: "Seen | None") -> "Seen":
        """With the pictures that a network to start from had seen."""
        if other is None:
            return self
        return replace(self, pictures=np.union1d(self.pictures, other.pictures))

    def times(
        self, preparation: Preparation, values: Mapping[str, Values]
    ) -> Int[np.ndarray, " rows"]:
        """How often each of other rows, parsed, stands among these.

        A picture that was learned from counts as once, whatever it is said to show now.
        """
        columns = _columns(preparation, values)
        asked = _fingerprints(columns)
        first, last = (np.searchsorted(self.rows, asked, side) for side in ("left", "right"))
        times = last - first
        for hashes in _pictures(columns):
            times = np.maximum(times, np.isin(hashes, self.pictures))
        return times

    def among(
        self, times: Int[np.ndarray, " rows"], notable: float = 0.01, when: str = "in training"
    ) -> SeenRows:
        """What to tell of scored rows.

        Args:
            times: how often each of them stands among these.
            notable: the share from which it belongs into the verdict.
            when: they were seen.
        """
        expected = len(self.rows) * len(times) * math.exp(max(self.log_chance, -700.0))
        found: Bool[np.ndarray, " rows"] = times > 0
        by_chance = bool(times.sum() <= NATURAL * expected)
        count = int(found.sum())
        return SeenRows(
            count=count, rows=len(times), by_chance=by_chance, notable=notable, when=when
        )

    def write(self, folder: Path) -> None:
        """Into a run folder.

        Raises:
            StorageError: it cannot be written.
        """
        # One fact in the metadata, whose order is by chance: the same run has the same file.
        facts = {"version": _VERSION}
        chance = np.array([self.log_chance])
        arrays = {"log_chance": chance, "pictures": self.pictures, "rows": self.rows}
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
        check_ordinary(place)
        with safe_open(place, "numpy") as found:
            facts = found.metadata()
            version = facts["version"]
            if version not in (_VERSION, *_BEFORE):
                raise ValueError(f"version {version}")
            chance = facts["log_chance"] if version == "1" else found.get_tensor("log_chance")[0]
            pictures = found.get_tensor("pictures") if version == _VERSION else _none()
            return Seen(found.get_tensor("rows"), float(chance), pictures)
    except (SafetensorError, OSError, KeyError, TypeError, ValueError) as error:
        raise RunError(
            "The fingerprints of the training rows cannot be read.",
            where=str(place),
            expected=f"a file of version {_VERSION}, as `fathom train` writes it",
            got=str(error).splitlines()[0] if str(error) else type(error).__name__,
            do="Restore the file; without it, it is not told which rows were trained on.",
        ) from error


def _columns(preparation: Preparation, values: Mapping[str, Values]) -> list[Column]:
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


def _pictures(columns: list[Column]) -> list[UInt64[np.ndarray, " rows"]]:
    """What is in the files of each column of pictures; 0 = no picture."""
    return [_word_hashes(column) for column in columns if column.kind == "image"]


def _fingerprints(columns: list[Column]) -> UInt64[np.ndarray, " rows"]:
    """One number per row, the same on every machine and with every version of what we use."""
    total = np.zeros(len(columns[0].values), dtype=np.uint64)
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
