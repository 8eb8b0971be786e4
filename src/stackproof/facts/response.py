"""Responses to HTTP requests."""

from collections.abc import Mapping
from typing import Literal

from pydantic import Field

from stackproof.frozen import Frozen

Failure = Literal["refused", "reset", "time-out", "TLS", "name", "malformed"]
"""Why a request got no response. `reset`: the connection ended before the response did."""


StreamState = Literal["open", "ended", "silent", "overlong"]
"""How a stream of server-sent events began. `open`: an event came, and the response went on;
`ended`: the response ended at once; `silent`: no event came in time; `overlong`: more came without
a pause than is read."""


class Hop(Frozen):
    """One response of a chain of redirects."""

    url: str
    status: int
    location: str | None


class Response(Frozen):
    """A response, or the error instead of one."""

    hops: tuple[Hop, ...]
    """Every response including the last, oldest first."""
    headers: Mapping[str, str] = {}
    body: str = ""
    """The first bytes of the last response."""
    whole: bool = True
    """Whether the body is complete."""
    error: str | None = None
    """Why there was no response, in one line: `connection refused`."""
    failure: Failure | None = None
    """The kind of error."""
    stream: StreamState | None = None
    """How its stream began, of a route that is one."""
    elapsed_ms: float = Field(ge=0)

    @property
    def status(self) -> int | None:
        """Return the status of the last response; None if there was an error instead."""
        return self.hops[-1].status if self.hops and self.error is None else None


class Announced(Frozen):
    """The answer to the headers of a request whose body was announced, and not sent."""

    status: int | None = None
    """The status; 100 if the server asks for the body. None if there was an error instead."""
    error: str = ""


class BodyLimit(Frozen):
    """The answers to announced bodies around the declared limit."""

    at_limit: Announced
    """Of a body of the maximum size."""
    above: Announced
    """Of a body with one byte more."""


class Listening(Frozen):
    """The ports of a service that accept a connection, and why others do not."""

    open: tuple[int, ...] = ()
    closed: Mapping[int, str] = {}
    """By port: `connection refused`."""
