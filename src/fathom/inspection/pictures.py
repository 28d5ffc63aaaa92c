"""Columns of pictures: files that cannot be read, and what was done to those that can."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from weakref import WeakKeyDictionary

import numpy as np

from fathom.base.errors import listed
from fathom.base.records import Finding, Severity
from fathom.base.terminal import one_line
from fathom.columns.kind import Values
from fathom.columns.likeness import FLAT, Likenesses, variety
from fathom.columns.picture import MOST_PIXELS, Cell, Header, why_broken
from fathom.columns.prints import Print, prints
from fathom.inspection.column import Column
from fathom.inspection.sheet import Sheet
from fathom.inspection.wording import (
    example_rows,
    number_of,
    part_of,
    percent,
    several,
    short,
)

_CLOSER = 128
_MANY, _MOST = 0.01, 0.5
# How likely chance alone may do it, and from which share on scores are far off.
_RARE, _DISTORTING = 1e-4, 0.05
# Mean grey values of a picture that shows nothing.
_BLACK, _WHITE = 16.0, 240.0


@dataclass(frozen=True, eq=False)
class Pictures:
    """The pictures of one column.

    Attributes:
        name: of the column.
        rows: the rows that have one.
        cells: their files.
        part: what rows these are.
        folder: that names of files begin at.
    """

    name: str
    rows: np.ndarray
    cells: list[Cell]
    part: str = "train"
    folder: str = ""

    @classmethod
    def of(cls, name: str, values: Values, sheet: Sheet) -> "Pictures":
        """Of parsed cells."""
        rows = np.flatnonzero(values.present)
        folder = sheet.table.source.folder
        return cls(name, rows, values.data[rows].tolist(), sheet.part, folder)

    @cached_property
    def prints(self) -> list[Print]:
        """Fingerprints and headers."""
        return prints(self.cells)

    @cached_property
    def likenesses(self) -> Likenesses:
        """Small versions."""
        return Likenesses.of(self.cells)

    def called(self, place: int) -> str:
        """A picture as folder or table name it, or by its row."""
        cell = self.cells[place]
        if isinstance(cell, bytes):
            return f"row {self.rows[place] + 1}"
        file = Path(cell)
        inside = file.is_relative_to(self.folder)
        return one_line(str(file.relative_to(self.folder) if inside else file))

    def which(self, holds: Callable[[Header], bool]) -> np.ndarray:
        """Positions of readable pictures whose header is so."""
        known = (one.header for one in self.prints)
        return np.array([n for n, one in enumerate(known) if not one.error and holds(one)], int)

    def finding(
        self, code: str, severity: Severity, places: np.ndarray, words: tuple[str, str, str]
    ) -> Finding:
        """A finding on some of them; words: what they are, what shows it, what to do."""
        what, evidence, advice = words
        of_part = f"{self.part} " if self.part != "train" else ""
        return Finding(
            code=code,
            severity=severity,
            title=f"{number_of(len(places), f'{of_part}picture')} {what}.",
            evidence=evidence,
            advice=advice,
            columns=(self.name,),
            rows=example_rows(self.rows[places]),
            facts={
                "count": len(places),
                "share": len(places) / max(len(self.cells), 1),
                **({} if self.part == "train" else {"part": self.part}),
            },
        )


# Several findings ask for the same: fingerprints and small versions are made once for a sheet.
_known: WeakKeyDictionary[Sheet, list[Pictures]] = WeakKeyDictionary()


def pictures_of(sheet: Sheet) -> list[Pictures]:
    """Every column of pictures."""
    if sheet not in _known:
        _known[sheet] = [
            Pictures.of(name, sheet.values[name], sheet)
            for name, found in sheet.recognised.items()
            if found.kind.name == "image" and name in sheet.values
        ]
    return _known[sheet]


def find_pictures(sheet: Sheet) -> list[Finding]:
    """Files that cannot be read, pictures that show nothing, and how odd ones are read."""
    found: list[Finding] = []
    for pictures in pictures_of(sheet):
        found += _broken(pictures, sheet)
        found += _blank(pictures)
        found += _sizes(pictures)
        found += _mended(pictures)
    return found


def _grave(count: int, pictures: Pictures) -> Severity:
    share = count / max(len(pictures.cells), 1)
    return "high" if share >= _MOST else "medium" if share >= _MANY else "low"


def _broken(pictures: Pictures, sheet: Sheet) -> list[Finding]:
    broken = pictures.likenesses.broken
    places = np.flatnonzero(broken)
    if not len(places):
        return []
    shown = several(f"{pictures.called(place)} ({_why(pictures, place)})" for place in places[:100])
    evidence = f"{part_of(len(places), len(pictures.cells), 'picture')}: {shown}."
    told = [one for target in sheet.learned if (one := _tells(pictures, broken, target))]
    advice = "They count as missing, and their rows are kept. Replace them, or remove their rows."
    words = ("cannot be read", " ".join([evidence, *told]), advice)
    severity = _grave(len(places), pictures)
    if told:
        severity = "high" if len(places) >= _DISTORTING * len(broken) else "medium"
    return [pictures.finding("pictures_unreadable", severity, places, words)]


def _tells(pictures: Pictures, broken: np.ndarray, target: Column) -> str:
    """That unreadable pictures are of one class, in a sentence; "" = not more than by chance."""
    if target.numeric:
        return ""
    known = target.present[pictures.rows]
    codes = target.levels.codes[pictures.rows]
    bad, good = codes[broken & known], codes[~broken & known]
    if not len(bad) or not len(good):
        return ""
    counts = np.bincount(bad)
    most = int(counts.argmax())
    usual = float((good == most).mean())
    if _by_chance(int(counts[most]), len(bad), usual) > _RARE:
        return ""
    return (
        f"{counts[most]:,} of them are {short(target.word(most))} in '{target.name}', as "
        f"{percent(usual)} of the others are: a network will learn that from what cannot be read, "
        "and scores look better than they are."
    )


def _by_chance(count: int, num: int, share: float) -> float:
    """How likely so many or more of `num` are of a class of that share."""
    from scipy.stats import binom

    return float(binom.sf(count - 1, num, share))


def _why(pictures: Pictures, place: int) -> str:
    return pictures.prints[place].header.error or why_broken(pictures.cells[place])


def _blank(pictures: Pictures) -> list[Finding]:
    known = pictures.likenesses
    places = np.flatnonzero(known.flat & ~known.broken)
    closer = variety([pictures.cells[place] for place in places.tolist()], _CLOSER)
    places = places[closer[:, 0] < FLAT]
    if not len(places):
        return []
    mean = known.small[places].mean((1, 2))
    tones = np.where(mean < _BLACK, "black", np.where(mean > _WHITE, "white", "of one tone"))
    shown = several(
        f"{pictures.called(place)} ({tone})"
        for place, tone in zip(places.tolist(), tones, strict=True)
    )
    advice = "There is nothing to learn from them: remove them, unless emptiness means something."
    severity: Severity = "medium" if len(places) >= _MANY * len(pictures.cells) else "low"
    words = (f"show{'s' * (len(places) == 1)} nothing", f"{shown}.", advice)
    return [pictures.finding("pictures_blank", severity, places, words)]


def _sizes(pictures: Pictures) -> list[Finding]:
    known = [(n, one.header) for n, one in enumerate(pictures.prints) if not one.header.error]
    sizes = Counter((header.width, header.height) for _, header in known)
    if len(sizes) < 2:
        return []
    by_area = sorted(sizes, key=lambda size: size[0] * size[1])
    usual, count = sizes.most_common(1)[0]
    evidence = f"There are {len(sizes):,}, from {_size(by_area[0])} to {_size(by_area[-1])} pixels"
    evidence += f"; {part_of(count, len(known), 'picture')} have {_size(usual)}."
    huge = np.array([n for n, one in known if one.width * one.height > MOST_PIXELS], int)
    if len(huge):
        named = several(pictures.called(place) for place in huge.tolist())
        evidence += f" So large that they are decoded at a fraction of their size: {named}."
    places = np.array([n for n, one in known if (one.width, one.height) != usual], int)
    advice = "All are brought to one size, larger ones with a loss of detail; "
    advice += f"--kind {pictures.name}=image:160, say, asks for sides of about 160 pixels."
    found = pictures.finding("pictures_of_many_sizes", "low", places, ("", evidence, advice))
    title = f"The {pictures.part} pictures" if pictures.part != "train" else "The pictures"
    facts = {**found.facts, "sizes": len(sizes), "smallest": by_area[0], "largest": by_area[-1]}
    return [_titled(found, f"{title} are of different sizes.", facts)]


def _titled(finding: Finding, title: str, facts: dict[str, object]) -> Finding:
    return Finding(**{**finding.to_dict(), "title": title, "facts": facts})


def _size(size: tuple[int, int]) -> str:
    return f"{size[0]:,} × {size[1]:,}"


_MENDED: tuple[tuple[str, Callable[[Header], bool], str, str, str], ...] = (
    (
        "pictures_turned",
        lambda header: header.turned,
        "{are} turned by a note of the camera (EXIF)",
        "They are set upright before anything is learned from them.",
        "Nothing to do, as long as whoever uses the model sends such notes along.",
    ),
    (
        "pictures_deep",
        lambda header: header.deep,
        "{have} more than 8 bits for each pixel",
        "They are brought to 8 bits; the brightest place of each becomes white (of floats up to 1, "
        "that is 1).",
        "Where brightness itself matters (X-rays, depths), scale all of them alike beforehand.",
    ),
    (
        "pictures_transparent",
        lambda header: header.alpha,
        "{are} transparent in places, or may be",
        "They are laid on white.",
        "If another ground suits them better, lay them on it beforehand.",
    ),
)


def _mended(pictures: Pictures) -> list[Finding]:
    found: list[Finding] = []
    for code, holds, what, done, advice in _MENDED:
        places = pictures.which(holds)
        if len(places):
            one = len(places) == 1
            what = what.format(are="is" if one else "are", have="has" if one else "have")
            shown = several(pictures.called(place) for place in places.tolist())
            found.append(pictures.finding(code, "low", places, (what, f"{shown}. {done}", advice)))
    colours = [one.header.grey for one in pictures.prints if not one.header.error]
    if 0 < sum(colours) < len(colours):
        places = pictures.which(lambda header: header.grey)
        shown = listed(pictures.called(place) for place in places[:3].tolist())
        words = ("without colour among others with", f"Such as {shown}.", "Nothing to do: grey "
                 "is read as a colour like others.")  # fmt: skip
        found.append(pictures.finding("pictures_grey_and_coloured", "low", places, words))
    return found
