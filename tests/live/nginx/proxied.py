"""A Compose project of nginx and two services behind it, whose configuration a test replaces."""

import time
from pathlib import Path
from typing import Any

import yaml

from lab.engine.compose import command
from lab.engine.daemon import docker
from lab.process import run
from tests import in_process
from tests.command_line import Ran

PROJECT = "stackproof-nginx"
NETWORK = f"{PROJECT}_default"
IMAGE = "stackproof-lab/nginx:1"
_RELOAD_SECONDS = 10
_SERVING = "pgrep -f '^nginx: worker process$' | sort | tr '\\n' ' '"
MAIN = """\
user root;
worker_processes 1;
error_log stderr notice;
pid /run/nginx.pid;
events {{}}
http {{
access_log off;
{http}
}}
"""


def _behind(name: str, port: int) -> dict[str, Any]:
    """A service that responds with its name."""
    config = (
        "events {} http { access_log off; server { "
        f"listen {port}; listen 9000; add_header X-Served-By {name}; return 200 {name}; }} }}"
    )
    return {
        "image": IMAGE,
        "command": ["sh", "-c", f"echo '{config}' >/run/own.conf && exec nginx -c /run/own.conf "
                    "-g 'daemon off;'"],
        "init": True,
        "stop_grace_period": "0s",
        "networks": {"default": {"aliases": [f"{name}-alias"]}},
    }  # fmt: skip


class Proxied:
    """The project, and sessions that verify it."""

    def __init__(self, folder: Path) -> None:
        """Write its files."""
        self._folder = folder
        (folder / "site").mkdir()
        self.write("server { listen 80; }")
        self._compose = folder / "compose.yaml"
        self._compose.write_text(
            yaml.safe_dump(
                {
                    "name": PROJECT,
                    "services": {
                        "proxy": {
                            "image": IMAGE,
                            "command": ["nginx", "-c", "/srv/site/nginx.conf", "-g", "daemon off;"],
                            "volumes": [f"{folder}/site:/srv/site:ro"],
                            "stop_grace_period": "0s",
                        },
                        "api": _behind("api", 5000),
                        "web": _behind("web", 3000),
                        # Takes the names of others.
                        "stranger": _behind("stranger", 5000),
                    },
                }
            ),
            encoding="utf-8",
        )
        self.compose("up", "--detach", "--quiet-pull")

    def compose(self, *arguments: str) -> str:
        return run(*command(), f"--file={self._compose}", *arguments, deadline=120)

    def close(self) -> None:
        self.compose("down", "--timeout=0")

    def container(self, service: str) -> str:
        return f"{PROJECT}-{service}-1"

    def execute(self, script: str, service: str = "proxy") -> str:
        return docker("exec", self.container(service), "sh", "-c", script)

    def restart(self, service: str) -> None:
        docker("restart", "--time=0", self.container(service))

    def recreate(self, service: str) -> None:
        """Recreate a service, and wait until its nginx serves."""
        self.compose("up", "--detach", "--force-recreate", "--no-deps", service)
        works = 'pgrep -f "^nginx: worker process$" >/dev/null'
        script = f"timeout {_RELOAD_SECONDS} sh -c 'until {works}; do sleep 0.05; done'"
        self.execute(script, service)

    def load(self, http: str, main: str = MAIN) -> None:
        """Replace the configuration, and wait until nginx has loaded it."""
        self.write(http, main)
        before = self.execute(_SERVING)
        self.execute("nginx -s reload -c /srv/site/nginx.conf")
        until = time.monotonic() + _RELOAD_SECONDS
        while not (now := self.execute(_SERVING)) or set(now.split()) & set(before.split()):
            if time.monotonic() > until:
                raise AssertionError("nginx has not loaded its configuration")

    def log(self, line: str) -> None:
        """Have nginx's container log a line, as nginx would."""
        self.execute(f"printf '%s\\n' {_quoted(line)} >/proc/1/fd/2")

    def verify(self, check: str, **route: Any) -> Ran:
        """Verify one check."""
        format_ = f'{{{{(index .NetworkSettings.Networks "{NETWORK}").IPAddress}}}}'
        address = docker("inspect", f"--format={format_}", self.container("proxy")).strip()
        declared = {
            "compose_project": PROJECT,
            "services": {"proxy": {}, "api": {"ports": [5000, 9000]}, "web": {"ports": [3000]}},
            "routes": {"api": {"url": "http://shop.test/api/health", "service": "api", **route}},
            "nginx": {"service": "proxy"},
            "resolve": {"shop.test:80": f"{address}:80"},
        }
        folder = self._folder / "environments"
        folder.mkdir(exist_ok=True)
        (folder / "shop.yaml").write_text(yaml.safe_dump(declared), encoding="utf-8")
        return in_process.run(
            self._folder / "out", "-m", "shop", f"--environments={folder}", "-k", f"test_{check}"
        )

    def write(self, http: str, main: str = MAIN) -> None:
        """Replace the configuration."""
        text = main.format(http=http)
        (self._folder / "site/nginx.conf").write_text(text, encoding="utf-8")


def _quoted(line: str) -> str:
    return "'" + line.replace("'", "'\\''") + "'"
