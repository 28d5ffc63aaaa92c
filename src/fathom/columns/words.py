"""Counting words, and matching the words of a later file with those of the training rows."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from jaxtyping import Bool

from fathom.base.errors import RecipeError
from fathom.columns.kind import KindName, Repair, Stats, Values

_NUM_EXAMPLES = 3


@dataclass(frozen=True)
class WordCounts(Stats):
    """One pass over words.

    Attributes:
        rows: word -> how many rows have it.
        weights: word -> the sum of their weights.
        count: rows with a value.
        num_missing: rows without one.
    """

    rows: dict[str, int]
    weights: dict[str, float]
    count: int
    num_missing: int

    @classmethod
    def of(cls, values: Values, weight: np.ndarray | None) -> "WordCounts":
        """Count the words of some rows; a cell may hold one word or a tuple of them.

        Rows of weight 0 are left out of everything but `num_missing`.
        """
        used = values.present if weight is None else values.present & (weight > 0)
        words = values.data[used].tolist()
        heavy = np.ones(len(words)) if weight is None else weight[used].astype(np.float64)
        if words and isinstance(words[0], tuple):
            heavy = heavy.repeat([len(labels) for labels in words])
            words = [label for labels in words for label in labels]
        cells = pl.Series("word", words, dtype=pl.String)
        table = cells.value_counts().sort("word")
        names = table["word"].to_list()
        place = {word: index for index, word in enumerate(names)}
        codes = np.fromiter((place[word] for word in words), np.int64, len(words))
        weights = np.bincount(codes, weights=heavy, minlength=len(names)).tolist()
        return cls(
            rows=dict(zip(names, table["count"].to_list(), strict=True)),
            weights=dict(zip(names, weights, strict=True)),
            count=int(used.sum()),
            num_missing=int((~values.present).sum()),
        )

    def merge(self, other: Stats) -> "WordCounts":
        assert isinstance(other, WordCounts), "statistics of one column are of one kind"
        words = dict.fromkeys([*self.rows, *other.rows])
        return WordCounts(
            {word: self.rows.get(word, 0) + other.rows.get(word, 0) for word in words},
            {word: self.weights.get(word, 0.0) + other.weights.get(word, 0.0) for word in words},
            self.count + other.count,
            self.num_missing + other.num_missing,
        )

    def ranked(self, max_levels: int, min_count: int) -> tuple[str, ...]:
        """The words that are frequent enough, by falling weight, then by name."""
        kept = [word for word, rows in self.rows.items() if rows >= min_count]
        kept.sort(key=lambda word: (-self.weights[word], word))
        return tuple(kept[:max_levels])


def reconcile_words(values: Values, known: Collection[str]) -> Values:
    """Words of a later file, written as the training rows wrote them.

    Only words that are not known are touched, and only when what they become is known: a full
    stop at the end ("<=50K." in the test file of Adult), whole numbers with or without ".0",
    capitals and small letters (unless the known words differ by that alone). Each is counted.

    Args:
        values: an object array of str.
        known: the words of the training rows.

    Example:
        >>> data = np.array(["<=50K.", "2.0", "new"], dtype=object)
        >>> values = reconcile_words(Values(data, np.ones(3, dtype=bool)), ["<=50K", "2"])
        >>> values.data.tolist()
        ['<=50K', '2', 'new']
        >>> values.repairs[0].what
        'a full stop at the end dropped, to match the words of the training rows'
    """
    known = known if isinstance(known, set | frozenset | dict) else set(known)
    strangers = set(values.data[values.present].tolist()) - set(known)
    if not strangers:
        return values
    mended, repairs = values.data, values.repairs
    for what, rewrite in _rewrites(known).items():
        found = {word: rewrite(word) for word in strangers}
        found = {word: new for word, new in found.items() if new in known}
        if not found:
            continue
        strangers -= set(found)
        mask = np.fromiter((word in found for word in mended), bool, len(mended)) & values.present
        mended = mended.copy()
        mended[mask] = [found[word] for word in mended[mask]]
        what = f"{what}, to match the words of the training rows"
        repairs = (*repairs, Repair(what, int(mask.sum()), tuple(sorted(found)[:_NUM_EXAMPLES])))
    return replace(values, data=mended, repairs=repairs)


def _rewrites(known: Collection[str]) -> dict[str, Callable[[str], str]]:
    """What may be done to a stranger, most careful first."""
    small = {word.casefold(): word for word in known}
    ways: dict[str, Callable[[str], str]] = {
        "a full stop at the end dropped": lambda word: word[:-1] if word.endswith(".") else word,
        "a full stop at the end added": lambda word: word + ".",
        "'.0' at the end dropped": lambda word: word.removesuffix(".0"),
        "'.0' at the end added": lambda word: word + ".0" if word.lstrip("-").isdigit() else word,
    }
    if len(small) == len(known):
        ways["capitals or small letters changed"] = lambda word: small.get(word.casefold(), word)
    return ways


def stranger_rows(values: Values, known: Collection[str]) -> Bool[np.ndarray, " rows"]:
    """True for cells that hold words which the training rows do not.

    Example:
        >>> values = Values(np.array(["red", "pink"], dtype=object), np.ones(2, dtype=bool))
        >>> stranger_rows(values, ["red"]).tolist()
        [False, True]
    """
    known = known if isinstance(known, set | frozenset | dict) else set(known)
    unknown = (word not in known for word in values.data)
    return values.present & np.fromiter(unknown, bool, len(values))


def strangers(values: Values, known: Collection[str]) -> tuple[Repair, ...]:
    """One repair with how many cells hold words that the training rows do not, or nothing."""
    known = known if isinstance(known, set | frozenset | dict) else set(known)
    unknown = [word for word in values.data[values.present] if word not in known]
    if not unknown:
        return ()
    shown = tuple(dict.fromkeys(unknown))
    words = "1 word" if len(shown) == 1 else f"{len(shown):,} different words"
    what = f"{words} that the training rows do not have"
    return (Repair(what, len(unknown), shown[:_NUM_EXAMPLES]),)


def at_least_one(kind: KindName, **options: int) -> None:
    """Refuse options that count something when they are less than 1."""
    for option, value in options.items():
        if value < 1:
            raise RecipeError(
                f"The option {option} of a {kind} must be 1 or more.",
                where=f"{kind}({option}=…)",
                expected="a whole number, 1 or more",
                got=str(value),
                do=f"Leave {option} out to have its default.",
            )
