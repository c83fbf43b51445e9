"""Files over SFTP, from a server that is known by its key."""

import asyncio
import errno
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import asyncssh
import pytest

from cityloom.city import City
from tests.cities import column, contract_text, rows
from tests.sources.sites import pulled, pulling_city, sound

CONTRACTS = {"tree": contract_text("tree", [column("id", key=1), column("kind")])}
LONG_AGO = 1_700_000_000


class Server(asyncssh.SSHServer):
    """Lets one user in, by a password or a key."""

    allowed: asyncssh.SSHKey

    def password_auth_supported(self) -> bool:
        return True

    def validate_password(self, username: str, password: str) -> bool:
        return (username, password) == ("city", "open sesame")


class Sftp:
    """An SFTP server on the loopback interface; what it serves is in ``folder``."""

    def __init__(self, folder: Path, user_key: asyncssh.SSHKey) -> None:
        self.folder = folder
        self.key = asyncssh.generate_private_key("ssh-ed25519")
        self._user_key = user_key
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._server = asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(30)
        self.port = self._server.get_port()

    async def _listen(self) -> asyncssh.SSHAcceptor:
        known = asyncssh.import_authorized_keys(self._user_key.export_public_key().decode())
        return await asyncssh.listen(
            "127.0.0.1", 0, server_factory=Server, server_host_keys=[self.key],
            authorized_client_keys=known, sftp_factory=self._serve,
        )  # fmt: skip

    def _serve(self, channel: asyncssh.SSHServerChannel) -> asyncssh.SFTPServer:
        return asyncssh.SFTPServer(channel, chroot=os.fsencode(self.folder))

    @property
    def host_key(self) -> str:
        return self.key.export_public_key().decode().strip()

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._server.close)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    def put(self, name: str, text: str, at: int = LONG_AGO) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        os.utime(path, (at, at))


USER_KEY = asyncssh.generate_private_key("ssh-ed25519")


@pytest.fixture
def sftp(tmp_path: Path) -> Iterator[Sftp]:
    folder = tmp_path / "served"
    (folder / "out").mkdir(parents=True)
    server = Sftp(folder, USER_KEY)
    yield server
    server.close()


@pytest.fixture(autouse=True)
def password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PARK_PASSWORD", "open sesame")


BY_PASSWORD = 'password = {env = "PARK_PASSWORD"}'


def city_of(
    path: Path, server: Sftp, more: str = "", key: str = "", sign: str = BY_PASSWORD
) -> City:
    trust = key or f'host_key = "{server.host_key}"'
    stated = (
        f'[network]\ninternal = ["127.0.0.1"]\n[sources.park]\nkind = "sftp"\ndataset = "tree"\n'
        f'host = "127.0.0.1"\nport = {server.port}\nuser = "city"\nfolder = "/out"\n'
        f"{trust}\n{sign}\n{more}"
    )
    return pulling_city(path, CONTRACTS, stated)


def woven(city: City) -> set[str]:
    opened = City.open(city.path)
    opened.weave()
    return {row["id"] for row in rows(opened, "tree")}


def test_files_that_are_new_or_changed_are_pulled(sftp: Sftp, tmp_path: Path) -> None:
    city = city_of(tmp_path / "city", sftp)
    sftp.put("out/a.csv", "id,kind\n1,oak\n")
    sftp.put("out/b.csv", "id,kind\n2,elm\n")
    assert sound(city).files == 2
    assert woven(city) == {"1", "2"}
    assert sound(city).files == 0
    sftp.put("out/b.csv", "id,kind\n3,elm\n", at=LONG_AGO + 1)
    sftp.put("out/c.csv", "id,kind\n4,ash\n")
    assert sound(city).files == 2
    assert woven(city) == {"1", "3", "4"}


def test_a_file_that_just_changed_is_looked_at_again(sftp: Sftp, tmp_path: Path) -> None:
    """A second change within the same second, of the same size, cannot be told by the marker."""
    import time

    city = city_of(tmp_path / "city", sftp)
    now = int(time.time()) + 3600  # by a clock that is ahead, so that no haste is needed here
    sftp.put("out/a.csv", "id,kind\n1,oak\n", at=now)
    assert sound(city).files == 1
    sftp.put("out/a.csv", "id,kind\n2,elm\n", at=now)
    assert sound(city).files == 1
    assert woven(city) == {"2"}


def test_names_that_match_are_pulled_with_their_folders(sftp: Sftp, tmp_path: Path) -> None:
    city = city_of(tmp_path / "city", sftp, 'pattern = "*.csv"\nrecursive = true')
    for name in ("out/a.csv", "out/2024/b.csv", "out/2024/b.txt", "out/.c.csv"):
        sftp.put(name, "id,kind\n1,oak\n")
    os.symlink("/etc/passwd", sftp.folder / "out" / "link.csv")
    assert sound(city).files == 2
    park = city.path / "inbox" / "tree" / "park"
    assert sorted(p.relative_to(park).as_posix() for p in park.rglob("*.csv")) == [
        "2024/b.csv", "a.csv",
    ]  # fmt: skip


def test_a_large_file_comes_whole(sftp: Sftp, tmp_path: Path) -> None:
    city = city_of(tmp_path / "city", sftp, "largest_mb = 5")
    sftp.put("out/a.csv", "id,kind\n" + "".join(f"{n},oak\n" for n in range(300_000)))
    assert sound(city).size == (sftp.folder / "out" / "a.csv").stat().st_size
    sftp.put("out/b.csv", "x" * 5_000_001)
    assert "b.csv: larger than 5 MB" in pulled(city).error


def test_a_server_with_another_key_is_not_trusted(sftp: Sftp, tmp_path: Path) -> None:
    other = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode().strip()
    city = city_of(tmp_path / "city", sftp, key=f'host_key = "{other}"')
    sftp.put("out/a.csv", "id,kind\n1,oak\n")
    assert "127.0.0.1 has another key than the one that is known" in pulled(city).error
    assert not list((city.path / "inbox").rglob("*.csv"))


def test_a_server_is_known_by_a_file_of_known_hosts(sftp: Sftp, tmp_path: Path) -> None:
    known = tmp_path / "known_hosts"
    known.write_text(f"[127.0.0.1]:{sftp.port} {sftp.host_key}\n")
    city = city_of(tmp_path / "city", sftp, key=f'known_hosts = "{known}"')
    sftp.put("out/a.csv", "id,kind\n1,oak\n")
    assert sound(city).files == 1
    known.write_text("other.example.org " + sftp.host_key + "\n")
    assert "the key of 127.0.0.1 is not among the known ones" in pulled(city).error


def test_a_key_lets_in_and_must_be_for_its_owner_alone(sftp: Sftp, tmp_path: Path) -> None:
    key = tmp_path / "key"
    USER_KEY.write_private_key(str(key), passphrase="open sesame", rounds=1)
    key.chmod(0o600)
    city = city_of(tmp_path / "city", sftp, sign=f'key = "{key}"\n{BY_PASSWORD}')
    sftp.put("out/a.csv", "id,kind\n1,oak\n")
    assert sound(city).files == 1
    key.chmod(0o644)
    assert "key: others may read it; let its owner alone: chmod 600" in pulled(city).error


def test_a_wrong_password_is_refused_and_not_said(
    sftp: Sftp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PARK_PASSWORD", "a very wrong one")
    said = pulled(city_of(tmp_path / "city", sftp)).error
    assert said.startswith("127.0.0.1 does not let city in; check the user and the password")
    monkeypatch.delenv("PARK_PASSWORD")
    assert "the variable PARK_PASSWORD holds nothing" in pulled(City.open(tmp_path / "city")).error


@pytest.mark.parametrize("fault", [errno.EACCES, errno.ENOENT, errno.EIO])
def test_a_file_that_cannot_be_read_does_not_stop_the_others(
    fault: int, sftp: Sftp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(server: object, path: bytes, *more: object) -> object:
        if path.endswith(b"a.csv"):
            raise OSError(fault, "not this one")
        return opened(server, path, *more)

    opened = asyncssh.SFTPServer.open
    monkeypatch.setattr(asyncssh.SFTPServer, "open", refuse)
    city = city_of(tmp_path / "city", sftp)
    sftp.put("out/a.csv", "id,kind\n1,oak\n")
    sftp.put("out/b.csv", "id,kind\n2,elm\n")
    found = pulled(city)
    assert found.error.startswith("a.csv: ")
    assert found.files == 1
    assert woven(city) == {"2"}


def test_a_folder_that_is_missing_and_a_server_that_is_away_are_told(
    sftp: Sftp, tmp_path: Path
) -> None:
    city = city_of(tmp_path / "city", sftp)
    (sftp.folder / "out").rmdir()
    assert "127.0.0.1: " in pulled(city).error
    sftp.close()
    assert f"127.0.0.1:{sftp.port} does not answer" in pulled(city).error
