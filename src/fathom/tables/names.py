"""Columns' names: made unique, given by the person, or listed in a UCI `.names` file."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from fathom.base.errors import DataError, RecipeError, listed
from fathom.base.records import Finding
from fathom.tables.contents import decode, load
from fathom.tables.options import ReadOptions

_CLASS, _TARGET = "class", "target"


@dataclass(frozen=True)
class GivenNames:
    """Names that came from the person, not from the table.

    Attributes:
        names: in the order of the columns.
        last: how to call one more column than there are names; "" = that is an error.
        path: the file they were read from; "" = said directly.
        declared: column -> "numeric" or "nominal".
        levels: column -> the values it may take.
    """

    names: tuple[str, ...]
    last: str = ""
    path: str = ""
    declared: dict[str, str] = field(default_factory=dict[str, str])
    levels: dict[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])

    def fitting(self, num_columns: int, where: str) -> tuple[tuple[str, ...], tuple[Finding, ...]]:
        """The names for so many columns, and what there is to say about them.

        Raises:
            DataError: there are too few or too many names.
        """
        if self.last and num_columns == len(self.names) + 1:
            note = Finding(
                code="target_named",
                severity="low",
                title=f"The last column was named '{self.last}'.",
                evidence=f"{Path(self.path).name} names {len(self.names)} attributes; the table "
                f"has one column more, which such files keep for the answer.",
                advice="Check that the last column is the one to predict.",
                columns=(self.last,),
            )
            return (*self.names, self.last), (note,)
        if num_columns != len(self.names):
            raise DataError(
                "The names do not fit the table.",
                where=where,
                expected=f"{num_columns} names, one for each column",
                got=f"{len(self.names)} names: {listed(self.names)}"
                + (f" (from {self.path})" if self.path else ""),
                do="Give one name for each column, in the order of the file.",
            )
        return self.names, ()


def given_names(options: ReadOptions) -> GivenNames | None:
    """The names that the options carry or point to.

    Raises:
        RecipeError: a name is empty or comes twice.
        DataError: the `.names` file cannot be read or lists no attributes.
    """
    names = options.names
    if names is None:
        return None
    if isinstance(names, Path) or (isinstance(names, str) and names.lower().endswith(".names")):
        return read_names(Path(names).expanduser())
    listing = tuple(name.strip() for name in names.split(",")) if isinstance(names, str) else names
    repeated = sorted({name for name in listing if listing.count(name) > 1})
    if repeated or not listing or not all(listing):
        raise RecipeError(
            "The columns' names cannot be told apart.",
            where="option names",
            expected="a name of its own for each column",
            got=f"{listed(repeated)} more than once" if repeated else "an empty name",
            do="Give each column a name that no other has.",
        )
    return GivenNames(tuple(str(name) for name in listing))


def unique_names(names: Sequence[str], where: str) -> tuple[tuple[str, ...], tuple[Finding, ...]]:
    """The names with empty ones filled and repeated ones numbered, and the report of it.

    Example:
        >>> unique_names(["a", "", "a"], "x.csv")[0]
        ('a', 'column_2', 'a_2')
    """
    taken = {name for name in names if name}
    seen: set[str] = set()
    unique: list[str] = []
    for place, name in enumerate(names, start=1):
        chosen = name or _free(f"column_{place}", taken)
        if chosen in seen:
            chosen = _free(f"{chosen}_2", taken)
        seen.add(chosen)
        taken.add(chosen)
        unique.append(chosen)
    changed = [
        (place, old, new)
        for place, (old, new) in enumerate(zip(names, unique, strict=True), start=1)
        if old != new
    ]
    if not changed:
        return tuple(unique), ()
    told = [
        f"column {place} (" + (f"'{old}' again" if old else "no name") + f") is now '{new}'"
        for place, old, new in changed
    ]
    note = Finding(
        code="names_changed",
        severity="low",
        title="Some columns had no name or the name of another, and were renamed.",
        evidence=f"In {where}: " + "; ".join(told[:8]) + (" …" if len(told) > 8 else "") + ".",
        advice="Give each column a name of its own in the file, or use --names.",
        columns=tuple(new for _, _, new in changed),
        facts={"repeated": sorted({old for _, old, _ in changed if old})},
    )
    return tuple(unique), (note,)


def numbered_names(num_columns: int) -> tuple[str, ...]:
    """Names for a table that has none: column_1, column_2, …"""
    return tuple(f"column_{place}" for place in range(1, num_columns + 1))


def _free(wish: str, taken: set[str]) -> str:
    stem, number = (wish.removesuffix("_2"), 2) if wish.endswith("_2") else (wish, 1)
    chosen = wish
    while chosen in taken:
        number += 1
        chosen = f"{stem}_{number}"
    return chosen


def read_names(path: Path) -> GivenNames:
    """The attributes that a UCI `.names` file lists, in the form of C4.5.

    Such a file holds a line with the classes (`>50K, <=50K.`), then one line for each attribute:
    `age: continuous.` or `sex: Female, Male.`; `|` starts a comment. The class itself is the last
    column of the data and is not listed.

    Raises:
        DataError: there is no such file, or it holds other lines or no attributes.

    Source: Quinlan (1993), "C4.5: Programs for Machine Learning".
    """
    text = decode(load(path)).data.decode()
    lines = _statements(text)
    attributes: dict[str, str] = {}
    classes = False
    for line, statement in lines:
        name, colon, values = statement.partition(":")
        name, values = name.strip(), values.strip()
        if colon and (_is_kind(values) or "," in values) and name not in attributes:
            attributes[name] = values
        elif not colon and not attributes and not classes:
            classes = True
        else:
            raise _not_names(path, f"line {line}: '{statement[:60]}'")
    if not attributes:
        raise _not_names(path, f"{len(lines)} lines, none of them an attribute")
    nominal = {
        name: tuple(value.strip() for value in values.split(","))
        for name, values in attributes.items()
        if not _is_kind(values)
    }
    declared = {
        name: "numeric" if values.lower() == "continuous" else "nominal"
        for name, values in attributes.items()
        if values.lower() not in ("ignore", "label")
    }
    last = _free(_CLASS if classes else _TARGET, set(attributes))
    return GivenNames(tuple(attributes), last, str(path), declared, nominal)


def _statements(text: str) -> list[tuple[int, str]]:
    """Statements with their line numbers: comments gone, continued lines joined."""
    found: list[tuple[int, str]] = []
    continued = False
    for number, raw in enumerate(text.splitlines(), start=1):
        line = raw.partition("|")[0].strip()
        if not line:
            continue
        if continued:
            start, before = found[-1]
            found[-1] = (start, f"{before} {line}")
        else:
            found.append((number, line))
        continued = line.endswith(",")
    return [(number, statement.removesuffix(".").strip()) for number, statement in found]


def _is_kind(values: str) -> bool:
    return bool(re.fullmatch(r"continuous|ignore|label|discrete\s+\d+", values, re.IGNORECASE))


def _not_names(path: Path, got: str) -> DataError:
    return DataError(
        "The file of names does not list attributes.",
        where=str(path),
        expected="lines such as 'age: continuous.' and 'sex: Female, Male.', as in adult.names",
        got=got,
        do="Give the names themselves, separated by commas, in the order of the columns.",
    )
