"""The list of kinds: by name, from plain dictionaries and back."""

from dataclasses import asdict, fields
from typing import Any

from fathom.base.errors import RecipeError, RunError, listed, nearest
from fathom.base.files import plain
from fathom.columns.category import Category, FittedCategory
from fathom.columns.date import Date, FittedDate
from fathom.columns.flag import FittedFlag, Flag
from fathom.columns.identifier import FittedIdentifier, Identifier
from fathom.columns.ignored import FittedIgnored, Ignored
from fathom.columns.image import FittedImage, Image
from fathom.columns.kind import Kind
from fathom.columns.number import FittedNumber, Number
from fathom.columns.set import FittedSet, Set
from fathom.columns.timestamps import UNITS

KINDS: tuple[type[Kind], ...] = (Number, Category, Flag, Date, Set, Image, Identifier, Ignored)
Fitted = (
    FittedNumber
    | FittedCategory
    | FittedFlag
    | FittedDate
    | FittedSet
    | FittedImage
    | FittedIdentifier
    | FittedIgnored
)
_FITTED = {
    "number": FittedNumber.from_dict,
    "category": FittedCategory.from_dict,
    "flag": FittedFlag.from_dict,
    "date": FittedDate.from_dict,
    "set": FittedSet.from_dict,
    "image": FittedImage.from_dict,
    "identifier": FittedIdentifier.from_dict,
    "ignored": FittedIgnored.from_dict,
}

# What may be said behind the name of a kind, as in "date:day_first".
_SAID: dict[str, dict[str, dict[str, Any]]] = {
    "date": {
        "day_first": {"order": "day_first"},
        "month_first": {"order": "month_first"},
        **{unit: {"unit": unit} for unit in UNITS},
    },
    "number": {
        "decimal_point": {"decimal": "point"},
        "decimal_comma": {"decimal": "comma"},
    },
    "image": {"grey": {"colour": "grey"}, "rgb": {"colour": "rgb"}},
}
_LEAST_SIDE, _MOST_SIDE = 8, 1024

# For options whose default is None.
_EXAMPLES = {"clip": 3.0, "positive": "yes", "separator": "|"}


def kind_from_name(name: str) -> Kind:
    """A kind as `--kind COLUMN=KIND` asks for it; behind a colon, how its cells are written.

    That is date:day_first, date:month_first, date:seconds (milliseconds, …: since 1970),
    number:decimal_point and number:decimal_comma; image:grey, image:rgb and image:160, the length
    of a side in pixels. All other options stand at their default.

    Raises:
        RecipeError: there is no such kind, or nothing of the sort can be said of it.

    Example:
        >>> kind_from_name("number").name, kind_from_name("date:day_first").order
        ('number', 'day_first')
    """
    head, colon, said = name.partition(":")
    wanted = _class_of(head)
    known = _SAID.get(head, {})
    if head == "image" and said.isdecimal() and _LEAST_SIDE <= int(said[:9]) <= _MOST_SIDE:
        known = {said: {"side": int(said)}}
    if colon and said not in known:
        raise RecipeError(
            f"Nothing called '{said}' can be said of the kind '{head}'.",
            where="the kind that was said of a column",
            expected=_sayable(head),
            got=f"'{name}'",
            do=nearest(said, known) or "Choose one of these, or the kind alone.",
        )
    return kind_from_dict({"kind": head, **known[said]}) if colon else wanted()


def kind_to_dict(kind: Kind) -> dict[str, Any]:
    """A kind and its options as plain values; options at their default are left out.

    Example:
        >>> kind_to_dict(Number(scaling="robust"))
        {'kind': 'number', 'scaling': 'robust'}
    """
    usual = asdict(type(kind)())
    said = {name: value for name, value in asdict(kind).items() if value != usual[name]}
    return {"kind": kind.name, **plain(said)}


def kind_from_dict(content: dict[str, Any]) -> Kind:
    """A kind from what `kind_to_dict` gave, or a person wrote.

    Raises:
        RecipeError: there is no such kind or option, or an option has a wrong value.

    Example:
        >>> kind_from_dict({"kind": "category", "min_count": 3}).min_count
        3
    """
    options = {name: value for name, value in content.items() if name != "kind"}
    wanted = _class_of(str(content.get("kind", "")))
    known = {field.name: field for field in fields(wanted)}
    for name, value in options.items():
        if name not in known:
            raise RecipeError(
                f"The kind {wanted.name} has no option '{name}'.",
                expected=listed(known) if known else "no options",
                got=f"'{name}'",
                do=nearest(name, known) or "Leave the option out.",
            )
        example = _EXAMPLES.get(name, known[name].default)
        allowed = (int, float) if isinstance(example, float) else type(example)
        if not isinstance(value, allowed):
            raise RecipeError(
                f"The option '{name}' of the kind {wanted.name} has a value of the wrong type.",
                expected=f"a value such as {example!r}",
                got=repr(value),
                do="Correct the value, or leave the option out.",
            )
    return wanted(**options)


def fitted_from_dict(content: dict[str, Any]) -> Fitted:
    """A fitted column from what its `to_dict` gave.

    Raises:
        RunError: the kind is unknown or facts are missing.
    """
    try:
        return _FITTED[content["kind"]](content)
    except (KeyError, TypeError) as error:
        raise RunError(
            "A column of the preparation cannot be read.",
            expected=f"one of the kinds {listed(_FITTED)} with all its facts",
            got=f"{content.get('kind')!r}; {error!r} stopped the reading",
            do="The file is damaged or was written by a newer fathom: restore it, or upgrade.",
        ) from error


def _sayable(head: str) -> str:
    words = listed(f"{head}:{word}" for word in _SAID.get(head, {}))
    if head == "image":
        return f"{words}, or a side of {_LEAST_SIDE} to {_MOST_SIDE} pixels, as in 'image:160'"
    return words if head in _SAID else f"'{head}' alone"


def _class_of(name: str) -> type[Kind]:
    classes = {kind.name: kind for kind in KINDS}
    if name not in classes:
        raise RecipeError(
            f"There is no kind called '{name}'.",
            expected=listed(classes),
            got=f"'{name}'",
            do=nearest(name, classes) or "Choose one of these kinds.",
        )
    return classes[name]
