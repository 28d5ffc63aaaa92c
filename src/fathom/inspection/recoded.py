"""Columns that say what another column says already."""

from collections.abc import Callable
from hashlib import blake2b

import numpy as np

from fathom.base.errors import listed
from fathom.base.records import Finding
from fathom.base.seeds import numpy_generator
from fathom.inspection.column import Column
from fathom.inspection.sheet import Sheet
from fathom.inspection.wording import number_of, several, short

# So many rows must meet a level again before agreeing means anything.
_REPEATS = 20
# Correlations look at some rows and columns only, so that their cost stays below that of reading.
_ROWS, _COLUMNS = 2_000, 2_000
_ALIKE = 0.9995


def find_recodings(sheet: Sheet) -> list[Finding]:
    """Inputs that are equal, recodings of one another, or order the rows nearly alike."""
    columns = [column for column in sheet.inputs if column.levels.num > 1]
    found: list[Finding] = []
    told: set[str] = set()
    for key in (_content, recoding_key, _ranking):
        for members in _alike(columns, key):
            fresh = [column for column in members if column.name not in told]
            if len(fresh) > 1:
                told |= {column.name for column in fresh[1:]}
                found.append(_equal(fresh) if key is _content else _recoded(fresh))
    rest = [column for column in columns if column.name not in told]
    return found + _nearly(rest[:_COLUMNS])


def _alike(columns: list[Column], key: Callable[[Column], bytes]) -> list[list[Column]]:
    """Columns with the same key, in the order of the table; no key, no company."""
    groups: dict[bytes, list[Column]] = {}
    for column in columns:
        found = key(column)
        if found:
            groups.setdefault(found, []).append(column)
    return [members for members in groups.values() if len(members) > 1]


def _digest(numbers: np.ndarray) -> bytes:
    return blake2b(np.ascontiguousarray(numbers).tobytes(), digest_size=16).digest()


def _content(column: Column) -> bytes:
    return _digest(column.hashes)


def recoding_key(column: Column) -> bytes:
    """Equal for columns whose levels translate one to one; b"" where levels hardly repeat.

    Levels are numbered by their first appearance, "no value" being one of them.

    Example:
        >>> from fathom.columns.kind import Values
        >>> present = np.ones(30, dtype=bool)
        >>> number = Column("n", "number", Values(np.arange(30.0) % 3, present))
        >>> words = np.array(list("xyz" * 10), dtype=object)
        >>> recoding_key(number) == recoding_key(Column("w", "category", Values(words, present)))
        True
    """
    levels = column.levels
    first = levels.first
    if levels.num_absent:
        first = np.append(first, int(np.argmin(column.present)))
    if len(column) - len(first) < _REPEATS or len(first) < 2:
        return b""
    appearance = np.argsort(np.argsort(first))
    return _digest(appearance[levels.codes].astype(np.int32))


def _ranking(column: Column) -> bytes:
    """Equal for numbers that hardly repeat and order the rows alike, or the other way round."""
    levels = column.levels
    if not column.numeric or levels.num < _REPEATS or column.num_present - levels.num >= _REPEATS:
        return b""
    falling = np.where(column.present, levels.num - 1 - levels.codes, levels.num)
    return min(_digest(levels.codes), _digest(falling))


def says_the_same(one: Column, other: Column) -> bool:
    """Whether two columns are recodings of one another, or order the rows alike.

    Example:
        >>> from fathom.columns.kind import Values
        >>> x, present = np.linspace(1.0, 2.0, 30), np.ones(30, dtype=bool)
        >>> number = Column("x", "number", Values(x, present))
        >>> says_the_same(number, Column("y", "number", Values(-np.log(x), present)))
        True
    """
    pairs = ((recoding_key(one), recoding_key(other)), (_ranking(one), _ranking(other)))
    return any(first and first == second for first, second in pairs)


def _equal(members: list[Column]) -> Finding:
    first, *others = members
    names = [column.name for column in others]
    verb = "is a copy" if len(others) == 1 else "are copies"
    return Finding(
        code="duplicate_columns",
        severity="low",
        title=f"{listed(names)} {verb} of '{first.name}'.",
        evidence=f"All {len(first):,} rows agree.",
        advice=f"Keep '{first.name}' only: copies slow training and blur explanations.",
        columns=tuple(column.name for column in members),
        facts={"same_as": first.name, "repeats": names, "action": "drop", "drop": names},
    )


def _recoded(members: list[Column]) -> Finding:
    first, *others = members
    names = [column.name for column in others]
    other = others[0]
    order = np.argsort(-first.levels.counts, kind="stable")[:4]
    pairs = [(int(code), int(first.levels.first[code])) for code in order]
    shown = several(
        f"{short(first.word(code))} = {short(_word_at(other, row))}" for code, row in pairs
    )
    verb = "repeats" if len(others) == 1 else "repeat"
    return Finding(
        code="recoded_columns",
        severity="low",
        title=f"{listed(names)} {verb} '{first.name}' in other words.",
        evidence=f"Each of {number_of(first.levels.num, 'value')} of '{first.name}' goes with one "
        f"value of '{other.name}' and the other way round, in all {len(first):,} rows: {shown}.",
        advice=f"Keep '{first.name}' only: copies slow training and blur explanations.",
        columns=tuple(column.name for column in members),
        facts={"same_as": first.name, "repeats": names, "action": "drop", "drop": names},
    )


def _word_at(column: Column, row: int) -> str:
    code = int(column.levels.codes[row])
    return column.word(code) if code < column.levels.num else "no value"


def _nearly(columns: list[Column]) -> list[Finding]:
    """Numbers whose ranks agree almost perfectly. Ranks, since one outlier can fake the rest."""
    columns = [one for one in columns if one.kind == "number" and one.levels.num >= _REPEATS]
    if len(columns) < 2:
        return []
    rows = np.arange(len(columns[0]))
    if len(rows) > _ROWS:
        rows = np.sort(numpy_generator(0, "inspection", "ranks").choice(rows, _ROWS, replace=False))
    ranks = np.stack([_standard(column.levels.codes[rows]) for column in columns])
    correlation = ranks @ ranks.T / len(rows)
    found: list[Finding] = []
    told: set[int] = set()
    for one, other in np.argwhere(np.triu(np.abs(correlation) >= _ALIKE, k=1)).tolist():
        if other not in told and one not in told:
            told.add(other)
            found.append(_nearly_finding(columns[one], columns[other], correlation[one, other]))
    return found


def _standard(codes: np.ndarray) -> np.ndarray:
    _, codes = np.unique(codes, return_inverse=True)
    centred = codes - codes.mean()
    return centred / max(float(centred.std()), 1e-12)


def _nearly_finding(first: Column, other: Column, correlation: float) -> Finding:
    direction = "alike" if correlation > 0 else "the other way round"
    return Finding(
        code="nearly_equal_columns",
        severity="low",
        title=f"'{other.name}' orders the rows almost as '{first.name}' does.",
        evidence=f"The rank correlation is {correlation:.4f} ({direction}).",
        advice=f"'{other.name}' adds hardly anything; explanations will share its weight with "
        f"'{first.name}'.",
        columns=(first.name, other.name),
        facts={"same_as": first.name, "correlation": float(correlation), "action": "keep"},
    )
