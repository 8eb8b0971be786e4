"""The fake stack that is deployed: a state, an engine, a web server and a DNS server."""

import socket
import struct
from contextlib import suppress
from pathlib import Path
from threading import Event, Thread

from tests.ci.gated_deploys.deploy import Release
from tests.engine.fake_containers import FakeContainer, FakeContainers
from tests.engine.fake_engine import Answer as EngineAnswer
from tests.probes.http.sites import Answer


class Stack:
    """The stack that is deployed. A file holds its state: old, half, new or rolled-back."""

    def __init__(self, folder: Path, release: Release) -> None:
        self.folder = folder
        self._release = release

    @property
    def state(self) -> str:
        return (self.folder / "state").read_text(encoding="utf-8").strip()

    def containers(self) -> tuple[FakeContainer, ...]:
        state = self.state
        recreated = {
            "api": state in ("half", "new", "rolled-back"),
            "web": state in ("new", "rolled-back"),
        }
        image = "shop/app:2" if state in ("half", "new") else "shop/app:1"
        unhealthy = state == "new" and self._release == "unhealthy"
        number = {"half": 10, "new": 10, "rolled-back": 20}.get(state, 0)
        return (
            FakeContainer("db"),
            *(
                FakeContainer(
                    service,
                    image=image if recreated[service] else "shop/app:1",
                    made=number if recreated[service] else 0,
                    health="unhealthy" if unhealthy and service == "api" else "healthy",
                )
                for service in ("api", "web")
            ),
        )

    def answer(self, path: str) -> Answer:
        bad = self.state == "new" and self._release == "502" and path == "/api"
        return (502 if bad else 200), {}, b"{}"


class Engine(FakeContainers):
    def __init__(self, stack: Stack, socket: Path) -> None:
        super().__init__()
        self.socket = socket
        self._stack = stack

    def __call__(self, path: str) -> EngineAnswer | None:
        self.containers = self._stack.containers()
        return super().__call__(path)


class Resolver:
    """A DNS server that answers 127.0.0.1, or "no such name" while it lies."""

    def __init__(self, address: str) -> None:
        self.lies = False
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((address, 53))
        self._socket.settimeout(0.2)
        self._closed = Event()
        self._thread = Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        while not self._closed.is_set():
            with suppress(TimeoutError, OSError):
                question, client = self._socket.recvfrom(512)
                self._socket.sendto(self._answer(question), client)

    def _answer(self, question: bytes) -> bytes:
        end = question.index(b"\0", 12) + 5
        asked = question[12:end]
        address = asked[-4:-2] == b"\0\1" and not self.lies
        flags = 0x8583 if self.lies else 0x8580
        head = question[:2] + struct.pack(">HHHHH", flags, 1, address, 0, 0)
        answer = b"\xc0\x0c\0\1\0\1" + struct.pack(">IH", 0, 4) + socket.inet_aton("127.0.0.1")
        return head + asked + (answer if address else b"")

    def close(self) -> None:
        self._closed.set()
        self._thread.join()
        self._socket.close()
