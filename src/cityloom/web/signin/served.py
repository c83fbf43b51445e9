"""How the console is served: whether encrypted, under which names, and to whom."""

from dataclasses import dataclass

from starlette.requests import Request

LOCAL_HOSTS = ("127.0.0.1", "localhost")
"""The names that the console of this machine alone answers to."""


@dataclass(frozen=True)
class Served:
    """How the console is served.

    Args:
        https: whether browsers reach it through TLS.
        hosts: the names it answers to; any other could be another site's trick.
        guarded: whether who has not signed in is shown the sign-in page alone.
    """

    https: bool = False
    hosts: tuple[str, ...] = LOCAL_HOSTS
    guarded: bool = False


def served(request: Request) -> Served:
    """How the console is served that a request came to."""
    found: Served = request.app.state.served
    return found
