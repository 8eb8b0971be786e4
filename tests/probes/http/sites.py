"""Small web servers on loopback, and the certificates that they show."""

import ssl
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import trustme

Answer = tuple[int, Mapping[str, str], bytes | Iterable[bytes]]


class Site(ThreadingHTTPServer):
    """A web server that keeps what it was asked: `Host`, path and cookies, and SNI names."""

    def __init__(
        self, answer: Callable[[str], Answer], certificate: trustme.LeafCert | None
    ) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answer = answer
        self.requests: list[tuple[str, str]] = []
        self.cookies: list[str | None] = []
        self.server_names: list[str | None] = []
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            certificate.configure_cert(context)
            context.sni_callback = lambda _, name, __: self.server_names.append(name)
            self.socket = context.wrap_socket(self.socket, server_side=True)

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: Site

    def do_GET(self) -> None:
        self.server.requests.append((self.headers["Host"], self.path))
        self.server.cookies.append(self.headers["Cookie"])
        status, headers, body = self.server.answer(self.path)
        if isinstance(body, bytes):
            headers = {"Content-Length": str(len(body)), **headers}
            body = (body,)
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        with suppress(ConnectionError):  # the client has read enough
            for part in body:
                self.wfile.write(part)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def serving(
    answer: Callable[[str], Answer], certificate: trustme.LeafCert | None = None
) -> Iterator[Site]:
    """Serve until the block ends; over TLS where there is a certificate."""
    with Site(answer, certificate) as site:
        thread = Thread(target=site.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield site
        finally:
            site.shutdown()
            thread.join()
