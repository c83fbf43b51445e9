"""SVG elements as markup: every value is escaped, every number short."""

from collections.abc import Iterable

from markupsafe import Markup, escape


def element(tag: str, *inside: str | Markup, **attributes: str | float | None) -> Markup:
    """An element; a last underscore of an attribute is dropped, any other becomes ``-``."""
    written = Markup("").join(
        Markup(' {}="{}"').format(name.rstrip("_").replace("_", "-"), _text(value))
        for name, value in attributes.items()
        if value is not None
    )
    content = Markup("").join(escape(part) for part in inside)
    return Markup("<{0}{1}>{2}</{0}>").format(Markup(tag), written, content)


def joined(parts: Iterable[Markup]) -> Markup:
    """Elements one after another."""
    return Markup("").join(parts)


def _text(value: str | float) -> str:
    return value if isinstance(value, str) else f"{value + 0.0:.1f}".removesuffix(".0")


def width_of(text: str, size: float = 13) -> float:
    """About how wide a text is: a Han character is as wide as high, a Latin one half as much."""
    return sum(1.0 if ord(letter) > 0x2E7F else 0.55 for letter in text) * size


def shortened(text: str, most: float, size: float = 13) -> str:
    """A text cut to a width, with an ellipsis."""
    if width_of(text, size) <= most:
        return text
    while text and width_of(text + "…", size) > most:
        text = text[:-1]
    return text + "…"
