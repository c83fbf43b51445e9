"""``[signin]`` and ``[serve]`` of ``city.toml``: who may sign in, and where the console is met."""

from datetime import timedelta
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator

from cityloom.signin.roles import Role
from cityloom.sources.credentials import StatedSecret

_MINUTES, _HOURS = 30.0, 12.0
_LDAP_PORTS = {"ldap": 389, "ldaps": 636}


class OidcSettings(BaseModel):
    """``[signin.oidc]``: a provider of OpenID Connect that says who somebody is.

    ``roles`` leads from values of the claim ``roles_claim`` to roles of the city, ``attributes``
    from attributes of a principal to claims.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    issuer: str
    client_id: str = Field(min_length=1)
    client_secret: StatedSecret
    title: str = ""
    scope: str = "openid profile"
    name_claim: str = "preferred_username"
    full_name_claim: str = "name"
    roles_claim: str = "groups"
    roles: dict[str, Role] = Field(min_length=1)
    attributes: dict[str, str] = {}

    @field_validator("issuer")
    @classmethod
    def _is_url(cls, issuer: str) -> str:
        parts = urlsplit(issuer)
        if parts.scheme not in ("https", "http") or not parts.hostname or parts.query:
            raise ValueError(f"issuer '{issuer}' is no URL; expected one as 'https://id.city.org'")
        return issuer

    @field_validator("scope")
    @classmethod
    def _asks_who(cls, scope: str) -> str:
        if "openid" not in scope.split():
            raise ValueError(f"scope '{scope}' lacks 'openid'; expected 'openid profile' and more")
        return scope

    @property
    def metadata_url(self) -> str:
        """Where the provider tells its addresses and keys (OpenID Connect Discovery 1.0)."""
        return self.issuer.rstrip("/") + "/.well-known/openid-configuration"


class LdapSettings(BaseModel):
    """``[signin.ldap]``: a directory that users sign in with, always through TLS.

    ``user`` is the name that is bound with, in which ``{name}`` stands for what was typed. Below
    ``people`` one entry has to fit ``person_filter``; the groups below ``groups`` that fit
    ``group_filter`` (``{dn}`` is the entry) give roles, by their ``group_name``. ``roles`` leads
    from groups to roles of the city, ``attributes`` from attributes of a principal to those of the
    entry.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: str
    user: str
    people: str
    groups: str
    person_filter: str = "(uid={name})"
    group_filter: str = "(member={dn})"
    group_name: str = "cn"
    full_name: str = "cn"
    roles: dict[str, Role] = Field(min_length=1)
    attributes: dict[str, str] = {}

    @field_validator("url")
    @classmethod
    def _is_url(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme not in _LDAP_PORTS or not parts.hostname or parts.path.strip("/"):
            raise ValueError(f"url '{url}' is none of LDAP; expected one as 'ldaps://ldap.city'")
        return url

    @field_validator("user", "person_filter")
    @classmethod
    def _has_a_place_for_the_name(cls, text: str) -> str:
        if "{name}" not in text:
            raise ValueError(f"'{text}' lacks {{name}}, which stands for what was typed")
        return text

    @field_validator("group_filter")
    @classmethod
    def _has_a_place(cls, text: str) -> str:
        if "{dn}" not in text and "{name}" not in text:
            raise ValueError(f"'{text}' lacks {{dn}} or {{name}}; every group would fit")
        return text

    @property
    def encrypted(self) -> bool:
        """Whether the connection begins with TLS; otherwise it is upgraded before the bind."""
        return urlsplit(self.url).scheme == "ldaps"

    @property
    def host(self) -> str:
        """The directory's host."""
        return urlsplit(self.url).hostname or ""

    @property
    def port(self) -> int:
        """The directory's port."""
        parts = urlsplit(self.url)
        return parts.port or _LDAP_PORTS[parts.scheme]


class SignInSettings(BaseModel):
    """``[signin]``: how long a session lasts, and the directories elsewhere."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    idle_minutes: float = Field(default=_MINUTES, gt=0, le=24 * 60)
    longest_hours: float = Field(default=_HOURS, gt=0, le=24 * 31)
    oidc: OidcSettings | None = None
    ldap: LdapSettings | None = None

    @property
    def idle(self) -> timedelta:
        """How long a session lasts that is not used."""
        return timedelta(minutes=self.idle_minutes)

    @property
    def longest(self) -> timedelta:
        """How long a session lasts however much it is used."""
        return timedelta(hours=self.longest_hours)


class ServeSettings(BaseModel):
    """``[serve]``: how the console is met from beyond this machine.

    ``hosts`` are the names it answers to, ``proxies`` the addresses of what stands before it, whose
    word for a reader's address is believed. ``anonymous`` shows who has not signed in what policy
    grants to anyone; otherwise they are shown the sign-in page alone.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    hosts: tuple[str, ...] = ()
    proxies: tuple[str, ...] = ("127.0.0.1", "::1")
    anonymous: bool = False

    @field_validator("hosts")
    @classmethod
    def _are_names(cls, hosts: tuple[str, ...]) -> tuple[str, ...]:
        for host in hosts:
            if not host or any(sign in host for sign in "/*@: "):
                raise ValueError(f"'{host}' is not a name; expected one as 'data.city.org'")
        return tuple(host.lower() for host in hosts)
