"""Cells that had to be mended or could not be read, and columns of more than one sort."""

from typing import Any

import numpy as np
import polars as pl

from fathom.base.records import Finding
from fathom.columns.kind import Repair
from fathom.columns.numerals import INFINITE, ROUNDED
from fathom.inspection.column import Column
from fathom.inspection.sheet import Sheet
from fathom.inspection.wording import example_rows, examples, number_of, part_of, several, short

_UNREADABLE = "not a "
_MARKER = "a marker for 'no value'"
_MANY = 0.01
# Numbers among words: a column of codes has few of them, measurements have many.
_MOSTLY_NUMBERS, _MANY_NUMBERS = 0.5, 20
# Two spellings that are both frequent are meant, such as the vowels "hAd" and "had".
_RARER = 1 / 3
_MOST_WORDS = 10_000
_NOISE = r"[\s._-]+"


def find_repairs(sheet: Sheet) -> list[Finding]:
    """What parsing mended, cells it could not read, mixtures and spelling variants."""
    found: list[Finding] = []
    for column in sheet.columns.values():
        for repair in column.values.repairs:
            if not repair.what.startswith(_MARKER):
                found.append(_repair(column, repair))
        if column.kind in ("category", "identifier"):
            found += _mixed(column)
        if column.kind in ("category", "flag"):
            found += _spellings(column)
    return found


def is_unreadable(repair: Repair) -> bool:
    """Whether it took cells for missing that hold something else."""
    return repair.what == INFINITE or repair.what.startswith(_UNREADABLE)


def unreadable(name: str, kind: str, repair: Repair, num_rows: int, advice: str) -> Finding:
    """Cells that are not of the column's kind, and so count as missing.

    Args:
        name, kind: of the column.
        repair: how many cells, and some of them.
        num_rows: of the table.
        advice: what to do, which depends on what the rows are for.
    """
    infinite = repair.what == INFINITE
    are = "infinite" if infinite else f"no {kind}s"
    return Finding(
        code="infinite_cells" if infinite else "unreadable_cells",
        severity="medium" if repair.count >= _MANY * num_rows else "low",
        title=f"Some cells of '{name}' are {are} and count as missing.",
        evidence=f"{part_of(repair.count, num_rows, 'cell')}{_such(repair)}.",
        advice=advice,
        columns=(name,),
        facts={**_facts(repair), "action": "correct"},
    )


def _such(repair: Repair) -> str:
    shown = examples(repair.examples)
    return f", such as {shown}" if shown else ""


def _facts(repair: Repair) -> dict[str, Any]:
    return {"what": repair.what, "count": repair.count, "examples": list(repair.examples)}


def _repair(column: Column, repair: Repair) -> Finding:
    such, facts = _such(repair), _facts(repair)
    if is_unreadable(repair):
        advice = "Look at these cells: correct them in the file, or say what the column is with "
        return unreadable(column.name, column.kind, repair, len(column), f"{advice}--kind.")
    if repair.what == ROUNDED:
        return Finding(
            code="digits_lost",
            severity="medium",
            title=f"Numbers of '{column.name}' have more digits than can be kept.",
            evidence=f"{part_of(repair.count, len(column), 'cell')}{such}: about 16 digits are "
            "kept, and different numbers became equal.",
            advice="If they are codes, say --kind COLUMN=category or COLUMN=identifier; if they "
            "count from a far beginning, subtract it.",
            columns=(column.name,),
            facts={**facts, "action": "kind_category"},
        )
    return Finding(
        code="cells_mended",
        severity="low",
        title=f"Cells of '{column.name}' were mended.",
        evidence=f"{number_of(repair.count, 'cell')}{such}: {repair.what}.",
        advice="Nothing to do, if that is what the cells mean.",
        columns=(column.name,),
        facts={**facts, "action": "keep"},
    )


def _words(column: Column) -> pl.Series:
    """The distinct words in the order of the codes."""
    words = column.values.data[column.levels.first].tolist()
    return pl.Series(words, dtype=pl.String)


def _mixed(column: Column) -> list[Finding]:
    """Numbers for the most part, with words between."""
    words = _words(column)
    number = words.cast(pl.Float64, strict=False).is_not_null().to_numpy()
    cells = int(column.levels.counts[number].sum())
    rest = column.num_present - cells
    if number.sum() < _MANY_NUMBERS or rest == 0 or cells < _MOSTLY_NUMBERS * column.num_present:
        return []
    others = examples(words.filter(pl.Series(~number)))
    codes = np.flatnonzero(~number)
    return [
        Finding(
            code="mixed_values",
            severity="medium",
            title=f"'{column.name}' holds mostly numbers, but is read as words.",
            evidence=f"{part_of(cells, column.num_present, 'cell')} are numbers; "
            f"{number_of(rest, 'cell')} are not: {others}.",
            advice="If these words mean that nothing was measured, say --kind COLUMN=number: "
            "they then count as missing.",
            columns=(column.name,),
            rows=example_rows(np.sort(column.levels.first[codes])),
            facts={"numbers": cells, "words": rest, "action": "kind_number"},
        )
    ]


def _spellings(column: Column) -> list[Finding]:
    """Words that differ in capitals, blanks, dots or dashes alone, one of them rarely written."""
    if not 2 <= column.levels.num <= _MOST_WORDS:
        return []
    counts = column.levels.counts
    keys = _words(column).str.to_lowercase().str.replace_all(_NOISE, " ").str.strip_chars()
    # Signs alone ("-", ".") and signed numbers differ in more than spelling.
    doubtful = keys.is_duplicated() & keys.str.contains(r"[\p{L}]")
    groups: dict[str, list[int]] = {}
    for code in np.flatnonzero(doubtful.to_numpy()).tolist():
        groups.setdefault(keys[code], []).append(code)
    variants = [
        codes for codes in groups.values() if counts[codes].min() <= _RARER * counts[codes].max()
    ]
    if not variants:
        return []
    rare = sum(int(counts[codes].sum() - counts[codes].max()) for codes in variants)
    shown = several(" / ".join(short(column.word(code)) for code in codes) for codes in variants)
    return [
        Finding(
            code="spelling_variants",
            severity="medium" if rare >= _MANY * len(column) else "low",
            title=f"Words of '{column.name}' differ in spelling alone.",
            evidence=f"{shown}; {number_of(rare, 'row')} in the rarer spellings.",
            advice="If they mean the same, write them alike; the model takes them for different.",
            columns=(column.name,),
            facts={
                "variants": [[column.word(code) for code in codes] for codes in variants],
                "count": rare,
                "action": "merge_levels",
            },
        )
    ]
