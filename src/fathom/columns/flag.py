"""Flags: yes or no."""

from dataclasses import asdict, dataclass, fields
from typing import Any, ClassVar

import numpy as np
import polars as pl
import torch
from jaxtyping import Bool

from fathom.base.errors import DataError, listed
from fathom.base.files import plain
from fathom.base.tensors import Field
from fathom.columns.cells import clean
from fathom.columns.kind import (
    Anchor,
    FittedColumn,
    Kind,
    KindName,
    Repair,
    Stats,
    Values,
    only_present,
)
from fathom.columns.words import WordCounts, reconcile_words, stranger_rows, strangers

_PAIRS = (
    *(("0", "1"), ("0.0", "1.0"), ("false", "true"), ("f", "t"), ("no", "yes"), ("n", "y")),
    *(("off", "on"), ("neg", "pos"), ("negative", "positive"), ("-", "+"), ("absent", "present")),
)
NO = frozenset(no for no, _ in _PAIRS)
YES = frozenset(yes for _, yes in _PAIRS)
_DENIALS = ("no", "not", "non", "un", "in")


@dataclass(frozen=True)
class Polarity:
    """Which words of a column mean no and which mean yes.

    Attributes:
        negative: words that mean no, the one to answer with first.
        positive: words that mean yes, the one to answer with first.
        reason: how that was decided.
    """

    negative: tuple[str, ...]
    positive: tuple[str, ...]
    reason: str


def polarity(rows: dict[str, int]) -> Polarity | None:
    """Tell the words of a column into no and yes, or None when there are not two sides.

    In this order: words that say it (yes/no, true/false, t/f, 0/1, …; several spellings may stand
    side by side); two numbers (the larger is yes); one word that denies the other ("no-…",
    "not …"); else the rarer of two words is yes, as the event that one looks for usually is.

    Args:
        rows: word -> in how many rows it stands.

    Example:
        >>> polarity({"<=50K": 24720, ">50K": 7841}).reason
        "'>50K' is the rarer of two words (7,841 of 32,561 rows): taken as yes"
        >>> polarity({"-1": 5, "1": 3}).positive, polarity({"a": 1, "b": 2, "c": 3})
        (('1',), None)
    """
    common = sorted(rows, key=lambda word: (-rows[word], word))
    no = tuple(word for word in common if word.casefold() in NO)
    yes = tuple(word for word in common if word.casefold() in YES)
    if len(no) + len(yes) == len(rows) and (len(rows) == 1 or (no and yes)):
        opposite = dict(_PAIRS) | {yes: no for no, yes in _PAIRS}
        no = no or (opposite[yes[0].casefold()],)
        yes = yes or (opposite[no[0].casefold()],)
        return Polarity(no, yes, "the words say it themselves")
    if len(rows) != 2:
        return None
    often, seldom = common
    numbers = [_number(word) for word in common]
    if numbers[0] == numbers[1] is not None:
        return None
    if numbers[0] is not None and numbers[1] is not None:
        low, high = (often, seldom) if numbers[0] < numbers[1] else (seldom, often)
        return Polarity((low,), (high,), f"of two numbers the larger, {high}, is taken as yes")
    for denied, denial in ((often, seldom), (seldom, often)):
        starts = denial.casefold().removesuffix(denied.casefold())
        if starts != denial.casefold() and starts.rstrip(" -_") in _DENIALS:
            return Polarity((denial,), (denied,), f"'{denial}' denies '{denied}'")
    total = rows[often] + rows[seldom]
    if rows[often] == rows[seldom]:
        reason = f"two words, equally frequent: '{seldom}', the later by name, taken as yes"
    else:
        share = f"{rows[seldom]:,} of {total:,} rows"
        reason = f"'{seldom}' is the rarer of two words ({share}): taken as yes"
    return Polarity((often,), (seldom,), reason)


@dataclass(frozen=True, kw_only=True)
class Flag(Kind):
    """A column with two answers.

    Attributes:
        positive: the word that means yes; None = found out, see `polarity`.
        markers: read "?", "NA", "-" and the like as absent; False keeps them as words, for
            columns of "+" and "-".

    Example:
        >>> flag = Flag()
        >>> values = flag.parse(pl.Series(["yes", "no", "?", "yes"]))
        >>> fitted = flag.freeze(flag.summarise(values))
        >>> field = fitted.transform(values)
        >>> field.data[:2].tolist(), field.mask.tolist()
        ([1.0, 0.0], [True, True, False, True])
    """

    positive: str | None = None
    markers: bool = True

    name: ClassVar[KindName] = "flag"

    def parse(self, raw: pl.Series) -> Values:
        cells = clean(raw, markers=self.markers)
        return Values(cells.words(), cells.present, cells.repairs)

    def summarise(self, values: Values, weight: np.ndarray | None = None) -> WordCounts:
        return WordCounts.of(values, weight)

    def freeze(self, stats: Stats) -> "FittedFlag":
        """Two sides, from the counts of words.

        Raises:
            DataError: there are more than two words, or none is the one said to mean yes.
        """
        assert isinstance(stats, WordCounts), "a flag is frozen from counts of words"
        found = polarity(stats.rows) if self.positive is None else self._said(stats.rows)
        sides = found or _one_word(stats.rows)
        yes = sum(stats.weights.get(word, 0.0) for word in sides.positive)
        total = sum(stats.weights.values())
        return FittedFlag(
            negative=sides.negative,
            positive=sides.positive,
            reason=sides.reason,
            share=yes / total if total > 0 else 0.5,
            count=stats.count,
            num_missing=stats.num_missing,
        )

    def _said(self, rows: dict[str, int]) -> Polarity:
        others = tuple(word for word in rows if word != self.positive)
        if self.positive not in rows or len(others) > 1:
            raise DataError(
                "The column does not have the two words that the flag needs.",
                where="flag(positive=…)",
                expected=f"'{self.positive}' and one other word",
                got=listed(rows),
                do="Name one of the words as positive, or call the column a category.",
            )
        return Polarity(others or (f"not {self.positive}",), (str(self.positive),), "you said so")


def _one_word(rows: dict[str, int]) -> Polarity:
    """The other side of a single word; more than two words are an error."""
    if len(rows) > 1:
        raise DataError(
            "A flag has two words, this column has more.",
            expected="two different words, or spellings of yes and no",
            got=f"{len(rows)} different words: {listed(rows)}",
            do="Call the column a category (--kind COLUMN=category).",
        )
    if not rows:
        return Polarity(("no",), ("yes",), "no value to learn the words from")
    (word,) = rows
    return Polarity((f"not {word}",), (word,), f"only '{word}' was seen")


@dataclass(frozen=True, kw_only=True)
class FittedFlag(FittedColumn):
    """A flag as the training rows showed it.

    Attributes:
        negative: words that mean no; answers use the first.
        positive: words that mean yes; answers use the first.
        reason: how the sides were decided.
        share: the share of yes among the rows with a value, by weight.
        count: rows with a value.
        num_missing: rows without one.
    """

    negative: tuple[str, ...]
    positive: tuple[str, ...]
    reason: str
    share: float
    count: int
    num_missing: int

    kind: ClassVar[KindName] = "flag"

    @property
    def levels(self) -> tuple[str, str]:
        """The word for 0 and the word for 1."""
        return self.negative[0], self.positive[0]

    def _sides(self) -> dict[str, float]:
        """Every word that is understood, with its side."""
        sides = dict.fromkeys(self.negative, 0.0) | dict.fromkeys(self.positive, 1.0)
        folded = {word.casefold(): side for word, side in sides.items()}
        usual = dict.fromkeys(NO, 0.0) | dict.fromkeys(YES, 1.0)
        if all(usual.get(word) == side for word, side in folded.items()):
            sides |= {word: side for word, side in usual.items() if word not in folded}
        return sides

    def reconcile(self, values: Values) -> Values:
        """Words written as the training rows wrote them; `transform` does this too, silently."""
        return reconcile_words(values, self._sides())

    def transform(self, values: Values, anchor: Anchor | None = None) -> Field:
        """0 or 1, float32 ["batch"]; absent and unknown words have the mask False and `share`."""
        words, sides = self.reconcile(values).data, self._sides()
        data = np.fromiter((sides.get(word, np.nan) for word in words), np.float32, len(words))
        present = values.present & ~np.isnan(data)
        data[~present] = self.share
        return Field(torch.from_numpy(data), torch.from_numpy(present))

    def decode(self, field: Field, anchor: Anchor | None = None) -> list[Any]:
        """The word for yes from one half on, else the word for no."""
        no, yes = self.levels
        words = [yes if value >= 0.5 else no for value in field.data.detach().cpu().tolist()]
        return only_present(words, field)

    def strange(self, values: Values) -> Bool[np.ndarray, " rows"]:
        """True for cells with words of neither side, even after `reconcile`."""
        return stranger_rows(self.reconcile(values), self._sides())

    def unfamiliar(self, values: Values) -> tuple[Repair, ...]:
        """How many cells hold words of neither side, even after `reconcile`."""
        return strangers(self.reconcile(values), self._sides())

    def to_dict(self) -> dict[str, Any]:
        return {"kind": self.kind, **plain(asdict(self))}

    @classmethod
    def from_dict(cls, content: dict[str, Any]) -> "FittedFlag":
        facts = {field.name: content[field.name] for field in fields(cls)}
        facts["negative"] = tuple(facts["negative"])
        facts["positive"] = tuple(facts["positive"])
        return cls(**facts)


def _number(word: str) -> float | None:
    """The word as a number, if it is one."""
    try:
        return float(word)
    except ValueError:
        return None
