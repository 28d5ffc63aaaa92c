"""A table as it was read: raw cells, where they came from, what reading mended."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from hashlib import blake2b
from typing import Any

import numpy as np
import polars as pl

from fathom.base.errors import DataError, listed, nearest
from fathom.base.files import plain
from fathom.base.records import Finding

_REPR_ROWS, _REPR_COLUMNS, _REPR_WIDTH = 5, 8, 16
_ODD = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True, kw_only=True)
class Source:
    """Where a table came from and how it was read.

    Attributes:
        name: the file's name, or what kind of object it was ("pandas.DataFrame").
        format: "text", "parquet", "arrow", "json", "jsonl", "arff", "npz", "pictures" or
            "memory".
        paths: the files that were read; empty for an object in memory.
        encoding: of a text, by Python's name; "" otherwise.
        delimiter: of a text; " " = runs of blanks, "" = each line is one cell.
        header: True when the names stood in the source itself.
        decimal: the decimal sign the person named; "" = not said.
        declared: column -> "numeric", "nominal", "string" or "date", where the source says so.
        levels: column -> the values it may take, in the order the source declares them.
        folder: that paths in cells begin at; "" = the present one.
    """

    name: str
    format: str
    paths: tuple[str, ...] = ()
    encoding: str = ""
    delimiter: str = ""
    header: bool = True
    decimal: str = ""
    declared: dict[str, str] = field(default_factory=dict[str, str])
    levels: dict[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    folder: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Everything as plain JSON values."""
        return plain(asdict(self))


@dataclass(frozen=True, eq=False, repr=False)
class Table:
    """Raw cells by row and column.

    Cells of texts are strings as they stood, without the blanks around them, and null where a
    cell is empty; words for "missing" ("?", "NA") are left to the columns' kinds. Cells of typed
    sources (Parquet, Arrow, pandas, NumPy, JSON) keep their types.

    Attributes:
        frame: the cells; the order of rows is that of the source.
        source: where they came from.
        notes: what reading mended or guessed. Row numbers in them are those of the source.

    Example:
        >>> table = Table(pl.DataFrame({"age": ["39", None]}), Source(name="x", format="memory"))
        >>> table.num_rows, table.columns
        (2, ('age',))
        >>> table.rows([1]).column("age").to_list()
        [None]
    """

    frame: pl.DataFrame
    source: Source
    notes: tuple[Finding, ...] = ()

    @property
    def num_rows(self) -> int:
        """How many rows there are, the header not counted."""
        return self.frame.height

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns' names, in order."""
        return tuple(self.frame.columns)

    @property
    def repeated(self) -> tuple[str, ...]:
        """Names that several columns had: the first kept its own, the others were renamed."""
        told = [note.facts["repeated"] for note in self.notes if note.code == "names_changed"]
        return tuple(name for names in told for name in names)

    def __len__(self) -> int:
        return self.frame.height

    def rows(self, index: np.ndarray | slice | Sequence[int] | Sequence[bool]) -> "Table":
        """The same table for some rows only, in the order asked for.

        Args:
            index: row positions from 0, one True or False per row, or a slice.

        Raises:
            IndexError: a position lies outside, or there is not one truth value per row.
        """
        positions = np.arange(self.num_rows)[index if isinstance(index, slice) else _array(index)]
        return replace(self, frame=self.frame[positions])

    def column(self, name: str) -> pl.Series:
        """The raw cells of one column.

        Raises:
            DataError: there is no such column.
        """
        try:
            # By a name such as "^a$" polars would mean all columns that match; not with a blank.
            series = self.frame.get_column(name)
            return series.alias(f"{name} ") if name[:1] == "^" and name[-1:] == "$" else series
        except pl.exceptions.ColumnNotFoundError:
            self._require([name])  # says which names there are
            raise

    def select(self, names: Sequence[str]) -> "Table":
        """The same table with these columns only, in this order.

        Raises:
            DataError: there is no such column.
        """
        self._require(names)
        # Not by expressions: polars would take names such as "*" and "^a$" for patterns.
        return replace(self, frame=pl.DataFrame([self.frame[name] for name in _columns(names)]))

    def drop(self, names: Sequence[str]) -> "Table":
        """The same table without these columns.

        Raises:
            DataError: there is no such column.
        """
        self._require(names)
        gone = set(_columns(names))
        return self.select([name for name in self.columns if name not in gone])

    def content_hash(self) -> str:
        """A fingerprint of names and cells, in order: 32 hexadecimal digits (BLAKE2b).

        It depends on nothing else: the same rows from a file, from its compressed copy or with
        other quoting give the same fingerprint, on every machine. A typed cell counts as its
        text, so that 1 read from Parquet equals "1" read from a text.

        Example:
            >>> source = Source(name="x", format="memory")
            >>> one = Table(pl.DataFrame({"a": [1, 2]}), source).content_hash()
            >>> one == Table(pl.DataFrame({"a": ["1", "2"]}), source).content_hash()
            True
            >>> one == Table(pl.DataFrame({"a": [2, 1]}), source).content_hash()
            False
        """
        digest = blake2b(digest_size=16)
        for series in self.frame:
            texts = as_text(series.alias("cells"))
            # Lengths beside the joined bytes make it plain where each cell ends; -1 is no cell.
            lengths = texts.str.len_bytes().cast(pl.Int64).fill_null(-1).to_numpy()
            digest.update(f"{len(series.name.encode())}:{series.name}:{len(series)}:".encode())
            digest.update(lengths.astype("<i8").tobytes())
            digest.update((texts.str.join("", ignore_nulls=True).item() or "").encode())
        return digest.hexdigest()

    def row_hashes(self, columns: Sequence[str] | None = None) -> np.ndarray:
        """One 64-bit number per row, equal for equal cells, to find copies of rows.

        Typed cells count as their texts, so that two tables of different sources compare. Two
        different rows agree by chance once in 2⁶⁴. Not for storing: the numbers may change with
        the version of polars (`content_hash` does not).

        Args:
            columns: look at these columns only, in this order; None = all.

        Returns:
            uint64, ["rows"].

        Raises:
            DataError: there is no such column.

        Example:
            >>> frame = pl.DataFrame({"a": [1, 2, 1], "b": ["x", "x", "x"]})
            >>> hashes = Table(frame, Source(name="x", format="memory")).row_hashes()
            >>> bool(hashes[0] == hashes[2]), bool(hashes[0] == hashes[1])
            (True, False)
        """
        chosen = self.columns if columns is None else columns
        self._require(chosen)
        total = np.zeros(self.num_rows, dtype=np.uint64)
        for name in _columns(chosen):
            cells = as_text(self.column(name)).hash(seed=0).to_numpy()
            # The order of columns must matter, or (a, b) and (b, a) would look like copies.
            total = (total ^ (total >> np.uint64(29))) * _ODD + cells
        return total

    def _require(self, names: Sequence[str]) -> None:
        known = set(self.columns)
        for name in _columns(names):
            if name not in known:
                raise DataError(
                    "There is no such column.",
                    where=self.source.name,
                    expected=f"one of {listed(self.columns)}",
                    got=repr(name),
                    do=nearest(name, self.columns) or "Check the name; look lists the columns.",
                )

    def __repr__(self) -> str:
        shown = self.columns[:_REPR_COLUMNS]
        rows = self.frame[:_REPR_ROWS, : len(shown)].rows()
        lines = [[_short(name) for name in shown]]
        lines += [["·" if cell is None else _short(cell) for cell in row] for row in rows]
        widths = [max(len(line[place]) for line in lines) for place in range(len(shown))]
        more = (self.num_rows > len(rows)) * ["  …"]
        beyond = " …" if len(self.columns) > len(shown) else ""
        body = [
            "  " + "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True))
            for line in lines
        ]
        title = f"{self.source.name}: {self.num_rows:,} rows × {len(self.columns):,} columns"
        return "\n".join([title, *((line + beyond).rstrip() for line in body), *more])


def as_text(series: pl.Series) -> pl.Series:
    """The cells as strings, null where they are null; numbers in polars' shortest spelling."""
    if series.dtype == pl.String:
        return series
    if series.dtype == pl.Binary:
        return series.bin.encode("hex")
    if series.dtype.is_nested() or series.dtype in (pl.Object, pl.Duration):
        cells = [None if cell is None else repr(cell) for cell in series.to_list()]
        return pl.Series(series.name, cells, dtype=pl.String)
    return series.cast(pl.String)


def _array(index: np.ndarray | Sequence[int] | Sequence[bool]) -> np.ndarray:
    positions = np.asarray(index)
    return positions.astype(np.int64) if positions.size == 0 else positions


def _columns(names: Sequence[str]) -> list[str]:
    return [names] if isinstance(names, str) else list(names)


def _short(cell: object) -> str:
    text = " ".join(str(cell).split())
    return text if len(text) <= _REPR_WIDTH else text[: _REPR_WIDTH - 1] + "…"
