"""Texts of other people on a terminal: what would steer it is shown, not obeyed."""

import unicodedata

_STEERING = {"Cc", "Cf", "Cs", "Zl", "Zp"}


def visible(text: str) -> str:
    """The text with its invisible and steering characters spelled out; line breaks and tabs stay.

    A column's name may hold codes that colour the terminal, clear it or turn lines around. They
    are spelled as in JSON, so that JSON stays what it is.

    Example:
        >>> print(visible("red" + chr(27) + "[31m"))
        red\\u001b[31m
    """
    if text.isprintable():
        return text
    return "".join(map(_shown, text))


def one_line(text: str) -> str:
    """The same with line breaks spelled out, too.

    Example:
        >>> print(one_line("a" + chr(10) + "b"))
        a\\u000ab
    """
    return visible(text).replace("\n", "\\u000a")


def _shown(character: str) -> str:
    if character in "\n\t" or unicodedata.category(character) not in _STEERING:
        return character
    code = character.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{code[n]:02x}{code[n + 1]:02x}" for n in range(0, len(code), 2))
