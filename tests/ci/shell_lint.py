"""Runs shellcheck on every script, and on the shell code in the action, workflow and recipes.

python -m tests.ci.shell_lint
"""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from tests.ci.fake_installation import ROOT

# Sourced files are checked with the script that sources them. GitHub and GitLab set variables.
_OPTIONS = ("--external-sources", "--shell=bash")
_ALLOWED_IN_YAML = "--exclude=SC1091,SC2153,SC2154"
_FOLDERS = ("scripts", ".ci")


def scripts() -> list[str]:
    """Return the scripts, relative to the root."""
    files = (path for folder in _FOLDERS for path in (ROOT / folder).iterdir())
    # Not `__pycache__`, and not Python, which has its own linter.
    shell = (path for path in files if path.is_file() and path.suffix != ".py")
    return sorted(str(path.relative_to(ROOT)) for path in shell)


def embedded() -> Iterator[tuple[str, str]]:
    """Yield the name and the text of each piece of shell code in a YAML file or crontab."""
    for path in (ROOT / "action.yml", *sorted((ROOT / ".github" / "workflows").iterdir())):
        loaded = yaml.safe_load(path.read_text(encoding="utf-8"))
        yield from _steps(path.name, [loaded.get("runs", {}), *loaded.get("jobs", {}).values()])
    recipes = ROOT / "docs" / "recipes"
    for path in sorted(recipes.glob("github-*.yml")):
        yield from _steps(
            path.name, yaml.safe_load(path.read_text(encoding="utf-8"))["jobs"].values()
        )
    for name, job in yaml.safe_load((recipes / "gitlab-ci.yml").read_text("utf-8")).items():
        yield f"gitlab-ci.yml, {name}", "\n".join([*job["before_script"], *job["script"]])
    for line in (recipes / "stackproof.cron").read_text(encoding="utf-8").splitlines():
        if found := re.match(r"(?:\S+ ){6}(.*)", line.strip()) if "* * *" in line else None:
            yield "stackproof.cron", found[1]


def _steps(name: str, jobs: Any) -> Iterator[tuple[str, str]]:
    for job in jobs:
        steps: list[Mapping[str, Any]] = job.get("steps", [])
        yield from (
            (f"{name}, {step.get('name', 'a step')}", step["run"])
            for step in steps
            if "run" in step
        )


def main() -> int:
    """Run shellcheck. Return 1 if it finds anything, or if it is not installed."""
    program = shutil.which("shellcheck")
    if program is None:
        print("there is no shellcheck: apt-get install shellcheck", file=sys.stderr)
        return 1
    wrong = subprocess.run([program, *_OPTIONS, *scripts()], cwd=ROOT, check=False).returncode
    for name, text in embedded():
        done = subprocess.run(
            [program, *_OPTIONS, _ALLOWED_IN_YAML, "-"], cwd=ROOT, input=text,
            stdout=subprocess.PIPE, text=True, check=False,
        )  # fmt: skip
        if done.returncode:
            print(f"{name}:{done.stdout}")
        wrong |= done.returncode
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
