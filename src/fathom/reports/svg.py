"""Elements of SVG as escaped text."""

from collections.abc import Mapping

from markupsafe import Markup, escape

Attribute = str | float | int | None


def tag(name: str, attributes: Mapping[str, Attribute], *children: str) -> Markup:
    """One element; what is not markup already is escaped, an attribute of None left out.

    Example:
        >>> print(tag("text", {"x": 1 / 3, "class": "tick"}, "a < b"))
        <text x="0.33" class="tick">a &lt; b</text>
    """
    written = "".join(
        f' {key}="{escape(_plain(value))}"'
        for key, value in attributes.items()
        if value is not None
    )
    body = Markup("").join(children)
    return Markup(f"<{name}{written}>{body}</{name}>" if body else f"<{name}{written}/>")


def _plain(value: str | float | int) -> str:
    if isinstance(value, str):
        return value
    text = f"{float(value):.2f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def tooltip(text: str) -> Markup:
    """What a browser shows when the pointer rests on the element around it."""
    return tag("title", {}, text)


def drawing(width: float, height: float, words: str, *children: str) -> Markup:
    """A chart: scales with the page, and says in words what it shows to those who cannot see it."""
    attributes: dict[str, Attribute] = {
        "class": "chart",
        "viewBox": f"0 0 {_plain(width)} {_plain(height)}",
        "role": "img",
        "aria-label": words,
    }
    return tag("svg", attributes, *children)
