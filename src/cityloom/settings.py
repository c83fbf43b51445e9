"""``city.toml``: what a city says of itself."""

import json
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from cityloom.engine.urls import parse_url
from cityloom.errors import UsageError, pasteable
from cityloom.mistakes import first_mistake
from cityloom.signin.settings import LdapSettings, OidcSettings, ServeSettings, SignInSettings
from cityloom.sources.credentials import StatedSecret
from cityloom.sources.network import Network
from cityloom.sources.stated import Source, Sources
from cityloom.sources.urls import check_web_url, is_url

FILE = "city.toml"
FORMAT = 2
"""The version of the city directory's layout that this code reads and writes."""

LANGUAGES = ("en", "zh")
"""The languages that there are pages in."""

_EPSG = range(1024, 32768)
"""The numbers that EPSG gives coordinate reference systems."""


class BackupSettings(BaseModel):
    """``[backup]``: for whom backups are encrypted, where they go, and how often they are due."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    recipients: tuple[str, ...] = Field(min_length=1)
    target: str | None = None
    every_days: float = Field(default=1, gt=0)
    received: bool = True

    @field_validator("recipients")
    @classmethod
    def _public_keys(cls, recipients: tuple[str, ...]) -> tuple[str, ...]:
        from pyrage import RecipientError, x25519

        for place, recipient in enumerate(recipients, start=1):
            try:
                x25519.Recipient.from_str(recipient)
            except RecipientError as error:
                raise ValueError(
                    f"recipients: number {place} is no public key of age ({error}); expected what "
                    "'cityloom backup --new-key FILE' prints, such as age1…"
                ) from None
        return recipients


class LedgerSettings(BaseModel):
    """``[ledger]``: where the ledger's head is published, which is out of the city's hands.

    ``publish`` is a file, or a URL that heads are sent to; ``token`` is sent as a bearer token.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    publish: str = Field(min_length=1)
    token: StatedSecret | None = None

    @field_validator("publish")
    @classmethod
    def _file_or_url(cls, publish: str) -> str:
        return str(check_web_url(publish)) if is_url(publish) else publish


class Settings(BaseModel):
    """The settings of a city; every field but the name has a default."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(min_length=1)
    format: int = FORMAT
    crs: str = Field(default="EPSG:4326", pattern=r"^[A-Z]+:[0-9]+$")
    languages: tuple[str, ...] = LANGUAGES
    engine: str = "duckdb://"
    database: str = "sqlite:///store.sqlite"
    network: Network = Network()
    sources: Sources = {}
    backup: BackupSettings | None = None
    ledger: LedgerSettings | None = None
    signin: SignInSettings = SignInSettings()
    serve: ServeSettings = ServeSettings()

    @field_validator("engine")
    @classmethod
    def _known_engine(cls, url: str) -> str:
        try:
            parse_url(url)
        except UsageError as error:
            raise ValueError(str(error)) from None
        return url

    @field_validator("crs")
    @classmethod
    def _possible_crs(cls, crs: str) -> str:
        authority, _, number = crs.partition(":")
        if authority == "EPSG" and int(number) not in _EPSG:
            raise ValueError(
                f"crs '{crs}' is not known; EPSG numbers coordinate reference systems "
                f"{_EPSG.start} to {_EPSG.stop - 1}"
            )
        return crs

    @field_validator("languages")
    @classmethod
    def _known_languages(cls, languages: tuple[str, ...]) -> tuple[str, ...]:
        known = ", ".join(LANGUAGES)
        if not languages:
            raise ValueError(f"languages are empty; expected some of {known}")
        for language in languages:
            if language not in LANGUAGES:
                raise ValueError(f"language '{language}' is not known; expected some of {known}")
        return languages


def read_settings(city: Path) -> Settings:
    """The settings of the city in a directory.

    Raises:
        UsageError: there is no city there, its file is wrong, or another cityloom made it.
    """
    path, stated = city / FILE, stated_settings(city)
    found = stated.get("format", FORMAT)
    if isinstance(found, int) and found > FORMAT:
        raise UsageError(
            f"{path}: this city has format {found}, this cityloom reads up to {FORMAT}; "
            "upgrade cityloom"
        )
    if isinstance(found, int) and 0 < found < FORMAT:
        raise UsageError(
            f"{path}: this city has format {found}, this cityloom reads format {FORMAT}; "
            f"bring it up to date with: cityloom upgrade {pasteable(city)}"
        )
    return checked_settings(stated, str(path))


def stated_settings(city: Path) -> dict[str, Any]:
    """What ``city.toml`` says, of whatever format and unchecked.

    Raises:
        UsageError: there is no city there, or its file is not TOML.
    """
    path = city / FILE
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UsageError(
            f"{city}: no city here ({FILE} is missing); "
            f"make one with: cityloom new {pasteable(city)}"
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: not TOML: {error}") from None


def checked_settings(stated: Mapping[str, object], origin: str) -> Settings:
    """Settings from what is stated; ``origin`` names its source in messages.

    Raises:
        UsageError: a setting is wrong.
    """
    try:
        return Settings.model_validate(stated)
    except ValidationError as error:
        raise UsageError(f"{origin}: {first_mistake(error, dict(stated), _names())}") from None


def _names() -> set[str]:
    """The names of all fields that a ``city.toml`` may have, at whatever place."""
    kinds_of_source, _ = get_args(Source)
    signing_in = (SignInSettings, OidcSettings, LdapSettings, ServeSettings)
    models = (
        Settings,
        Network,
        BackupSettings,
        LedgerSettings,
        *signing_in,
        *get_args(kinds_of_source),
    )
    return {name for model in models for name in model.model_fields}


def write_settings(city: Path, settings: Settings) -> None:
    """Write ``city.toml`` with what differs from the defaults."""
    said = settings.model_dump(mode="json", exclude_defaults=True) | {"format": settings.format}
    lines = [f"{key} = {_toml(value)}" for key, value in said.items()]
    (city / FILE).write_text("\n".join(lines) + "\n", encoding="utf-8")


def _toml(value: object) -> str:
    if isinstance(value, int | float):
        return str(value).lower()
    if isinstance(value, list):
        return "[" + ", ".join(_toml(item) for item in value) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {_toml(item)}" for key, item in value.items()) + "}"
    return json.dumps(str(value), ensure_ascii=False)
