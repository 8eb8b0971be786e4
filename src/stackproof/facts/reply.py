"""Replies of servers to requests over TCP."""

from stackproof.frozen import Frozen


class Reply(Frozen):
    """The reply of a server to one request, or why there was none."""

    sent: str
    address: str = ""
    """Address and port; empty if there was no running container."""
    text: str = ""
    """What was received, capped. Bytes that are not UTF-8 are escaped."""
    error: str = ""
    """Why the reply is missing or incomplete: `connection refused`."""
