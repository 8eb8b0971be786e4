"""The one connection to the Docker engine, directly or over ssh."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from threading import BoundedSemaphore
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlsplit

from stackproof.engine.answer import Answer
from stackproof.engine.client import EngineClient, NotFoundError
from stackproof.engine.error_text import NOT_HTTP
from stackproof.engine.image_path import image_path
from stackproof.engine.transport import Peer
from stackproof.environment.machine import Engine
from stackproof.unobserved import UnobservedError

if TYPE_CHECKING:
    from stackproof.engine.ssh.link import Link

T = TypeVar("T")

# As many as there are calls at the same time.
STREAMS_AHEAD = 32


class Connection:
    """Read-only calls to an engine. Every error is an `UnobservedError` with one line."""

    def __init__(
        self,
        address: str,
        client: EngineClient,
        link: "Link | None" = None,
        containers: Answer | None = None,
    ) -> None:
        """Wrap a client that has already reached the engine.

        Args:
            address: the engine's.
            client: makes the calls.
            link: the ssh connection that carries the calls; None without ssh.
            containers: the list of containers that the engine returned to the first call.
        """
        self.address = address
        self.link = link
        self._client = client
        self._containers = containers
        slots = link.max_streams if link else None
        self._slots: AbstractContextManager[object] = (
            BoundedSemaphore(slots) if slots else nullcontext()
        )

    @property
    def peer(self) -> Peer | None:
        """The process that listens on the engine's socket here; None over ssh, or if not known."""
        return None if self.link else self._client.peer

    def list_containers(self) -> Answer:
        """Return the list of containers: the first time, the one that connecting returned."""
        containers, self._containers = self._containers, None
        return containers or self.call(EngineClient.list_containers)

    def call(self, request: Callable[[EngineClient], T]) -> T:
        """Make one call, or several that belong together.

        Raises:
            NotFoundError: the engine has no such object.
            UnobservedError: it did not answer, or refused.
        """
        if self.link:
            return self.link.with_reconnect(partial(self._call, request))
        return self._call(request)

    def _call(self, request: Callable[[EngineClient], T]) -> T:
        with self._slots:
            return request(self._client)

    def close(self) -> None:
        """Close the sockets."""
        self._client.close()


def connect(engine: Engine) -> Connection:
    """Connect to the engine, list its containers and agree on a version of its API.

    Raises:
        UnobservedError: it cannot be reached, or refuses.
    """
    if urlsplit(engine.address).scheme == "ssh":
        return _connect_over_ssh(engine)
    client = EngineClient(engine.address, engine.label, engine.tls)
    return Connection(engine.label, client, containers=client.list_containers())


def _connect_over_ssh(engine: Engine) -> Connection:
    # Imported on first use: most engines are local.
    from stackproof.engine.ssh.link import open_link

    link = open_link(engine)
    try:
        return _connect_through(link, engine)
    except UnobservedError:
        if not link.use_dial_stdio():
            raise
        try:
            return _connect_through(link, engine)
        except UnobservedError as error:
            reason = str(error).removeprefix(f"engine {link.address}: ")
            if reason.startswith(NOT_HTTP):
                reason = (
                    f"its shell prints {reason.removeprefix(NOT_HTTP)!r} when a command starts: "
                    "print that only in interactive shells (~/.bashrc)"
                )
            else:
                reason = link.dial_stdio_error() or reason
            raise UnobservedError(
                f"engine {engine.label}: {link.socket_path} cannot be reached on the server: "
                f"{reason}"
            ) from None


def _connect_through(link: "Link", engine: Engine) -> Connection:
    client = EngineClient(f"unix://{link.path}", link.address)
    try:
        ahead = 0 if link.max_streams else STREAMS_AHEAD - 1
        containers = link.with_reconnect(partial(client.list_containers, ahead))
    except BaseException:
        client.close()
        raise
    return Connection(engine.label, client, link, containers)


def inspect_image(connection: Connection, image: str) -> Answer | None:
    """Return what the engine reports about an image; None if it has none of that name."""
    path = f"/images/{image_path(image)}/json"
    try:
        return connection.call(lambda engine: engine.get(path))
    except NotFoundError:
        return None


def inspect_container(connection: Connection, container_id: str) -> Answer:
    """Return what the engine reports about a container.

    Raises:
        NotFoundError: there is no such container.
    """
    return connection.call(lambda engine: engine.get(f"/containers/{container_id}/json"))
