"""An installed stackproof whose programs do as they are told and note their calls."""

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

# Takes its exit codes from the file named after its gate: one a call, and the last for good. It
# writes the verdict that agrees with it, then runs what spoils it.
_PYTEST = r"""#!/usr/bin/env bash
gate=none output=reports/out run=
for argument in "$@"; do
    case $argument in
    --gate=*) gate=${argument#*=} ;;
    --output=*) output=${argument#*=} ;;
    --testrunuid=*) run=${argument#*=} ;;
    esac
done
echo "pytest $gate ${*@Q}" >>"$STAGE/calls"
environment=$(sed 's/^.*-m //; s/ .*//' <<<"$*")
mkdir -p "$output/$environment"
code=$(head -1 "$STAGE/$gate" 2>/dev/null || echo 0)
[[ ! -e $STAGE/$gate || $(wc -l <"$STAGE/$gate") -lt 2 ]] || sed -i 1d "$STAGE/$gate"
verdicts=([0]=go [1]=no-go [2]=unknown [6]=unknown)
verdict=$output/$environment/verdict.json
quoted=null
[[ $gate == none ]] || quoted="\"$gate\""
[[ ! ${verdicts[$code]} ]] || cat >"$verdict" <<END
{"run": "$run", "environment": "$environment", "gate": $quoted,
"verdict": "${verdicts[$code]}", "exit_code": $code, "counts": {"UNKNOWN": 2}}
END
[[ $gate != pre ]] || echo baseline >"$output/$environment/baseline.json"
echo "$gate said $code${GITHUB_ACTIONS:+ to GitHub}"
[[ $code != 4 ]] || echo "ERROR: the environment is not <valid>" >&2
[[ ! -e $STAGE/$gate-then ]] || source "$STAGE/$gate-then"
exit "$code"
"""
# Runs the command. What its objective comes to is in the file `watch`.
_STACKPROOF = r"""#!/usr/bin/env bash
echo "stackproof ${*@Q}" >>"$STAGE/calls"
environment=$2 output=reports/out
while [[ $1 != -- ]]; do
    case $1 in --output=*) output=${1#*=} ;; esac
    shift
done
shift
"$@" <&0 &
trap "kill $!" TERM
wait $!
code=$?
objective=$(cat "$STAGE/watch" 2>/dev/null || echo met)
folder=$output/$environment
mkdir -p "$folder"
cat >"$folder/watch.json" <<END
{"command_exit_code": $code, "objective": "$objective"}
END
[[ ! -e $STAGE/watch-then ]] || source "$STAGE/watch-then"
((code == 0)) || exit "$code"
case $objective in missed) exit 7 ;; unknown) exit 6 ;; esac
"""
_PYTHON = f"""#!/bin/sh
exec {sys.executable} "$@"
"""
_NOTED = 'echo {} >>"$STAGE/calls"'

DEPLOY = _NOTED.format("deploy")
ROLLBACK = _NOTED.format("rollback")


@dataclass(frozen=True)
class Stage:
    folder: Path
    variables: dict[str, str] = field(default_factory=dict)

    def says(self, program: str, *codes: int) -> None:
        """What a gate ends with: at its first call, its second, and for good."""
        (self.folder / program).write_text("".join(f"{code}\n" for code in codes), encoding="utf-8")

    def then(self, program: str, line: str) -> None:
        """Have a gate, or `watch`, run a shell line once it wrote its result, `$verdict`."""
        (self.folder / f"{program}-then").write_text(line, encoding="utf-8")

    @property
    def calls(self) -> list[str]:
        """Whole, oldest first."""
        path = self.folder / "calls"
        return path.read_text(encoding="utf-8").splitlines() if path.exists() else []

    @property
    def course(self) -> list[str]:
        """What happened, a word each."""
        words = {"pytest": 1, "stackproof": 0}
        return [call.split()[words.get(call.split()[0], 0)] for call in self.calls]

    def arguments(self, program: str) -> list[str]:
        """The arguments of the first call of `pytest GATE`, or of `stackproof`."""
        (call, *_) = (call for call in self.calls if call.startswith(f"{program} "))
        return shlex.split(call.removeprefix(program))

    def environment(self, **more: str) -> dict[str, str]:
        """Variables of a process on this stage, without those of whoever runs the tests."""
        clean = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        return {**clean, "STAGE": str(self.folder), **self.variables, **more}

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


def set_up(folder: Path, installed: Path, venv: Path | None = None) -> Stage:
    """Install stackproof in a directory, and note what it does in another."""
    programs = (venv or installed / ".venv") / "bin"
    programs.mkdir(parents=True)
    (installed / "scripts").mkdir(parents=True)
    for name in ("gated-deploy", "gate.sh", "github.sh", "result.py"):
        shutil.copy(ROOT / "scripts" / name, installed / "scripts")
    for name, text in {"pytest": _PYTEST, "stackproof": _STACKPROOF, "python": _PYTHON}.items():
        (programs / name).write_text(text, encoding="utf-8")
        (programs / name).chmod(0o755)
    return Stage(folder)
