"""The first verification with a drafted environment file: what it confirms of the draft."""

import json
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import urlsplit

from stackproof.cli.draft.draft import Draft, Entry
from stackproof.deploy.startup import STARTING
from stackproof.outcome import Outcome
from stackproof.probes.nginx.error_log import NOT_SHOWN
from stackproof.process import limited_process

SECONDS = 120
_OUTPUT_CAP = 8 << 20
_STARTING = re.compile(rf"(?:(?P<service>\S+) is )?{STARTING}: (?P<reason>.*)")
_ROUTED = "nginx.routed["
"""How the id of the check of nginx starts whose subject is a route. A service can have its name."""
_GOOD = {Outcome.PASS.value, Outcome.FLAKY.value, Outcome.WAIVED.value}


class NotVerifiedError(Exception):
    """The file could not be verified with. The message is one line."""


@dataclass(frozen=True)
class Confirmation:
    """What the first verification says of a draft, and of the stack."""

    unconfirmed: Mapping[Entry, str]
    """Entries that the running stack does not confirm although it is otherwise as specified."""
    differences: Sequence[str]
    """The first line of each other check that failed."""
    passed: int
    unknown: Sequence[str] = ()
    """What could not be evaluated, a line each."""
    starting: Mapping[str, str] = field(default_factory=dict)
    """Why services cannot be expected to serve yet."""
    ended: Sequence[str] = ()
    """Services that exited with code 0."""


def verify(name: str, directory: Path, draft: Draft) -> Confirmation:
    """Verify the running stack with a drafted environment file.

    Args:
        name: of the environment.
        directory: the directory of its file.
        draft: what it declares.

    Raises:
        NotVerifiedError: there is no verdict.
    """
    with TemporaryDirectory() as folder:
        command = (
            sys.executable, "-m", "stackproof", "check", name, f"--environments={directory}",
            f"--output={folder}", "-p", "no:cacheprovider",
        )  # fmt: skip
        try:
            code, _, errors = limited_process.run(command, SECONDS, _OUTPUT_CAP)
        except limited_process.TooSlowError:
            raise NotVerifiedError(f"no verdict within {SECONDS} s") from None
        except (limited_process.TooMuchError, OSError) as error:
            raise NotVerifiedError(f"stackproof check could not be run: {error}") from None
        try:
            verdict = json.loads((Path(folder) / name / "verdict.json").read_text("utf-8"))
        except (OSError, ValueError):
            lines = errors.decode(errors="replace").strip().splitlines() or [f"exit code {code}"]
            reason = lines[-1].removeprefix("ERROR: ").removeprefix("stackproof: ")
            raise NotVerifiedError(reason) from None
    return read_verdict(verdict["checks"], draft)


def read_verdict(checks: Sequence[Mapping[str, Any]], draft: Draft) -> Confirmation:
    """Return what the checks of a verdict say of a draft.

    An entry is in doubt only where the rest of its service is as specified: otherwise the stack
    may be what is wrong. While a service is still starting, no entry is in doubt.
    """
    bad = [each for each in checks if each["outcome"] not in _GOOD]
    entries = [(each, tuple(_entries_of(each, draft))) for each in bad]
    broken = {each["service"] for each, found in entries if not found}
    unconfirmed: dict[Entry, str] = {}
    differences: list[str] = []
    undecided: list[Mapping[str, Any]] = []
    starting = _starting(bad)
    for each, found in entries:
        is_unknown = each["outcome"] == Outcome.UNKNOWN.value
        if is_unknown and STARTING in each["headline"]:
            continue
        if found and not starting and each["service"] not in broken:
            for entry in found:
                unconfirmed.setdefault(entry, each["headline"])
        elif is_unknown:
            undecided.append(each)
        else:
            differences.append(each["headline"])
    ended = [
        each["service"]
        for each in bad
        if each["check"] == "running" and each["observed"] == "exited with code 0"
    ]
    passed = len(checks) - len(bad)
    return Confirmation(
        unconfirmed,
        list(dict.fromkeys(differences)),
        passed,
        list(_by_reason(undecided)),
        starting,
        ended,
    )


def _starting(bad: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Return why services are still starting, by service."""
    found: dict[str, str] = {}
    for each in bad:
        match = _STARTING.search(each["headline"])
        if match and each["outcome"] == Outcome.UNKNOWN.value:
            found.setdefault(match["service"] or each["service"], match["reason"])
    return found


def _by_reason(checks: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Yield a line for each reason why checks could not be evaluated."""
    ids: dict[str, list[str]] = {}
    for each in checks:
        ids.setdefault(each["headline"], []).append(each["id"])
    for headline, its in ids.items():
        yield f"{its[0] if len(its) == 1 else f'{len(its)} checks'} {headline}"


def _entries_of(check: Mapping[str, Any], draft: Draft) -> Iterator[Entry]:
    """Yield the entries of the draft that a check is about."""
    subject, suite = check["subject"], check["suite"]
    if suite == "health" and "health" in draft.services.get(subject, {}):
        yield "services", subject, "health"
    elif suite == "datastores":
        yield "datastores", subject
    elif suite in draft.proxies:
        for name in draft.proxies[suite]:
            if name == subject or draft.routes.get(subject, {}).get("proxy", name) == name:
                yield "proxies", name
    elif subject in draft.routes and (suite == "routes" or check["id"].startswith(_ROUTED)):
        yield "routes", subject
    elif (suite, check["check"]) == ("nginx", "log") and NOT_SHOWN in check["headline"]:
        yield "nginx", "log"
    elif suite == "tls":
        for name, route in draft.routes.items():
            parts = urlsplit(route["url"])
            if parts.scheme == "https" and subject.startswith(parts.hostname or "-"):
                yield "routes", name
