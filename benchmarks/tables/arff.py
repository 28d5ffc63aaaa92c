"""A small reader of ARFF files, strict on purpose: a file it does not understand is an error.

The loaders at hand either refuse quoted names and values or turn a quoted '?' (a value of its own
in some files) into a missing cell. Here cells stay the text that the file holds.
"""

import csv
from dataclasses import dataclass
from pathlib import Path

from benchmarks.tables.files import read_lines

NUMERIC = ("numeric", "real", "integer")


@dataclass(frozen=True)
class Attribute:
    """One column: its name, and its values if it is nominal (None for a number)."""

    name: str
    values: tuple[str, ...] | None


@dataclass(frozen=True)
class Relation:
    """What an ARFF file holds, every cell as text."""

    attributes: tuple[Attribute, ...]
    rows: list[list[str]]

    @property
    def names(self) -> list[str]:
        """The columns' names in the file's order."""
        return [attribute.name for attribute in self.attributes]


def read_arff(path: Path) -> Relation:
    """Read a (gzipped) ARFF file.

    Raises:
        ValueError: a line is not understood, or a cell is not one of its column's values.
    """
    attributes: list[Attribute] = []
    rows: list[list[str]] = []
    in_data = False
    for line in read_lines(path):
        text = line.strip()
        if not text or text.startswith("%"):
            continue
        if in_data:
            rows.append(_cells(text))
        elif text.lower().startswith("@attribute"):
            attributes.append(_attribute(text[len("@attribute") :].strip()))
        elif text.lower().startswith("@data"):
            in_data = True
        elif not text.lower().startswith("@relation"):
            raise ValueError(f"{path.name}: this line is not understood: {text[:80]!r}")
    for number, row in enumerate(rows, start=1):
        _check(row, attributes, f"{path.name}, data row {number}")
    return Relation(tuple(attributes), rows)


def _attribute(text: str) -> Attribute:
    """`'a name' {'b', c}` or `name real`, without the leading keyword."""
    if text[0] in "'\"":
        end = text.index(text[0], 1)
        name, kind = text[1:end], text[end + 1 :].strip()
    else:
        name, kind = (part.strip() for part in text.split(None, 1))
    if kind.startswith("{") and kind.endswith("}"):
        return Attribute(name, tuple(_cells(kind[1:-1])))
    if kind.lower().split()[0] not in NUMERIC:  # a range may follow: `integer [0,9]`
        raise ValueError(f"attribute {name!r}: type {kind!r} is not read here")
    return Attribute(name, None)


def _cells(text: str) -> list[str]:
    """Split at commas outside quotes; the quotes themselves are not part of a cell."""
    quote = '"' if '"' in text and "'" not in text else "'"
    (cells,) = csv.reader(
        [text.strip()], quotechar=quote, escapechar="\\", skipinitialspace=True, strict=True
    )
    return [cell.strip() for cell in cells]


def _check(row: list[str], attributes: list[Attribute], place: str) -> None:
    if len(row) != len(attributes):
        raise ValueError(f"{place}: {len(row)} cells for {len(attributes)} attributes")
    for cell, attribute in zip(row, attributes, strict=True):
        if cell == "?":
            continue
        if attribute.values is None:
            float(cell)
        elif cell not in attribute.values:
            raise ValueError(f"{place}: {cell!r} is not a value of {attribute.name!r}")
