"""A declared route: its URL, who answers it and how, and what TLS its host must offer."""

from typing import Annotated, Literal

from pydantic import Field

from environments.answers import Answer, Instance
from environments.declared import Declared, Frozen
from environments.values import Port, Statuses, Url

UNAUTHENTICATED = (401, 403)
"""What a route that is protected answers to who shows no credentials."""


class Route(Declared):
    """A URL that the stack must answer, and the service that must answer it."""

    name: str
    url: Url
    service: str
    vantage: Literal["here", "server"] = "here"
    """Whence it is looked at: where the suite runs, or the engine's own machine."""
    status: Statuses = (200,)
    """Codes that are right where it is not protected; after redirects, where they are followed."""
    protected: bool = False
    """Whether it must turn away who shows no credentials, with 401 or 403."""
    follow_redirects: bool = False
    redirects: Literal["same-host"] | None = None
    """`same-host`: a redirect may not lead to another host, nor from https to http."""
    upgrade: Literal["https"] | None = None
    """`https`: plain http must be sent to https, for good."""
    identity: Answer | None = None
    """How the answer of the service is told from the answer of any other."""
    instance: Instance | None = None
    """Where its answer tells which container gave it."""
    healthy: Answer | None = None
    """What the answer says while all is well."""
    budget_ms: Annotated[int, Field(gt=0, le=3_600_000)] | None = None
    """What the whole answer may take, redirects included."""

    @property
    def right(self) -> tuple[int, ...]:
        """The status codes that are right."""
        return UNAUTHENTICATED if self.protected else self.status


class Tls(Declared):
    """What every https host of the routes must offer."""

    days_left: Annotated[int, Field(ge=0, le=36_500)] = 7
    """Renewals begin 30 days before the end: with a week left, they have failed for three."""
    warn_days_left: Annotated[int, Field(ge=0, le=36_500)] = 21
    """With fewer a check warns: a renewal has failed for more than a week, and none is lost yet."""


class TlsHost(Frozen):
    """A host and port that the routes reach through https."""

    name: str
    host: str
    port: Port
    service: str
    """The service that ends TLS: the proxy, or the route's own."""
    days_left: int
    warn_days_left: int
