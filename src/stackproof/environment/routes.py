"""Declared routes, the responses that they must give, and the TLS of their hosts."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from stackproof.environment.responses import ExpectedContent, ForbiddenContent, Instance
from stackproof.frozen import Frozen
from stackproof.schema.addresses import Url
from stackproof.schema.declared import Declared, empty_mapping, reject
from stackproof.schema.values import Headers, Port, Statuses
from stackproof.sizes import Bytes

UNAUTHENTICATED = (401, 403)
"""Statuses with which a protected route may refuse a request without credentials."""
LOGIN_REDIRECTS = (302, 303, 307)
"""Statuses with which it may redirect such a request to its login."""
_UPGRADED = (101,)


class Route(Declared):
    """A URL that must respond, and the service that must send the response."""

    name: str
    url: Url
    service: str
    proxy: str = ""
    """The declared proxy through which it leads. Default: the only one."""
    vantage: Literal["here", "server"] = "here"
    """Where requests are made from: the machine that runs the suite, or the engine's machine."""
    status: Statuses = (200,)
    """Expected status codes. With `follow_redirects`, of the last response."""
    protected: bool = False
    """Whether it must refuse requests without credentials, with 401 or 403."""
    login: Url | None = None
    """The login to which a protected route may redirect instead. Its query does not count."""
    method: Literal["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"] = "GET"
    body: str = ""
    """The body of the request."""
    headers: Headers = Field(default_factory=empty_mapping)
    """Headers of the request."""
    websocket: bool = False
    """Whether the request asks for a WebSocket, which must be accepted with 101."""
    stream: bool = False
    """Whether the response is a stream of server-sent events, which must not be buffered."""
    body_limit: Annotated[Bytes, Field(gt=0)] | None = None
    """Maximum size of a request's body. The proxy must refuse a larger one, and only that."""
    follow_redirects: bool = False
    redirects: Literal["same-host"] | None = None
    """`same-host`: no redirect may lead to another host, or from https to http."""
    upgrade: Literal["https"] | None = None
    """`https`: plain http must redirect to https, permanently."""
    identity: ExpectedContent | None = None
    """Content that only this service sends, to recognize its responses."""
    instance: Instance | None = None
    """The field or header that identifies the container that sent the response."""
    healthy: ExpectedContent | None = None
    """Content of the response while the service is healthy."""
    must_not: ForbiddenContent | None = None
    """Content that no response may have."""
    budget_ms: Annotated[int, Field(gt=0, le=3_600_000)] | None = None
    """Maximum time of the whole response, redirects included."""

    @property
    def expected_statuses(self) -> tuple[int, ...]:
        """The expected status codes: `status`, unless it is protected or a WebSocket."""
        if self.protected:
            return (*UNAUTHENTICATED, *LOGIN_REDIRECTS) if self.login else UNAUTHENTICATED
        return _UPGRADED if self.websocket else self.status

    @property
    def is_repeatable(self) -> bool:
        """Whether its request may be sent again: it changes nothing on the server."""
        return self.method in ("GET", "HEAD", "OPTIONS")

    @property
    def stays_open(self) -> bool:
        """Whether its connection is meant to stay: nobody waits for the end of the response."""
        return self.websocket or self.stream

    @model_validator(mode="after")
    def _fields_fit(self) -> Self:
        if self.login and not self.protected:
            reject([(("login",), "only a route that is protected has a login")])
        if self.websocket and (self.method != "GET" or self.body):
            reject([(("websocket",), "a WebSocket is requested with GET, without a body")])
        if self.stream and (self.websocket or self.method == "HEAD"):
            reject([(("stream",), "a stream is the body of a response, and no WebSocket")])
        if self.must_not and (self.stays_open or self.method == "HEAD"):
            reject([(("must_not",), "it needs a response with a body that ends")])
        return self


class Tls(Declared):
    """Requirements for the certificate of every https host of the routes."""

    days_left: Annotated[int, Field(ge=0, le=36_500)] = 7
    """With fewer days left a check fails. Renewal starts 30 days before expiry."""
    warn_days_left: Annotated[int, Field(ge=0, le=36_500)] = 21
    """With fewer days left a check warns: renewal has failed for more than a week."""


class TlsHost(Frozen):
    """A host and port that routes use with https."""

    name: str
    host: str
    port: Port
    service: str
    """The service that terminates TLS: the proxy, or else the service of the route."""
    days_left: int
    warn_days_left: int
