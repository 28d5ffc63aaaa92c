"""Halves of characters: JSON and Python allow one of a pair, which no file can be written with."""

import re
from collections.abc import Sequence
from typing import Any

from fathom.base.records import Finding

_HALF = re.compile("[\ud800-\udfff]")
_INSTEAD = "\ufffd"


def whole_text(text: str) -> str:
    """The text with U+FFFD for each half of a character.

    Example:
        >>> whole_text("b" + chr(0xD800)) == "b" + chr(0xFFFD)
        True
    """
    # Python knows of each text whether it is ASCII: most need no look.
    return text if text.isascii() else _HALF.sub(_INSTEAD, text)


def whole_cells(cells: list[Any], name: str) -> tuple[list[Any], tuple[Finding, ...]]:
    """The cells without halves of characters, and the report of it.

    Args:
        cells: of one column; texts within lists and records count, too.
        name: of the column.
    """
    whole = [_whole(cell) for cell in cells]
    rows = [n for n, (old, new) in enumerate(zip(cells, whole, strict=True), 1) if old != new]
    return whole, (_note(f"'{name}'", f"{len(rows):,} cells", name, rows),) if rows else ()


def whole_names(names: Sequence[str]) -> tuple[list[str], tuple[Finding, ...]]:
    """Names of columns without halves of characters, and the report of it."""
    whole = [whole_text(name) for name in names]
    changed = [new for old, new in zip(names, whole, strict=True) if old != new]
    told = (_note("The name of a column", f"'{changed[0]}'", changed[0], ()),) if changed else ()
    return whole, told


def _whole(value: Any) -> Any:
    if isinstance(value, str):
        return whole_text(value)
    if isinstance(value, list):
        return [_whole(item) for item in value]
    if isinstance(value, dict):
        return {_whole(key): _whole(item) for key, item in value.items()}
    return value


def _note(what: str, evidence: str, name: str, rows: Sequence[int]) -> Finding:
    return Finding(
        code="half_characters",
        severity="low",
        title=f"{what} holds halves of characters, which were replaced by '{_INSTEAD}'.",
        evidence=f"{evidence}: a text was cut in the middle of a pair of UTF-16.",
        advice="Write the file again from its source if these texts matter.",
        columns=(name,),
        rows=tuple(rows[:5]),
    )
