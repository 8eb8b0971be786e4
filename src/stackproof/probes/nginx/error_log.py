"""Where nginx writes its error log, and whether the engine can show it."""

import re
from collections.abc import Iterable, Iterator, Mapping

from stackproof.facts.command import CommandResult
from stackproof.probes.nginx.configuration.model import Configuration
from stackproof.probes.nginx.configuration.parser import Directive

NOT_SHOWN = "which the engine does not show"
"""What is said of an error log that is not in the container's log."""
_SHOWN_BY_ENGINE = re.compile(r"stderr|/dev/(?:stderr|stdout|fd/[12])|/proc/(?:self|1)/fd/[12]")
_HIDES_CRIT = frozenset(["alert", "emerg"])
_DEFAULT = "/var/log/nginx/error.log"
_CONFIGURATION = re.compile("^configuration$", flags=re.MULTILINE)
_ROW = re.compile(r"^(link|log|master) (.+)$", flags=re.MULTILINE)
_OPTION = re.compile(r"error_log\s+([^;\s]+)\s*(\w*)")


def hidden_log(configuration: Configuration, result: CommandResult) -> str:
    """Return why messages of level crit or worse are not in the container's log; empty if they are.

    Args:
        configuration: the configuration.
        result: the result of the script that shows nginx's files.
    """
    rows = _ROW.findall(_CONFIGURATION.split(result.output, 1)[0])
    links = dict(row.partition(" = ")[::2] for kind, row in rows if kind == "link")
    default = next((row for kind, row in rows if kind == "log"), _DEFAULT)
    of_options = [
        Directive("error_log", [target, *filter(None, [level])])
        for kind, row in rows
        if kind == "master"
        for target, level in _OPTION.findall(row)
    ]
    main = [*of_options, *_logs(configuration.top)] or [Directive("error_log", [default])]
    levels = [main, list(_logs(configuration.http.top.block))]
    levels += [list(_logs(each.directive.block)) for each in configuration.http.servers]
    for logs in levels:
        if logs and not any(_is_shown(each, links) for each in logs):
            return f"nginx logs with error_log {' '.join(logs[0].arguments)}"
    return ""


def _logs(directives: Iterable[Directive]) -> Iterator[Directive]:
    return (each for each in directives if each.name == "error_log" and each.arguments)


def _is_shown(log: Directive, links: Mapping[str, str]) -> bool:
    target, *level = log.arguments
    places = (target, links.get(target, target))
    return any(map(_SHOWN_BY_ENGINE.fullmatch, places)) and not _HIDES_CRIT & set(level)
