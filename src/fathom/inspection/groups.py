"""Rows of one person, machine or place: entities whose rows must not be split."""

import re
from dataclasses import dataclass

import numpy as np

from fathom.base.errors import listed
from fathom.base.records import Finding
from fathom.inspection.column import Column
from fathom.inspection.sheet import Sheet
from fathom.inspection.wording import number_of, percent, short

_ENTITY = re.compile(
    r"(?i)(^|[_ .-])(subject|patient|speaker|person|participant|respondent|customer|client|user"
    r"|member|household|family|student|pupil|school|hospital|clinic|doctor|device|machine|sensor"
    r"|session|author|owner|site|store|shop|company|firm|farm|plot|well|station|vehicle|group"
    r"|cluster|batch|donor|specimen)([_ .-]?(id|no|nr|num|number|code|key|name))?$"
)
_LEAST_LEVELS, _MOST_CANDIDATES, _ROWS = 5, 30, 20_000
# A trait of the entity: the same in all of its rows, but for a slip in a thousand.
_SAME, _MAJORITY = 0.999, 0.9
# ln(1 / probability) that independent columns would agree so often.
_SURPRISE = 20.0
_AGREE, _AGREE_MUCH = 0.1, 0.3


@dataclass(frozen=True)
class _Entity:
    """A column that may name what rows belong to."""

    column: Column
    traits: tuple[str, ...]
    agreement: float
    named: bool

    @property
    def convincing(self) -> bool:
        """Whether several traits say so, or the name and something else."""
        told = self.agreement >= _AGREE or self.traits or self.column.kind == "identifier"
        return len(self.traits) >= 2 or (self.named and bool(told))

    @property
    def plausible(self) -> bool:
        """Whether it is worth a word."""
        much = bool(self.traits) and self.agreement >= _AGREE_MUCH
        return self.convincing or self.named or much

    @property
    def rank(self) -> tuple[bool, bool, int, int]:
        """What to tell first."""
        return (self.convincing, self.named, len(self.traits), self.column.levels.num)


def find_groups(sheet: Sheet) -> list[Finding]:
    """The column that most likely names what rows belong to, unless a group was named.

    An entity shows by its traits: other columns that vary in the table, and never within it
    (the sex of a speaker, the age of a patient); by targets that agree within it; by its name.
    """
    if sheet.group:
        return []
    whole, sheet = sheet, _fewer(sheet)
    columns = [column for column in sheet.columns.values() if column.kind != "ignored"]
    columns = [column for column in columns if column.name not in sheet.targets]
    entities = [
        _Entity(
            column,
            traits_of(column, columns),
            max((agreement(column, target) for target in sheet.learned), default=0.0),
            bool(_ENTITY.search(column.name)),
        )
        for column in _candidates(columns)
    ]
    entities = [entity for entity in entities if entity.plausible]
    if not entities:
        return []
    best = max(entities, key=lambda entity: entity.rank)
    return [_finding(best, whole.columns[best.column.name])]


def _fewer(sheet: Sheet) -> Sheet:
    """The first rows only where there are very many: neighbours often belong together."""
    return sheet if sheet.num_rows <= _ROWS else sheet.rows(np.arange(_ROWS))


def _candidates(columns: list[Column]) -> list[Column]:
    """Columns whose levels come back in at least two rows on average."""
    found = [
        column
        for column in columns
        if column.kind in ("category", "number", "identifier")
        and _LEAST_LEVELS <= column.levels.num <= column.num_present / 2
    ]
    found.sort(key=lambda column: (not _ENTITY.search(column.name), -column.levels.num))
    return found[:_MOST_CANDIDATES]


def traits_of(entity: Column, columns: list[Column]) -> tuple[str, ...]:
    """Columns that have one value for each level of `entity`, far beyond chance."""
    levels = entity.levels
    known = entity.present
    repeats = int(known.sum()) - levels.num
    lead = levels.first[levels.codes[known]]
    found: list[str] = []
    for column in columns:
        other = column.levels
        if not 2 <= other.num < levels.num or other.sizes.max() > _MAJORITY * len(column):
            continue
        if repeats * -np.log(max(column.chance, 1e-12)) < _SURPRISE:
            continue
        if float((other.codes[lead] == other.codes[known]).mean()) >= _SAME:
            found.append(column.name)
    return tuple(found)


def agreement(entity: Column, target: Column) -> float:
    """The share of the target's variation that lies between entities, beyond chance.

    ε² = 1 − (1 − η²)(n − 1)/(n − k) of ranks; for classes with Goodman and Kruskal's τ as η².

    Example:
        >>> from fathom.columns.kind import Values
        >>> here = np.ones(40, dtype=bool)
        >>> who = Column("who", "number", Values(np.arange(40.0) // 4, here))
        >>> agreement(who, Column("y", "number", Values(np.arange(40.0) // 4 % 2, here)))
        1.0
    """
    known = entity.present & target.present
    if target.kind == "set" or not known.any():
        return 0.0
    group, code = entity.levels.codes[known], target.levels.codes[known]
    size = np.maximum(np.bincount(group, minlength=entity.levels.num), 1)
    num, used = len(group), int((np.bincount(group) > 0).sum())
    if target.numeric:
        _, code = np.unique(code, return_inverse=True)
        value = code - code.mean()
        total = float((value**2).sum())
        between = float((np.bincount(group, weights=value) ** 2 / size[: group.max() + 1]).sum())
        explained = between / total if total > 0 else 0.0
    else:
        pairs, counts = np.unique(group * (target.levels.num + 1) + code, return_counts=True)
        within = float((counts**2 / size[pairs // (target.levels.num + 1)]).sum()) / num
        chance = float(((np.bincount(code) / num) ** 2).sum())
        explained = (within - chance) / (1 - chance) if chance < 1 else 0.0
    return 1 - (1 - explained) * (num - 1) / (num - used) if num > used else 0.0


def _finding(entity: _Entity, column: Column) -> Finding:
    """What to say, with the figures of all rows."""
    size = column.num_present / column.levels.num
    shown = short(column.word(int(column.levels.counts.argmax())))
    evidence = f"{number_of(column.levels.num, 'value')} (such as {shown}), each in {size:.1f} "
    evidence += "rows on average"
    if entity.traits:
        evidence += f"; {listed(entity.traits, most=4)} never change within one of them"
    if entity.agreement >= _AGREE:
        evidence += f"; {percent(min(entity.agreement, 1.0))} of what varies in the target lies "
        evidence += "between them"
    return Finding(
        code="groups",
        severity="medium" if entity.convincing else "low",
        title=f"Rows with the same '{column.name}' seem to belong together.",
        evidence=f"{evidence}.",
        advice="If the model is meant for new ones, training and test must not share any: say "
        f"--group {column.name}. Otherwise the score is too good.",
        columns=(column.name, *entity.traits),
        facts={
            "levels": column.levels.num,
            "traits": list(entity.traits),
            "agreement": entity.agreement,
            "action": "group",
            "column": column.name,
        },
    )
