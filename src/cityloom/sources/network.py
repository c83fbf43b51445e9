"""Where a city may connect to: the hosts it lists, at addresses that were looked at first."""

import socket
from contextlib import suppress
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, field_validator

from cityloom.errors import PullError

SECONDS = 30
"""How long a host may take to answer."""

_TRANSLATED = ip_network("64:ff9b::/96")
"""The addresses that stand for those of IPv4 behind a translator (RFC 6052)."""


class Unanswered(PullError):
    """A host that is not found or does not answer."""


Address = IPv4Address | IPv6Address


class Network(BaseModel):
    """``[network]`` of ``city.toml``: the hosts that sources may be at.

    An entry is a host's name or address, with ``:port`` if only that port is meant. What is in
    ``hosts`` is reached at public addresses alone, what is in ``internal`` at any. ``ca`` is a PEM
    file of certificate authorities that are trusted besides the system's.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    hosts: tuple[str, ...] = ()
    internal: tuple[str, ...] = ()
    ca: str = ""

    @field_validator("hosts", "internal")
    @classmethod
    def _are_hosts(cls, entries: tuple[str, ...]) -> tuple[str, ...]:
        for entry in entries:
            if not entry or any(sign in entry for sign in "/*@ "):
                raise ValueError(
                    f"'{entry}' is not a host; expected a name or an address, "
                    "as in 'data.example.org' or '10.0.0.5:5432'"
                )
        return tuple(entry.lower() for entry in entries)

    def is_internal(self, host: str, port: int) -> bool:
        """Whether a host may have a private address."""
        return _is_among(host, port, self.internal)

    def addresses(self, host: str, port: int) -> list[str]:
        """The addresses of a host that may be connected to.

        Raises:
            PullError: the host is not listed, is not known, or has private addresses alone.
        """
        internal = self.is_internal(host, port)
        if not internal and not _is_among(host, port, self.hosts):
            raise _refused(
                f"{host}:{port} is not among the hosts of [network] in city.toml",
                "list it there if data may be pulled from it",
                host,
            )
        found = _resolved(host, port)
        if internal:
            return found
        if public := [address for address in found if self._may_be_met(address)]:
            return public
        raise _refused(
            f"{host}:{port} has the private address {found[0]}",
            "list it under internal of [network] in city.toml if that is meant",
            *found,
        )

    def trusts(self, host: str, port: int, what: str) -> None:
        """See that a host is internal, for a library that looks up its address by itself.

        Raises:
            PullError: it is not.
        """
        if not self.is_internal(host, port):
            raise _refused(
                f"{host}:{port} is not under internal of [network] in city.toml",
                f"{what} looks up the address itself, so list it there if its name server is "
                "trusted",
                host,
            )

    def connect(self, host: str, port: int) -> socket.socket:
        """A connection to one of a host's addresses, each looked at before.

        Raises:
            PullError: none may be connected to.
            Unanswered: none answers.
        """
        said = ""
        for address in self.addresses(host, port):
            try:
                return socket.create_connection((address, port), timeout=SECONDS)
            except OSError as error:
                said = error.strerror or str(error)
        raise Unanswered(f"{host}:{port} does not answer: {said}")

    def answering(self, host: str, port: int) -> str:
        """The first of a host's addresses that may be connected to and answers.

        Raises:
            PullError: there is none.
        """
        with self.connect(host, port) as connection:
            return str(connection.getpeername()[0])

    def _may_be_met(self, address: str) -> bool:
        return is_public(ip_address(address)) or address in self.internal


def is_public(address: Address) -> bool:
    """Whether an address, and whatever address of IPv4 it stands for, is one of the Internet."""
    meant = _meant(address)
    return meant.is_global and not meant.is_multicast


def _meant(address: Address) -> Address:
    """The address of IPv4 that one of IPv6 stands for, or else itself."""
    if isinstance(address, IPv4Address):
        return address
    if address in _TRANSLATED:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    inner = address.teredo[1] if address.teredo else address.ipv4_mapped or address.sixtofour
    return inner or address


def _refused(what: str, mend: str, *hosts: str) -> PullError:
    """Why a host is not connected to, and its mend.

    That is never to list a link-local address, at which machines are told their own secrets.
    """
    if any(map(_is_link_local, hosts)):
        mend = "nothing is pulled from link-local addresses"
    return PullError(f"{what}; {mend}")


def _is_link_local(host: str) -> bool:
    """Whether a host is written as a link-local address, in any form that a system takes."""
    with suppress(OSError):
        return IPv4Address(socket.inet_aton(host)).is_link_local
    with suppress(ValueError):
        return _meant(ip_address(host.strip("[]"))).is_link_local
    return False


def shown(url: str) -> str:
    """A URL without what may be secret in it: user, password, query and fragment."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "what is no URL"
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def _is_among(host: str, port: int, entries: tuple[str, ...]) -> bool:
    name = host.lower().rstrip(".")
    return name in entries or f"{name}:{port}" in entries


def _resolved(host: str, port: int) -> list[str]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise Unanswered(f"{host} is not known to the name server; is it written right?") from None
    return list(dict.fromkeys(str(entry[4][0]).partition("%")[0] for entry in found))
