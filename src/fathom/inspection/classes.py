"""How often each class and each word occurs."""

import numpy as np

from fathom.base.records import Finding
from fathom.inspection.column import Column
from fathom.inspection.sheet import Sheet
from fathom.inspection.wording import example_rows, number_of, part_of, percent, several, short

# A class of fewer rows cannot be learned, chosen by and tested on at once.
_RARE_CLASS = 10
_UNEVEN, _VERY_UNEVEN = 0.10, 0.05
# Of several classes, one that is so much rarer than the commonest is easily forgotten.
_TIMES = 20
_RARE_WORD = 10
_MOST_WORDS = 100
_MANY_WORDS = 0.2


def find_class_balance(sheet: Sheet) -> list[Finding]:
    """Targets with rare classes, or one class that outnumbers all others."""
    found: list[Finding] = []
    for target in sheet.learned:
        if target.kind in ("category", "flag") and target.levels.num >= 2:
            found += _rare_classes(target)
            found += _imbalance(target)
    return found


def find_rare_words(sheet: Sheet) -> list[Finding]:
    """Categories with words that hardly occur, and with very many words."""
    found: list[Finding] = []
    for column in sheet.inputs:
        if column.kind in ("category", "flag") and column.levels.num >= 2:
            found += _rare_words(column)
            found += _many_words(column)
    return found


def _rare_classes(target: Column) -> list[Finding]:
    rare = np.flatnonzero(target.levels.counts < _RARE_CLASS)
    if len(rare) == 0:
        return []
    counts = {target.word(int(code)): int(target.levels.counts[code]) for code in rare}
    shown = several(
        f"{short(word)} {number_of(count, 'row')}"
        for word, count in sorted(counts.items(), key=lambda item: item[1])
    )
    return [
        Finding(
            code="rare_classes",
            severity="medium",
            title=f"'{target.name}' has classes of fewer than {_RARE_CLASS} rows.",
            evidence=f"{len(rare)} of {target.levels.num} classes: {shown}.",
            advice="There is little to learn them from, and little to score them on: collect more "
            "rows, join classes, or leave them out.",
            columns=(target.name,),
            rows=example_rows(np.sort(target.levels.first[rare])),
            facts={"counts": counts, "action": "merge_levels"},
        )
    ]


def _imbalance(target: Column) -> list[Finding]:
    counts = target.levels.counts
    total, least, most = int(counts.sum()), int(counts.min()), int(counts.max())
    uneven = least < _UNEVEN * total if len(counts) == 2 else most > _TIMES * least
    if not uneven:
        return []
    rare, common = target.word(int(counts.argmin())), target.word(int(counts.argmax()))
    very = len(counts) == 2 and least < _VERY_UNEVEN * total
    shown = percent(least / total)
    return [
        Finding(
            code="imbalance",
            severity="medium" if very else "low",
            title=f"Only {shown} of the rows are {short(rare)} in '{target.name}'.",
            evidence=f"{part_of(least, total)} are {short(rare)}, {most:,} are {short(common)}. "
            f"Always answering {short(common)} is right in {percent(most / total)} of the rows.",
            advice="Accuracy hides what matters here: look at average precision and at the recall "
            "of the rare class.",
            columns=(target.name,),
            rows=example_rows(target.levels.codes == counts.argmin()),
            facts={
                "class": rare,
                "count": least,
                "share": least / total,
                "majority": most / total,
                "action": "weigh_classes",
            },
        )
    ]


def _rare_words(column: Column) -> list[Finding]:
    counts = column.levels.counts
    rare = np.flatnonzero(counts < _RARE_WORD)
    if len(rare) == 0 or len(counts) > _MOST_WORDS or len(column) < 20 * _RARE_WORD:
        return []
    rare = rare[np.argsort(counts[rare], kind="stable")]
    words = {column.word(int(code)): int(counts[code]) for code in rare}
    shown = several(f"{short(word)} {number_of(count, 'row')}" for word, count in words.items())
    return [
        Finding(
            code="rare_words",
            severity="low",
            title=f"'{column.name}' has words in fewer than {_RARE_WORD} rows.",
            evidence=f"{len(rare)} of {len(counts)} words: {shown}.",
            advice="Little can be learned about them, and some part of a split may lack them.",
            columns=(column.name,),
            rows=example_rows(np.sort(column.levels.first[rare])),
            facts={"counts": words, "action": "merge_levels"},
        )
    ]


def _many_words(column: Column) -> list[Finding]:
    num, present = column.levels.num, column.num_present
    if num <= _MOST_WORDS or num < _MANY_WORDS * present:
        return []
    alone = int((column.levels.counts == 1).sum())
    return [
        Finding(
            code="many_words",
            severity="low",
            title=f"'{column.name}' has very many different words.",
            evidence=f"{num:,} words in {number_of(present, 'row')}; {alone:,} stand in one row "
            "only.",
            advice="Words seen once teach nothing. Split the column into parts that come back, "
            "or leave it out.",
            columns=(column.name,),
            facts={"distinct": num, "alone": alone, "action": "consider_drop"},
        )
    ]
