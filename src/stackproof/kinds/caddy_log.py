"""Caddy's log: which entries are errors of the server, and not of a request or a client."""

import json
import re
from collections.abc import Iterable, Mapping, Set
from datetime import datetime
from typing import Any

from stackproof.facts.proxy import LogEntry

LEVELS = frozenset({"error", "dpanic", "panic", "fatal"})
OF_REQUESTS = (
    "http.log.access", "http.log.error", "http.handlers.", "http.authentication.",
    "http.matchers.", "http.reverse_proxy.", "http.stdlib", "tls.on_demand",
)  # fmt: skip
"""Prefixes of loggers of what a request or a client causes: modules/caddyhttp and modules/caddytls
in Caddy's source. Each request that fails is an entry of level error. Routes are judged instead."""
HARMLESS = (
    # modules/caddypki/pki.go: a container has no trust store. Caddy serves all the same.
    ("pki.ca.", "failed to install root certificate"),
)
"""Entries by the prefix of their logger and their message, which say nothing of the server."""
_LOADED = frozenset({"serving initial configuration", "load complete"})
_OBTAINED = frozenset({"certificate obtained successfully", "certificate renewed successfully"})
_REDIRECTED = "redirected default logger"
_STANDARD = frozenset({"stderr", "stdout"})
_CONSOLE = re.compile(
    r"^(?:\x1b\[\d+m)*\d{4}/\d\d/\d\d \d\d:\d\d:\d\d(?:\.\d+)?\t"
    r"(?:\x1b\[\d+m)*([A-Z]+)(?:\x1b\[0m)*\t"
    r"(?:([\w.]+)\t)?([^\t]*)(?:\t(\{.*\}))?\s*$"
)
_LINE_CAP = 300


def entry(line: str) -> Mapping[str, Any] | None:
    """Return the fields of a line of Caddy's log, as JSON or for a terminal; None for others."""
    if line.startswith("{"):
        try:
            fields = json.loads(line)
        except (ValueError, RecursionError):
            return None
        return fields if isinstance(fields, dict) and isinstance(fields.get("level"), str) else None
    if console := _CONSOLE.match(line):
        level, logger, message, more = console.groups()
        try:
            fields = json.loads(more or "{}")
        except (ValueError, RecursionError):
            fields = {}
        return {**fields, "level": level.lower(), "logger": logger or "", "msg": message}
    return None


class Log:
    """Caddy's log, read line by line: what is wrong since its last load."""

    def __init__(self, hosts: Set[str]) -> None:
        """Start at its beginning.

        Args:
            hosts: the hosts whose certificates count. Others may be what clients asked for.
        """
        self._hosts = hosts
        self.lines = 0
        """How many of them are of Caddy."""
        self.elsewhere = ""
        """Where it logs, if that is not the log of its container."""
        self._errors: list[tuple[LogEntry, str]] = []

    def read(self, lines: Iterable[tuple[datetime, str]], kept: int) -> None:
        """Read lines with the time of each; keep that many of the last errors."""
        for at, line in lines:
            if not (fields := entry(line)):
                continue
            self.lines += 1
            message, logger = str(fields.get("msg", "")), str(fields.get("logger", ""))
            name = str(fields.get("identifier", ""))
            if message in _LOADED:
                self._errors.clear()
            elif message in _OBTAINED:
                self._errors = [each for each in self._errors if each[1] != name]
            elif message == _REDIRECTED:
                target = str(fields.get("to", ""))
                self.elsewhere = "" if target in _STANDARD else target
            elif name and name not in self._hosts:
                continue
            elif fields["level"] in LEVELS and _counts(logger, message, fields):
                shown = ": ".join(
                    filter(None, (logger, name, message, str(fields.get("error", ""))))
                )
                self._errors.append((LogEntry(at=at, line=shown[:_LINE_CAP]), name))
                del self._errors[:-kept]

    @property
    def errors(self) -> tuple[LogEntry, ...]:
        """Return the last errors since its last load."""
        return tuple(each for each, _ in self._errors)


def _counts(logger: str, message: str, fields: Mapping[str, Any]) -> bool:
    if fields["level"] != "error":
        return True  # it panicked or ended
    if logger == "admin.api":  # a client of the API can cause others
        return "loading" in str(fields.get("error", ""))
    harmless = any(logger.startswith(its) and message == text for its, text in HARMLESS)
    return not harmless and not logger.startswith(OF_REQUESTS)
