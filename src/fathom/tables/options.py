"""How a person wants a source to be read, where the guess would not do."""

import codecs
from dataclasses import dataclass, fields
from pathlib import Path

from fathom.base.errors import RecipeError, listed, nearest

_USUAL_ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "cp1252", "latin-1", "ascii", "gb18030")

_DELIMITER_WORDS = {
    "tab": "\t",
    "\\t": "\t",
    "comma": ",",
    "semicolon": ";",
    "pipe": "|",
    "blank": " ",
    "space": " ",
    ", ": ",",
    "; ": ";",
}
_TEXT_ONLY = ("delimiter", "quote", "header", "decimal", "skip_lines")


@dataclass(frozen=True, kw_only=True)
class ReadOptions:
    """What to take for granted when reading; None = find out from the content.

    Attributes:
        names: the columns' names: a sequence, one text "a,b,c", or the path of a UCI `.names`
            file. They replace a header where there is one.
        delimiter: what separates cells, one character or a word ("tab", "comma", "semicolon",
            "pipe", "blank"). A blank stands for any run of blanks and tabs.
        quote: what encloses cells that hold a delimiter or a line break; "" = quotes are ordinary
            characters.
        encoding: the text's encoding by Python's name, e.g. "utf-8", "cp1252".
        header: whether the first line names the columns.
        decimal: "," where a comma divides whole from part: it is then never taken for the
            delimiter, and `Source.decimal` hands it on to those who parse numbers.
        skip_lines: how many lines to leave out at the top (a title, a licence).
        columns_limit: more columns than this is an error, since a wrong delimiter or a table lying
            on its side is then more likely than a table so wide.

    Raises:
        RecipeError: a value cannot be.

    Example:
        >>> ReadOptions(names="age, sex", delimiter="tab").delimiter == chr(9)
        True
    """

    names: tuple[str, ...] | str | Path | None = None
    delimiter: str | None = None
    quote: str | None = None
    encoding: str | None = None
    header: bool | None = None
    decimal: str | None = None
    skip_lines: int = 0
    columns_limit: int = 10_000

    def __post_init__(self) -> None:
        if isinstance(self.names, list):
            object.__setattr__(self, "names", tuple(self.names))
        if self.delimiter is not None:
            word = _DELIMITER_WORDS.get(self.delimiter, self.delimiter)
            object.__setattr__(self, "delimiter", word)
            _check_character("delimiter", word)
        if self.quote:
            _check_character("quote", self.quote)
        if self.quote and self.quote == self.delimiter:
            raise RecipeError(
                "The quote and the delimiter are the same character.",
                where="options quote and delimiter",
                got=repr(self.quote),
                do="Name two different characters.",
            )
        if self.decimal not in (None, ".", ","):
            raise RecipeError(
                "The decimal sign is not one that numbers are written with.",
                where="option decimal",
                expected="'.' or ','",
                got=repr(self.decimal),
                do="Name one of the two, or leave the option out.",
            )
        if self.encoding is not None:
            _check_encoding(self.encoding)
        for name, least in (("skip_lines", 0), ("columns_limit", 1)):
            _check_count(name, getattr(self, name), least)

    def refuse_text_options(self, format_name: str, *, encoding: bool = False) -> None:
        """Say that a wish cannot be granted where it would have no effect.

        Args:
            format_name: what is being read.
            encoding: True where `encoding` does have an effect.

        Raises:
            RecipeError: an option was set that only texts obey.
        """
        refused = _TEXT_ONLY if encoding else (*_TEXT_ONLY, "encoding")
        defaults = {field.name: field.default for field in fields(self)}
        wished = [name for name in refused if getattr(self, name) != defaults[name]]
        if wished:
            raise RecipeError(
                f"Reading {format_name} has no use for {listed(wished)}.",
                where="options for reading",
                expected="such options with text files (.csv, .tsv, .txt, …) only",
                got=listed(wished),
                do="Leave them out.",
            )


def _check_character(option: str, value: str) -> None:
    if len(value) != 1 or value in "\r\n\0":
        raise RecipeError(
            f"The {option} is not a single character.",
            where=f"option {option}",
            expected="one character, e.g. ',' (or 'tab', 'semicolon', 'pipe', 'blank')",
            got=repr(value),
            do="Name one character; if the file separates by several, replace them first.",
        )


def _check_encoding(value: str) -> None:
    try:
        codecs.lookup(value)
    except (LookupError, ValueError) as error:
        raise RecipeError(
            "There is no encoding of that name.",
            where="option encoding",
            expected=f"a name that Python knows, e.g. {listed(_USUAL_ENCODINGS[:5])}",
            got=repr(value),
            do=nearest(value, _USUAL_ENCODINGS) or "Leave it out: the encoding is then guessed.",
        ) from error


def _check_count(option: str, value: int, least: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise RecipeError(
            f"The option {option} is not a count.",
            where=f"option {option}",
            expected=f"a whole number of at least {least}",
            got=repr(value),
            do="Name such a number, or leave the option out.",
        )


DEFAULTS = ReadOptions()
"""Everything is found out from the content."""
