"""Errors of connections, described in one line and classified."""

import errno
import socket
import ssl
from collections.abc import Iterator

from stackproof.facts.response import Failure
from stackproof.unobserved import UnobservedError

NO_SUCH_NAME = "the name does not resolve"
_OUR_NETWORK = {errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.EADDRNOTAVAIL}
_OUR_PROCESS = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}


def describe_error(failure: BaseException) -> str:
    """Return one line about a connection that failed.

    Raises:
        UnobservedError: the cause is on this side of the connection.
    """
    for cause in _causes(failure):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"TLS certificate refused: {cause.verify_message}"
        if isinstance(cause, ssl.SSLError):
            return f"TLS failed: {cause.reason or cause}"
        if isinstance(cause, socket.gaierror):
            if cause.errno == socket.EAI_NONAME:
                return NO_SUCH_NAME
            raise UnobservedError(f"the name could not be looked up: {cause.strerror}") from None
        if isinstance(cause, OSError) and cause.errno:
            if cause.errno in _OUR_NETWORK:
                raise UnobservedError(f"host unreachable: {cause.strerror}") from None
            if cause.errno in _OUR_PROCESS:
                raise UnobservedError(
                    f"out of file descriptors or memory here: {cause.strerror}"
                ) from None
            return (cause.strerror or str(cause)).lower()
    return str(failure) or type(failure).__name__


def classify_error(failure: BaseException) -> Failure:
    """Return the kind of a failure that `describe_error` describes; not of a time-out."""
    for cause in _causes(failure):
        if isinstance(cause, ssl.SSLEOFError):
            return "reset"
        if isinstance(cause, ssl.SSLError):
            return "TLS"
        if isinstance(cause, socket.gaierror):
            return "name"
        if isinstance(cause, ConnectionRefusedError):
            return "refused"
        if isinstance(cause, OSError) and cause.errno:
            return "reset"
    return "malformed"


def _causes(failure: BaseException) -> Iterator[BaseException]:
    cause: BaseException | None = failure
    while cause:
        yield cause
        cause = cause.__cause__ or cause.__context__
