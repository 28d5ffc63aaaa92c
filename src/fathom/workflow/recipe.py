"""What the person asked for: a sparse set of settings, as TOML for people and frozen in Python."""

import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fathom.base.errors import RecipeError
from fathom.base.files import check_ordinary, write_text
from fathom.base.records import Decision
from fathom.workflow.settings import SETTINGS, setting


@dataclass(frozen=True)
class Recipe:
    """The settings that were said; everything else is left to fathom.

    Attributes:
        said: dotted key -> value.
        kinds: column -> kind, the table [columns].

    Example:
        >>> Recipe.of({"target": "price", "training.epochs": 5}).get("training.epochs")
        5.0
    """

    said: Mapping[str, Any] = field(default_factory=dict[str, Any])
    kinds: Mapping[str, str] = field(default_factory=dict[str, str])

    @classmethod
    def of(cls, said: Mapping[str, Any], kinds: Mapping[str, str] | None = None) -> "Recipe":
        """A recipe of checked settings; those that are None are left out.

        Raises:
            RecipeError: an unknown key or a wrong value.
        """
        checked = {
            key: setting(key).check(value) for key, value in said.items() if value is not None
        }
        return cls(checked, dict(kinds or {}))

    def get(self, key: str, default: Any = None) -> Any:
        """What was said, or the default."""
        setting(key)
        return self.said.get(key, default)

    def with_said(self, said: Mapping[str, Any], kinds: Mapping[str, str]) -> "Recipe":
        """The same recipe with some more settings, which win."""
        more = {key: value for key, value in said.items() if value is not None}
        return Recipe.of({**self.said, **more}, {**self.kinds, **kinds})

    @property
    def targets(self) -> tuple[str, ...]:
        """The target columns, as said."""
        found = self.get("target", [])
        if isinstance(found, str):
            return tuple(part.strip() for part in found.split(",")) if found else ()
        return tuple(str(part) for part in found)

    def to_toml(self) -> str:
        """The settings as a file that a person would write, the size dial first."""
        lines = _lines({key: self.said[key] for key in ordered(self.said)}, {}, self.said)
        if self.kinds:
            lines += ["", "[columns]"]
            lines += [f"{_key(name)} = {_value(kind)}" for name, kind in self.kinds.items()]
        return "\n".join(lines) + "\n"


def ordered(keys: Mapping[str, Any]) -> list[str]:
    """Keys in the order of the one list; top-level keys come before tables, as TOML needs."""
    return [known.key for known in SETTINGS if known.key in keys]


def useless(key: str, recipe: Recipe, reason: str) -> RecipeError:
    """The four beats for a setting that would have no effect."""
    return RecipeError(
        f"The setting '{key}' would have no effect here.",
        where=key,
        expected=f"it left out: {reason}",
        got=repr(recipe.get(key)),
        do="Remove it, or change what makes it useless.",
    )


def check_said_once(settings: Mapping[str, Any], elsewhere: Mapping[str, Any]) -> None:
    """A setting may not be said in two ways at once, or one of them would be ignored.

    Args:
        settings: dotted key -> value, as free settings say it.
        elsewhere: the same, as an option or an argument of its own says it; None = not said.

    Raises:
        RecipeError: it is said twice.
    """
    for key, value in settings.items():
        other = elsewhere.get(key)
        if other is not None and value is not None:
            raise RecipeError(
                f"The setting '{key}' was said twice.",
                where=key,
                expected="one of the two",
                got=f"'{other}' by an option or argument of its own, '{value}' among the settings",
                do="Leave one of them out.",
            )


def read_recipe(path: Path) -> Recipe:
    """Read recipe.toml. Paths in it are meant from the folder it lies in.

    Raises:
        RecipeError: absent, not TOML, an unknown key or a wrong value.
    """
    try:
        check_ordinary(path)
        text = path.read_text(encoding="utf-8-sig")
        content = tomllib.loads(text)
        kinds = content.pop("columns", {})
        said = _flat(content)
    # Numbers of thousands of digits and tables within tables without end are no TOML errors.
    except (OSError, ValueError, RecursionError) as error:
        raise RecipeError(
            "The recipe cannot be read.",
            where=str(path),
            expected="a TOML file, as `fathom plan DATA --target y -o recipe.toml` writes it",
            got=str(error),
            do="Mend the line that is named, or write the recipe anew.",
        ) from error
    for key in ("data", "test", "validation", "transfer.from"):
        if isinstance(said.get(key), str) and said[key] and not Path(said[key]).is_absolute():
            said[key] = _beside(path, said[key])
    _check_lines(said, text, path)
    return Recipe.of(said, _kinds(kinds, path))


def _beside(recipe: Path, name: str) -> str:
    """A path as it is meant from the recipe's folder, if there is such a file."""
    place = recipe.parent / name
    try:
        return str(place) if place.exists() else name
    except OSError:  # longer than a path may be
        return name


def _check_lines(said: Mapping[str, Any], text: str, path: Path) -> None:
    """What is wrong with a setting, told with the line that it stands in."""
    for key, value in said.items():
        try:
            setting(key).check(value)
        except RecipeError as error:
            line = line_of(key, text)
            place = f"{path}, line {line}" if line else f"{path}, setting '{key}'"
            raise RecipeError(
                error.what, where=place, expected=error.expected, got=error.got, do=error.do
            ) from error


def line_of(key: str, text: str) -> int | None:
    """The line of a TOML text, counted from 1, in which a dotted key is set; None = not found.

    Example:
        >>> line_of("training.epochs", "size = 'small'\\n[training]\\nepochs = 3")
        3
    """
    table = ""
    for number, line in enumerate(text.splitlines(), start=1):
        bare = line.strip()
        if bare.startswith("["):
            table = "".join(bare.partition("]")[0].strip("[").split()) + "."
            continue
        name, sign, _ = bare.partition("=")
        name = "".join(name.replace('"', "").replace("'", "").split())
        # A table in braces on one line sets all that it holds.
        if sign and (table + name == key or key.startswith(f"{table}{name}.")):
            return number
    return None


def write_recipe(path: Path, recipe: Recipe) -> None:
    """Write recipe.toml, whole or not at all."""
    write_text(path, recipe.to_toml())


def resolved_toml(decisions: tuple[Decision, ...], kinds: Mapping[str, tuple[str, str]]) -> str:
    """Every decision with its reason, as a file that could be trained from again.

    Args:
        decisions: one per setting.
        kinds: column -> (kind, reason).
    """
    return _decided(decisions, kinds, None)


def planned_toml(
    recipe: Recipe, decisions: tuple[Decision, ...], kinds: Mapping[str, tuple[str, str]]
) -> str:
    """A recipe to be edited: what was said as settings, every other decision as a comment.

    Without the "#" a decision is held to; as it stands, it is taken anew from the rows.

    Args:
        recipe: what was said.
        decisions: one per setting.
        kinds: column -> (kind, reason).
    """
    head = (
        "# Lines that begin with # are what fathom decides, and why: take the # away to change one"
        "\n# or to hold on to it. The others are what you said.\n\n"
    )
    return head + _decided(decisions, kinds, recipe)


def _decided(
    decisions: tuple[Decision, ...], kinds: Mapping[str, tuple[str, str]], said: Recipe | None
) -> str:
    """Every decision with its reason; those that are not in `said`, if it is given, commented."""
    values = {decision.key: decision.value for decision in decisions}
    reasons = {
        decision.key: ("said: " if decision.said else "") + decision.reason
        for decision in decisions
    }
    shown = {key: values[key] for key in ordered(values) if values[key] is not None}
    lines = _lines(shown, reasons, shown if said is None else said.said)
    lines += ["", "[columns]"]
    live = kinds if said is None else said.kinds
    lines += [
        f"{'' if n in live else '# '}{_key(n)} = {_value(k)}  # {_one_line(r)}"
        for n, (k, r) in kinds.items()
    ]
    return "\n".join(lines) + "\n"


def _lines(
    values: Mapping[str, Any], reasons: Mapping[str, str], live: Collection[str]
) -> list[str]:
    lines: list[str] = []
    table = ""
    for key, value in sorted(values.items(), key=lambda item: "." in item[0]):
        head, _, last = key.rpartition(".")
        if head != table:
            lines += ["", f"[{head}]"]
            table = head
        mark, reason = "" if key in live else "# ", reasons.get(key)
        why = f"  # {_one_line(reason)}" if reason else ""
        lines.append(f"{mark}{last} = {_value(value)}{why}")
    return lines


def _flat(content: Mapping[str, Any], head: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in content.items():
        name = f"{head}.{key}" if head else key
        more = _flat(value, name) if isinstance(value, dict) else {name: value}
        twice = sorted(set(more) & set(flat))
        if twice:
            raise ValueError(f"the setting '{twice[0]}' is said twice, in two ways of writing it")
        flat.update(more)
    return flat


def _kinds(kinds: Any, path: Path) -> dict[str, str]:
    if isinstance(kinds, dict) and all(isinstance(kind, str) for kind in kinds.values()):
        return dict(kinds)
    raise RecipeError(
        "The table [columns] does not name kinds.",
        where=str(path),
        expected='lines such as "zip code" = "category"',
        got=repr(kinds)[:80],
        do="Write the name of a kind in quotes behind each column.",
    )


def _key(name: str) -> str:
    plain = name.replace("_", "").replace("-", "")
    return name if plain.isascii() and plain.isalnum() else _value(name)


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_value(item) for item in value) + "]"
    escaped = str(value).replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(c if c.isprintable() else f"\\U{ord(c):08x}" for c in escaped) + '"'


def _one_line(text: str) -> str:
    return "".join(c if c.isprintable() else " " for c in text)
