"""Columns of names of pictures that are not there, or hardly any."""

import re
from collections import Counter
from pathlib import Path

import numpy as np
import polars as pl

from fathom.base.records import Finding
from fathom.columns.picture import PICTURE_ENDINGS, is_file
from fathom.inspection.sheet import Sheet
from fathom.inspection.wording import example_rows, number_of, several, short
from fathom.tables.table import Table

_HALF, _TRIED = 0.5, 200
_ENDING = rf"(?i)({'|'.join(map(re.escape, PICTURE_ENDINGS))})$"


def names_absent_pictures(table: Table, name: str) -> bool:
    """Whether a column that is not read as pictures names files of pictures that are not there."""
    cells = _cells(table, name)
    named = cells.drop_nulls().filter(_are_names(cells.drop_nulls()))
    if not len(named) or len(named) < _HALF * cells.count():
        return False
    tried, there = _looked_for(table, named)
    return there < _HALF * tried


def _looked_for(table: Table, named: pl.Series) -> tuple[int, int]:
    """How many files were looked for, and how many of them are there."""
    tried = named[np.unique(np.linspace(0, len(named) - 1, _TRIED).astype(int))]
    return len(tried), sum(is_file(str(Path(table.source.folder) / cell)) for cell in tried)


def find_absent_pictures(sheet: Sheet) -> list[Finding]:
    """Pictures that a table names and that were left behind: nothing is learned from them."""
    skipped = (*sheet.targets, sheet.group)
    return [
        _absent(sheet, name)
        for name, found in sheet.recognised.items()
        if name in sheet.table.columns
        and name not in skipped
        and not found.said
        and found.kind.name != "image"
        and names_absent_pictures(sheet.table, name)
    ]


def _absent(sheet: Sheet, name: str) -> Finding:
    cells = _cells(sheet.table, name)
    rows = np.flatnonzero(_are_names(cells).fill_null(False).to_numpy())
    named = cells[rows].to_list()
    endings = Counter(Path(cell).suffix.lower() for cell in named)
    one, folder = len(named) == 1, sheet.table.source.folder
    place = "beside the table" if folder else "from the present folder"
    looked = Path(folder) / named[0]
    tried, there = _looked_for(sheet.table, cells[rows])
    found = f"{there} of {tried} that were looked for were found" if there else "none was found"
    # Where others are there, this column may only tell what they were once called.
    others = any(found.kind.name == "image" for found in sheet.recognised.values())
    return Finding(
        code="pictures_absent",
        severity="low" if others else "high",
        title=f"The pictures that '{name}' names are not there.",
        evidence=f"{number_of(len(named), 'cell')} of '{name}' end{'s' * one} in "
        f"{several(ending for ending, _ in endings.most_common())}; {found} {place}. "
        f"{short(named[0])} was looked for as {short(looked, most=120)}.",
        advice="Names count from the folder of the table: put the pictures there, or correct the "
        f"names. If nothing is to be learned from them, say --kind {name}=ignored.",
        columns=(name,),
        rows=example_rows(rows),
        facts={"count": len(named), "action": "correct"},
    )


def _cells(table: Table, name: str) -> pl.Series:
    """The filled cells of a column of texts; others hold no names."""
    raw = table.column(name)
    texts = raw.dtype == pl.String
    return raw.replace("", None) if texts else pl.Series(raw.name, [], dtype=pl.String)


def _are_names(cells: pl.Series) -> pl.Series:
    return cells.str.contains(_ENDING)
