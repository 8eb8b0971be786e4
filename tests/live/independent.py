"""Watches one path of the lab by itself, over bare sockets."""

import asyncio
import time
from itertools import pairwise
from threading import Event, Thread
from typing import Self

ANSWER_SECONDS = 10
_REQUEST = b"GET /api/health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


class Independent:
    """Remembers when each right answer came, as seconds of the epoch, and how many were wrong.

    It shares no code with what it is to prove: no client, no declared route, and plain HTTP to the
    port that nginx publishes. It sends on whatever becomes of what it has sent.
    """

    def __init__(self, port: int, rate: int = 50) -> None:
        self.answered: list[float] = []
        self.failed: list[float] = []
        """When each that was not answered right was sent."""
        self._port = port
        self._rate = rate
        self._stop = Event()
        self._thread = Thread(target=lambda: asyncio.run(self._run()))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def outage(self) -> tuple[float, float]:
        """When the longest time without a right answer began and ended."""
        moments = sorted(self.answered)
        return max(pairwise(moments), key=lambda gap: gap[1] - gap[0])

    async def _run(self) -> None:
        begun = time.monotonic()
        sent = 0
        under_way: set[asyncio.Task[None]] = set()
        while not self._stop.is_set():
            task = asyncio.create_task(self._ask())
            under_way.add(task)
            task.add_done_callback(under_way.discard)
            sent += 1
            await asyncio.sleep(max(0, begun + sent / self._rate - time.monotonic()))
        for task in under_way:
            task.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)

    async def _ask(self) -> None:
        sent = time.time()
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
                try:
                    writer.write(_REQUEST)
                    answer = await reader.read(1000)
                finally:
                    writer.close()
        except OSError:
            answer = b""
        if answer.startswith(b"HTTP/1.1 200 ") and b'"service":"api"' in answer:
            self.answered.append(time.time())
        else:
            self.failed.append(sent)
