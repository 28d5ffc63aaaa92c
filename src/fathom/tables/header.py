"""Whether the first line of a text names the columns, and the evidence for it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from fathom.tables.cells import MISSING_WORDS, is_date, is_number

_NAME = re.compile(r"[^\n.!?;]{1,40}\??")
# Of a file: a word or two behind the last point, as in photos/a.png.
_FILE = re.compile(r"\S.*\.[A-Za-z][A-Za-z0-9]{1,4}")
_MOST_WORDS = 5
_Columns = list[tuple[str, tuple[str, ...]]]


@dataclass(frozen=True)
class HeaderGuess:
    """Whether there is a header.

    Attributes:
        present: the verdict.
        sure: False when custom decided, for want of evidence.
        reason: one sentence with the evidence.
    """

    present: bool
    sure: bool
    reason: str


def guess_header(records: Sequence[Sequence[str]], *, single_lines: bool = False) -> HeaderGuess:
    """Look whether the first record differs in nature from those below it.

    Words above numbers or names of files speak for a header, numbers in the first line against
    one. Where all is words: values that come again speak against, a name above values that
    repeat speaks for.

    Args:
        records: the first records, without blanks around cells; all of one length.
        single_lines: True for a text without a delimiter, where headers are rare.

    Example:
        >>> guess_header([["age", "sex"], ["39", "f"], ["41", "m"]]).present
        True
        >>> guess_header([["39", "f"], ["41", "m"]]).reason
        "the first line holds the number '39'"
    """
    first, body = list(records[0]), list(records[1:])
    numbers = [cell for cell in first if is_number(cell)]
    if not body:
        return HeaderGuess(not numbers, False, "there is one line only")
    columns = [
        (cell, tuple(record[place] for record in body if record[place]))
        for place, cell in enumerate(first)
    ]
    above = [cell for cell, below in columns if _stands_above(cell, below)]
    if above and (len(above) > len(numbers) or _counts_up(numbers)):
        return HeaderGuess(True, True, f"words such as '{above[0]}' stand above numbers")
    if numbers:
        return HeaderGuess(False, True, f"the first line holds the number '{numbers[0]}'")
    dates = [cell for cell in first if is_date(cell)]
    if dates and not above:
        return HeaderGuess(False, True, f"the first line holds the date '{dates[0]}'")
    return _guess_from_words(columns, single_lines)


def _guess_from_words(columns: _Columns, single_lines: bool) -> HeaderGuess:
    cells = [cell for cell, _ in columns]
    for cell, below in columns:
        if cell and not _FILE.fullmatch(cell) and _all_files(below):
            return HeaderGuess(
                True, True, f"'{cell}' stands above names that end as those of files do"
            )
    for cell, below in columns:
        if cell and cell in below:
            return HeaderGuess(False, True, f"'{cell}' of the first line comes again below it")
    twice = [cell for cell in cells if cell and cells.count(cell) > 1]
    if twice:
        return HeaderGuess(False, True, f"'{twice[0]}' stands twice in the first line")
    if not all(_is_name(cell) for cell in cells if cell):
        return HeaderGuess(False, True, "the first line does not look like names")
    for cell, below in columns:
        if cell and len(below) >= 5 and len(set(below)) <= len(below) / 2:
            reason = f"'{cell}' never comes again, though the cells below it repeat"
            return HeaderGuess(True, True, reason)
    for cell, below in columns:
        if cell and sum(map(len, below)) > 3 * len(cell) * max(len(below), 1):
            return HeaderGuess(True, True, f"'{cell}' is far shorter than the cells below it")
    if single_lines:
        return HeaderGuess(False, False, "each line is one cell, and such texts seldom have one")
    return HeaderGuess(True, False, "nothing speaks for or against one, and most files have one")


def _stands_above(cell: str, below: Sequence[str]) -> bool:
    """A word above numbers or dates, or a date above numbers."""
    if not cell or is_number(cell) or cell.lower() in MISSING_WORDS:
        return False
    known = [each for each in below if each.lower() not in MISSING_WORDS]
    least = max(0.9 * len(known), 1)
    if sum(map(is_number, known)) >= least:
        return True
    return not is_date(cell) and sum(map(is_date, known)) >= least


def _all_files(cells: Sequence[str]) -> bool:
    known = [cell for cell in cells if cell.lower() not in MISSING_WORDS]
    return len(known) > 1 and all(map(_FILE.fullmatch, known))


def _is_name(cell: str) -> bool:
    return bool(_NAME.fullmatch(cell)) and len(cell.split()) <= _MOST_WORDS


def _counts_up(cells: Sequence[str]) -> bool:
    """Years or numbers of columns as names: 2019, 2020, 2021; 0, 1, 2."""
    if len(cells) < 3 or not all(re.fullmatch(r"\d{1,4}", cell) for cell in cells):
        return False
    values = [int(cell) for cell in cells]
    return all(later - earlier == 1 for earlier, later in pairwise(values))
