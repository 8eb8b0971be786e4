"""TLS handshakes and certificates."""

from stackproof.facts.fields import Moment
from stackproof.frozen import Frozen
from stackproof.unobserved import Unobserved


class Certificate(Frozen):
    """The certificate of a server."""

    names: tuple[str, ...]
    """The DNS names and addresses that it is valid for."""
    subject: str
    issuer: str
    not_before: Moment
    not_after: Moment


class Handshake(Frozen):
    """A TLS handshake with a server, trusted or not."""

    version: str | None = None
    """The negotiated version: `TLSv1.3`."""
    certificate: Certificate | Unobserved | None = None
    """None if the handshake failed before the server sent one."""
    refused: str | None = None
    """Why a client rejects the certificate, in OpenSSL's words."""
    refused_code: int | None = None
    """OpenSSL's error code for that."""
    obsolete: str | Unobserved | None = None
    """The version negotiated with a client that offers only TLS 1.1 and older; None is right."""
    error: str | None = None
    """Why there was no handshake."""
