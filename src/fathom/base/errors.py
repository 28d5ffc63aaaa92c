"""Errors that speak in four beats: what is wrong, where, expected and got, what to do."""

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any

from fathom.base.terminal import one_line


class FathomError(ValueError):
    """A mistake in the data or in the request, told so that a person can mend it.

    Args:
        what: what is wrong, one plain sentence.
        where: file, row, column or layer.
        expected: what was expected.
        got: what came instead.
        do: what to do now.

    Example:
        >>> print(FathomError("The target is missing.", where="houses.csv",
        ...                   expected="a column 'price'", got="columns 'a', 'b'",
        ...                   do="Name one of the columns with --target."))
        The target is missing.
          where:    houses.csv
          expected: a column 'price'
          got:      columns 'a', 'b'
          do:       Name one of the columns with --target.
    """

    exit_code = 1

    def __init__(
        self, what: str, *, where: str = "", expected: str = "", got: str = "", do: str = ""
    ) -> None:
        self.what, self.where, self.expected, self.got, self.do = what, where, expected, got, do
        beats = (("where:", where), ("expected:", expected), ("got:", got), ("do:", do))
        lines = [one_line(what)]
        lines += [f"  {label:<9} {one_line(text)}" for label, text in beats if text]
        super().__init__("\n".join(lines))

    def __reduce__(self) -> tuple[Any, ...]:
        """Whole from one process to another: by default only the joined text would arrive."""
        return _again, (type(self), self.args, self.__dict__)

    def to_dict(self) -> dict[str, str]:
        """The four beats by name, as `--json` prints them."""
        return {
            "error": type(self).__name__,
            "what": self.what,
            "where": self.where,
            "expected": self.expected,
            "got": self.got,
            "do": self.do,
        }


def _again(kind: type[FathomError], args: tuple[Any, ...], held: dict[str, Any]) -> FathomError:
    error = kind.__new__(kind, *args)
    error.__dict__.update(held)
    return error


class DataError(FathomError):
    """The data cannot be used as they stand."""


class RecipeError(FathomError):
    """The recipe or an option asks for something that does not exist or cannot be."""


class RunError(FathomError):
    """A run folder is missing, incomplete or of another make."""


class TrainingError(FathomError):
    """Training could not go on; what was learned until then is kept."""


class StorageError(FathomError):
    """A file could not be written: disk full, place not writable."""


class Stopped(FathomError):
    """Training was stopped on purpose; a whole checkpoint stays."""

    exit_code = 3


class MissingExtra(FathomError, ImportError):
    """An optional package is needed and absent.

    Args:
        package: the package that could not be imported.
        extra: the extra of `fathom-learn` that brings it.
        purpose: what it is needed for.
    """

    def __init__(self, package: str, extra: str, purpose: str) -> None:
        super().__init__(
            f"{purpose} needs the package '{package}', which is not installed.",
            expected=f"the extra '{extra}' of fathom-learn",
            do=f"pip install 'fathom-learn[{extra}]'",
        )


def nearest(name: str, options: Iterable[str]) -> str:
    """The option closest to `name`, as a hint to append: "Did you mean 'x'?", or "".

    Example:
        >>> nearest("learing_rate", ["learning_rate", "batch_size"])
        "Did you mean 'learning_rate'?"
    """
    found = get_close_matches(str(name), [str(option) for option in options], n=1, cutoff=0.6)
    return f"Did you mean '{found[0]}'?" if found else ""


def listed(names: Iterable[object], most: int = 8) -> str:
    """Names in quotes, cut after `most`, for messages.

    Example:
        >>> listed(["a", "b", "c"], most=2)
        "'a', 'b' and 1 more"
    """
    shown = [f"'{name}'" for name in names]
    if len(shown) <= most:
        return ", ".join(shown) or "none"
    return f"{', '.join(shown[:most])} and {len(shown) - most} more"
