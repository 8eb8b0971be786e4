"""The options of the gates: each that means nothing is refused with one line, before any look."""

import re
from pathlib import Path

import pytest
import yaml

from stackproof.fixtures.session.gates.gate_options import SUITES
from tests import shop
from tests.command_line import ROOT
from tests.in_process import run

SHOP = "services:\n  api: {}\n  nginx: {}\nnginx: {service: nginx}\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--gate=deploy"], "--gate=deploy: expected pre, post or rollback"),
        (["--gate=pre"], "--gate=pre needs what is deployed, in order: --services=NAME,NAME"),
        (["--gate=post"], "--gate=post needs what is deployed, in order: --services=NAME,NAME"),
        (["--services=api"], "--services means nothing without --gate"),
        (["--wait=5"], "--wait means nothing without --gate"),
        (["--compose-file=x"], "--compose-file means nothing without --gate"),
        (["--gate=rollback", "--services=api"], "--services means nothing with --gate=rollback"),
        (["--gate=pre", "--services=api", "--wait=5"], "--wait means nothing with --gate=pre"),
        (
            ["--gate=rollback", "--project-dir=."],
            "--project-dir means nothing with --gate=rollback",
        ),
        (["--gate=pre", "--services=api,,web"], "--services=api,,web: a name is missing"),
        (
            ["--gate=pre", "--services=api nginx"],
            "--services=api nginx: expected names separated by commas: --services=api,nginx",
        ),
        (
            ["--gate=pre", "--services=api; nginx"],
            "--services=api; nginx: expected names separated by commas: --services=api,nginx",
        ),
        (
            ["--gate=post", "--services=ngnix"],
            "--services: shop has no service 'ngnix'; did you mean 'nginx'? "
            "(there are: api, nginx)",
        ),
        (["--gate=pre", "--services=api,api"], "--services=api,api: api is there twice"),
        (
            ["--gate=post", "--services=api", "--wait=soon"],
            "--wait=soon: expected whole seconds, from 1 to 999999",
        ),
        (["--gate=rollback", "--wait=0"], "--wait=0: expected whole seconds, from 1 to 999999"),
        (
            ["--gate=pre", "--services=api", "--project-dir=none"],
            "--project-dir=none: there is no such directory",
        ),
        (
            ["--gate=pre", "--services=api", "--compose-file=none.yaml"],
            "--compose-file=none.yaml: there is no such file",
        ),
        (
            ["--gate=post", "--services=api,redis"],
            "--services: shop has no service 'redis' (there are: api, nginx)",
        ),
    ],
)
def test_refused(tmp_path: Path, arguments: list[str], said: str) -> None:
    (tmp_path / "shop.yaml").write_text(SHOP, encoding="utf-8")
    ran = run(tmp_path / "out", "-m", "shop", f"--environments={tmp_path}", *arguments)
    assert (ran.exit_code, ran.errors.strip(), ran.output.strip()) == (4, f"ERROR: {said}", "")
    assert not ran.written.exists()


def test_a_gate_judges_one_environment(tmp_path: Path) -> None:
    for name in ("shop", "stall"):
        (tmp_path / f"{name}.yaml").write_text(SHOP, encoding="utf-8")
    ran = run(
        tmp_path / "out", "-m", "shop or stall", f"--environments={tmp_path}", "--gate=rollback"
    )
    assert ran.exit_code == 4
    said = "--gate=rollback judges one environment, and -m selects shop, stall"
    assert ran.errors.strip() == f"ERROR: {said}"


def selected(tmp_path: Path, *arguments: str) -> set[str]:
    """The ids of the checks that a replay runs."""
    options = shop.save(tmp_path, yaml.safe_load(SHOP), shop.facts())
    ran = run(tmp_path / "out", "-m", "shop", *options, *arguments)
    return {check["id"] for check in ran.verdict("shop")["checks"]}


def test_checks_of_a_gate_run_at_that_gate_alone(tmp_path: Path) -> None:
    always = selected(tmp_path)
    assert "containers.running[api]" in always
    assert not {each for each in always if each.startswith(("predeploy", "compose_file"))}
    before = selected(tmp_path, "--gate=pre", "--services=api,nginx")
    assert always < before
    assert "predeploy.proxy_last[nginx]" in before
    after = selected(tmp_path, "--gate=rollback")
    assert not {each for each in after if each.startswith(("predeploy", "compose_file"))}


def test_what_is_deployed_has_cases_of_its_own(tmp_path: Path) -> None:
    before = selected(tmp_path, "--gate=pre", "--services=api,database-manager")
    images = {each for each in before if each.startswith("predeploy.image[")}
    assert images == {"predeploy.image[api]"}


def test_the_suites_of_gates_are_those_that_hold_no_other_check() -> None:
    """They are not even read elsewhere: a check without a gate would be left out with them."""
    found = {}
    for path in ROOT.glob("suites/**/test_*.py"):
        text = path.read_text(encoding="utf-8")
        if marks := re.findall(r"^@gate\((.+)\)$", text, re.MULTILINE):
            assert len(marks) == text.count("\ndef test_"), path
            found[path.stem.removeprefix("test_")] = set(re.findall(r"\w+", " ".join(marks)))
    assert found == {suite: set(names) for suite, names in SUITES.items()}
