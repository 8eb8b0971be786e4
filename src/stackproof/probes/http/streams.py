"""Streams of server-sent events: whether events arrive while the response goes on."""

from stackproof.facts.proxy import Destination
from stackproof.facts.response import Response
from stackproof.unobserved import UnobservedError

_EVENTS = "text/event-stream"
_SHOWN = 60


def is_stream(response: Response) -> bool:
    """Return whether a response says that it is a stream of server-sent events."""
    return _kind(response).lower() == _EVENTS


def mismatch(response: Response, passed: Destination | None) -> tuple[str, str]:
    """Return what is expected of a stream, and what it is instead; two empty texts if it is fine.

    Args:
        response: its response.
        passed: how nginx passes it on; None if that is unknown.

    Raises:
        UnobservedError: the response does not show it.
    """
    if not is_stream(response):
        return _EVENTS, _kind(response)[:_SHOWN] or "no Content-Type"
    if response.stream is None:
        raise UnobservedError("the snapshot does not hold how the stream began")
    if response.stream == "open":
        return "", ""
    if response.stream == "overlong":
        raise UnobservedError("events came without a pause: that does not show if they are late")
    if response.stream == "ended" and response.body:
        raise UnobservedError("it ended with its first events: that does not show if they are late")
    events = "only an incomplete event" if response.body else "no event"
    expected = "events while the response goes on"
    if response.stream == "ended":
        return expected, f"{events} before it ended"
    buffered = passed is not None and passed.buffers
    return expected, f"{events} in time" + (
        ": nginx buffers the response (proxy_buffering on)" if buffered else ""
    )


def _kind(response: Response) -> str:
    return response.headers.get("content-type", "").partition(";")[0].strip()
