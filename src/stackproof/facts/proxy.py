"""The reverse proxy: its configuration, its workers and its log."""

from collections.abc import Mapping

from pydantic import Field

from stackproof.facts.fields import Moment
from stackproof.frozen import Frozen
from stackproof.unobserved import Unobserved


class Destination(Frozen):
    """Where nginx's configuration leads a request."""

    leads_to: tuple[str, ...]
    """Hosts and ports, such as `api:5000`. An empty text is nginx itself. Empty if no server
    block accepts the request."""
    depends_on: str = ""
    """What decides among several and is unknown, such as `$cookie_beta`; empty if clients get each
    of them."""
    server: str | None
    """The names of the server block; None if none gets the request."""
    location: str = ""
    is_default: bool = False
    """Whether no server block has the host, so that the default one gets the request."""
    not_passed: tuple[str, ...] = ()
    """Headers of a request for a WebSocket that nginx does not pass on."""
    buffers: bool = False
    """Whether nginx buffers the response, unless the response forbids it."""
    max_body: int | None = None
    """Maximum size of a body that nginx passes on, in bytes; 0 for any size. None if unknown."""


class Worker(Frozen):
    """A worker process of nginx."""

    started_at: Moment
    shutting_down: bool
    stopped: bool = False
    """Whether a signal stopped it."""


class LogEntry(Frozen):
    """An entry of nginx's log of level crit or worse."""

    at: Moment
    line: str


class UpstreamError(Frozen):
    """Why nginx got no response from an upstream, as it logged."""

    message: str
    """`connect() failed (111: Connection refused) while connecting to upstream`."""
    upstream: str = ""
    """`172.18.0.5:5000`; empty if nginx knows no address."""

    def __str__(self) -> str:
        """Return the message with the upstream."""
        return f"{self.message} {self.upstream}".strip()


class Proxy(Frozen):
    """nginx, observed inside its container with one exec."""

    destinations: Mapping[str, Destination | Unobserved] | Unobserved
    """By route, where the configuration on disk leads its request."""
    resolved_at_load: tuple[str, ...] | Unobserved | None = None
    """Hosts whose addresses nginx resolves only when it loads its configuration; None in an old
    snapshot."""
    hidden_log: str = ""
    """Why messages of level crit or worse are not in the container's log; empty if they are."""
    files: Mapping[str, Moment] | Unobserved
    """By file of the configuration, when it was last changed."""
    folders: Mapping[str, Moment] | Unobserved = Field(default_factory=dict)
    """By folder whose files it includes, when one was last added or removed."""
    replaced_mounts: tuple[str, ...] | Unobserved = ()
    """Paths in the container whose source on the host was deleted or replaced."""
    workers: tuple[Worker, ...] | Unobserved
    addresses: Mapping[str, tuple[str, ...]] | Unobserved
    """By name of an upstream, the addresses it resolves to."""
