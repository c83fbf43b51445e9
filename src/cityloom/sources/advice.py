"""What to do about a source that lets nobody in or does not answer, by what is said of it."""

import re

_NEXT = {
    re.compile(
        r"answers 40[13]\b|does not let \w|access.?denied|authentication failed|login failed"
        r"|ORA-01017|INVALID_ACCESS_KEY|SIGNATURE_DOES_NOT_MATCH",
        re.IGNORECASE,
    ): "check the user and the password, key or token that city.toml names, and what they may read",
    re.compile(
        r"timed? ?out|does not answer:|connection refused|can't connect|unable to connect"
        r"|lost connection|ORA-12\d{3}|NETWORK_CONNECTION",
        re.IGNORECASE,
    ): "see that the server runs and that the network lets this machine reach it, then pull again",
}
"""What servers and drivers say, and the next step."""


def advised(said: str) -> str:
    """What is said of a source, with the next step where it is known."""
    found = next((step for words, step in _NEXT.items() if words.search(said)), "")
    return f"{said}; {found}" if found else said
