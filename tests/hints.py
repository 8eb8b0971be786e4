"""Hints as the recorded findings have them: a command by its place, or advice as it is."""

import re
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from tests.command_line import ROOT

Recorded = Mapping[str, str] | str


def recorded(hints: Iterable[Mapping[str, str]]) -> list[Recorded]:
    """Return the hints of a check in `verdict.json` in that form."""
    return [{each["place"]: each["text"]} if each["place"] else each["text"] for each in hints]


def all_recorded() -> list[tuple[str, Recorded]]:
    """Return every hint in the recorded findings, with the check that gives it."""
    return [
        (name, hint)
        for path in sorted((ROOT / "tests").rglob("*findings.yaml"))
        for name, finding in _findings(yaml.safe_load(Path(path).read_text(encoding="utf-8")))
        for hint in finding["hints"]
    ]


def _findings(part: Mapping[str, Any]) -> Iterable[tuple[str, Mapping[str, Any]]]:
    for name, each in part.items():
        if "hints" in each:
            yield name, each
        else:
            yield from _findings(each)


DESTROYS = re.compile(
    r"\b(rm|rmi|prune|kill|down|drop|delete|truncate|flush\w*|replicaof|pg_promote|mkfs|dd"
    r"|shutdown|reboot|chmod|chown)\b|--force(?!-recreate)|>|\b(docker|compose) (\S+ )*stop\b",
    re.IGNORECASE,
)
"""What no hint has."""
PROGRAMS = {"curl", "date", "df", "docker", "du", "ls", "openssl", "ps", "ss"}
"""The programs that hints run. Of the others it is unknown what they do."""


def unparsable(commands: Iterable[str]) -> list[str]:
    """Return the commands that bash refuses; one process reads all of them."""
    script = 'while IFS= read -r -d "" line; do bash -nc "$line" || printf "%s\\n" "$line"; done'
    done = subprocess.run(
        ["/bin/bash", "-c", script],
        input="".join(f"{command}\0" for command in commands),
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return done.stdout.splitlines()
