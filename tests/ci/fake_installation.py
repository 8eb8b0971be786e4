"""A fake installation of stackproof: its programs exit with a given code and record their calls.

The shell scripts are the real ones.
"""

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[2]
RUN_SECONDS = 30

# Takes its exit codes from the file named after its gate: one per call, the last one repeatedly. It
# writes the verdict that agrees with the code, then runs the shell line in GATE-then.
_PYTEST = r"""#!/usr/bin/env bash
gate=none output=reports/out run=
for argument in "$@"; do
    case $argument in
    --gate=*) gate=${argument#*=} ;;
    --output=*) output=${argument#*=} ;;
    --testrunuid=*) run=${argument#*=} ;;
    esac
done
echo "pytest $gate ${*@Q}" >>"$FAKE/calls"
environment=$(sed 's/^.*-m //; s/ .*//' <<<"$*")
mkdir -p "$output/$environment"
code=$(head -1 "$FAKE/$gate" 2>/dev/null || echo 0)
[[ ! -e $FAKE/$gate || $(wc -l <"$FAKE/$gate") -lt 2 ]] || sed -i 1d "$FAKE/$gate"
verdicts=([0]=go [1]=no-go [2]=unknown [6]=unknown)
verdict=$output/$environment/verdict.json
quoted=null
[[ $gate == none ]] || quoted="\"$gate\""
[[ ! ${verdicts[$code]} ]] || cat >"$verdict" <<END
{"run": "$run", "environment": "$environment", "gate": $quoted,
"verdict": "${verdicts[$code]}", "exit_code": $code, "counts": {"UNKNOWN": 2}}
END
[[ $gate != pre ]] || echo baseline >"$output/$environment/baseline.json"
echo "$gate exited with $code${GITHUB_ACTIONS:+ on GitHub}"
[[ $code != 4 ]] || echo "ERROR: the environment is not <valid>" >&2
[[ ! -e $FAKE/$gate-then ]] || source "$FAKE/$gate-then"
exit "$code"
"""
# Runs the command. The file `watch` contains the result for the objective.
_STACKPROOF = r"""#!/usr/bin/env bash
echo "stackproof ${*@Q}" >>"$FAKE/calls"
environment=$2 output=reports/out
while [[ $1 != -- ]]; do
    case $1 in --output=*) output=${1#*=} ;; esac
    shift
done
shift
trap 'kill $!' TERM
"$@" <&0 &
wait $!
code=$?
objective=$(cat "$FAKE/watch" 2>/dev/null || echo met)
folder=$output/$environment
mkdir -p "$folder"
cat >"$folder/watch.json" <<END
{"command_exit_code": $code, "objective": "$objective"}
END
[[ ! -e $FAKE/watch-then ]] || source "$FAKE/watch-then"
((code == 0)) || exit "$code"
case $objective in missed) exit 7 ;; unknown) exit 6 ;; esac
"""
_PYTHON = f"""#!/bin/sh
exec {sys.executable} "$@"
"""
_RECORD = 'echo {} >>"$FAKE/calls"'

DEPLOYED = ["pre", "stackproof", "deploy", "post"]
ROLLED_BACK = [*DEPLOYED, "rollback", "rollback"]
"""The steps of a deploy. A rollback is its command and its gate."""

DEPLOY = _RECORD.format("deploy")
ROLLBACK = _RECORD.format("rollback")


@dataclass(frozen=True)
class FakeInstallation:
    """Where the calls are recorded, and the variables of a run."""

    folder: Path
    variables: dict[str, str] = field(default_factory=dict)

    def exit_codes(self, gate: str, *codes: int) -> None:
        """Set the exit codes of a gate by call; the last one is repeated."""
        (self.folder / gate).write_text("".join(f"{code}\n" for code in codes), encoding="utf-8")

    def run_after(self, program: str, line: str) -> None:
        """Have a gate or `watch` run a shell line after it wrote its result, `$verdict`."""
        (self.folder / f"{program}-then").write_text(line, encoding="utf-8")

    @property
    def calls(self) -> list[str]:
        """Complete command lines, oldest first."""
        path = self.folder / "calls"
        return path.read_text(encoding="utf-8").splitlines() if path.exists() else []

    @property
    def steps(self) -> list[str]:
        """One word for each call: the gate, `stackproof`, `deploy` or `rollback`."""
        words = {"pytest": 1, "stackproof": 0}
        return [call.split()[words.get(call.split()[0], 0)] for call in self.calls]

    def arguments(self, program: str) -> list[str]:
        """Return the arguments of the first call of `pytest GATE` or `stackproof`."""
        (call, *_) = (call for call in self.calls if call.startswith(f"{program} "))
        return shlex.split(call.removeprefix(program))

    def environment(self, **more: str) -> dict[str, str]:
        """Return the variables of a process, without those of the tests."""
        clean = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        return {**clean, "FAKE": str(self.folder), **self.variables, **more}

    def bash(
        self,
        line: str,
        variables: Mapping[str, str],
        where: Path | None = None,
        by: str = "bash",
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [by, "-e", "-c", line], cwd=where or self.folder, env=self.environment(**variables),
            capture_output=True, text=True, check=False, timeout=RUN_SECONDS,
        )  # fmt: skip


def install(folder: Path, installed: Path, venv: Path | None = None) -> FakeInstallation:
    """Install the scripts and fake programs in `installed`, which record calls in `folder`."""
    programs = (venv or installed / ".venv") / "bin"
    programs.mkdir(parents=True)
    (installed / "scripts").mkdir(parents=True)
    for name in ("gated-deploy", "gate.sh", "github.sh", "result.py"):
        shutil.copy(ROOT / "scripts" / name, installed / "scripts")
    for name, text in {"pytest": _PYTEST, "stackproof": _STACKPROOF, "python": _PYTHON}.items():
        (programs / name).write_text(text, encoding="utf-8")
        (programs / name).chmod(0o755)
    return FakeInstallation(folder)


def deploy(
    fake: FakeInstallation, *options: str, command: str = DEPLOY, **variables: str
) -> subprocess.CompletedProcess[str]:
    """Run `gated-deploy`."""
    return subprocess.run(
        [
            fake.folder / "stackproof/scripts/gated-deploy", "shop", "api,nginx", *options,
            "--", "bash", "-c", command,
        ],
        cwd=fake.folder, env=fake.environment(**variables),
        capture_output=True, text=True, check=False, timeout=RUN_SECONDS,
    )  # fmt: skip


def message_of(done: subprocess.CompletedProcess[str]) -> str:
    """Return the last message of `gated-deploy`."""
    return done.stderr.splitlines()[-1].removeprefix("gated-deploy: ")
