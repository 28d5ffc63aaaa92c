"""What gives the class of a picture away without a look at what it shows."""

import math
from collections.abc import Iterator

import numpy as np

from fathom.base.records import Finding
from fathom.columns.kind import Values
from fathom.inspection.alone import Truth, score_alone
from fathom.inspection.column import Column
from fathom.inspection.pictures import Pictures, pictures_of
from fathom.inspection.sheet import Sheet
from fathom.inspection.wording import percent, several, short

_GIVEN_AWAY, _STRONG = 0.995, 0.9
_ENOUGH, _SOME, _LEAST_BEYOND = 100, 30, 8
# Of the border of a thumbnail: the outer ring.
_RING = np.ones((16, 16), dtype=bool)
_RING[1:-1, 1:-1] = False


def find_picture_shortcuts(sheet: Sheet) -> list[Finding]:
    """Size, format, colours or border that foretell the target nearly alone."""
    found: list[Finding] = []
    for target in sheet.learned:
        for pictures in pictures_of(sheet):
            truth = Truth.of(target.rows(pictures.rows))
            if truth is None or len(truth.rows) < _SOME or truth.num_beyond < _LEAST_BEYOND:
                continue
            for column in _outer_facts(pictures):
                score = score_alone(truth, column) if column.levels.num > 1 else 0.0
                chance = 0.5 if truth.measure == "auc" else 0.0
                share = (score - chance) / (1 - chance)
                if share >= _STRONG:
                    found.append(_finding(pictures, target, column, share))
    return found


def _outer_facts(pictures: Pictures) -> Iterator[Column]:
    """Of every picture, what has nothing to do with what it shows."""
    found = [one.header for one in pictures.prints]
    known = np.array([not header.error for header in found], dtype=bool)
    for name, words in (
        ("the size of the pictures", [f"{header.width} × {header.height}" for header in found]),
        ("the format of the files", [header.format for header in found]),
        ("whether they have colours", [header.mode for header in found]),
        ("how coarsely the files are compressed", [_grade(header.coarse) for header in found]),
    ):
        data = np.empty(len(words), dtype=object)
        data[:] = words
        yield Column(name, "category", Values(data, known))
    border = pictures.likenesses.small[:, _RING].mean(1).round().astype(np.float64)
    readable = ~pictures.likenesses.broken
    yield Column("the brightness of their border", "number", Values(border, readable))


def _grade(coarse: int) -> str:
    """Coarser by a fifth or so is another grade; pictures of one camera vary by less."""
    return f"grade {round(4 * math.log2(coarse))}" if coarse else "none"


def _finding(pictures: Pictures, target: Column, column: Column, share: float) -> Finding:
    border = column.kind == "number"
    sure = share >= _GIVEN_AWAY and len(column) >= _ENOUGH and not border
    shown = "" if border else f" {_pairs(column, target.rows(pictures.rows))}."
    gives = "gives" if share >= _GIVEN_AWAY else "nearly gives"
    return Finding(
        code="picture_shortcut",
        severity="high" if sure else "medium",
        title=f"{column.name[0].upper()}{column.name[1:]} {gives} '{target.name}' away.",
        evidence=f"On held-out rows it alone does away with {percent(min(share, 1.0))} of what "
        f"guessing gets wrong.{shown}",
        advice="A network will learn this instead of what the pictures show, and fail where it "
        "does not hold. Make the classes alike in it, or ask how the pictures were collected.",
        columns=(pictures.name, target.name),
        facts={"what": column.name, "share": share, "target": target.name,
               "action": "check_origin"},
    )  # fmt: skip


def _pairs(column: Column, target: Column) -> str:
    """Which class goes with each of the commonest words."""
    found: list[str] = []
    for code in np.argsort(-column.levels.counts, kind="stable").tolist():
        classes = target.levels.codes[(column.levels.codes == code) & target.present]
        if len(classes):
            most = int(np.bincount(classes).argmax())
            found.append(f"{column.word(code)} is mostly {short(target.word(most))}")
    return several(found, most=3)
