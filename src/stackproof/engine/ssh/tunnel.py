"""Connections that the server opens to hosts that it can reach."""

import socket
from collections.abc import Callable

from stackproof.engine.ssh.multiplexing import Request

Connect = Callable[[str, int, float], tuple[socket.socket, Request]]
"""Connects to a host and port within some seconds. The socket is open as long as the request."""


class Tunnel:
    """Opens connections from the server, which stay open until the tunnel is closed."""

    def __init__(self, connect: Connect) -> None:
        """Store the function that connects."""
        self._connect = connect
        self._requests: list[Request] = []

    def connect(self, host: str, port: int, seconds: float) -> socket.socket:
        """Connect to a host and port, from the server."""
        connection, request = self._connect(host, port, seconds)
        self._requests.append(request)
        return connection

    def close(self) -> None:
        """Close the connections."""
        for request in self._requests:
            request.close()
