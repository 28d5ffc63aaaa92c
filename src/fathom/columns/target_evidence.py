"""Evidence for each kind of a target: what is to be learned, classes or amounts?"""

import numpy as np

from fathom.base.errors import DataError
from fathom.columns.evidence import input_evidence, is_plus_minus
from fathom.columns.flag import polarity
from fathom.columns.kind import Evidence
from fathom.columns.profile import Profile

_MOST_CLASSES = 20
_ROWS_PER_CLASS = 5
_AMOUNTS = frozenset(
    {"count", "num", "number", "quality", "rating", "score", "age", "years", "points", "rings"}
    | {"price", "amount", "days", "hours", "minutes", "total", "rank", "grade", "severity"}
)
_CLASSES = frozenset(
    {"class", "classes", "label", "type", "species", "category", "group", "cluster", "kind"}
    | {"diagnosis", "status"}
)


def target_evidence(profile: Profile) -> tuple[Evidence, ...]:
    """Evidence for the kinds that a target may be, the strongest first.

    Raises:
        DataError: nothing can be learned: no value, one value only, or a value of its own in
            nearly every row.
    """
    _learnable(profile)
    if is_word_marker(profile):
        rows = f"{profile.markers['None']:,} of {profile.num_rows:,} rows"
        reason = f"'None' stands in {rows} beside other words: taken for an answer, not for a gap"
        return (Evidence("category", 0.97, reason),)
    if profile.form in ("date", "set"):
        return input_evidence(profile)
    if profile.num_distinct <= 2 or profile.form == "flag":
        return (_two_values(profile), *_others(profile, "flag"))
    if profile.form == "nominal":
        return input_evidence(profile)
    if profile.share_numbers == 1 and not profile.leading_zeros:
        return _numbers(profile)
    found = [item for item in input_evidence(profile) if item.kind not in ("identifier", "ignored")]
    if profile.share_distinct > 0.5 and profile.num_present >= 20 and found[0].kind == "category":
        raise DataError(
            "The target cannot be learned: nearly every row has a value of its own.",
            where=f"column '{profile.name}'",
            expected="words that come back in many rows, or numbers",
            got=f"{profile.num_distinct:,} distinct values in {profile.num_present:,} rows, "
            f"such as {profile.shown()}",
            do="Name another column as the target, or say what it is with --kind.",
        )
    return tuple(found)


def _learnable(profile: Profile) -> None:
    if profile.num_distinct > 1 or is_plus_minus(profile) or is_word_marker(profile):
        return
    if profile.num_present:
        got = f"{profile.shown(1)} in all {profile.num_present:,} rows with a value"
    else:
        got = f"no value in {profile.num_rows:,} rows"
    raise DataError(
        "The target has nothing to tell apart.",
        where=f"column '{profile.name}'",
        expected="at least two different values",
        got=got,
        do="Name another column as the target, or add rows of the other outcome.",
    )


def is_word_marker(profile: Profile) -> bool:
    """Whether "None" seems to be an answer among words ("Insomnia", "Apnea"), not a gap.

    So it is when the other answers are words, no other marker stands for a gap, and it is
    frequent (a twentieth of the rows or more).
    """
    if profile.num_present == 0 or profile.share_numbers > 0 or set(profile.markers) != {"None"}:
        return False
    return profile.share_distinct < 0.5 and profile.markers["None"] * 20 >= profile.num_rows


def _two_values(profile: Profile) -> Evidence:
    """A flag, and which of its words is yes."""
    if is_plus_minus(profile):
        return Evidence("flag", 0.97, "two values, '+' and '-'; '+' is taken as yes")
    sides = polarity(profile.words)
    assert sides is not None, "two words always have two sides"
    yes = f"yes is '{sides.positive[0]}': {sides.reason}"
    return Evidence("flag", 0.97, f"two values, {profile.shown(2)}; {yes}")


def _others(profile: Profile, chosen: str) -> tuple[Evidence, ...]:
    weaker = [item for item in input_evidence(profile) if item.kind in ("number", "category")]
    return tuple(
        Evidence(item.kind, min(item.confidence, 0.5), item.reason)
        for item in weaker
        if item.kind != chosen
    )


def _numbers(profile: Profile) -> tuple[Evidence, ...]:
    """Amounts or classes? For few whole numbers nobody can always be right: say how to override."""
    distinct, rows = profile.num_distinct, profile.num_present
    if not profile.whole:
        reason = f"{distinct:,} distinct numbers with decimals, from {profile.span()}"
        return (Evidence("number", 0.97, reason),)
    figures = f"{distinct:,} distinct whole numbers from {profile.span()} in {rows:,} rows"
    amounts, classes, why = _weigh(profile)
    pair = (
        Evidence(
            "number", amounts, f"{figures}: {why}; {_instead(profile, 'category', 'classes')}"
        ),
        Evidence(
            "category", classes, f"{figures}: {why}; {_instead(profile, 'number', 'amounts')}"
        ),
    )
    return tuple(sorted(pair, key=lambda item: -item.confidence))


def _weigh(profile: Profile) -> tuple[float, float, str]:
    """Confidence in amounts, in classes, and why."""
    distinct, rows = profile.num_distinct, profile.num_present
    if distinct > _MOST_CLASSES:
        return 0.9, 0.2, "too many to be classes"
    if rows < _ROWS_PER_CLASS * distinct:
        return 0.8, 0.3, f"fewer than {_ROWS_PER_CLASS} rows for each as a class"
    if any(word in _CLASSES for word in profile.name_words):
        return 0.3, 0.9, f"the name '{profile.name}' speaks of classes"
    if any(word in _AMOUNTS for word in profile.name_words):
        return 0.85, 0.4, f"the name '{profile.name}' speaks of an amount"
    values, counts = np.unique(profile.numbers, return_counts=True)
    if distinct > 3 and values[-1] - values[0] >= 10 * distinct:
        return 0.7, 0.5, "they lie far apart, as amounts do"
    if distinct >= 5 and _is_hill(values, counts):
        return 0.7, 0.5, "without a gap, most rows in the middle, few at the ends, as on a scale"
    return 0.5, 0.75, "few, and not spread like an amount"


def _is_hill(values: np.ndarray, counts: np.ndarray) -> bool:
    """Whether counts over neighbouring values rise to a peak and fall again to low ends."""
    peak = int(np.argmax(counts))
    if (np.diff(values) != 1).any():
        return False
    slack = 0.02 * counts.sum()
    steps = np.diff(counts)
    rises, falls = (steps[:peak] >= -slack).all(), (steps[peak:] <= slack).all()
    return bool(rises and falls and max(counts[0], counts[-1]) <= 0.25 * counts[peak])


def _instead(profile: Profile, kind: str, what: str) -> str:
    return f"if they are {what}, say --kind {profile.name}={kind}"
