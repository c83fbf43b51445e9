"""What ``city.toml`` says of sources: ``[sources.NAME]``, one model a kind."""

import re
from datetime import timedelta
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    StringConstraints,
    field_validator,
    model_validator,
)

from cityloom.sources.credentials import StatedSecret
from cityloom.sources.urls import check_database_url, check_web_url

_UNITS = {"min": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_PERIOD = re.compile(r"([1-9][0-9]{0,5}) ?(min|h|d|w)")


def _period(value: object) -> object:
    """A length of time from '15min', '6h', '1d' or '2w'."""
    if isinstance(value, timedelta):
        return value
    found = _PERIOD.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise ValueError("expected a number with min, h, d or w, as in '15min' or '1d'")
    return timedelta(**{_UNITS[found[2]]: int(found[1])})


def _as_period(value: int | timedelta) -> int | str:
    if isinstance(value, int):
        return value
    return f"{max(round(value / timedelta(minutes=1)), 1)}min"


def _overlap(value: object) -> object:
    return value if isinstance(value, int) and not isinstance(value, bool) else _period(value)


_IN_WORDS = PlainSerializer(_as_period, when_used="json")
Period = Annotated[timedelta, BeforeValidator(_period), _IN_WORDS]
Overlap = Annotated[int | timedelta, BeforeValidator(_overlap), _IN_WORDS]
Glob = Annotated[str, StringConstraints(min_length=1, pattern=r"^[^/]+$")]
Text = Annotated[str, StringConstraints(min_length=1)]
WebUrl = Annotated[str, BeforeValidator(check_web_url)]

SourceName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,62}$")]


class Stated(BaseModel):
    """What every source states: its dataset, how often it is pulled, and its limits.

    ``largest_mb`` and ``longest`` bound one pulled file or read, in megabytes and time.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: str
    dataset: SourceName
    every: Period | None = None
    largest_mb: int = Field(default=100_000, gt=0)
    longest: Period = timedelta(hours=12)

    def shape(self) -> str:
        """What the state of a source holds for: with another shape all is pulled anew."""
        return self.model_dump_json(exclude=_OF_NO_SHAPE)

    @property
    def place(self) -> str:
        """Where it is, in a few words without anything secret."""
        raise NotImplementedError


_OF_NO_SHAPE = {
    "every", "largest_mb", "longest", "overlap", "password", "token", "key", "access_key",
    "secret_key", "host_key", "known_hosts", "user", "region",
}  # fmt: skip


class DatabaseSource(Stated):
    """A table or a query of a database: by watermark, by change marker, or whole."""

    kind: Literal["database"]
    url: Annotated[str, BeforeValidator(check_database_url)]
    password: StatedSecret | None = None
    table: str = ""
    query: str = ""
    watermark: str = ""
    overlap: Overlap | None = None
    marker: str = ""

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if bool(self.table) == bool(self.query):
            raise ValueError("expected either table or query")
        if self.watermark and self.marker:
            raise ValueError("expected at most one of watermark and marker")
        if self.overlap is not None and not self.watermark:
            raise ValueError("overlap is for a source with a watermark; take it out")
        return self

    @property
    def place(self) -> str:
        """See :class:`Stated`."""
        parts = urlsplit(self.url)
        return f"{parts.scheme.partition('+')[0]} {parts.hostname or ''}".strip()


class SftpSource(Stated):
    """The files of a folder of an SFTP server whose key is known."""

    kind: Literal["sftp"]
    host: Text
    port: int = Field(default=22, gt=0, lt=65_536)
    user: Text
    password: StatedSecret | None = None
    key: str = ""
    host_key: str = ""
    known_hosts: str = ""
    folder: Text = "."
    pattern: Glob = "*"
    recursive: bool = False

    @model_validator(mode="after")
    def _knows_the_server(self) -> Self:
        if bool(self.host_key) == bool(self.known_hosts):
            raise ValueError(
                "expected either host_key (as in 'ssh-ed25519 AAAA…') or known_hosts (a file); "
                "a server is never trusted on first use"
            )
        return self

    @property
    def place(self) -> str:
        """See :class:`Stated`."""
        return f"sftp {self.host}"


class Web(Stated):
    """What sources over HTTP share; ``token`` is sent as a bearer token."""

    user: str = ""
    password: StatedSecret | None = None
    token: StatedSecret | None = None

    @model_validator(mode="after")
    def _one_credential(self) -> Self:
        if self.token and (self.user or self.password):
            raise ValueError("expected either token, or user and password")
        if bool(self.user) != bool(self.password):
            raise ValueError("user and password go together")
        return self


class HttpSource(Web):
    """Files at listed URLs, or at those that an index names."""

    kind: Literal["http"]
    urls: tuple[WebUrl, ...] = ()
    index: WebUrl = ""
    pattern: Glob = "*"
    name: str = ""

    @model_validator(mode="after")
    def _some_urls(self) -> Self:
        if bool(self.urls) == bool(self.index):
            raise ValueError("expected either urls or index")
        if self.name and len(self.urls) != 1:
            raise ValueError("name is for a source of one URL")
        return self

    @property
    def place(self) -> str:
        """See :class:`Stated`."""
        return f"http {urlsplit(self.index or self.urls[0]).hostname}"


class CkanSource(Web):
    """The resources of a package of a CKAN portal."""

    kind: Literal["ckan"]
    url: WebUrl
    package: Text
    formats: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()

    @property
    def place(self) -> str:
        """See :class:`Stated`."""
        return f"ckan {urlsplit(self.url).hostname}"


class OdkSource(Web):
    """The submissions of a form of ODK Central, by when they were sent or edited."""

    kind: Literal["odk"]
    url: WebUrl
    project: int
    form: Text
    overlap: Period = timedelta(minutes=10)

    @property
    def place(self) -> str:
        """See :class:`Stated`."""
        return f"odk {urlsplit(self.url).hostname}"


class S3Source(Stated):
    """The objects of a bucket of an object store that speaks S3."""

    kind: Literal["s3"]
    endpoint: WebUrl
    bucket: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]+$")]
    folder: str = ""
    pattern: Glob = "*"
    recursive: bool = False
    region: str = "us-east-1"
    access_key: StatedSecret | None = None
    secret_key: StatedSecret | None = None

    @field_validator("folder")
    @classmethod
    def _inside(cls, folder: str) -> str:
        return folder.strip("/")

    @model_validator(mode="after")
    def _both_keys(self) -> Self:
        if bool(self.access_key) != bool(self.secret_key):
            raise ValueError("access_key and secret_key go together")
        return self

    @property
    def place(self) -> str:
        """See :class:`Stated`."""
        return f"s3 {urlsplit(self.endpoint).hostname}"


Source = Annotated[
    DatabaseSource | SftpSource | HttpSource | CkanSource | OdkSource | S3Source,
    Field(discriminator="kind"),
]
Sources = dict[SourceName, Source]
