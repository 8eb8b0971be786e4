"""Watches one path of the lab by itself, over bare sockets."""

import asyncio
import time
from itertools import pairwise
from threading import Event, Thread
from typing import Self

ANSWER_SECONDS = 10
_REQUEST = b"GET /api/health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


class Independent:
    """Remembers what each request came to, and when, in seconds of the epoch.

    It shares no code with what it is to prove: no client, no declared route, and plain HTTP to the
    port that nginx publishes. It sends on whatever becomes of what it has sent.
    """

    def __init__(self, port: int, rate: int = 50) -> None:
        self.answered: list[tuple[float, float]] = []
        """When each that was answered right was sent, and when its answer came."""
        self.failed: list[float] = []
        """When each that was not answered right was sent."""
        self.longest_lag = 0.0
        """Seconds that the latest of all was sent after it was due."""
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
        return max(pairwise(sorted(came for _, came in self.answered)), key=_length)

    def bounds(self) -> tuple[float, float]:
        """How long that was at least, and at most."""
        began, ended = self.outage()
        asked = min(sent for sent, came in self.answered if came == began)
        failed = [sent for sent in self.failed if began < sent < ended]
        return failed[-1] - failed[0], ended - asked

    async def _run(self) -> None:
        begun = time.monotonic()
        sent = 0
        under_way: set[asyncio.Task[None]] = set()
        while not self._stop.is_set():
            task = asyncio.create_task(self._ask())
            under_way.add(task)
            task.add_done_callback(under_way.discard)
            sent += 1
            due = begun + sent / self._rate
            await asyncio.sleep(max(0, due - time.monotonic()))
            self.longest_lag = max(self.longest_lag, time.monotonic() - due)
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
            self.answered.append((sent, time.time()))
        else:
            self.failed.append(sent)


def _length(gap: tuple[float, float]) -> float:
    return gap[1] - gap[0]
