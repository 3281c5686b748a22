"""A Dovecot on loopback: one user, TLS with a certificate made for it, mails in a folder of the
test. Nobody needs it installed who does not run `make test-mailbox` (Debian: dovecot-imapd).
"""

import os
import pwd
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from imapclient import IMAPClient

START_S = 20
CONFIGURATION = """
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/log
protocols = imap
listen = 127.0.0.1
ssl = yes
ssl_cert = <{folder}/server.pem
ssl_key = <{folder}/server.key
disable_plaintext_auth = yes
default_internal_user = {owner}
default_internal_group = {group}
default_login_user = {owner}
first_valid_uid = 1
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {plain}
  }}
  inet_listener imaps {{
    port = {tls}
    ssl = yes
  }}
}}
service anvil {{
  chroot =
}}
service stats {{
  chroot =
}}
passdb {{
  driver = passwd-file
  args = scheme=PLAIN {folder}/users
}}
userdb {{
  driver = static
  args = uid={owner} gid={group} home={folder}/mail/%u
}}
mail_location = maildir:{folder}/mail/%u/Maildir
namespace inbox {{
  inbox = yes
  separator = /
  mailbox "Gesendete Objekte" {{
    special_use = \\Sent
    auto = create
  }}
}}
"""


@dataclass
class Dovecot:
    folder: Path
    plain: int
    tls: int
    user: str
    password: str

    @property
    def ca_file(self) -> str:
        return str(self.folder / "server.pem")

    def client(self) -> IMAPClient:
        context = ssl.create_default_context(cafile=self.ca_file)
        client = IMAPClient("localhost", self.tls, ssl_context=context, timeout=10)
        client.login(self.user, self.password)
        return client


@contextmanager
def running(folder: Path, user: str, password: str) -> Iterator[Dovecot]:
    program = shutil.which("dovecot", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if program is None:
        raise LookupError("no dovecot (Debian: dovecot-imapd)")
    plain, tls = free_ports(2)
    server = Dovecot(folder=folder, plain=plain, tls=tls, user=user, password=password)
    configure(server)
    command = [program, "-F", "-c", str(folder / "dovecot.conf")]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_until_ready(server, process)
        yield server
    finally:
        process.terminate()
        process.wait(10)


def configure(server: Dovecot) -> None:
    """Its programs run as whoever runs the test; as root, who must have no mail, as nobody."""
    owner = pwd.getpwuid(os.getuid() or pwd.getpwnam("nobody").pw_uid)
    (server.folder / "mail").mkdir()
    if os.getuid() == 0:
        os.chown(server.folder / "mail", owner.pw_uid, owner.pw_gid)
        for above in (server.folder, *server.folder.parents):
            if above.stat().st_mode & 0o777 == 0o700:
                above.chmod(0o755)
    (server.folder / "users").write_text(f"{server.user}:{{PLAIN}}{server.password}\n")
    certify(server.folder)
    values: dict[str, Any] = {"folder": server.folder, "plain": server.plain, "tls": server.tls}
    group = subprocess.run(["id", "-gn", owner.pw_name], capture_output=True, text=True, check=True)
    values |= {"owner": owner.pw_name, "group": group.stdout.strip()}
    (server.folder / "dovecot.conf").write_text(CONFIGURATION.format_map(values))


def certify(folder: Path) -> None:
    """A certificate for localhost that vouches for itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    (folder / "server.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (folder / "server.key").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )


def free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def wait_until_ready(server: Dovecot, process: "subprocess.Popen[bytes]") -> None:
    give_up = time.monotonic() + START_S
    while True:
        try:
            server.client().logout()
        except OSError:
            if process.poll() is not None or time.monotonic() > give_up:
                raise LookupError(f"dovecot did not start: {log(server)}") from None
            time.sleep(0.1)
        else:
            return


def log(server: Dovecot) -> str:
    path = server.folder / "log"
    return path.read_text(encoding="utf-8", errors="replace")[-2_000:] if path.exists() else ""
