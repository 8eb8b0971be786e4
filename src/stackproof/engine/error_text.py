"""What an engine, or whatever answers in its place, sent instead of a usable response."""

from http import HTTPStatus
from http.client import HTTPException

from stackproof.engine.answer import decode
from stackproof.unobserved import UnobservedError

NOT_HTTP = "not HTTP: "
_SHOWN = 300
_CAP = 16 << 10
_SPEAKS_TLS = "HTTP request to an HTTPS server"


def message(body: bytes) -> str:
    """Return the reason in an error response, in one line.

    Empty if it has none, as a page of HTML, or JSON without Docker's `message`: a proxy in front
    of the engine sent it.
    """
    try:
        text = decode(body, _CAP).text("message", default="")
    except UnobservedError:
        text = body.decode(errors="replace")
    line = _first_line(text)
    if _SPEAKS_TLS in line:
        return "it expects TLS: declare engine.cert_path, or set DOCKER_TLS_VERIFY"
    return "" if line.startswith(("<", "{", "[")) else line


def phrase(status: int) -> str:
    """Return a status as HTTP names it: `403 Forbidden`."""
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return f"status {status}"


def describe(error: OSError | HTTPException | ValueError, beginning: bytes) -> str:
    """Return one line about a call that ended without a response.

    Args:
        error: why it ended.
        beginning: the first bytes that arrived. What a shell printed says more than the error.
    """
    printed = _first_line(beginning.decode(errors="replace"))
    if printed and not printed.startswith("HTTP/"):
        return NOT_HTTP + printed
    if isinstance(error, OSError):
        return (error.strerror or str(error)).lower()
    return NOT_HTTP + (_first_line(str(error)) or type(error).__name__)


def _first_line(text: str) -> str:
    lines = text.lstrip("\ufeff").strip().splitlines()
    return lines[0].strip()[:_SHOWN] if lines else ""
