"""Routes and health endpoints that need more than a plain GET, with real servers and nginx."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from lab.engine.compose import command
from lab.engine.daemon import docker
from lab.process import run
from tests import in_process

pytestmark = pytest.mark.live

PROJECT = "stackproof-situations"
IMAGE = "stackproof-lab/nginx:1"  # has nginx, Python and OpenSSL
PORT = 8480
APP = """
import base64, hashlib, http.server, ssl, subprocess, sys

class App(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        if self.path == "/ws" and self.headers.get("Upgrade") == "websocket":
            key = self.headers["Sec-WebSocket-Key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
            accept = base64.b64encode(hashlib.sha1(key.encode()).digest()).decode()
            fields = {"Upgrade": "websocket", "Connection": "Upgrade"}
            return self.answer(101, {**fields, "Sec-WebSocket-Accept": accept})
        trusted = self.headers.get("Host", "").partition(":")[0] in ("app.test", "pages")
        self.answer(200 if trusted and self.path != "/ws" else 400, {"Content-Length": "0"})

    def answer(self, status, fields):
        self.send_response(status)
        for name in fields:
            self.send_header(name, fields[name])
        self.end_headers()

    def log_message(self, *_):
        pass

server = http.server.ThreadingHTTPServer(("0.0.0.0", int(sys.argv[1])), App)
if sys.argv[1] == "8443":
    subprocess.run("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 "
                   "-subj /CN=app.test -addext subjectAltName=DNS:app.test "
                   "-keyout /tmp/key -out /tmp/cert", shell=True, check=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain("/tmp/cert", "/tmp/key")
    server.socket = context.wrap_socket(server.socket, server_side=True)
server.serve_forever()
"""
LOGIN = "https://auth.test/login"
SITE = f"""\
events {{}}
http {{
  server {{
    listen 80;
    server_name app.test;
    location / {{ proxy_pass http://app:8000; proxy_set_header Host $host; }}
    location = /ws {{
      proxy_pass http://app:8000;
      proxy_http_version 1.1;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection upgrade;
    }}
    location /private {{ return 302 {LOGIN}?rd=$request_uri&nonce=$request_id; }}
  }}
}}
"""
STACK: dict[str, Any] = {
    "services": {
        "app": {
            "image": IMAGE, "command": ["python3", "/app.py", "8000"], "init": True,
            "configs": [{"source": "app", "target": "/app.py"}],
        },
        "secure": {
            "image": IMAGE, "command": ["python3", "/app.py", "8443"], "init": True,
            "configs": [{"source": "app", "target": "/app.py"}],
        },
        "front": {
            "image": IMAGE, "init": True, "depends_on": ["app"], "ports": [f"127.0.0.1:{PORT}:80"],
            "configs": [{"source": "site", "target": "/etc/nginx/nginx.conf"}],
        },
    },
    "configs": {"site": {"content": SITE.replace("$", "$$")}, "app": {"content": APP}},
}  # fmt: skip
AT_APP = f"http://app.test:{PORT}"
SERVICES: dict[str, Any] = {
    "app": {"ports": [8000], "health": {"path": "/", "host": "app.test"}},
    "secure": {
        "ports": [8443],
        "health": {"path": "/", "scheme": "https", "host": "app.test", "verify": False},
    },
    "front": {"ports": [80], "publish": [f"127.0.0.1:{PORT}:80"]},
}
ROUTES: dict[str, Any] = {
    "home": {"url": f"{AT_APP}/", "service": "app"},
    "socket": {"url": f"{AT_APP}/ws", "service": "app", "websocket": True},
    "private": {
        "url": f"{AT_APP}/private/a", "service": "front", "protected": True, "login": LOGIN
    },
}  # fmt: skip

Verify = Callable[..., dict[str, str]]


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The Compose file of the project, which is up."""
    file = tmp_path_factory.mktemp("project") / "compose.yaml"
    file.write_text(yaml.safe_dump(STACK), encoding="utf-8")
    try:
        yield file
    finally:
        _compose(file, "down", "--timeout=0", "--remove-orphans")


def _compose(file: Path, *arguments: str) -> None:
    run(*command(), f"--project-name={PROJECT}", f"--file={file}", *arguments, deadline=120)


@pytest.fixture
def verify(file: Path, tmp_path: Path) -> Verify:
    """Verifies the project, which is as specified at first; returns what does not pass."""
    _compose(file, "up", "--detach", "--force-recreate")
    for service, port in (("app", 8000), ("secure", 8443), ("front", 80)):
        script = f"until (: </dev/tcp/127.0.0.1/{port}) 2>/dev/null; do sleep 0.05; done"
        docker("exec", f"{PROJECT}-{service}-1", "timeout", "20", "bash", "-c", script)

    def check(services: dict[str, Any] | None = None, **routes: Any) -> dict[str, str]:
        folder = tmp_path / "environments"
        folder.mkdir(exist_ok=True)
        declared = {
            "compose_project": PROJECT,
            "services": {**SERVICES, **(services or {})},
            "nginx": {"service": "front"},
            "resolve": {f"app.test:{PORT}": f"127.0.0.1:{PORT}"},
            "routes": {**ROUTES, **routes},
        }
        (folder / "shop.yaml").write_text(yaml.safe_dump(declared))
        ran = in_process.run(tmp_path / "out", "-m", "shop", f"--environments={folder}")
        return {check: f"{line}" for check, (_, line) in ran.results("shop").items()}

    return check


def test_all_of_it_is_green(verify: Verify) -> None:
    """A published port that is not the one that nginx listens at, a WebSocket, a login, TLS."""
    assert verify() == {}


def test_a_proxy_that_passes_no_upgrade_on(verify: Verify) -> None:
    edit = "sed '/Upgrade/d' /etc/nginx/nginx.conf >/tmp/nginx.conf"
    reload = "cp /tmp/nginx.conf /etc/nginx/nginx.conf && nginx -s reload"
    docker("exec", f"{PROJECT}-front-1", "sh", "-c", f"{edit} && {reload}")
    assert verify()["routes.status[socket]"] == (
        "socket status: expected a WebSocket (101 Switching Protocols), observed 400: "
        "nginx does not pass Upgrade"
    )


def test_what_is_declared_otherwise(verify: Verify) -> None:
    """A login elsewhere, a host that is not trusted, plain HTTP to a port that speaks TLS."""
    found = verify(
        {
            "app": {"ports": [8000], "health": {"path": "/"}},
            "secure": {"ports": [8443], "health": {"path": "/", "scheme": "https"}},
        },
        private={**ROUTES["private"], "login": "https://other.test/login"},
    )
    assert found.pop("health.answers[secure]").startswith(
        "secure / status: expected 200, observed TLS"
    )
    private = found.pop("routes.protected[private]")
    assert private.startswith(
        "private without credentials: expected 401 or 403 or a redirect to https://other.test/login,"
        f" observed 302 to {LOGIN}?rd=/private/a&nonce="
    )
    assert found == {"health.answers[app]": "app / status: expected 200, observed 400"}
