"""`stackproof init` and `stackproof check` next to a project that runs.

The engine's answer is that of a mock: tests/live/projects/test_init.py has a real one.
"""

import os
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from stackproof.cli.command_line import main
from stackproof.cli.draft import confirmation, document, stack
from stackproof.cli.draft.confirmation import NotVerifiedError
from stackproof.cli.draft.draft import Draft
from stackproof.cli.draft.running_projects import RunningProject
from stackproof.environment.loader import load
from tests import in_process
from tests.cli.draft.conftest import Init, project_of

WEB = "services: {web: {image: 'img/app:1'}}"
Run = Callable[..., None]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, folder: Path) -> Run:
    """Makes projects run that were started from files in the working directory."""

    def set_running(**projects: str) -> None:
        running = [
            RunningProject(name, tuple(folder / file for file in files.split()), (), {"web"})
            for name, files in projects.items()
        ]
        monkeypatch.setattr(stack, "list_projects", lambda _: running)

    def no_verdict(name: str, directory: Path, draft: Draft) -> confirmation.Confirmation:
        raise NotVerifiedError("the mock verifies nothing")

    monkeypatch.setattr(confirmation, "verify", no_verdict)
    return set_running


def _fails(arguments: str, capsys: pytest.CaptureFixture[str]) -> str:
    assert main(shlex.split(arguments)) == 4
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    return error.removeprefix("stackproof: ").rstrip()


def test_a_project_with_another_name(
    init: Init, run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    run(prod="compose.yaml", other="x.yaml")
    shop = init(WEB, name="prod")
    assert shop.compose
    assert (shop.compose.project, shop.compose_project) == ("prod", "prod")
    printed = capsys.readouterr().out.splitlines()
    assert printed[1:] == [
        "the project that runs is prod, not shop", "not verified: the mock verifies nothing"
    ]  # fmt: skip


def test_the_project_is_not_declared_if_compose_gives_the_same_name(init: Init, run: Run) -> None:
    run(shop="compose.yaml")
    shop = init(WEB)
    assert shop.compose
    assert shop.compose.project == ""


def test_several_projects_of_these_files(
    init: Init, run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    run(blue="compose.yaml", green="compose.yaml")
    init(WEB)
    assert capsys.readouterr().out.splitlines()[1] == (
        "several projects run with these files: blue, green; compose.project says which is meant"
    )


def test_it_does_not_run(init: Init, run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    run(other="other.yaml")
    init(WEB)
    assert capsys.readouterr().out.splitlines()[1].startswith("shop does not run on unix://")


def test_other_files_and_profiles(init: Init, run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    run(shop="compose.yaml prod.yaml")
    init("services: {app: {image: app}, web: {image: app, profiles: [debug]}}")
    assert capsys.readouterr().out.splitlines()[1:3] == [
        "it was started with other Compose files: stackproof init compose.yaml prod.yaml",
        "runs, but its profile is not active: web",
    ]


def test_from_running(init: Init, run: Run, folder: Path) -> None:
    run(shop="a.yaml b.yaml", other="/elsewhere/x.yaml")
    (folder / "compose.yaml").write_text("services: {no: {image: no}}", encoding="utf-8")
    files = {"a.yaml": WEB, "b.yaml": "services: {web: {image: 'img/app:2'}}"}
    shop = init(files, "--from-running")
    assert shop.compose
    assert shop.compose.files == ("a.yaml", "b.yaml")
    assert shop.services["web"].image == "img/app:2"
    assert load("shop", folder / "environments", offline=True).compose_project == "shop"


def test_from_running_is_not_clear(
    run: Run, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run()
    meant = "name a Compose file of the one that is meant"
    assert _fails("init --from-running", capsys) == (
        f"--from-running: no such Compose project runs; {meant}"
    )
    run(a="/elsewhere/a.yaml", b="/elsewhere/b.yaml")
    assert _fails("init --from-running", capsys) == f"--from-running: these run: a, b; {meant}"
    run(a="/elsewhere/a.yaml")
    assert _fails("init --from-running", capsys) == (
        "--from-running: a was started from /elsewhere/a.yaml, which is not here: run stackproof "
        "init with a copy of it"
    )
    assert not (folder / "environments").exists()


def test_differences_are_listed_and_what_is_not_confirmed_is_left_to_a_person(
    init: Init, run: Run, written: Callable[[], str], capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    found = confirmation.Confirmation(
        {("services", "web", "health"): "web /h status: expected 200, observed 404",
         ("datastores", "db"): "db PING: expected PONG, observed NOAUTH"},
        ["web image: expected img/app:1, observed img/app:0"], 7,
    )  # fmt: skip
    monkeypatch.setattr(confirmation, "verify", lambda *_: found)
    run(shop="compose.yaml")
    shop = init(
        "services: {web: {image: app, healthcheck: {test: curl localhost/h}}, db: {image: redis}}"
    )
    assert shop.services["web"].health is None
    assert not shop.datastores.redis  # type: ignore[attr-defined]
    text = written()
    assert "  # TODO web health: web /h status: expected 200, observed 404\n" in text
    assert "  # web: {health: {path: /h, port: 80}}\n" in text
    assert "    # TODO: db PING: expected PONG, observed NOAUTH\n    # db: {}\n" in text
    printed = capsys.readouterr().out.splitlines()
    assert printed[1:] == [
        "TODO web /h status: expected 200, observed 404",
        "TODO db PING: expected PONG, observed NOAUTH",
        f"the stack that runs on {_label()} differs from the Compose files:",
        "  ✗ web image: expected img/app:1, observed img/app:0",
        "7 checks passed; verify again with: stackproof check shop",
    ]


def test_a_service_that_has_ended_may_run_once(
    init: Init, run: Run, written: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    found = confirmation.Confirmation({}, [], 7, ended=["seed", "web"])
    monkeypatch.setattr(confirmation, "verify", lambda *_: found)
    run(shop="compose.yaml")
    init("services: {seed: {image: app}, web: {image: app, ports: ['80:80']}}")
    question = "# TODO: it exited with code 0: if it runs once and ends"
    assert f"  # seed: {{one_shot: true}}  {question}\n" in written()
    assert "web:" not in written()


def _label() -> str:
    return f"{os.environ['DOCKER_HOST']} (DOCKER_HOST)"


def _check(check: str, subject: str, service: str, outcome: str = "FAIL") -> dict[str, str]:
    suite = check.partition(".")[0]
    return {"id": f"{check}[{subject}]", "suite": suite, "check": check, "subject": subject,
            "service": service, "outcome": outcome,
            "headline": f"{check} of {subject}"}  # fmt: skip


DRAFT = Draft(
    services={"web": {"health": {"path": "/h"}}},
    routes={
        "home": {"url": "https://a.example/x", "service": "web"},
        "plain": {"url": "http://a.example/", "service": "proxy"},
    },
    datastores={"redis": {"db": {}}},
)


def test_what_the_stack_does_not_confirm() -> None:
    checks = [
        _check("containers.running", "web", "web", "PASS"),
        _check("health.endpoint", "web", "web"),
        _check("routes.status", "plain", "proxy", "UNKNOWN"),
        _check("tls.dates", "a.example", "proxy"),
        _check("datastores.ping", "db", "db", "UNKNOWN"),
        _check("containers.image", "other", "other"),
    ]
    found = confirmation.read_verdict(checks, DRAFT)
    assert set(found.unconfirmed) == {
        ("services", "web", "health"), ("routes", "plain"), ("routes", "home"), ("datastores", "db")
    }  # fmt: skip
    assert found.unconfirmed["routes", "home"] == "tls.dates of a.example"
    assert (list(found.differences), found.passed) == (["containers.image of other"], 1)


def test_a_service_with_the_name_of_a_route() -> None:
    draft = Draft(routes={"web": {"url": "https://a.example/", "service": "web"}})
    image, route = _check("containers.image", "web", "web"), _check("routes.status", "web", "web")
    found = confirmation.read_verdict([image, route], draft)
    assert not found.unconfirmed
    assert found.differences == ["containers.image of web", "routes.status of web"]
    for check in (route, _check("nginx.routed", "web", "web")):
        assert set(confirmation.read_verdict([check], draft).unconfirmed) == {("routes", "web")}


def test_what_could_not_be_evaluated_is_no_difference() -> None:
    def unknown(check: str, reason: str) -> dict[str, str]:
        headline = f"could not be evaluated: {reason}"
        return _check(check, "job", "job", "UNKNOWN") | {"headline": headline}

    checks = [
        unknown("network.published", "shop-job-1 is exited"),
        unknown("resources.cpu_throttled", "it is exited"),
        unknown("resources.memory_free", "it is exited"),
    ]
    found = confirmation.read_verdict(checks, DRAFT)
    assert not found.differences
    assert list(found.unknown) == [
        "network.published[job] could not be evaluated: shop-job-1 is exited",
        "2 checks could not be evaluated: it is exited",
    ]


def test_a_log_that_goes_to_a_file_is_left_out(tmp_path: Path) -> None:
    hidden = "nginx logs with error_log /var/log/nginx/error.log, which the engine does not show"
    unknown = _check("nginx.log", "proxy", "proxy", "UNKNOWN") | {
        "check": "log", "headline": f"could not be evaluated: {hidden}"
    }  # fmt: skip
    draft = Draft(nginx="proxy")
    found = confirmation.read_verdict([unknown], draft)
    assert (list(found.unconfirmed), found.unknown) == ([("nginx", "log")], [])
    project = project_of(tmp_path, {"proxy": {"image": "nginx"}})
    (tmp_path / "compose.yaml").touch()
    header = document.Header(tmp_path / "x.yaml", project, None)
    text = document.write(header, draft, found.unconfirmed)
    assert (
        f"# TODO: could not be evaluated: {hidden}\nnginx: {{service: proxy, log: false}}" in text
    )
    failed = _check("nginx.log", "proxy", "proxy") | {"check": "log"}
    assert confirmation.read_verdict([failed], draft).differences == ["nginx.log of proxy"]


def test_while_the_stack_is_starting_no_entry_becomes_a_comment() -> None:
    def unknown(check: str, subject: str, reason: str) -> dict[str, str]:
        headline = f"could not be evaluated: {reason}"
        return _check(check, subject, subject, "UNKNOWN") | {"headline": headline}

    due = "still starting: first health check due in 25 s"
    checks = [
        unknown("containers.healthy", "web", due),
        unknown("containers.health_check", "web", due),
        unknown("routes.status", "home", f"web is {due}"),
        _check("routes.upgrade", "plain", "proxy"),
    ]
    found = confirmation.read_verdict(checks, DRAFT)
    assert (found.unconfirmed, found.unknown) == ({}, [])
    assert found.starting == {"web": "first health check due in 25 s"}
    assert found.differences == ["routes.upgrade of plain"]


def test_init_says_what_is_starting_and_what_is_unknown(
    init: Init, run: Run, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    found = confirmation.Confirmation(
        {}, [], 7, ["x.y[web] could not be evaluated: it is exited"],
        {"web": "first health check due in 25 s"},
    )  # fmt: skip
    monkeypatch.setattr(confirmation, "verify", lambda *_: found)
    run(shop="compose.yaml")
    init(WEB)
    assert capsys.readouterr().out.splitlines()[1:] == [
        "? x.y[web] could not be evaluated: it is exited",
        "the stack is still starting: web (first health check due in 25 s)",
        "7 checks passed; verify again with: stackproof check shop",
    ]


def test_services_that_ended() -> None:
    running = _check("running", "seed", "seed") | {"observed": "exited with code 0"}
    crashed = _check("running", "web", "web") | {"observed": "exited with code 1"}
    assert confirmation.read_verdict([running, crashed], DRAFT).ended == ["seed"]


def test_a_broken_service_confirms_nothing_and_contradicts_nothing() -> None:
    """What runs is never taken as correct: the health endpoint of an unhealthy service stays."""
    checks = [
        _check("containers.healthy", "web", "web"),
        _check("health.endpoint", "web", "web"),
        _check("routes.status", "home", "web"),
    ]
    found = confirmation.read_verdict(checks, DRAFT)
    assert not found.unconfirmed
    assert list(found.differences) == [each["headline"] for each in checks]


def test_check_without_an_environment(
    folder: Path, run: Run, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    started = list[str]()
    monkeypatch.setattr("stackproof.cli.check_command._check", lambda given: _keep(given, started))
    run(prod="compose.yaml")
    (folder / "compose.yaml").write_text(WEB, encoding="utf-8")
    assert main(["check", "-k", "redis"]) == 0
    name, option, *rest = started
    assert (name, rest) == ("prod", ["-k", "redis", "services: ['web']"])
    assert not Path(option.removeprefix("--environments=")).exists(), "it is removed"
    assert capsys.readouterr().err == (
        "stackproof: verifying project prod against compose.yaml; `stackproof init` writes an "
        "environment file\n"
    )


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("services: {web: {image: a, profiles: [b, a]}}",
         "every service of compose.yaml belongs to an inactive profile (a, b): "
         "name those that are active in COMPOSE_PROFILES"),
        ("services: {}", "there are no services in compose.yaml"),
    ],
)  # fmt: skip
def test_check_of_files_without_active_services(
    written: str, message: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "compose.yaml").write_text(written, encoding="utf-8")
    assert main(["check"]) == 4
    assert capsys.readouterr().err == f"stackproof: {message}\n"


def _keep(given: list[str], started: list[str]) -> int:
    directory = Path(given[1].removeprefix("--environments="))
    shop = load(given[0], directory, offline=True)
    started.extend([*given, f"services: {list(shop.services)}"])
    assert shop.compose_project == given[0]
    return 0


@pytest.mark.parametrize(
    ("environments", "arguments", "message"),
    [
        ((), "check", "there is no environment in environments, and no Compose project: there is "),
        ((), "check --environments=none", "there is no environment in none (usage: stackproof "),
        (("a", "b"), "check", "name an environment: a, b (usage: stackproof check [ENV] [OPTION"),
        (("a", "b"), "check -v", "name an environment: a, b (usage: "),
        (("a",), "check -v a", "name the environment before the options (usage: "),
    ],
)  # fmt: skip
def test_check_cannot_tell_what_is_meant(
    folder: Path, environments: tuple[str, ...], arguments: str, message: str,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    for name in environments:
        (folder / "environments").mkdir(exist_ok=True)
        (folder / "environments" / f"{name}.yaml").write_text("services: {a: }", encoding="utf-8")
    assert _fails(arguments, capsys).startswith(message)


def test_check_of_a_compose_file_that_is_invalid(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "compose.yaml").write_text("services: {web: {imag: x}}", encoding="utf-8")
    assert "additional properties 'imag' not allowed" in _fails("check", capsys)


def test_check_of_the_only_environment(init: Init, folder: Path) -> None:
    init(WEB)
    done = in_process.check(folder, "--collect-only")
    assert (done.exit_code, done.errors) == (0, "stackproof: verifying environments/shop.yaml\n")
    assert "test_running[shop-web]" in done.output


def test_nobody_reads_what_init_prints(folder: Path) -> None:
    """In a process of its own, as its output is closed."""
    (folder / "compose.yaml").write_text(WEB, encoding="utf-8")
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "stackproof", "init"],
            stdout=writing, stderr=subprocess.PIPE, check=False, timeout=60,
        )  # fmt: skip
    finally:
        os.close(writing)
    assert (done.returncode, done.stderr) == (0, b"")
    assert (folder / "environments" / "shop.yaml").exists()
