"""The opening handshake of a WebSocket (RFC 6455)."""

from base64 import b64encode
from collections.abc import Mapping
from hashlib import sha1

SWITCHED = 101
_KEY = b64encode(b"stackproof probe").decode()  # 16 bytes
_GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_ACCEPT = b64encode(sha1(f"{_KEY}{_GUID}".encode(), usedforsecurity=False).digest()).decode()
HEADERS: Mapping[str, str] = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Key": _KEY,
    "Sec-WebSocket-Version": "13",
}


def why_refused(headers: Mapping[str, str]) -> str | None:
    """Return why a response with status 101 opens no WebSocket; None if it does.

    Args:
        headers: its headers, by lower-case name.
    """
    if headers.get("upgrade", "").lower() != "websocket":
        return "101 without an Upgrade to websocket"
    if headers.get("sec-websocket-accept") != _ACCEPT:
        return "101 with a wrong Sec-WebSocket-Accept"
    return None
