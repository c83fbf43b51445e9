"""Hosts that are listed, addresses that are public, and TLS that is verified."""

import socket
import ssl
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityloom.errors import PullError
from cityloom.sources.network import Network, is_public, shown
from tests.cities import column, contract_text
from tests.sources.sites import Site, pulled, pulling_city, sound

CONTRACTS = {"tree": contract_text("tree", [column("id", key=1)])}

PRIVATE = (
    "127.0.0.1", "127.8.8.8", "0.0.0.0", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254",
    "100.64.0.1", "224.0.0.1", "255.255.255.255", "::1", "::", "fe80::1", "fc00::1", "ff02::1",
    "::ffff:127.0.0.1", "::ffff:10.0.0.1", "2002:7f00:1::", "64:ff9b::7f00:1", "64:ff9b::a00:1",
)  # fmt: skip
PUBLIC = ("93.184.215.14", "8.8.8.8", "2606:2800:21f:cb07:6820:80da:af6b:8b2c", "64:ff9b::808:808")


@pytest.mark.parametrize("address", PRIVATE)
def test_an_address_that_is_not_of_the_internet_is_not_public(address: str) -> None:
    assert not is_public(ip_address(address))


@pytest.mark.parametrize("address", PUBLIC)
def test_an_address_of_the_internet_is_public(address: str) -> None:
    assert is_public(ip_address(address))


@given(st.ip_addresses(v=4))
def test_an_address_is_as_public_as_what_stands_for_it(address: object) -> None:
    mapped = ip_address(f"::ffff:{address}")
    translated = ip_address((0x64FF9B << 96) | int(ip_address(str(address))))
    assert is_public(mapped) == is_public(translated) == is_public(ip_address(str(address)))


def resolving(patch: pytest.MonkeyPatch, *addresses: str) -> None:
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 1)) for address in addresses]
    patch.setattr(socket, "getaddrinfo", lambda *_, **__: found)


def test_of_a_listed_host_only_public_addresses_are_met(monkeypatch: pytest.MonkeyPatch) -> None:
    resolving(monkeypatch, "10.0.0.1", "8.8.8.8", "8.8.8.8")
    assert Network(hosts=("a.test",)).addresses("A.test.", 443) == ["8.8.8.8"]
    assert Network(internal=("a.test",)).addresses("a.test", 443) == ["10.0.0.1", "8.8.8.8"]
    listed = Network(hosts=("a.test",), internal=("10.0.0.1",))
    assert listed.addresses("a.test", 443) == ["10.0.0.1", "8.8.8.8"]


@pytest.mark.parametrize("entry", ["b.test", "a.test:80", "test", "*"])
def test_a_host_that_is_not_listed_is_refused(entry: str, monkeypatch: pytest.MonkeyPatch) -> None:
    resolving(monkeypatch, "8.8.8.8")
    with pytest.raises((PullError, ValueError)):
        Network(hosts=(entry,)).addresses("a.test", 443)


LINK_LOCAL = ("169.254.169.254", "2852039166", "0xa9fea9fe", "fe80::1", "::ffff:169.254.1.1")


@pytest.mark.parametrize("host", LINK_LOCAL)
def test_nobody_is_told_to_list_a_link_local_address(host: str) -> None:
    network = Network()
    for asked in (lambda: network.addresses(host, 80), lambda: network.trusts(host, 80, "S3")):
        with pytest.raises(PullError, match="nothing is pulled from link-local addresses") as told:
            asked()
        assert "list it" not in str(told.value)


def test_nobody_is_told_to_list_a_name_of_a_link_local_address(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    resolving(monkeypatch, "10.0.0.1", "169.254.169.254")
    with pytest.raises(PullError, match="nothing is pulled from link-local addresses") as told:
        Network(hosts=("a.test",)).addresses("a.test", 80)
    assert "list it" not in str(told.value)


def test_a_host_that_no_name_server_knows_is_told() -> None:
    with pytest.raises(PullError, match=r"nowhere\.invalid is not known to the name server"):
        Network(hosts=("nowhere.invalid",)).addresses("nowhere.invalid", 443)


@given(st.text(), st.text(), st.text())
def test_what_is_shown_of_a_url_has_no_credentials(user: str, password: str, query: str) -> None:
    from urllib.parse import quote

    url = f"https://{quote(user, '')}:{quote(password, '')}@h.test/a?{quote(query)}#x"
    assert shown(url) == "https://h.test/a"


# TLS


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate for ``localhost`` that it has signed itself, and its key."""
    from datetime import UTC, datetime, timedelta

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .sign(key, hashes.SHA256())
    )
    folder = tmp_path_factory.mktemp("tls")
    (folder / "cert.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return folder / "cert.pem", folder / "key.pem"


@pytest.fixture
def encrypted(certificate: tuple[Path, Path]) -> Iterator[Site]:
    site = Site()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    site.server.socket = context.wrap_socket(site.server.socket, server_side=True)
    site.says("/trees.csv", "id\n1\n")
    with site.open():
        yield site


def stated(site: Site, host: str, more: str = "") -> str:
    return (
        f'[network]\ninternal = ["{host}:{site.port}"]\n{more}\n[sources.park]\nkind = "http"\n'
        f'dataset = "tree"\nurls = ["https://{host}:{site.port}/trees.csv"]'
    )


def test_a_server_whose_certificate_nobody_vouches_for_is_not_trusted(
    encrypted: Site, tmp_path: Path
) -> None:
    city = pulling_city(tmp_path / "city", CONTRACTS, stated(encrypted, "localhost"))
    assert "CERTIFICATE_VERIFY_FAILED" in pulled(city).error


def test_a_certificate_of_an_authority_of_the_city_is_for_its_own_name_alone(
    encrypted: Site, certificate: tuple[Path, Path], tmp_path: Path
) -> None:
    ca = f'ca = "{certificate[0]}"'
    city = pulling_city(tmp_path / "a", CONTRACTS, stated(encrypted, "localhost", ca))
    assert sound(city).files == 1
    city = pulling_city(tmp_path / "b", CONTRACTS, stated(encrypted, "127.0.0.1", ca))
    assert "CERTIFICATE_VERIFY_FAILED" in pulled(city).error


def test_what_is_asked_encrypted_is_not_sent_on_unencrypted(
    encrypted: Site, site: Site, certificate: tuple[Path, Path], tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    ca = f'hosts = ["plain.test:{site.port}"]\nca = "{certificate[0]}"'
    city = pulling_city(tmp_path / "a", CONTRACTS, stated(encrypted, "localhost", ca))
    where = f"http://plain.test:{site.port}/trees.csv"
    encrypted.says("/trees.csv", "", status=302, headers={"Location": where})
    assert f"{where} is not encrypted; nothing is sent there" in pulled(city).error
    assert site.asked == []
