"""The ssh connection to a server, kept for the whole run, and reopened once if it is lost."""

import atexit
import os
import shutil
import socket
import tempfile
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from threading import Lock
from typing import TypeVar

from stackproof.engine.ssh import failure
from stackproof.engine.ssh.dial_stdio import MAX_STREAMS, DialStdio
from stackproof.engine.ssh.master import Master
from stackproof.engine.ssh.multiplexing import MasterEndedError, Request
from stackproof.environment.machine import DEFAULT_ENGINE, Engine
from stackproof.unobserved import ConnectionLostError, UnobservedError

T = TypeVar("T")

ENGINE_SOCKET = DEFAULT_ENGINE.removeprefix("unix://")
# ssh ends this long after its connection has. Only failed calls wait for it.
_ENDING_SECONDS = 0.3
_GUARD_SECONDS = 1
# Some systems limit a socket's path to 104 bytes; ours, with what ssh appends, takes 46.
_LONGEST = 58


class Link:
    """A connection to the machine of an engine, which also carries the calls to the engine."""

    def __init__(self, engine: Engine) -> None:
        """Connect.

        Raises:
            UnobservedError: it could not connect. The message has the reason and the remedy.
        """
        self.address = engine.label
        self._engine = engine
        self._lock = Lock()
        self._may_reconnect = True
        self._lost_for_good = ""
        self._dial_stdio: DialStdio | None = None
        self.socket_path = engine.socket_path or ENGINE_SOCKET
        """The engine's socket on the server."""
        self._directory = Path(tempfile.mkdtemp(prefix="stackproof-", dir=_private_directory()))
        self._forwarded = self._directory / "engine"
        try:
            self._master = self._connect_master()
        except BaseException:
            shutil.rmtree(self._directory, ignore_errors=True)
            raise

    @property
    def path(self) -> Path:
        """A local socket that leads to the engine's socket on the server."""
        return self._dial_stdio.path if self._dial_stdio else self._forwarded

    @property
    def max_streams(self) -> int | None:
        """How many connections that socket accepts at the same time; None for no limit."""
        return MAX_STREAMS if self._dial_stdio else None

    def use_dial_stdio(self) -> bool:
        """Switch to the Docker client on the server, if sshd refuses to forward the socket.

        Returns:
            Whether it switched.
        """
        if self._dial_stdio or not failure.socket_error(self._master.log()):
            return False
        declared = self._engine.socket_path
        self._dial_stdio = DialStdio(self._directory, lambda: self._master, declared)
        return True

    def dial_stdio_error(self) -> str:
        """Return the last error of the Docker client on the server; empty if it printed none."""
        return self._dial_stdio.error() if self._dial_stdio else ""

    def run(self, line: str) -> tuple[int, bytes]:
        """Run a read-only shell command on the engine's machine.

        Returns:
            Its exit code and its standard output.

        Raises:
            UnobservedError: it could not run to its end.
        """
        try:
            return self.with_reconnect(lambda: self._master.run(line))
        except UnobservedError as reason:
            raise UnobservedError(self._named(reason)) from None

    def connect(self, host: str, port: int, seconds: float) -> tuple[socket.socket, Request]:
        """Connect to a host and port, from the server: see `Master.connect`."""
        try:
            return self._master.connect(host, port, seconds)
        except UnobservedError as reason:
            raise UnobservedError(self._named(reason)) from None

    def with_reconnect(
        self, action: Callable[[], T], is_doubtful: Callable[[T], object] = lambda _: False
    ) -> T:
        """Run an action, and run it again if the connection to the server was lost meanwhile.

        Args:
            action: it raises `MasterEndedError` if the connection was lost, or
                `ConnectionLostError` if that is to be found out.
            is_doubtful: whether a result may come from a lost connection.

        Raises:
            UnobservedError: the connection could not be reopened, or the action raised this error.
        """
        while True:
            master = self._master
            try:
                result = action()
            except MasterEndedError:
                pass
            except ConnectionLostError:
                if not master.ended(_ENDING_SECONDS):
                    raise
            except TimeoutError:
                raise UnobservedError(f"engine {self.address}: no answer in time") from None
            else:
                if not is_doubtful(result) or not master.ended(_ENDING_SECONDS):
                    return result
            self._reconnect(master)

    def _reconnect(self, lost: Master) -> None:
        with self._lock:
            if self._master is not lost:
                return  # another thread has reconnected
            if self._lost_for_good:
                raise UnobservedError(self._lost_for_good)
            if not self._may_reconnect:
                self._lost_for_good = self._named("the ssh connection was lost twice")
                raise UnobservedError(self._lost_for_good)
            self._may_reconnect = False
            # Its guard removes the directory, unless it has seen the master end.
            lost.ended(_GUARD_SECONDS)
            lost.close()
            self._directory.mkdir(mode=0o700, exist_ok=True)
            try:
                self._master = self._connect_master()
            except UnobservedError as reason:
                self._lost_for_good = self._named(
                    "the ssh connection was lost, and cannot be reopened: "
                    f"{str(reason).removeprefix(self._named(''))}"
                )
                raise UnobservedError(self._lost_for_good) from None

    def renew(self) -> bool:
        """Return whether the connection works. If so, it may be lost and reopened once more."""
        with self._lock:
            self._may_reconnect = True
            return not self._lost_for_good and not self._master.ended()

    def close(self) -> None:
        """Close the connection and delete its files."""
        if self._dial_stdio:
            self._dial_stdio.close()
        self._master.close()
        shutil.rmtree(self._directory, ignore_errors=True)

    def _connect_master(self) -> Master:
        try:
            master = Master(self._engine, self._directory)
            master.listen(self._forwarded, self.socket_path)
        except MasterEndedError:
            raise UnobservedError(
                f"engine {self.address}: the server closed the ssh connection after the login"
            ) from None
        except (UnobservedError, TimeoutError) as reason:
            raise UnobservedError(self._named(reason)) from None
        return master

    def _named(self, reason: object) -> str:
        engine = f"engine {self.address}: "
        return engine + str(reason).removeprefix(engine)


_LINKS: dict[Engine, Link] = {}
_OPENING: defaultdict[Engine, Lock] = defaultdict(Lock)


def open_link(engine: Engine) -> Link:
    """Return this process's connection to an engine behind ssh; open it if there is none.

    Raises:
        UnobservedError: it could not connect. The message has the reason and the remedy.
    """
    with _OPENING[engine]:
        link = _LINKS.get(engine)
        if link and link.renew():
            return link
        if link:
            del _LINKS[engine]
            link.close()
        _LINKS[engine] = Link(engine)
        return _LINKS[engine]


@atexit.register
def close_all() -> None:
    """Close every connection."""
    while _LINKS:
        _LINKS.popitem()[1].close()


def _private_directory() -> str:
    """Return a directory that the system clears, in case our files are never removed otherwise."""
    candidates = (os.environ.get("XDG_RUNTIME_DIR", ""), "/run", "/dev/shm")  # noqa: S108
    usable = (each for each in candidates if len(each) <= _LONGEST and os.access(each, os.W_OK))
    return next(usable, tempfile.gettempdir())
