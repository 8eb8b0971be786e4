"""A TCP proxy that delays, counts, stalls or breaks connections, as a network does."""

import asyncio
import time
from bisect import bisect_left
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Thread

_CHUNK = 64 * 1024

_Way = asyncio.Queue[tuple[float, bytes, int]]
# A chunk in transit: when it arrives, its bytes (none at the end), its position in the chain.


class Wire:
    """A proxy on loopback. Each direction has half of the latency of a round trip."""

    def __init__(
        self,
        server: tuple[str, int],
        round_trip_s: float = 0,
        stall_after: int | None = None,
        host: str = "127.0.0.1",
    ) -> None:
        """Prepare a proxy that does not listen yet.

        Args:
            server: its host and port.
            round_trip_s: seconds from a request to a response that takes no time itself.
            stall_after: the number of bytes from the server after which nothing passes in either
                direction, while all connections stay open; None for never.
            host: the address to listen on.
        """
        self.host = host
        self.port = 0
        """The port that it listens on, once it does."""
        self.connections = 0
        """How many connections clients have opened."""
        self.received = 0
        """Bytes that came from the server."""
        self._chain: list[float] = []  # when the response to each round trip was delivered
        self._server = server
        self._half = round_trip_s / 2
        self._stall_after = stall_after
        self._open: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._listening = Event()
        self._thread = Thread(target=lambda: asyncio.run(self._run()))

    @property
    def round_trips(self) -> int:
        """The longest chain, on any connection, of requests that each followed a response.

        Connecting is the first. Concurrent requests count once. The number is exact only if a round
        trip takes much longer than the server needs to respond.
        """
        return len(self._chain)

    def round_trips_before(self, moment: float) -> int:
        """Return how many round trips there were before a moment, in seconds since the epoch."""
        return bisect_left(self._chain, moment)

    def start(self) -> None:
        """Start to listen."""
        self._thread.start()
        self._listening.wait()

    def cut(self) -> None:
        """Abort every connection. New ones are accepted as before."""
        self._loop.call_soon_threadsafe(self._abort)

    def stop(self) -> None:
        """Abort every connection, and accept no others."""
        self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join()

    async def _run(self) -> None:
        self._loop, self._stopping = asyncio.get_running_loop(), asyncio.Event()
        server = await asyncio.start_server(self._accept, self.host, 0)
        self.port = server.sockets[0].getsockname()[1]
        self._listening.set()
        await self._stopping.wait()
        server.close()
        self._abort()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _abort(self) -> None:
        for writer in self._open:
            writer.transport.abort()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = asyncio.create_task(self._connect(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _connect(self, reader: asyncio.StreamReader, client: asyncio.StreamWriter) -> None:
        self._open.add(client)
        writers = [client]
        sent = answered = 0
        there: _Way = asyncio.Queue()
        back: _Way = asyncio.Queue()

        def arrived_there(data: bytes, depth: int) -> bytes:
            nonlocal sent
            sent = max(sent, depth)
            return data

        def arrived_back(data: bytes, depth: int) -> bytes:
            nonlocal answered
            answered = max(answered, depth)
            self._chain += [time.time()] * (answered - len(self._chain))
            if self._stall_after is not None:
                data = data[: self._stall_after - self.received]
            self.received += len(data)
            return data

        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._read(reader, there, lambda: answered))
                # The packets of a TCP handshake, and the first one of the client.
                await asyncio.sleep(3 * self._half)
                from_server, server = await asyncio.open_connection(*self._server)
                self._open.add(server)
                writers.append(server)
                sent = answered = 1
                tasks.create_task(self._read(from_server, back, lambda: sent + 1))
                tasks.create_task(self._deliver(there, server, arrived_there))
                tasks.create_task(self._deliver(back, client, arrived_back))
        except* OSError:
            pass
        finally:
            for writer in writers:
                self._open.discard(writer)
                writer.transport.abort()

    async def _read(
        self, reader: asyncio.StreamReader, way: _Way, depth: Callable[[], int]
    ) -> None:
        while data := await reader.read(_CHUNK):
            way.put_nowait((self._loop.time() + self._half, data, depth()))
        way.put_nowait((self._loop.time() + self._half, b"", depth()))

    async def _deliver(
        self, way: _Way, writer: asyncio.StreamWriter, arrived: Callable[[bytes, int], bytes]
    ) -> None:
        while True:
            due, data, depth = await way.get()
            await asyncio.sleep(due - self._loop.time())
            if self._stall_after is not None and self.received >= self._stall_after:
                await asyncio.Event().wait()
            if not data:
                break
            writer.write(arrived(data, depth))
            await writer.drain()
        if writer.can_write_eof():
            writer.write_eof()


@contextmanager
def wired(
    server: tuple[str, int],
    round_trip_s: float = 0,
    stall_after: int | None = None,
    host: str = "127.0.0.1",
) -> Iterator[Wire]:
    """Run a proxy until the block ends; see `Wire`."""
    wire = Wire(server, round_trip_s, stall_after, host)
    wire.start()
    try:
        yield wire
    finally:
        wire.stop()
