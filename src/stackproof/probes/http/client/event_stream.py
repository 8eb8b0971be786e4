"""The begin of a stream of server-sent events."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import httpx

from stackproof.facts.response import StreamState
from stackproof.probes.http.client.exchange import BODY_CAP, Exchange

HEADERS: Mapping[str, str] = {"Accept": "text/event-stream", "Cache-Control": "no-store"}
# A buffered response arrives with its end. One that is open after that goes on.
_PAUSE_SECONDS = 0.1
# What a line ends with, twice: an event ends with an empty line.
_ENDS = (b"\n\n", b"\r\n\r\n", b"\r\r")


class Begin(NamedTuple):
    """The begin of a stream."""

    body: bytes
    state: StreamState
    elapsed: float
    """The seconds until its first events were complete; without any, until the wait ended."""


def first(parts: Iterable[bytes], exchange: Exchange) -> Begin:
    """Read the first events of a stream, and whether it goes on after them.

    A proxy that buffers passes on full buffers only. They end within an event, so that what was
    received has to end with a complete one.

    Args:
        parts: the parts of the body as they arrive.
        exchange: the exchange that receives them. Its deadline is moved.
    """
    body, elapsed = bytearray(), None
    try:
        for part in parts:
            body += part
            if len(body) > BODY_CAP:
                return Begin(bytes(body), "overlong", exchange.elapsed)
            if elapsed is None and body.endswith(_ENDS):
                elapsed = exchange.elapsed
                exchange.end_within(_PAUSE_SECONDS)
    except httpx.TimeoutException:
        if elapsed is None:
            return Begin(bytes(body), "silent", exchange.elapsed)
        return Begin(bytes(body), "open", elapsed)
    return Begin(bytes(body), "ended", exchange.elapsed if elapsed is None else elapsed)
