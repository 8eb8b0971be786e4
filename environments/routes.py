"""A declared route: its URL, who answers it and how, and what TLS its host must offer."""

from typing import Annotated, Literal

from pydantic import Field

from environments.declared import Declared, Frozen, nothing
from environments.values import Port, Statuses, Texts, Url


class Identity(Declared):
    """What only one service's answer carries; everything that is given must be there."""

    fields: Texts = Field(default_factory=nothing)
    """Fields of the JSON body, `a.b` for one inside another, and their values."""
    headers: Texts = Field(default_factory=nothing)
    text: str | None = None
    """Words that stand in the body."""


class Route(Declared):
    """A URL that the stack must answer, and the service that must answer it."""

    name: str
    url: Url
    service: str
    status: Statuses = (200,)
    """Status codes that are right; after redirects, where they are followed."""
    follow_redirects: bool = False
    redirects: Literal["same-host"] | None = None
    """`same-host`: a redirect may not lead to another host, nor from https to http."""
    upgrade: Literal["https"] | None = None
    """`https`: plain http must be sent to https, for good."""
    identity: Identity | None = None
    """How the answer of the service is told from the answer of any other."""
    healthy: Texts = Field(default_factory=nothing)
    """Fields of the JSON body, and the values that they have while all is well."""
    budget_ms: Annotated[int, Field(gt=0)] | None = None
    """What the whole answer may take, redirects included."""


class Tls(Declared):
    """What every https host of the routes must offer."""

    days_left: Annotated[int, Field(ge=0)] = 7
    """Renewals begin 30 days before the end: with a week left, they have failed for three."""


class TlsHost(Frozen):
    """A host and port that the routes reach through https."""

    name: str
    host: str
    port: Port
    service: str
    """The service that ends TLS: the proxy, or the route's own."""
    days_left: int
