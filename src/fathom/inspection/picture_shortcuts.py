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

# From which share of what guessing gets wrong a fact is told: what has nothing to do with what is
# shown sooner than the border, which belongs to the picture.
_GIVEN_AWAY, _STRONG, _TELLING = 0.995, 0.9, 0.6
_ENOUGH, _SOME, _LEAST_BEYOND = 100, 30, 8
# Of the border of a thumbnail: the outer ring.
_RING = np.ones((16, 16), dtype=bool)
_RING[1:-1, 1:-1] = False
_BORDER = "the brightness of their border"


def find_picture_shortcuts(sheet: Sheet) -> list[Finding]:
    """Size, form, format, colours, compression or border that foretell much of the target."""
    found: list[Finding] = []
    for target in sheet.learned:
        for pictures in pictures_of(sheet):
            truth = Truth.of(target.rows(pictures.rows))
            if truth is None or len(truth.rows) < _SOME or truth.num_beyond < _LEAST_BEYOND:
                continue
            best: dict[str, tuple[float, Column]] = {}
            for column in _outer_facts(pictures):
                share = _share(truth, column)
                if share > best.get(column.name, (-1.0, column))[0]:
                    best[column.name] = share, column
            found += [
                _finding(pictures, target, column, share)
                for name, (share, column) in best.items()
                if share >= (_STRONG if name == _BORDER else _TELLING)
            ]
    return found


def _share(truth: Truth, column: Column) -> float:
    """The share of what guessing gets wrong that the fact alone does away with."""
    score = score_alone(truth, column) if column.levels.num > 1 else 0.0
    chance = 0.5 if truth.measure == "auc" else 0.0
    return (score - chance) / (1 - chance)


def _outer_facts(pictures: Pictures) -> Iterator[Column]:
    """Of every picture, what has nothing to do with what it shows; of one name, the best counts."""
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
    width = np.array([max(header.width, 1) for header in found], dtype=np.float64)
    height = np.array([max(header.height, 1) for header in found], dtype=np.float64)
    # Cut-outs are of nearly as many sizes as there are pictures.
    side = np.sqrt(width * height).round()
    yield Column("the size of the pictures", "number", Values(side, known))
    form = (width / height).round(2)
    yield Column("how wide the pictures are for their height", "number", Values(form, known))
    border = pictures.likenesses.small[:, _RING].mean(1).round().astype(np.float64)
    readable = ~pictures.likenesses.broken
    yield Column(_BORDER, "number", Values(border, readable))


def _grade(coarse: int) -> str:
    """Coarser by a fifth or so is another grade; pictures of one camera vary by less."""
    return f"grade {round(4 * math.log2(coarse))}" if coarse else "none"


def _finding(pictures: Pictures, target: Column, column: Column, share: float) -> Finding:
    border = column.name == _BORDER
    sure = share >= _GIVEN_AWAY and len(column) >= _ENOUGH and not border
    asked = target.rows(pictures.rows)
    shown = _usual(column, asked) if column.kind == "number" else _pairs(column, asked)
    what = f"{column.name[0].upper()}{column.name[1:]}"
    title = f"{what} tells much about '{target.name}'."
    if share >= _STRONG:
        gives = "gives" if share >= _GIVEN_AWAY else "nearly gives"
        title = f"{what} {gives} '{target.name}' away."
    return Finding(
        code="picture_shortcut",
        severity="high" if sure else "medium" if share >= _STRONG else "low",
        title=title,
        evidence=f"On held-out rows it alone does away with {percent(min(share, 1.0))} of what "
        f"guessing gets wrong.{shown}",
        advice="A network will learn this instead of what the pictures show, and fail where it "
        "does not hold. Make the classes alike in it, or ask how the pictures were collected.",
        columns=(pictures.name, target.name),
        facts={"what": column.name, "share": share, "target": target.name,
               "action": "check_origin"},
    )  # fmt: skip


def _usual(column: Column, target: Column) -> str:
    """The median of each of the commonest classes, where there are classes."""
    if target.numeric:
        return ""
    found: list[str] = []
    for code in np.argsort(-target.levels.counts, kind="stable").tolist():
        here = (target.levels.codes == code) & target.present & column.present
        if here.any():
            middle = np.median(np.asarray(column.values.data, dtype=np.float64)[here])
            found.append(f"{short(target.word(code))} {middle:g}")
    return f" Medians: {several(found, most=3)}."


def _pairs(column: Column, target: Column) -> str:
    """Which class goes with each of the commonest words."""
    found: list[str] = []
    for code in np.argsort(-column.levels.counts, kind="stable").tolist():
        classes = target.levels.codes[(column.levels.codes == code) & target.present]
        if len(classes):
            most = int(np.bincount(classes).argmax())
            found.append(f"{column.word(code)} is mostly {short(target.word(most))}")
    return f" {several(found, most=3)}."
