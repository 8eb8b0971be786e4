"""A wire to a server as if it were far away: it delays, counts, stalls and breaks."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Thread

_CHUNK = 64 * 1024

_Way = asyncio.Queue[tuple[float, bytes, int]]
# What is under way: when it arrives, what it is (nothing at the end), its link of the chain.


class Wire:
    """Listens on loopback, and passes on what comes half a round trip later, either way."""

    def __init__(
        self,
        server: tuple[str, int],
        round_trip_s: float = 0,
        stall_after: int | None = None,
        host: str = "127.0.0.1",
    ) -> None:
        """Know the server; listen nowhere yet.

        Args:
            server: its host and port.
            round_trip_s: seconds from a question to an answer that takes no time itself.
            stall_after: bytes of the server after which nothing passes any more, either way, while
                everything stays open; None for never.
            host: the address to listen on.
        """
        self.host = host
        self.port = 0
        """Where it listens, once it does."""
        self.connections = 0
        """How many clients have opened."""
        self.received = 0
        """Bytes of the server that came through."""
        self.round_trips = 0
        """The longest chain, on any connection, of questions that each followed an answer.

        To connect is the first. Where a round trip takes far longer than the server does to answer,
        what is asked side by side is one link of the chain; elsewhere the number means nothing.
        """
        self._server = server
        self._half = round_trip_s / 2
        self._stall_after = stall_after
        self._open: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._listening = Event()
        self._thread = Thread(target=lambda: asyncio.run(self._run()))

    def start(self) -> None:
        """Listen."""
        self._thread.start()
        self._listening.wait()

    def cut(self) -> None:
        """End every connection; new ones are accepted as before."""
        self._loop.call_soon_threadsafe(self._abort)

    def stop(self) -> None:
        """End every connection, and accept none any more."""
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
        asked = told = 0
        there: _Way = asyncio.Queue()
        back: _Way = asyncio.Queue()

        def arrived_there(data: bytes, depth: int) -> bytes:
            nonlocal asked
            asked = max(asked, depth)
            return data

        def arrived_back(data: bytes, depth: int) -> bytes:
            nonlocal told
            told = max(told, depth)
            self.round_trips = max(self.round_trips, told)
            if self._stall_after is not None:
                data = data[: self._stall_after - self.received]
            self.received += len(data)
            return data

        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._read(reader, there, lambda: told))
                # A packet has to arrive, be answered, and the answer be followed by the first word.
                await asyncio.sleep(3 * self._half)
                from_server, server = await asyncio.open_connection(*self._server)
                self._open.add(server)
                writers.append(server)
                asked = told = 1
                tasks.create_task(self._read(from_server, back, lambda: asked + 1))
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
    """Have a wire until the block ends; see `Wire`."""
    wire = Wire(server, round_trip_s, stall_after, host)
    wire.start()
    try:
        yield wire
    finally:
        wire.stop()
