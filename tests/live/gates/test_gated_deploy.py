"""The whole pipeline over the lab, as GitHub runs it: gates, deploy under watch, rollback."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from lab import address
from lab.shapes import PRODUCTION
from tests.command_line import ROOT

pytestmark = [pytest.mark.live, pytest.mark.usefixtures("gate")]

SECONDS = 300
GOOD = "deploy.deploy(('api', 'web', 'nginx'), 'piped')"
NOT_RELOADED = "deploy.deploy(('api', 'web'), 'piped')"
UNDO = "deploy.restore(); deploy.recreate('api', 'web'); nginx_config.reload()"


def _python(program: str) -> list[str]:
    return [sys.executable, "-c", f"from lab import deploy, nginx_config; {program}"]


def _piped(folder: Path, deploy: str, *options: str) -> tuple[int, str, list[str]]:
    """Its exit code, its last line, and what the job's summary says of each gate."""
    if not (ROOT / ".venv" / "bin" / "stackproof").exists():
        pytest.skip(f"stackproof is not installed in {ROOT}/.venv")
    summary = folder / "summary.md"
    summary.touch()
    done = subprocess.run(
        [
            ROOT / "scripts" / "gated-deploy", "lab", "api,web,nginx", f"--output={folder}/out",
            f"--rollback={shlex.join(_python(UNDO))}", "--wait=60",
            "--compose-file=lab/compose.yaml", *options,
            "--", *_python(deploy),
        ],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=SECONDS,
        env={
            **os.environ, **address.variables(PRODUCTION),
            "GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(summary),
        },
    )  # fmt: skip
    print(done.stdout, done.stderr)
    gates = re.findall(r"^## lab, (.+)$", summary.read_text(encoding="utf-8"), re.MULTILINE)
    assert [each for each in gates if each.startswith("watch: ")] == [gates.pop(1)]
    return done.returncode, done.stderr.splitlines()[-1], gates


# The lab's api has one instance: while it is recreated it does not answer.
def test_a_good_deploy(tmp_path: Path) -> None:
    assert _piped(tmp_path, GOOD) == (
        0, "gated-deploy: deployed", ["pre gate: ✅ GO", "post gate: ✅ GO"]
    )  # fmt: skip


def test_a_good_deploy_that_misses_the_objective(tmp_path: Path) -> None:
    code, last, gates = _piped(tmp_path, GOOD, "--slo=100")
    assert (code, gates) == (7, ["pre gate: ✅ GO", "post gate: ✅ GO"])
    assert last.endswith("deployed, but a route was less available than 100 %")


def test_a_deploy_that_is_no_go_is_rolled_back(tmp_path: Path) -> None:
    assert _piped(tmp_path, NOT_RELOADED) == (
        1,
        "gated-deploy: no-go: rolled back, and the previous release runs again",
        ["pre gate: ✅ GO", "post gate: ❌ NO-GO", "rollback gate: ✅ GO"],
    )
