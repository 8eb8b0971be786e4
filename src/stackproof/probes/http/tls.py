"""TLS handshakes with hosts, trusted or not."""

import ssl
import time
import warnings
from typing import TYPE_CHECKING

from stackproof.deadlines import HANDSHAKE_SECONDS
from stackproof.environment.model import Environment
from stackproof.environment.routes import TlsHost
from stackproof.facts.tls import Certificate, Handshake
from stackproof.probes.declaration import ENVIRONMENT, TLS_HOST, Target, probe
from stackproof.probes.http.connections import connect, endpoint, trusted
from stackproof.probes.http.errors import describe_error
from stackproof.unobserved import Unobserved, UnobservedError

if TYPE_CHECKING:
    from cryptography import x509


@probe(of=ENVIRONMENT)
def tls_client(target: Target) -> "TlsClient":
    """The client for handshakes."""
    return TlsClient(target.environment)


@probe("handshakes", of=TLS_HOST, needs=[tls_client], from_here=True)
def handshake(target: Target, tls_client: "TlsClient") -> Handshake:
    """The TLS handshake with a host."""
    return tls_client.handshake(target.tls_host)


class TlsClient:
    """A client for handshakes. Only the first one with a host verifies its certificate."""

    def __init__(self, environment: Environment) -> None:
        """Read the trusted certificates.

        Raises:
            UnobservedError: the environment's CA file cannot be read.
        """
        self._resolve = environment.resolve
        self._verifying = trusted(environment, "handshakes")
        self._trusting = _unverified()
        self._obsolete = _unverified()
        self._obsolete.set_ciphers("ALL:@SECLEVEL=0")  # or OpenSSL refuses before the server can
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # that it is obsolete is the point
            self._obsolete.minimum_version = ssl.TLSVersion.TLSv1
            self._obsolete.maximum_version = ssl.TLSVersion.TLSv1_1

    def handshake(self, host: TlsHost) -> Handshake:
        """Return what a host offers, from at most three connections.

        Raises:
            UnobservedError: the problem is on this side: no network, no resolver, or no connection
                in time.
        """
        try:
            handshake = self._connect(host, self._verifying)
        except ssl.SSLCertVerificationError as error:
            try:
                handshake = self._connect(host, self._trusting)
            except OSError as again:
                return Handshake(error=describe_error(again))
            refusal = {"refused": error.verify_message, "refused_code": error.verify_code}
            handshake = handshake.model_copy(update=refusal)
        except OSError as error:
            return Handshake(error=describe_error(error))
        return handshake.model_copy(update={"obsolete": self._offers_obsolete(host)})

    def _offers_obsolete(self, host: TlsHost) -> str | Unobserved | None:
        try:
            return self._connect(host, self._obsolete).version
        except ssl.SSLError as error:
            if error.reason == "NO_PROTOCOLS_AVAILABLE":
                return Unobserved(reason="this machine's OpenSSL cannot speak TLS 1.1 any more")
            return None
        except ConnectionResetError:
            return None
        except (UnobservedError, OSError) as error:
            return Unobserved(reason=str(error))

    def _connect(self, host: TlsHost, context: ssl.SSLContext) -> Handshake:
        until = time.monotonic() + HANDSHAKE_SECONDS
        try:
            connection = connect(*endpoint(self._resolve, host.host, host.port), HANDSHAKE_SECONDS)
        except TimeoutError:
            raise UnobservedError(f"no connection within {HANDSHAKE_SECONDS} s") from None
        try:
            # Of the whole handshake, however many parts it comes in.
            connection.settimeout(max(0.001, until - time.monotonic()))
            secure = context.wrap_socket(connection, server_hostname=host.host)
        except TimeoutError:
            raise TimeoutError(f"no answer within {HANDSHAKE_SECONDS} s") from None
        finally:
            connection.close()  # has no effect once the TLS socket owns the descriptor
        with secure:
            shown = secure.getpeercert(binary_form=True)
            return Handshake(
                version=secure.version(), certificate=_certificate(shown) if shown else None
            )


def _unverified() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _certificate(der: bytes) -> Certificate | Unobserved:
    # Imported here, on a thread: it takes as long as a handshake.
    from cryptography import x509

    try:
        return _parsed(x509.load_der_x509_certificate(der))
    except Exception as error:  # noqa: BLE001 - malformed parts raise many types
        return Unobserved(reason=f"the certificate cannot be read: {error or type(error).__name__}")


def _parsed(certificate: "x509.Certificate") -> Certificate:
    from cryptography import x509

    try:
        extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
        names = extension.value.get_values_for_type(x509.DNSName)
        names += [str(each) for each in extension.value.get_values_for_type(x509.IPAddress)]
    except x509.ExtensionNotFound:
        names = []
    return Certificate(
        names=tuple(names),
        subject=certificate.subject.rfc4514_string(),
        issuer=certificate.issuer.rfc4514_string(),
        not_before=certificate.not_valid_before_utc,
        not_after=certificate.not_valid_after_utc,
    )
