"""What a URL of ``city.toml`` may say; nothing that is wrong with one is repeated whole."""

from urllib.parse import urlsplit

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

DRIVERS = {
    "postgresql": "postgresql+psycopg",
    "mysql": "mysql+pymysql",
    "mariadb": "mariadb+pymysql",
    "mssql": "mssql+pymssql",
    "oracle": "oracle+oracledb",
    "sqlite": "sqlite",
}
"""The driver by which each database is reached."""

PORTS = {"postgresql": 5432, "mysql": 3306, "mariadb": 3306, "mssql": 1433, "oracle": 1521}
"""The port of each database where its URL states none."""

SOCKETS = {"postgresql": "host", "mysql": "unix_socket", "mariadb": "unix_socket"}
"""What names a socket of this machine, by database."""

OPTIONS = {
    "application_name", "charset", "encryption", "service_name", "ssl_ca", "ssl_cert", "ssl_key",
    "ssl_verify_cert", "ssl_verify_identity", "sslcert", "sslkey", "sslmode", "sslrootcert",
    "tds_version",
}  # fmt: skip
"""What the query of a database's URL may state: nothing that leads to another host."""


def check_database_url(value: object) -> object:
    """A database's URL without a password, of a database and with options that are known."""
    if not isinstance(value, str):
        return value
    try:
        url = make_url(value)
    except (ArgumentError, ValueError):
        raise ValueError("expected a URL, as in 'postgresql://reader@host/database'") from None
    backend = url.get_backend_name()
    if backend not in DRIVERS:
        raise ValueError(f"database '{backend}' is not known; expected {', '.join(DRIVERS)}")
    if url.password is not None:
        raise ValueError("a password does not stand in a URL; state password beside it")
    if backend == "sqlite" and not url.database:
        raise ValueError("expected the path of a file, as in 'sqlite:///permits.db'")
    if backend not in ("sqlite", *SOCKETS) and not url.host:
        raise ValueError(f"expected a host, as in '{backend}://reader@host/database'")
    for name, stated in url.query.items():
        is_socket = name == SOCKETS.get(backend) and str(stated).startswith("/")
        if name not in OPTIONS and not is_socket:
            raise ValueError(f"option '{name}' is not known; expected {', '.join(sorted(OPTIONS))}")
    return value


def is_url(text: str) -> bool:
    """Whether a text is meant as a URL, not as the path of a file."""
    return "://" in text


def check_web_url(value: object) -> object:
    """A URL of HTTP or HTTPS without a user and a password."""
    if not isinstance(value, str) or not value:
        return value
    try:
        parts = urlsplit(value)
        sound = parts.scheme in ("https", "http") and parts.hostname and parts.port != 0
    except ValueError:
        sound = False
    if not sound:
        raise ValueError("expected a URL, as in 'https://data.example.org/permits.csv'")
    if "@" in parts.netloc:
        raise ValueError("user and password do not stand in a URL; state them beside it")
    return value


def port_of(url: str) -> int:
    """The port that a URL of HTTP or HTTPS means."""
    parts = urlsplit(url)
    return parts.port or (443 if parts.scheme == "https" else 80)
