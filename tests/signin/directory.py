"""A directory of OpenLDAP that runs for the tests, with a certificate of its own authority."""

import os
import shutil
import socket
import ssl
import subprocess
import time
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

SLAPD = shutil.which("slapd", path=os.environ.get("PATH", "") + ":/usr/sbin")

_CONFIG = """
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
modulepath /usr/lib/ldap
moduleload back_mdb
pidfile {folder}/slapd.pid
TLSCACertificateFile {folder}/ca.pem
TLSCertificateFile {folder}/server.pem
TLSCertificateKeyFile {folder}/server.key
database mdb
suffix "dc=town"
rootdn "cn=root,dc=town"
directory {folder}/data
access to attrs=userPassword by anonymous auth by * none
access to * by users read
"""

_ENTRIES = """
dn: dc=town
objectClass: dcObject
objectClass: organization
o: Town
dc: town

dn: ou=people,dc=town
objectClass: organizationalUnit
ou: people

dn: ou=groups,dc=town
objectClass: organizationalUnit
ou: groups

dn: uid=wu,ou=people,dc=town
objectClass: inetOrgPerson
uid: wu
cn: Wu Lan
sn: Wu
l: east
userPassword: {wu}

dn: uid=lu,ou=people,dc=town
objectClass: inetOrgPerson
uid: lu
cn: Lu
sn: Lu
userPassword: {lu}

dn: cn=stewards,ou=groups,dc=town
objectClass: groupOfNames
cn: stewards
member: uid=wu,ou=people,dc=town

dn: cn=choir,ou=groups,dc=town
objectClass: groupOfNames
cn: choir
member: uid=wu,ou=people,dc=town
member: uid=lu,ou=people,dc=town
"""

PASSWORDS = {"wu": "in the directory alone", "lu": "another of the directory"}


class Directory:
    """A directory; ``ca`` is the file of its authority, ``plain`` and ``encrypted`` its URLs."""

    def __init__(self, folder: Path) -> None:
        assert SLAPD is not None
        self.folder = folder
        self.ca = folder / "ca.pem"
        _write_certificates(folder)
        (folder / "data").mkdir()
        (folder / "slapd.conf").write_text(_CONFIG.format(folder=folder))
        (folder / "town.ldif").write_text(_ENTRIES.format(**PASSWORDS))
        conf = ["-f", str(folder / "slapd.conf")]
        add = Path(SLAPD).with_name("slapadd")
        subprocess.run([add, *conf, "-l", folder / "town.ldif"], check=True, capture_output=True)
        ports = [_free_port(), _free_port()]
        self.plain = f"ldap://localhost:{ports[0]}"
        self.encrypted = f"ldaps://localhost:{ports[1]}"
        urls = f"{self.plain} {self.encrypted}"
        self._process = subprocess.Popen([SLAPD, *conf, "-h", urls, "-d", "0"])
        _wait_for(ports[1])

    def stop(self) -> None:
        """Stop answering."""
        self._process.terminate()
        self._process.wait()


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def _wait_for(port: int) -> None:
    for _ in range(500):
        try:
            socket.create_connection(("localhost", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.05)
    raise AssertionError("slapd did not start")


def _write_certificates(folder: Path) -> None:
    """An authority, and what it vouches for: this machine by its name."""
    authority, own = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    ca = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Town CA")])
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    names = x509.SubjectAlternativeName(
        [x509.DNSName("localhost"), x509.IPAddress(ip_address("127.0.0.1"))]
    )
    now = datetime.now(UTC)
    for file, subject, key, extension in (
        ("ca.pem", ca, authority, x509.BasicConstraints(True, 0)),
        ("server.pem", name, own, names),
    ):
        made = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(ca)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(hours=1))
            .not_valid_after(now + timedelta(days=1))
            .add_extension(extension, critical=False)
            .sign(authority, hashes.SHA256())
        )
        (folder / file).write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (folder / "server.key").write_bytes(
        own.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    assert ssl.create_default_context(cafile=str(folder / "ca.pem"))
