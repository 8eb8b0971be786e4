"""Stands in for a program of the estate: its port, its paths, its answers, and no more.

Usage: server.py SERVICE PORT
"""

import hashlib
import json
import socket
import sys
import time
from base64 import b64encode
from contextlib import suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote, urlsplit

HEARTBEAT_SECONDS = 10
HTML = "text/html; charset=utf-8"
JSON = "application/json"
TEXT = "text/plain; charset=utf-8"
WITHOUT_DATABASE = Path("/tmp/without-database")  # noqa: S108
"""While it exists, n8n answers as it does without its database."""


class Page(NamedTuple):
    """What a path answers with 200."""

    content_type: str
    body: str


def document(title: str) -> Page:
    """A web page that is recognised by its title."""
    return Page(
        HTML,
        f'<!doctype html>\n<html lang="en"><head><title>{title}</title></head>'
        f"<body><h1>{title}</h1></body></html>\n",
    )


def data(**fields: object) -> Page:
    """A JSON object."""
    return Page(JSON, json.dumps(fields))


def health(service: str) -> Page:
    """A health answer that also says who gives it."""
    return data(service=service, status="ok", instance=socket.gethostname())


def model(name: str, size: int) -> dict[str, object]:
    """One row of the model list of ollama."""
    return {"name": name, "model": name, "modified_at": "2025-01-01T00:00:00Z", "size": size}


PAGES: dict[str, dict[str, Page]] = {
    "web": {"/": document("ChatBuilds"), "/health": health("web")},
    "n8n": {
        "/": document("n8n.io - Workflow Automation"),
        "/healthz": data(status="ok"),
        "/healthz/readiness": data(status="ok"),
    },
    "nexusai": {"/": document("NexusAI"), "/health": health("nexusai")},
    "ollama": {
        "/": Page(TEXT, "Ollama is running"),
        "/api/version": data(version="0.5.7"),
        "/api/tags": data(
            models=[
                model("llama3.2:latest", 2019393189),
                model("nomic-embed-text:latest", 274302450),
            ]
        ),
    },
    "pgadmin": {"/login": document("pgAdmin 4"), "/misc/ping": Page(TEXT, "PING")},
}


WEBSOCKETS = {"n8n": "/rest/push"}
STREAMS = {"n8n": "/webhook/events"}
WEBHOOKS = {"n8n": "/webhook/orders"}


class Handler(BaseHTTPRequestHandler):
    """Answers from the pages of one service and signs each answer with its name."""

    protocol_version = "HTTP/1.1"
    timeout = 30
    service: str

    def do_GET(self) -> None:
        """Answer with the page of the path."""
        path = urlsplit(self.path).path
        if path == WEBSOCKETS.get(self.service):
            self.open_websocket()
            return
        if path == STREAMS.get(self.service):
            self.stream_events()
            return
        # Behind a proxy, this header has the prefix that links and redirects must carry.
        prefix = self.headers.get("X-Script-Name", "")
        if self.service == "pgadmin" and path == "/":
            target = f"{prefix}/login?next={quote(prefix + '/', safe='')}"
            self.answer(HTTPStatus.FOUND, document("Redirecting..."), location=target)
        elif path == "/healthz/readiness" and WITHOUT_DATABASE.exists():
            self.answer(HTTPStatus.SERVICE_UNAVAILABLE, data(status="error"))
        elif (page := PAGES[self.service].get(path)) is not None:
            self.answer(HTTPStatus.OK, page)
        else:
            self.answer(HTTPStatus.NOT_FOUND, document("Not Found"))

    def do_POST(self) -> None:
        """Answer a webhook with what it received."""
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        if urlsplit(self.path).path == WEBHOOKS.get(self.service):
            self.answer(HTTPStatus.OK, data(received=body.decode(errors="replace")))
        else:
            self.answer(HTTPStatus.NOT_FOUND, document("Not Found"))

    do_HEAD = do_GET  # noqa: N815

    def open_websocket(self) -> None:
        """Accept a WebSocket, as n8n does before it asks who the client is, and wait for its end.

        A request without the headers for it is refused as that of a stranger.
        """
        if self.headers.get("Upgrade", "").lower() != "websocket":
            self.answer(HTTPStatus.UNAUTHORIZED, data(status="error", message="Unauthorized"))
            return
        key = self.headers.get("Sec-WebSocket-Key", "") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
        digest = hashlib.sha1(key.encode(), usedforsecurity=False).digest()
        self.send_response(HTTPStatus.SWITCHING_PROTOCOLS)
        self.send_header("Upgrade", "websocket")
        self.send_header("Connection", "Upgrade")
        self.send_header("Sec-WebSocket-Accept", b64encode(digest).decode())
        self.end_headers()
        self.close_connection = True
        self.rfile.read(1)

    def stream_events(self) -> None:
        """Send an event, and more of them until the client leaves."""
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        with suppress(OSError):
            while True:
                self.wfile.write(b"event: heartbeat\ndata: {}\n\n")
                time.sleep(HEARTBEAT_SECONDS)

    def answer(self, status: HTTPStatus, page: Page, location: str | None = None) -> None:
        """Send one whole answer."""
        body = page.body.encode()
        self.send_response(status)
        self.send_header("Content-Type", page.content_type)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("X-Served-By", self.service)
        if location is not None:
            self.send_header("Location", location)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Leave successes out: a health check every two seconds would drown the rest."""
        if isinstance(code, int) and code >= HTTPStatus.BAD_REQUEST:
            super().log_request(code, size)


def main() -> None:
    """Serve until stopped."""
    service, port = sys.argv[1], int(sys.argv[2])
    if service not in PAGES:
        sys.exit(f"{service}: no such stand-in")
    Handler.service = service
    with ThreadingHTTPServer(("0.0.0.0", port), Handler) as server:  # noqa: S104
        print(f"{service} listening on {port}", flush=True)
        server.serve_forever()


if __name__ == "__main__":
    main()
