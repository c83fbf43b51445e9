"""Addresses within the console: where to go on after signing in."""

from urllib.parse import urlsplit

_CONTROL = set(map(chr, range(33))) | {"\x7f", "\\"}


def own_address(text: str) -> str:
    """An address that was asked for, if it is one of this site; else that of the overview."""
    try:
        parts = urlsplit(text)
    except ValueError:
        return "/"
    foreign = parts.scheme or parts.netloc or text.startswith("//") or not text.startswith("/")
    return "/" if foreign or _CONTROL & set(text) else text
