"""TLS: version 1.3 only, with a certificate that is nothing but the node's key (wire-protocol section 8.1).

No certificate is trusted for who signed it.  The client compares the key in it with the key of the node
it means to reach; that TLS proves the server to have that key is all that is asked of TLS.
"""

from __future__ import annotations

import datetime as dt
import os
import ssl
from collections.abc import Callable
from typing import Final

import trio
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from nacl.signing import SigningKey

from byway.errors import LinkError
from byway.link.tls_stream import TlsStream

ALPN: Final = "byway/1"

# Names and dates mean nothing: the same ones for everybody.
_NOBODY: Final = x509.Name([])
_NOT_BEFORE: Final = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
_NOT_AFTER: Final = dt.datetime(9999, 12, 31, tzinfo=dt.UTC)


def server_context(key: SigningKey) -> ssl.SSLContext:
    """What a node with this key answers TLS with.  Takes some milliseconds: make it once."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.num_tickets = 0
    context.set_alpn_protocols([ALPN])
    _load(context, key)
    return context


def client_context() -> ssl.SSLContext:
    """What a client asks with.  It believes any certificate: whoever uses it compares `peer_key`."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.set_alpn_protocols([ALPN])
    return context


async def accept_tls(
    stream: trio.SocketStream,
    context: ssl.SSLContext,
    *,
    said: bytes = b"",
    answered: Callable[[], object] = lambda: None,
) -> TlsStream:
    """The server's side of the handshake.  Fails as `ask_tls` does.

    `said` is what the client has said so far and was read already.  `answered` is called when the client has its
    answer: the costly part is over then.
    """
    return await _shake_hands(TlsStream(stream, context, server_side=True, said=said), answered)


async def ask_tls(stream: trio.SocketStream, context: ssl.SSLContext) -> TlsStream:
    """The client's side of the handshake.

    Raises `LinkError` if the other end does not speak TLS 1.3 and `byway/1`.  If it fails or is cancelled,
    `stream` is closed.
    """
    return await _shake_hands(TlsStream(stream, context))


def peer_key(stream: TlsStream) -> bytes:
    """The 32-byte Ed25519 key in the peer's certificate, after the handshake.

    Raises `LinkError` (`wrong-key`) if there is none, or one of another kind.
    """
    try:
        key = x509.load_der_x509_certificate(stream.tls.getpeercert(binary_form=True) or b"").public_key()
    except (ValueError, UnsupportedAlgorithm) as error:
        raise LinkError(f"the certificate of the other end cannot be read: {error}", code="wrong-key") from error
    if not isinstance(key, Ed25519PublicKey):
        raise LinkError("the certificate of the other end holds no Ed25519 key", code="wrong-key")
    return key.public_bytes(Encoding.Raw, PublicFormat.Raw)


async def _shake_hands(stream: TlsStream, answered: Callable[[], object] = lambda: None) -> TlsStream:
    try:
        await stream.shake_hands(answered)
        if stream.tls.selected_alpn_protocol() != ALPN:
            raise LinkError(f"the other end speaks TLS, but not {ALPN}")
    except trio.BrokenResourceError as error:
        await trio.aclose_forcefully(stream)
        raise LinkError(f"the other end does not speak TLS 1.3: {error.__cause__ or error}") from error
    except BaseException:
        await trio.aclose_forcefully(stream)
        raise
    return stream


def _load(context: ssl.SSLContext, key: SigningKey) -> None:
    """Give the context certificate and key.  OpenSSL wants paths; these are of pipes, so nothing touches a disk."""
    private = Ed25519PrivateKey.from_private_bytes(bytes(key))
    certificate = (
        x509.CertificateBuilder()
        .subject_name(_NOBODY)
        .issuer_name(_NOBODY)
        .public_key(private.public_key())
        .serial_number(1)
        .not_valid_before(_NOT_BEFORE)
        .not_valid_after(_NOT_AFTER)
        .sign(private, None)
    )
    public_end = _pipe_of(certificate.public_bytes(Encoding.PEM))
    private_end = _pipe_of(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    try:
        context.load_cert_chain(f"/dev/fd/{public_end}", f"/dev/fd/{private_end}")
    finally:
        os.close(public_end)
        os.close(private_end)


def _pipe_of(data: bytes) -> int:
    """A file descriptor from which these few bytes can be read once."""
    reading, writing = os.pipe()
    try:
        os.write(writing, data)
    finally:
        os.close(writing)
    return reading
