"""Values that an engine reports are never executed, whichever probe reads them.

Every probe observes a local engine that reports hostile values everywhere. The commands of the
probes really run. Canary files reveal any side effect.
"""

import os
import shlex
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from stackproof.environment.compose import command as compose_command
from stackproof.environment.model import Environment
from stackproof.facts.compose_file import ComposeFile, ComposeService
from stackproof.facts.snapshot import Facts
from stackproof.gate import Gate
from stackproof.kinds.registry import COMMANDS
from stackproof.probes.declaration import PROBES, Need
from stackproof.probes.gather import gather
from stackproof.probes.predeploy import compose
from stackproof.process import limited_process
from stackproof.unobserved import Unobserved
from tests.engine.access_page import (
    undocumented_calls,
    undocumented_lines,
    unframed,
    unwrapped,
)
from tests.engine.fake_engine import EXEC, FakeEngine, fake_engine, listening_as
from tests.engine.hostile_values import SERVICES, container_id, hostile_engine

SHOP: dict[str, Any] = {
    "name": "shop",
    "services": {
        "api": {
            "ports": [9], "health": {"path": "/"}, "models": ["m"], "secrets": ["token", "other"],
        },
        "db": {}, "cache": {}, "proxy": {}, "sql": {}, "queue": {}, "memory": {},
    },
    "datastores": {
        "postgresql": {"db": {"user": "shop", "database": "shop"}},
        "redis": {"cache": {}},
        "mysql": {"sql": {"user": "shop", "database": "shop"}},
        "rabbitmq": {"queue": {}},
        "memcached": {"memory": {}},
    },
    "nginx": {"service": "proxy"},
    "proxies": {"caddy": {"proxy": {}}, "traefik": {"api": {}}},
    "commands": {"up": {"service": "api", "argv": ["nginx", "-t"]}},
    "requests": {"up": {"service": "api", "port": 9, "path": "/"}},
    "tls": {"days_left": 1},
    "routes": {
        "home": {"url": "https://localhost:9/", "service": "api"},
        "server": {"url": "http://127.0.0.1:9/", "service": "api", "vantage": "server"},
    },
    "outside": {"host": "127.0.0.1", "closed_ports": [9]},
    "deploy": {"order": ["api"], "required_variables": ["SHOP_UNSET"]},
}  # fmt: skip
SUBJECTS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("container", "tagged_image", "image_defaults", "usage"), SERVICES),
    **dict.fromkeys(("response", "latency", "body_limit"), ("home", "server")),
    **{
        name: tuple({**SHOP["datastores"], **SHOP["proxies"]}.get(command.of.kind, ()))
        for name, command in COMMANDS.items()
    },
    "memcached_stats": ("memory",),
    "rabbitmq_greeting": ("queue",),
    **dict.fromkeys(("nginx_test", "proxy", "log_entries", "upstream_errors"), ("proxy",)),
    **dict.fromkeys(("caddy_state", "caddy_errors"), ("proxy",)),
    "traefik_api": ("api",),
    **dict.fromkeys(
        ("health", "listening", "models", "new_image", "declared_commands", "declared_requests"),
        ("api",),
    ),
    **dict.fromkeys(
        ("machine", "networks", "internal_networks", "network_options", "volumes"), ("",)
    ),
    **dict.fromkeys(("listed", "image_ids", "compose_file"), ("",)),
    **dict.fromkeys(("missing_secrets", "unset_variables"), ("",)),
    "host": ("",),
    "handshake": ("localhost:9",),
    "open_port": ("9",),
}
"""The subjects of each probe. New probes must be added, or the test below fails."""

HOSTILE = {
    "action of find": "-exec",
    "delete": "-delete",
    "program": "CANARIES/spy",
    "end of a command": ";",
    "substitution": "$(touch CANARIES/made)",
    "backticks": "`touch CANARIES/made`",
    "next command": "/x; touch CANARIES/made",
    "quote": "/x' ; touch CANARIES/made ; '",
    "double quote": '/x" ; touch CANARIES/made ; "',
    "next line": "/x\ntouch CANARIES/made\n",
    "carriage return": "/x\r\nDELETE /containers/x HTTP/1.1\r\n\r\n",
    "nul": "/x\x00touch CANARIES/made",
    "output file": "-fprint CANARIES/made",
    "list of files": "-files0-from=CANARIES/victim",
    "traversal": "../../../../CANARIES/victim",
    "traversal of an absolute path": "/x/../../CANARIES/victim",
    "query": "x?all=1#y",
    "glob": "/*",
    "brace": "/{x,CANARIES/victim}",
    "home": "~root",
    "variable": "/$HOME${PATH}$IFS",
    "comment": "# /x",
    "redirect": "/x > CANARIES/made",
    "pipe": "/x | tee CANARIES/made",
    "path with a space": "/x CANARIES/victim -delete",
    "long": "/" + "x" * 9000,
    "nothing": "",
    "space": " ",
    "dash": "-",
    "dashes": "--",
    "bidi": "/\u202ex\u2066",
    "C1": "/\x9b31mx",
}
STUB = '#!/bin/sh\nfor word; do printf "%s\\n" "$word"; done >>CANARIES/ran\n'


class Sandbox:
    """A folder with a canary file. Neither may change."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.lines: list[str] = []
        (folder / "victim").write_text("alive")
        spy = folder / "spy"
        spy.write_text(f"#!/bin/sh\ntouch {folder}/made\n")
        spy.chmod(0o755)
        self._before = self._state()

    def filled(self, value: str) -> str:
        return value.replace("CANARIES", str(self.folder))

    def assert_untouched(self) -> None:
        assert self._state() == self._before

    def _state(self) -> dict[str, str]:
        return {each.name: each.read_text() for each in self.folder.iterdir()}


@pytest.fixture
def sandbox(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    (tmp_path / "canaries").mkdir()
    sandbox = Sandbox(tmp_path / "canaries")
    monkeypatch.chdir(sandbox.folder)
    real = limited_process.run

    def keep(
        command: list[str], seconds: float, limit: int, *rest: object
    ) -> tuple[int, bytes, bytes]:
        assert command[:2] == ["/bin/sh", "-c"]
        sandbox.lines.append(command[2])
        assert not any(rest)
        return real(command, seconds, limit)

    monkeypatch.setattr(limited_process, "run", keep)
    monkeypatch.setattr(compose_command, "find", lambda: ("compose",))
    yield sandbox
    sandbox.assert_untouched()


def _gathered(server: FakeEngine, targets: dict[str, tuple[str, ...]]) -> Facts:
    shop = Environment.model_validate(SHOP | {"engine": {"address": server.address}})
    gate = Gate("pre", ("api",), compose_files=(Path("compose.yaml"),))
    wanted = {Need(PROBES[name], target) for name, names in targets.items() for target in names}
    return gather(shop, wanted, "a run", gate)


@pytest.fixture
def composed(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    def use(value: str) -> None:
        file = ComposeFile(
            path="/compose.yaml",
            services={"api": ComposeService(image=value or "x")},
            secret_files={"token": value},
        )
        monkeypatch.setattr(compose, "read", lambda *_: file)

    return use


def test_every_probe_is_tested() -> None:
    assert {name for name, probe in PROBES.items() if probe.field} == SUBJECTS.keys()


Dockerd = tuple[Path, socket.socket]


@pytest.fixture(scope="module")
def dockerd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dockerd]:
    """A socket on which a program named dockerd listens, as Linux reports it, and its path."""
    path = tmp_path_factory.mktemp("dockerd") / "engine.sock"
    with listening_as("dockerd", path) as listener:
        yield path, listener


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_value_everywhere(
    kind: str, sandbox: Sandbox, dockerd: Dockerd, composed: Callable[[str], None]
) -> None:
    value = sandbox.filled(HOSTILE[kind])
    composed(value)
    path, listener = dockerd
    with fake_engine(path, hostile_engine(value), listener) as server:
        facts = _gathered(server, SUBJECTS)
    assert not isinstance(facts.listed, Unobserved), facts.listed
    _assert_documented(server, sandbox)
    # Every exec ran: otherwise the test would prove nothing.
    assert len(server.execs) == len(SERVICES)
    assert sandbox.lines, facts.host
    _run_for_real(server, sandbox)


@pytest.mark.parametrize(
    "place",
    ["list.Id", "list.Names", "list.State", "inspect.Id", "inspect.Name", "inspect.Status",
     "info.Name", "info.SystemTime", "info.CgroupVersion", "exec.Id", "ApiVersion"],
)  # fmt: skip
@pytest.mark.parametrize(
    "kind",
    [
        "action of find",
        "substitution",
        "next line",
        "carriage return",
        "traversal",
        "query",
        "long",
    ],
)
def test_a_hostile_value_instead_of_a_valid_one(
    place: str, kind: str, sandbox: Sandbox, dockerd: Dockerd, composed: Callable[[str], None]
) -> None:
    value = sandbox.filled(HOSTILE[kind])
    composed(value)
    without = {"response", "latency", "body_limit", "upstream_errors", "models"}
    subjects = {probe: SUBJECTS[probe] for probe in SUBJECTS.keys() - without}
    path, listener = dockerd
    with fake_engine(path, hostile_engine(value, place), listener) as server:
        _gathered(server, subjects)
    _assert_documented(server, sandbox)
    _run_for_real(server, sandbox)


def test_no_local_command_for_an_engine_behind_a_forwarder(
    sandbox: Sandbox, tmp_path: Path, composed: Callable[[str], None]
) -> None:
    composed("/x")
    path = tmp_path / "engine.sock"
    with (
        listening_as("socat", path) as listener,
        fake_engine(path, hostile_engine("172.20.0.9"), listener) as server,
    ):
        facts = _gathered(server, SUBJECTS)
    assert sandbox.lines == []
    message = (
        "which may be another one: its socket is served by 'socat', which is not a Docker engine"
    )
    for fact in (facts.host, facts.answers["health api"], facts.responses["server"]):
        assert isinstance(fact, Unobserved)
        assert fact.reason.endswith(message)


def _assert_documented(server: FakeEngine, sandbox: Sandbox) -> None:
    calls = {_call(request.path) for request in server.requests}
    assert undocumented_calls(calls) == set()
    assert {tuple(words[:2]) for words in server.execs} <= {("/bin/sh", "-c")}
    inside = [part for _, _, script in server.execs for part in unframed(script)]
    here = [part for line in sandbox.lines for part in unwrapped(line)]
    # The page says that declared commands run as well.
    declared = {shlex.join(each["argv"]) for each in SHOP["commands"].values()}
    assert undocumented_lines([*inside, *here]) <= declared


def _call(path: str) -> str:
    bare = path.partition("?")[0]
    method = "POST" if bare.endswith(("/exec", "/start")) else "GET"
    for known in (*map(container_id, SERVICES), EXEC):
        bare = bare.replace(known, "ID")
    return f"{method} {bare}"


_RAN: set[tuple[str, ...]] = set()
"""Commands that have run and changed nothing: they would do the same again."""


def _run_for_real(server: FakeEngine, sandbox: Sandbox) -> None:
    """Run the commands for containers. The local ones have run already."""
    stubs = sandbox.folder.parent / "stubs"
    stubs.mkdir(exist_ok=True)
    for program in ("psql", "pg_isready", "redis-cli", "nginx"):
        (stubs / program).write_text(STUB.replace("CANARIES", str(stubs)))
        (stubs / program).chmod(0o755)
    for words in server.execs:
        nonce = words[-1].split()[2]  # it is only printed
        command = tuple(word.replace(nonce, "") for word in words)
        if command in _RAN:
            continue
        subprocess.run(
            words, check=False, cwd=sandbox.folder, stdin=subprocess.DEVNULL, timeout=30,
            stdout=subprocess.DEVNULL, env={"PATH": f"{stubs}:{os.environ['PATH']}"},
        )  # fmt: skip
        sandbox.assert_untouched()
        _RAN.add(command)
