"""Faults of TLS: no byte of a request goes to whom the certificate does not name."""

import asyncio
import ipaddress
import socket
import ssl
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tillpost.core.outcome import NotSent, Retryable
from tillpost.core.wire import Request, Response
from tillpost.serve.transport import HttpTransport

LOOPBACK = (ipaddress.ip_network("127.0.0.0/8"),)
BODY = b"secret"
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}"
_DAY = timedelta(days=1)
_SIGNS = x509.KeyUsage(
    key_cert_sign=True,
    digital_signature=False,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    crl_sign=False,
    encipher_only=False,
    decipher_only=False,
)
"""What an authority's key is for."""


class Authority:
    """A certificate authority of the test's own."""

    def __init__(self) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Drill CA")])
        self.certificate = self._sign(
            self.name,
            self.key,
            (x509.BasicConstraints(ca=True, path_length=None), _SIGNS),
            (datetime.now(UTC) - _DAY, datetime.now(UTC) + _DAY),
        )

    def issue(self, folder: Path, host: str, *, days: int = 1) -> Path:
        """A file with a certificate for the host and its key; `days` from now it ends."""
        key = ec.generate_private_key(ec.SECP256R1())
        now = datetime.now(UTC)
        made = self._sign(
            x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)]),
            key,
            (x509.SubjectAlternativeName([x509.DNSName(host)]),),
            (now - 30 * _DAY, now + days * _DAY),
        )
        path = folder / f"{host}.{days}.pem"
        path.write_bytes(made.public_bytes(serialization.Encoding.PEM) + _pem(key))
        return path

    def _sign(
        self,
        subject: x509.Name,
        key: Any,
        extensions: tuple[x509.ExtensionType, ...],
        lasts: tuple[datetime, datetime],
    ) -> x509.Certificate:
        """A certificate with all that Python asks of one since 3.13 (RFC 5280, strictly)."""
        made = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self.name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(lasts[0])
            .not_valid_after(lasts[1])
        )
        own = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
        issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key())
        for extension in (*extensions, own, issuer):
            critical = isinstance(extension, x509.BasicConstraints | x509.KeyUsage)
            made = made.add_extension(extension, critical=critical)
        return made.sign(self.key, hashes.SHA256())


def _pem(key: Any) -> bytes:
    made: bytes = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return made


class Server:
    """Serves one connection and keeps what it was told in the clear."""

    def __init__(self, context: ssl.SSLContext | None, *, stalls: bool = False) -> None:
        self.heard = b""
        self._context = context
        self._stalls = stalls
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        try:
            plain, _ = self._socket.accept()
            plain.settimeout(2)
            with plain:
                if self._stalls:
                    plain.recv(65536)
                    plain.recv(1)
                    return
                with self._spoken(plain) as spoken:
                    self._hear(spoken)
                    spoken.sendall(ANSWER)
        except OSError:
            return

    def _hear(self, spoken: socket.socket) -> None:
        """A whole request: to close with a part of it unread would reset the connection."""
        self.heard = spoken.recv(65536)
        while self._context and self.heard and not self.heard.endswith(BODY):
            self.heard += spoken.recv(65536)

    def _spoken(self, plain: socket.socket) -> socket.socket:
        if self._context is None:
            return plain
        return self._context.wrap_socket(plain, server_side=True)

    def close(self) -> None:
        self._thread.join(5)
        self._socket.close()


def _context(pem: Path, newest: ssl.TLSVersion | None = None) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    if newest is not None:
        context.set_ciphers("DEFAULT:@SECLEVEL=0")
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = newest
    return context


def _send(port: int, trusted: Authority | None) -> Response:
    async def send() -> Response:
        transport = HttpTransport(None, LOOPBACK)
        if trusted is not None:
            pem = trusted.certificate.public_bytes(serialization.Encoding.PEM).decode()
            context: Any = transport._pool._ssl_context
            context.load_verify_locations(cadata=pem)
        try:
            return await transport.send(
                Request("POST", f"https://localhost:{port}/events", {}, BODY), 5.0
            )
        finally:
            await transport.close()

    return asyncio.run(send())


def test_a_good_certificate_is_spoken_to(tmp_path: Path) -> None:
    authority = Authority()
    server = Server(_context(authority.issue(tmp_path, "localhost")))
    assert _send(server.port, authority).status == 200
    server.close()
    assert server.heard.startswith(b"POST /events")


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1:DeprecationWarning")
@pytest.mark.parametrize("fault", ["expired", "another_host", "unknown_authority", "old_tls"])
def test_a_bad_one_hears_nothing(tmp_path: Path, fault: str) -> None:
    authority = Authority()
    host = "elsewhere.example" if fault == "another_host" else "localhost"
    pem = authority.issue(tmp_path, host, days=-1 if fault == "expired" else 1)
    server = Server(_context(pem, ssl.TLSVersion.TLSv1_1 if fault == "old_tls" else None))
    with pytest.raises(NotSent):
        _send(server.port, None if fault == "unknown_authority" else authority)
    server.close()
    assert server.heard == b""


@pytest.mark.parametrize("stalls", [True, False])
def test_who_stalls_or_speaks_no_tls_hears_nothing(*, stalls: bool) -> None:
    server = Server(None, stalls=stalls)
    with pytest.raises((NotSent, Retryable)):
        _send(server.port, None)
    server.close()
    assert b"POST" not in server.heard
