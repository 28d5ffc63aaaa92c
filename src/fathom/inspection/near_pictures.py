"""Pictures that show the same though their files differ, within a table and across files."""

import numpy as np
from jaxtyping import Bool

from fathom.base.records import Finding, Severity
from fathom.columns.likeness import copies, near_pairs
from fathom.inspection.pictures import Pictures, pictures_of
from fathom.inspection.sheet import Sheet
from fathom.inspection.wording import part_of, several

ACROSS = "near_copies_across_files"
_DISTORTING, _HARMFUL = 0.05, 0.01
_SHOWN = 3
_ALIKE = "saved again, resized, or taken one after the other"


def find_near_pictures(sheet: Sheet) -> list[Finding]:
    """Near copies, and near copies of another class."""
    found: list[Finding] = []
    for pictures in pictures_of(sheet):
        pairs = near_pairs(pictures.likenesses)
        if _row_is_picture(sheet):  # exact copies are told as rows that repeat one another
            pairs = pairs[~_same_file(pictures, pairs)]
        if len(pairs):
            found += [_copies(pictures, pairs)]
            found += _contradictions(sheet, pictures, pairs)
    return found


def find_pictures_across(train: Sheet, other: Sheet) -> list[Finding]:
    """Pictures of another file that nearly stand among the training pictures."""
    found: list[Finding] = []
    known = {pictures.name: pictures for pictures in pictures_of(train)}
    for pictures in pictures_of(other):
        if pictures.name not in known:
            continue
        before = known[pictures.name]
        pairs = near_pairs(before.likenesses, pictures.likenesses)
        # Those that are the same to the last byte are told as rows that stand in both.
        digests = {one.digest for one in before.prints}
        new = np.array([one.digest not in digests for one in pictures.prints], dtype=bool)
        pairs = pairs[new[pairs[:, 1]]]
        if len(pairs):
            found.append(_across(before, pictures, pairs))
    return found


def _row_is_picture(sheet: Sheet) -> bool:
    return [column.kind for column in sheet.inputs] == ["image"]


def _same_file(pictures: Pictures, pairs: np.ndarray) -> Bool[np.ndarray, " pairs"]:
    digests = [one.digest for one in pictures.prints]
    return np.array([digests[a] == digests[b] for a, b in pairs.tolist()], dtype=bool)


def _shown(one: Pictures, other: Pictures, pairs: np.ndarray) -> str:
    """The pairs by name, the other's first where it is of other rows."""
    apart = one.part != other.part
    names = (
        f"{other.part} {other.called(b)} like training {one.called(a)}"
        if apart
        else f"{one.called(a)} and {other.called(b)}"
        for a, b in pairs.tolist()
    )
    more = " pairs" * (len(pairs) > _SHOWN)
    return several(names, most=_SHOWN, between="; ") + more


def _copies(pictures: Pictures, pairs: np.ndarray) -> Finding:
    later = np.unique(pairs[:, 1])
    evidence = f"{part_of(len(later), len(pictures.cells), 'picture')}: "
    evidence += f"{_shown(pictures, pictures, pairs)}. They may be {_ALIKE}."
    many = len(later) >= _HARMFUL * len(pictures.cells)
    words = (
        f"{'shows' if len(later) == 1 else 'show'} nearly the same as an earlier one",
        evidence,
        "Copies in training and test make a score look better than it is. Splits that fathom "
        "makes keep them together.",
    )
    return pictures.finding("near_copies", "medium" if many else "low", later, words)


def _contradictions(sheet: Sheet, pictures: Pictures, pairs: np.ndarray) -> list[Finding]:
    found: list[Finding] = []
    for target in sheet.learned:
        if target.numeric:
            continue
        codes = target.levels.codes[pictures.rows]
        known = target.present[pictures.rows]
        torn = (codes[pairs[:, 0]] != codes[pairs[:, 1]]) & known[pairs].all(1)
        if not torn.any():
            continue
        group = copies(pictures.likenesses, pairs)
        places = np.flatnonzero(np.isin(group, group[pairs[torn, 0]]))
        shown = several(
            f"{pictures.called(a)} ({target.word(int(codes[a]))}) and {pictures.called(b)} "
            f"({target.word(int(codes[b]))})"
            for a, b in pairs[torn].tolist()
        )
        many = len(places) >= _HARMFUL * len(pictures.cells)
        words = (
            f"{'shows' if len(places) == 1 else 'show'} nearly the same but differ in "
            f"'{target.name}'",
            f"{shown}.",
            "Look at them: labels may be wrong.",
        )
        severity: Severity = "medium" if many else "low"
        found.append(pictures.finding("near_copies_contradict", severity, places, words))
    return found


def _across(before: Pictures, pictures: Pictures, pairs: np.ndarray) -> Finding:
    places = np.unique(pairs[:, 1])
    share = len(places) / max(len(pictures.cells), 1)
    evidence = f"{part_of(len(places), len(pictures.cells), 'picture')}: "
    evidence += f"{_shown(before, pictures, pairs)}. They may be {_ALIKE}."
    words = (
        f"{'shows' if len(places) == 1 else 'show'} nearly what a training picture shows",
        evidence,
        "The model has as good as seen their answers: remove them from the training pictures, or "
        "report the score without them.",
    )
    severity: Severity = (
        "high" if share >= _DISTORTING else "medium" if share >= _HARMFUL else "low"
    )
    return pictures.finding(ACROSS, severity, places, words)
