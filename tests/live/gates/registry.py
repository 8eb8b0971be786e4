"""A registry on this machine that has one image's manifest, and knows of no other."""

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

_TYPE = "application/vnd.docker.distribution.manifest.v2+json"
_MANIFEST = json.dumps(
    {
        "schemaVersion": 2,
        "mediaType": _TYPE,
        "config": {"mediaType": "x", "size": 2, "digest": f"sha256:{'0' * 64}"},
        "layers": [],
    }
).encode()
_UNKNOWN = json.dumps(
    {"errors": [{"code": "MANIFEST_UNKNOWN", "message": "manifest unknown"}]}
).encode()


class _Registry(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def log_message(self, *_: object) -> None:
        pass

    def _answer(self) -> None:
        status, kind, body = 404, "application/json", _UNKNOWN
        if self.path == "/v2/":
            status, body = 200, b"{}"
        elif self.path.startswith("/v2/there/manifests/"):
            status, kind, body = 200, _TYPE, _MANIFEST
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Docker-Distribution-Api-Version", "registry/2.0")
        self.send_header("Docker-Content-Digest", f"sha256:{hashlib.sha256(body).hexdigest()}")
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)


@contextmanager
def registry() -> Iterator[str]:
    """Run it; yields its name. An engine speaks plain HTTP to a registry at its own loopback."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Registry) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"localhost:{server.server_port}"
        finally:
            server.shutdown()
