"""What is this column? The kind with the strongest evidence, its options settled."""

from dataclasses import replace

import numpy as np
import polars as pl

from fathom.base.errors import DataError, RecipeError
from fathom.columns.catalogue import kind_from_name
from fathom.columns.category import Category
from fathom.columns.date import Date, epoch_unit
from fathom.columns.evidence import input_evidence, is_plus_minus
from fathom.columns.flag import Flag, polarity
from fathom.columns.kind import Evidence, Kind, Recognised
from fathom.columns.number import Number
from fathom.columns.numerals import decimal_notation
from fathom.columns.profile import Profile
from fathom.columns.set import Set, find_separator
from fathom.columns.target_evidence import is_word_marker, target_evidence


def recognise(raw: pl.Series, *, name: str, declared: str | None = None) -> Recognised:
    """Say what an input column is, why, and what else it might be.

    What the column as a whole decides (decimal comma, order of day and month, separator, unit) is
    settled in the options of the kind, so that later files are read alike.

    Args:
        raw: the training rows, of any type.
        name: of the column; weak evidence.
        declared: the name of the kind, when the person says it, as `kind_from_name` takes it; it
            then stands first.

    Raises:
        RecipeError: there is no kind of that name.
        DataError: the column cannot be what it was declared to be.

    Example:
        >>> found = recognise(pl.Series(["a", "b", "a", "?", "b", "a"]), name="shape")
        >>> found.kind.name, found.reason
        ('category', "2 distinct words in 6 rows (1 without a value), such as 'a', 'b'")
    """
    profile = Profile(name, raw)
    evidence = input_evidence(profile)
    if declared is not None:
        return _declared(profile, declared, evidence)
    return _recognised(profile, kind_from_name(evidence[0].kind), evidence)


def recognise_target(raw: pl.Series, *, name: str, declared: str | None = None) -> Recognised:
    """Say what a target is: a flag, a category, a number, …

    Two different values are a flag. Numbers with decimals are a number. Few whole numbers may be
    classes or amounts: the name, the gaps and the shape of their counts decide, and the reason
    says how to override.

    Args:
        raw: the training rows, of any type.
        name: of the column; weak evidence.
        declared: the name of the kind, when the person says it.

    Raises:
        RecipeError: there is no kind of that name, or it cannot be learned.
        DataError: nothing can be learned, or the column cannot be what it was declared to be.

    Example:
        >>> recognise_target(pl.Series([0.5, 1.5, 2.5]), name="y").kind.name
        'number'
        >>> recognise_target(pl.Series(["no", "yes", "no"]), name="y").kind.name
        'flag'
    """
    profile = Profile(name, raw)
    if declared in ("identifier", "ignored"):
        raise RecipeError(
            f"A target cannot be of the kind '{declared}': such columns are not learned from.",
            where=f"column '{name}'",
            expected="number, category, flag or set",
            got=f"'{declared}'",
            do="Leave the kind of the target out, or name another column as the target.",
        )
    if declared is None:
        evidence = target_evidence(profile)
        return _recognised(profile, kind_from_name(evidence[0].kind), evidence, target=True)
    return _declared(profile, declared, input_evidence(profile), target=True)


def _declared(
    profile: Profile, declared: str, evidence: tuple[Evidence, ...], *, target: bool = False
) -> Recognised:
    """What the person said, first; what we would have thought, after it."""
    kind = kind_from_name(declared)
    _possible(kind, profile)
    others = tuple(item for item in evidence if item.kind != kind.name)
    said = Evidence(kind.name, 1.0, "you said so")
    found = _recognised(profile, kind, (said, *others), target=target)
    return replace(found, said=True)


def _recognised(
    profile: Profile, kind: Kind, evidence: tuple[Evidence, ...], *, target: bool = False
) -> Recognised:
    settled = _settled(kind, profile, target=target)
    unsaid = isinstance(kind, Date) and kind.order == "auto" and profile.form != "date"
    doubt = profile.day_order.reason if unsaid and not profile.day_order.certain else ""
    return Recognised(profile.name, settled, evidence, doubt=doubt)


def _settled(kind: Kind, profile: Profile, *, target: bool = False) -> Kind:
    """The kind with the options that only the whole column can decide."""
    if isinstance(kind, Number) and kind.decimal == "auto":
        return replace(kind, decimal=decimal_notation(profile.raw))
    if isinstance(kind, Date) and profile.form != "date":
        numbers = np.empty(0) if profile.share_numbers < 0.5 else profile.numbers
        eight = len(numbers) > 0 and profile.share_dates == 1
        unit = "auto" if len(numbers) == 0 or eight else epoch_unit(numbers)
        order = profile.day_order.order if kind.order == "auto" else kind.order
        return replace(kind, order=order, unit=unit if kind.unit == "auto" else kind.unit)
    if isinstance(kind, Set) and profile.form != "set":
        return replace(kind, separator=find_separator(profile.text))
    if isinstance(kind, Flag):
        return replace(kind, markers=not is_plus_minus(profile))
    if isinstance(kind, Category) and target:
        return replace(kind, markers=not is_word_marker(profile))
    return kind


def _possible(kind: Kind, profile: Profile) -> None:
    """Refuse a declared kind that would lose most of the column."""
    if profile.num_present == 0:
        return
    read = 1.0
    if kind.name == "number":
        read = profile.share_numbers if profile.form != "flag" else 1.0
    if kind.name == "date" and profile.form != "date" and profile.share_numbers < 0.5:
        read = profile.share_dates
    if kind.name == "flag" and polarity(profile.words) is None:
        read = 0.0
    if read < 0.5:
        raise DataError(
            f"The column cannot be read as a {kind.name}.",
            where=f"column '{profile.name}'",
            expected="two words" if kind.name == "flag" else f"cells that are a {kind.name}",
            got=f"{profile.num_distinct:,} distinct cells such as {profile.shown()}",
            do="Correct --kind, or leave it out to have the kind recognised.",
        )
