"""Wrong command lines, and engines that do not respond."""

import os
import re
import socket
from collections import Counter
from pathlib import Path

import pytest

from tests.command_line import ROOT, Ran
from tests.in_process import run

PROD = {"PROD_DEPLOY_HOST": "prod.example.com", "PROD_DEPLOY_USER": "deploy"}


def _refused(ran: Ran, message: str) -> None:
    assert ran.exit_code == 4, ran.output
    assert (ran.output.strip(), ran.errors.strip()) == ("", f"ERROR: {message}")
    assert not ran.written.exists()


@pytest.mark.parametrize("arguments", [(), ("-m", "containers")], ids=repr)
def test_no_environment(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    _refused(
        run(tmp_path / "out", *arguments),
        "no environment is selected; name one: "
        "pytest -m dev, pytest -m kinds, pytest -m lab, pytest -m prod, pytest -m proxies, "
        "pytest -m staging",
    )


@pytest.mark.parametrize(
    ("expression", "word", "meant"),
    [
        ("prdo", "prdo", "; did you mean prod?"),
        ("prod and route", "route", "; did you mean routes?"),
        ("lab and nothing-like-it", "nothing-like-it", ""),
    ],
)
def test_a_misspelt_name(tmp_path: Path, expression: str, word: str, meant: str) -> None:
    _refused(
        run(tmp_path / "out", "-m", expression),
        f"-m {word}: neither an environment (dev, kinds, lab, prod, proxies, staging) nor a "
        "suite (caddy, compose_file, configuration, containers, datastores, defaults, deploy, "
        "health, host, identity, memcached, mounts, mysql, network, networks, nginx, options, "
        "postgresql, predeploy, rabbitmq, resources, rollback, routes, specification, tls, "
        "traefik), "
        f"nor critical or synthetic{meant}",
    )


@pytest.mark.parametrize("workers", [(), ("-n1",)], ids=["plain", "worker"])
def test_an_invalid_environment(tmp_path: Path, workers: tuple[str, ...]) -> None:
    (tmp_path / "shop.yaml").write_text(
        "services:\n  api: {limits: {memory: lots}}\n", encoding="utf-8"
    )
    _refused(
        run(tmp_path / "out", "-m", "shop", f"--environments={tmp_path}", *workers),
        f"{tmp_path}/shop.yaml:2: services.api.limits.memory: "
        "expected a size such as 512M or 2G, got 'lots'",
    )


def test_a_file_that_is_not_yaml(tmp_path: Path) -> None:
    (tmp_path / "shop.yaml").write_text("services: {api: {}\n", encoding="utf-8")
    ran = run(tmp_path / "out", "-m", "shop", f"--environments={tmp_path}")
    assert ran.exit_code == 4
    (line,) = ran.errors.strip().splitlines()
    assert line.startswith(f"ERROR: {tmp_path}/shop.yaml:2: not valid YAML: ")
    assert ran.output.strip() == ""


def test_an_invalid_environment_that_is_not_selected(tmp_path: Path) -> None:
    (tmp_path / "broken.yaml").write_text("services: 3\n", encoding="utf-8")
    (tmp_path / "shop.yaml").write_text("services: {api: {}}\n", encoding="utf-8")
    ran = run(tmp_path / "out", "-m", "shop", f"--environments={tmp_path}", "--collect-only")
    assert ran.exit_code == 0, ran.errors


@pytest.mark.parametrize("folder", ["fifo", "file", "none", "n" * 300])
def test_environments_from_what_is_no_folder(tmp_path: Path, folder: str) -> None:
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "file").touch()
    ran = run(tmp_path / "out", "-m", "shop", f"--environments={tmp_path}/{folder}")
    said = f"ERROR: there is no directory {tmp_path}/{folder} to read environments from"
    assert (ran.exit_code, ran.errors.strip()) == (4, said)


def test_a_folder_without_environments(tmp_path: Path) -> None:
    ran = run(tmp_path / "out", "-m", "lab", f"--environments={tmp_path}")
    assert ran.exit_code == 4
    assert ran.errors.startswith("ERROR: -m lab: neither an environment () nor a suite (")


def test_variables_that_are_unset(tmp_path: Path) -> None:
    _refused(
        run(tmp_path / "out", "-m", "prod"),
        "environments/prod.yaml:10: engine.address: "
        "variables PROD_DEPLOY_USER, PROD_DEPLOY_HOST are unset or empty",
    )


@pytest.mark.parametrize(
    ("expression", "environments"),
    [("prod", {"prod"}), ("routes and (staging or prod)", {"prod", "staging"})],
)
def test_collecting_needs_no_variable(
    tmp_path: Path, expression: str, environments: set[str]
) -> None:
    ran = run(tmp_path / "out", "-m", expression, "--collect-only")
    assert ran.exit_code == 0, ran.errors
    collected = Counter(re.findall(r"::test_\w+\[(\w+)-", ran.output))
    assert collected.keys() == environments
    assert len(set(collected.values())) == 1, "staging is checked as production is"
    assert "test_status[prod-home]" in ran.output


def test_nothing_selected_is_no_success(tmp_path: Path) -> None:
    ran = run(tmp_path / "out", "-m", "prod", "-k", "nothing_like_it", variables=PROD)
    assert ran.exit_code == 5, ran.errors
    assert ran.output.endswith("no check was selected: nothing was verified\n")
    assert not list(ran.written.rglob("*.json"))


@pytest.mark.parametrize("workers", [(), ("-n1",)], ids=["plain", "worker"])
@pytest.mark.parametrize(
    "expression", ["not lab", "not (lab) and routes", "lab and prod", "lab and not lab"]
)
def test_an_expression_that_selects_no_environment(
    tmp_path: Path, expression: str, workers: tuple[str, ...]
) -> None:
    _refused(
        run(tmp_path / "out", "-m", expression, *workers),
        f"-m {expression!r} selects no environment; name one: "
        "pytest -m dev, pytest -m kinds, pytest -m lab, pytest -m prod, pytest -m proxies, "
        "pytest -m staging",
    )


@pytest.mark.parametrize("expression", ["lab and", "((lab", "lab prod", "not " * 5000 + "lab"])
def test_an_expression_that_cannot_be_parsed(tmp_path: Path, expression: str) -> None:
    ran = run(tmp_path / "out", "-m", expression)
    assert (ran.exit_code, ran.output.strip()) == (4, ""), ran.errors
    (line,) = ran.errors.strip().splitlines()
    assert line.startswith(f"ERROR: -m {expression[:200]!r} cannot be parsed: ")


RESERVED = {
    "xfail": "there is a marker of this name",
    "skip": "there is a marker of this name",
    "usefixtures": "there is a marker of this name",
    "parametrize": "there is a marker of this name",
    "xdist_group": "there is a marker of this name",
    "critical": "there is a marker of this name",
    "synthetic": "there is a marker of this name",
    "gate": "there is a marker of this name",
    "routes": "there is a suite of this name",
    "True": "-m has an operator or a constant of this name",
    "and": "-m has an operator or a constant of this name",
    "not": "-m has an operator or a constant of this name",
}


@pytest.mark.parametrize("name", RESERVED)
def test_a_reserved_name(tmp_path: Path, name: str) -> None:
    """`xfail` would waive every failure, and `synthetic` would leave the engine out."""
    (tmp_path / "shop.yaml").write_text("services: {api: {}}\n", encoding="utf-8")
    (tmp_path / f"{name}.yaml").write_text("extends: shop\n", encoding="utf-8")
    _refused(
        run(tmp_path / "out", "-m", name, f"--environments={tmp_path}"),
        f"{tmp_path}/{name}.yaml: {name!r} is a reserved name: {RESERVED[name]}",
    )


@pytest.mark.parametrize("expression", ["shop", "shop and containers", "shop and not routes"])
def test_a_reserved_name_that_is_not_selected(tmp_path: Path, expression: str) -> None:
    for name in ("shop", "xfail", "and", "critical"):
        (tmp_path / f"{name}.yaml").write_text("services: {api: {}}\n", encoding="utf-8")
    options = ("-m", expression, f"--environments={tmp_path}", "--collect-only")
    assert run(tmp_path / "out", *options).exit_code == 0


@pytest.mark.parametrize("name", ["_shop", "a:b"])
def test_a_name_that_no_marker_can_have(tmp_path: Path, name: str) -> None:
    (tmp_path / f"{name}.yaml").write_text("services: {api: {}}\n", encoding="utf-8")
    _refused(
        run(tmp_path / "out", "-m", name, f"--environments={tmp_path}"),
        f"{tmp_path}/{name}.yaml: expected a file name of letters, digits, '_', '.' and '-' "
        "that begins with a letter or a digit",
    )


def test_a_check_that_nothing_declares_is_not_collected(tmp_path: Path) -> None:
    (tmp_path / "shop.yaml").write_text("services: {api: {}}\n", encoding="utf-8")
    options = ("-m", "shop or not routes", f"--environments={tmp_path}", "--collect-only")
    ran = run(tmp_path / "out", *options)
    assert ran.exit_code == 0, ran.errors
    assert "NOTSET" not in ran.output


NEEDS_ENGINE = ("-m", "lab and not (routes or tls)", "-k", "not test_closed")


@pytest.fixture(scope="session")
def engine_checks(tmp_path_factory: pytest.TempPathFactory) -> int:
    ran = run(tmp_path_factory.mktemp("out"), *NEEDS_ENGINE, "--collect-only")
    collected = re.search(r"^(\d+)/\d+ tests collected", ran.output, flags=re.MULTILINE)
    assert collected
    return int(collected[1])


def _engine_is_unknown(ran: Ran, reason: str, engine_checks: int) -> None:
    assert ran.exit_code == 6, ran.output
    checks = ran.verdict("lab")["checks"]
    assert len(checks) == engine_checks
    assert {(check["outcome"], check["headline"]) for check in checks} == {
        ("UNKNOWN", f"could not be evaluated: {reason}")
    }
    text = " ".join(ran.output.split())
    assert f"? {engine_checks} checks could not be evaluated: {reason} lab: UNKNOWN — " in text
    assert "Traceback" not in ran.output + ran.errors


def test_no_engine(tmp_path: Path, engine_checks: int) -> None:
    address = f"unix://{tmp_path}/none.sock"
    ran = run(tmp_path / "out", *NEEDS_ENGINE, variables={"DOCKER_HOST": address})
    _engine_is_unknown(ran, f"engine {address}: no such file or directory", engine_checks)


def test_a_worker_gathers_if_an_earlier_snapshot_cannot_be_read(
    tmp_path: Path, engine_checks: int
) -> None:
    earlier = tmp_path / "out" / "lab" / "facts.json"
    earlier.parent.mkdir(parents=True)
    earlier.write_text('{"version": 0}', encoding="utf-8")
    address = f"unix://{tmp_path}/none.sock"
    ran = run(tmp_path / "out", "-n", "1", *NEEDS_ENGINE, variables={"DOCKER_HOST": address})
    _engine_is_unknown(ran, f"engine {address}: no such file or directory", engine_checks)


def test_an_engine_that_never_answers(tmp_path: Path, engine_checks: int) -> None:
    path = tmp_path / "engine.sock"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen(64)
        ran = run(
            tmp_path / "out",
            *NEEDS_ENGINE,
            variables={"DOCKER_HOST": f"unix://{path}"},
        )
    _engine_is_unknown(ran, f"engine unix://{path}: no answer within 5 s", engine_checks)


@pytest.mark.live
def test_no_engine_says_nothing_of_the_routes(tmp_path: Path, engine_checks: int) -> None:
    ran = run(
        tmp_path / "out", "-m", "lab", variables={"DOCKER_HOST": f"unix://{tmp_path}/none.sock"}
    )
    assert ran.exit_code == 6, ran.output
    others = {check for check in ran.results("lab") if check.startswith(("routes.", "tls."))}
    assert len(ran.results("lab")) == engine_checks + len(others)
    # Requests on the engine's machine, and the names of the containers that may answer, need it.
    named = {check for check in others if check.startswith("routes.instance[")}
    assert {check.partition("[")[2] for check in others - named} == {
        "server-health]", "server-api-health]",
    }  # fmt: skip


def test_the_root_conftest_is_a_list_of_plugins() -> None:
    assert len((ROOT / "conftest.py").read_text(encoding="utf-8").splitlines()) <= 20


@pytest.mark.parametrize("option", ["--output", "--facts", "--environments", "--alluredir"])
def test_a_path_that_pytest_takes_for_tests(tmp_path: Path, option: str) -> None:
    """pytest chooses its configuration before it knows our options."""
    ran = run(tmp_path, "-m", "lab", option, str(tmp_path))
    assert (ran.exit_code, ran.errors.strip()) == (
        4,
        f"ERROR: {option} {tmp_path}: write {option}={tmp_path}, because pytest takes a path of "
        "its own for a directory of tests",
    )


def test_variables_that_block_the_plugin(tmp_path: Path) -> None:
    blocked = {"PYTEST_ADDOPTS": "-p no:stackproof.plugin"}
    ran = run(tmp_path, "-m", "lab", "--facts=none", variables=blocked)
    assert ran.exit_code == 4
    assert ran.errors.strip().startswith("ERROR: the suites need the plugins of stackproof: leave")
