"""Streams of server-sent events: whether events arrive while the response goes on."""

from stackproof.environment.routes import Route
from stackproof.facts.proxy import Destination
from stackproof.facts.response import Response
from stackproof.unobserved import UnobservedError

_EVENTS = "text/event-stream"
_EXPECTED = "events while the response goes on"
_BUFFERED = "nginx buffers the response (proxy_buffering on)"
_SHOWN = 60


def is_stream(response: Response) -> bool:
    """Return whether a response says that it is a stream of server-sent events."""
    return _kind(response).lower() == _EVENTS


def mismatch(route: Route, response: Response, passed: Destination | None) -> tuple[str, str]:
    """Return what is expected of a stream, and what it is instead; two empty texts if it is fine.

    Args:
        route: its route.
        response: its response.
        passed: how nginx passes it on; None if that is unknown.

    Raises:
        UnobservedError: the response does not show it.
    """
    buffered = passed is not None and passed.buffers
    # nginx keeps even the headers back, until there is more to send.
    if buffered and response.failure == "time-out" and not response.hops:
        return _EXPECTED, f"{response.error}: {_BUFFERED}"
    if response.status not in route.expected_statuses:
        raise UnobservedError(
            f"the route did not answer as declared: {response.error or response.status}"
        )
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
    if response.stream == "ended":
        return _EXPECTED, f"{events} before it ended"
    return _EXPECTED, f"{events} in time" + (f": {_BUFFERED}" if buffered else "")


def _kind(response: Response) -> str:
    return response.headers.get("content-type", "").partition(";")[0].strip()
