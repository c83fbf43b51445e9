"""Signing in with a directory: bound as the user, always through TLS, by ldap3.

No password of the city's own is needed: the directory is asked as the user who signs in.
"""

import ssl
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cityloom.errors import UsageError
from cityloom.signin.accounts import Person
from cityloom.signin.settings import LdapSettings
from cityloom.sources.network import SECONDS, Network

if TYPE_CHECKING:
    from ldap3 import Connection, Server

ORIGIN = "ldap"
"""The origin of an account that a directory vouches for."""


class DirectoryError(UsageError):
    """The directory does not answer, or cannot be verified; nobody is signed in."""


class Directory:
    """A directory, as ``city.toml`` states it."""

    def __init__(self, settings: LdapSettings, network: Network, city: Path) -> None:
        """``city`` is the folder that the file of certificate authorities lies in."""
        self._settings = settings
        self._network = network
        self._city = city

    def person(self, name: str, password: str) -> Person | None:
        """Whom the directory knows by a name and a password, if it does.

        Raises:
            DirectoryError: it does not answer, or is not who it should be.
            PullError: its host is not listed.
            UsageError: ldap3 is not installed.
        """
        if not name or not password:
            return None
        server = self._server()
        from ldap3 import AUTO_BIND_NONE, Connection
        from ldap3.core.exceptions import LDAPException

        bound = self._settings.user.replace("{name}", _in_name(name, self._settings.user))
        connection = Connection(
            server, bound, password, auto_bind=AUTO_BIND_NONE, receive_timeout=SECONDS,
            auto_referrals=False, raise_exceptions=False, read_only=True,
        )  # fmt: skip
        try:
            if not self._is_bound(connection):
                return None
            return self._described(connection, name)
        except LDAPException as error:
            raise DirectoryError(
                f"{self._settings.url} does not answer as it should ({type(error).__name__}); "
                "see that it runs and that its certificate is trusted"
            ) from error
        finally:
            with suppress(LDAPException):
                connection.unbind()

    def _is_bound(self, connection: "Connection") -> bool:
        connection.open()
        if not self._settings.encrypted and not connection.start_tls():
            raise DirectoryError(f"{self._settings.url} offers no TLS; nothing is sent there")
        return bool(connection.bind())

    def _described(self, connection: "Connection", name: str) -> Person | None:
        settings = self._settings
        wanted = [settings.full_name, *settings.attributes.values()]
        found = _search(connection, settings.people, settings.person_filter, wanted, name=name)
        if len(found) != 1:
            return None
        (entry,) = found
        groups = _search(
            connection, settings.groups, settings.group_filter, [settings.group_name],
            name=name, dn=entry["dn"],
        )  # fmt: skip
        names = [value for group in groups for value in _values(group, settings.group_name)]
        said = {key: _values(entry, told) for key, told in settings.attributes.items()}
        return Person(
            ORIGIN,
            entry["dn"],
            name,
            next(iter(_values(entry, settings.full_name)), ""),
            tuple(settings.roles[group] for group in names if group in settings.roles),
            {key: values[0] for key, values in said.items() if values},
        )

    def _server(self) -> "Server":
        try:
            from ldap3 import NONE, Server, Tls
        except ImportError:
            raise UsageError(
                "[signin.ldap] in city.toml needs packages that are not installed; "
                "install them with: pip install 'cityloom[signin]'"
            ) from None
        settings, ca = self._settings, self._network.ca
        self._network.trusts(settings.host, settings.port, "the client of the directory")
        tls = Tls(
            validate=ssl.CERT_REQUIRED,
            version=ssl.PROTOCOL_TLS_CLIENT,
            ca_certs_file=str(self._city / ca) if ca else None,
        )
        return Server(
            settings.host, settings.port, use_ssl=settings.encrypted, tls=tls, get_info=NONE,
            connect_timeout=SECONDS,
        )  # fmt: skip


def _search(
    connection: "Connection", base: str, pattern: str, wanted: Iterable[str], **values: str
) -> list[Any]:
    """The entries below a base that fit a filter, in which values stand for their names."""
    from ldap3.utils.conv import escape_filter_chars

    for name, value in values.items():
        pattern = pattern.replace(f"{{{name}}}", escape_filter_chars(value))
    connection.search(base, pattern, attributes=sorted(set(wanted)))
    return [entry for entry in connection.response or [] if entry["type"] == "searchResEntry"]


def _in_name(name: str, pattern: str) -> str:
    """What was typed, as a part of a name: of a distinguished one with its signs escaped."""
    from ldap3.utils.dn import escape_rdn

    return escape_rdn(name) if "=" in pattern else name


def _values(entry: Any, attribute: str) -> list[str]:
    values = entry["attributes"].get(attribute, [])
    return [str(value) for value in (values if isinstance(values, list) else [values])]
