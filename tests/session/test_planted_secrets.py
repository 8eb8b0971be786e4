"""Secrets wherever a target or a file can hold one, and not a byte of them in any output."""

import base64
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

import pytest
import yaml

from tests import command_line, shop
from tests.command_line import ROOT, Ran
from tests.engine.fake_containers import FakeContainer, FakeContainers
from tests.engine.fake_engine import FakeEngine, fake_engine
from tests.in_process import run
from tests.probes.http.sites import Answer, Site, serving

_PLACES = (
    "cookie", "header", "session", "body", "text", "location", "query", "userinfo", "bearer",
    "variable", "label", "mount", "log", "log_url", "log_yaml", "health", "name", "image",
    "engine_error", "process", "env_file", "route", "network", "reason", "known", "slack",
)  # fmt: skip
SECRETS = {
    place: f"Kx7{number:02d}qWz{number * 7919 % 9973:04d}" for number, place in enumerate(_PLACES)
}
"""By where it is planted. None is in another."""
_BREAKS = """
import sys
import pytest


def pytest_collection_modifyitems(items):
    for item in items:
        if item.originalname in ("test_running", "test_identity"):
            item.obj = _broken


def _broken(**arguments):
    # Facts hold no secret, and declarations do not show one.
    seen = {name: vars(each) if type(each).__module__.startswith("fixtures") else each
            for name, each in arguments.items()}
    spelt_out = str(seen)
    print(spelt_out)
    print(spelt_out, file=sys.stderr)
    raise RuntimeError(f"broke: {spelt_out}")
"""
_ENVIRONMENT = {
    "description": "a shop",
    "env_file": "../shop.env",
    "logging": {"driver": "json-file", "max_size": "10m"},
    "services": {
        "api": {"ports": [5000], "limits": {"cpus": 1, "memory": "512M"}, "restart": "always"},
        "web": {"image": "shop/web:1", "healthcheck": "required"},
    },
}


def _container(service: str, **changes: object) -> FakeContainer:
    return replace(FakeContainer(service), **changes)  # type: ignore[arg-type]


def _log(*lines: str) -> str:
    """A container's log as the engine sends it."""
    return "".join(f"\x01\x00\x00\x00\x00\x00\x00{chr(len(line) + 1)}{line}\n" for line in lines)


def _planted() -> FakeContainers:
    s = SECRETS
    engine = FakeContainers(
        _container(
            "api",
            restarts=3,
            variables=(f"DB_PASSWORD={s['variable']}", f"URL=redis://:{s['variable']}@r:1"),
            labels={"com.docker.compose.project.config_files": f"/a?token={s['label']}"},
            mounts=({"Type": "bind", "Source": f"/srv/token={s['mount']}", "Destination": "/app"},),
            image=f"u:{s['image']}@registry.example:5000/app:1",
        ),
        _container("web", status="exited", exit_code=1, health="unhealthy"),
        _container("other", name=f"shop-token.{s['known']}"),
    )
    engine.answers["/containers/[^/]+/logs"] = _log(
        f"password={s['log']}",
        f"GET https://bob:{s['log_url']}@db.example/",
        "db:",
        "  password:",
        f"    {s['log_yaml']}",
        f"posting to https://hooks.slack.com/services/T0/B0/{s['slack']}",
    )
    engine.answers["/networks"] = [
        {"Name": f"net-{s['known']}", "IPAM": {"Config": [{"Subnet": "172.30.0.0/16"}]}}
    ]
    return engine


def _answer(path: str) -> Answer:
    s = SECRETS
    if path.startswith("/moved"):
        return 302, {"Location": f"/?token={s['location']}&code={s['query']}"}, b""
    headers = {
        "Set-Cookie": f"sid={s['cookie']}; HttpOnly",
        "X-Api-Key": s["header"],
        "X-Session": s["session"],
        "X-Upstream": f"http://bob:{s['userinfo']}@api:5000",
        "WWW-Authenticate": f"Bearer {s['bearer']}",
    }
    body = {
        "status": "degraded",
        "db": {"pass": s["body"]},
        "log": f"login with --password {s['text']} failed",
    }
    return 200, headers, json.dumps(body).encode()


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FakeEngine]:
    with fake_engine(tmp_path_factory.mktemp("engine"), _planted()) as engine:
        yield engine


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with serving(_answer) as site:
        yield site


@pytest.fixture
def options(tmp_path: Path, engine: FakeEngine, site: Site) -> list[str]:
    environments = tmp_path / "in" / "environments"
    environments.mkdir(parents=True)
    (tmp_path / "in" / "shop.env").write_text(f"A_TOKEN={SECRETS['env_file']}\n")
    (tmp_path / "in" / "breaks.py").write_text(_BREAKS)
    answer = {"fields": {"status": "ok"}, "text": "chatbuilds"}
    routes = {
        "home": {"service": "web", "url": f"http://{site.address}/?key={SECRETS['route']}",
                 "identity": answer, "healthy": answer},
        "moved": {"service": "web", "url": f"http://{site.address}/moved?sig={SECRETS['route']}",
                  "follow_redirects": True, "redirects": "same-host", "identity": answer},
    }  # fmt: skip
    environment = {**_ENVIRONMENT, "engine": {"address": engine.address}, "routes": routes}
    (environments / "shop.yaml").write_text(yaml.safe_dump(environment))
    return ["-m", "shop", f"--environments={environments}"]


def _variables(folder: Path) -> dict[str, str]:
    summary = folder / "summary.md"
    return {
        "SHOP_API_TOKEN": SECRETS["process"],
        "KNOWN_SECRET": SECRETS["known"],
        "GITHUB_ACTIONS": "true",
        "GITHUB_STEP_SUMMARY": str(summary),
        "PYTHONPATH": str(folder / "in"),
    }


def _leaks(ran: Ran, *folders: Path) -> list[str]:
    """Which secrets are in what was printed and written, and where."""
    texts = {"the output": ran.output.encode(), "the errors": ran.errors.encode()}
    for folder in folders:
        files = [folder] if folder.is_file() else folder.rglob("*")
        texts |= {str(path): path.read_bytes() for path in files if path.is_file()}
    return [
        f"{place} in {where}"
        for place, secret in SECRETS.items()
        for where, text in texts.items()
        for form in (secret, quote(secret), base64.b64encode(secret.encode()).decode()[:-2])
        if form.encode() in text
    ]


OUTPUTS: dict[str, tuple[str, ...]] = {
    "plain": (),
    "verbose": ("-vv", "-rA"),
    "broken": ("-vv", "-p", "breaks", "--showlocals", "--tb=long", "-rA", "-s"),
    "broken, natively": ("-p", "breaks", "--showlocals", "--tb=native", "--full-trace"),
    "files": ("--junitxml={}/out/junit.xml", "--alluredir={}/out/allure", "-p", "breaks", "-l"),
    "traces": ("--debug={}/debug.log", "--trace-config", "-p", "breaks"),
    "worker": ("-n1", "-l", "-p", "breaks", "--junitxml={}/out/junit.xml"),
    "pre gate": ("--gate=pre", "--services=api,web"),
    "again": ("--confirm=1",),
}


@pytest.mark.parametrize("output", OUTPUTS)
def test_no_byte_of_a_secret(output: str, options: list[str], tmp_path: Path) -> None:
    given = [option.format(tmp_path) for option in OUTPUTS[output]]
    start = command_line.run if "-n1" in given else run
    ran = start(tmp_path / "out", *options, *given, variables=_variables(tmp_path))
    assert ran.exit_code in (1, 6), ran.output + ran.errors
    assert (tmp_path / "summary.md").exists()
    facts = json.loads((tmp_path / "out" / "shop" / "facts.json").read_bytes())
    assert facts["containers"]["web"]["log_tail"], "the log was not read"
    assert facts["responses"]["home"]["headers"], "the route was not requested"
    assert not _leaks(ran, *(each for each in tmp_path.iterdir() if each.name != "in"))
    if output == "pre gate":
        assert (tmp_path / "out" / "shop" / "baseline.json").exists()


def test_replay_comes_to_the_same(options: list[str], tmp_path: Path) -> None:
    taken = run(tmp_path / "out", *options, variables=_variables(tmp_path))
    kept = tmp_path / "out" / "shop" / "facts.json"
    replayed = run(tmp_path / "again", *options, f"--facts={kept}", variables=_variables(tmp_path))
    assert replayed.results("shop") == taken.results("shop")
    assert not _leaks(replayed, tmp_path / "again")


def test_workers_come_to_the_same(options: list[str], tmp_path: Path) -> None:
    # With this distribution, workers read the facts that one of them gathered and wrote.
    one = run(tmp_path / "one", *options, variables=_variables(tmp_path))
    given = ("-n2", "--dist=load")
    two = command_line.run(tmp_path / "two", *options, *given, variables=_variables(tmp_path))
    assert two.results("shop") == one.results("shop")


def test_snapshot_of_an_earlier_version(tmp_path: Path) -> None:
    seen = shop.facts(
        containers={
            "api": shop.container(status="exited", log_tail=(f"token: {SECRETS['log']}",)),
        },
        responses={
            "home": shop.answered(
                ("http://a.example/", 500), headers={"set-cookie": f"sid={SECRETS['cookie']}"},
                body=json.dumps({"pass": SECRETS["body"]}),
            )
        },
    )  # fmt: skip
    routes = {"home": {"service": "api", "url": "http://a.example/"}}
    ran = shop.replay(tmp_path, {"services": {"api": {}}, "routes": routes}, seen, "-vv", "-l")
    assert "[redacted]" in ran.output
    assert not _leaks(ran, tmp_path / "out")


def test_an_engine_that_tells_secrets(
    options: list[str], engine: FakeEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    message = f"dial tcp://bob:{SECRETS['engine_error']}@h: token={SECRETS['reason']}"
    containers = _planted()
    containers.answers["/info"] = {"message": message}
    containers.answers["/containers/.*/json"] = {"message": message, "Id": message}
    monkeypatch.setattr(engine, "respond", containers)
    ran = run(tmp_path / "out", *options, "-vv", "-l", variables=_variables(tmp_path))
    assert not _leaks(ran, tmp_path / "out")


@pytest.mark.parametrize(
    "mistake",
    [
        {"engine": {"address": f"tcp://bob:{SECRETS['userinfo']}@h:x"}},
        {"routes": {"a": {"url": f"http://bob:{SECRETS['route']}@[", "service": "api"}}},
        {"services": {"api": {"image": {"token": SECRETS["image"]}}}},
        {"password": SECRETS["body"]},
        {f"token={SECRETS['label']}": 1},
    ],
)
def test_mistakes_in_a_file(mistake: dict[str, object], options: list[str], tmp_path: Path) -> None:
    path = tmp_path / "in" / "environments" / "shop.yaml"
    path.write_text(yaml.safe_dump({**yaml.safe_load(path.read_text()), **mistake}))
    ran = run(tmp_path / "out", *options, "-l", variables=_variables(tmp_path))
    assert ran.exit_code == 4
    assert not _leaks(ran)


def test_watch(options: list[str], tmp_path: Path) -> None:
    script = [sys.executable, "-c", "import time; time.sleep(0.3)", f"--token={SECRETS['text']}"]
    environments = tmp_path / "in" / "environments"
    ran = _watch(tmp_path, f"--environments={environments}", script)
    assert (tmp_path / "out" / "shop" / "watch.json").exists(), ran.output + ran.errors
    assert not _leaks(ran, tmp_path / "out")


def _watch(folder: Path, environments: str, script: list[str]) -> Ran:
    command = [sys.executable, "-m", "tests.cli.brief_watch", "watch", "shop", environments,
               f"--output={folder / 'out'}", "--", *script]  # fmt: skip
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60
    )
    return Ran(done.returncode, done.stdout, done.stderr, folder / "out", replayed=False)
