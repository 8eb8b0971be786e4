"""The calls and commands that docs/access.md lists, to compare with those of a run."""

import re
import shlex
from collections.abc import Iterable
from functools import cache
from pathlib import Path

_PAGE = (Path(__file__).parents[2] / "docs" / "access.md").read_text(encoding="utf-8")
_BLOCK = re.compile(r"^```(?:sh|sql)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_CALL = re.compile(r"`((?:GET|HEAD|POST) /\S+)`")
# No character that is special in a shell, so that nothing can hide in a placeholder.
_WORD = r"""(?:[\w./:@-]+|'[^'\n]*'(?:"'"'[^'\n]*')*)"""
_FILLED = rf"{_WORD}(?: {_WORD})*"
_SCRIPTED = " '…'"
_FRAMED = re.compile(
    r"^if \[ \$left -gt 0 \]; then timeout -s KILL (?:\$left|\$\(\(\(left \+ 2\) / 3\)\)) "
    r"(.*?) 2>&1\nelse \(exit 137\); fi; printf '\\n%s %s\\n' nonce \$\?$",
    re.DOTALL | re.MULTILINE,
)


def undocumented_calls(calls: Iterable[str]) -> set[str]:
    """Return the calls, such as `GET /images/shop:1/json`, that the page does not list."""
    listed = [_pattern(call, r"ID|NAME", r"[\w.:@%/-]+") for call in _CALL.findall(_PAGE)]
    return {call for call in calls if not any(each.fullmatch(call) for each in listed)}


def undocumented_lines(scripts: Iterable[str]) -> set[str]:
    """Return the lines of shell scripts that the page does not list."""
    lines = {line.strip() for script in scripts for line in script.splitlines()}
    return {line for line in lines if line and not _is_listed(line)}


@cache
def _is_listed(line: str) -> bool:
    return any(each.fullmatch(line) for each in _listed_lines())


@cache
def _listed_lines() -> tuple[re.Pattern[str], ...]:
    return tuple(
        _pattern(line.strip().removesuffix(_SCRIPTED), r"<[a-z]+>", _FILLED)
        for block in _BLOCK.findall(_PAGE)
        for line in block.splitlines()
    )


def unframed(script: str) -> list[str]:
    """Return the script around the commands of an exec, then the commands."""
    # The same scripts run again and again, with another nonce.
    return list(_unframed(script.replace(script.split()[2], "nonce")))


@cache
def _unframed(script: str) -> tuple[str, ...]:
    commands = _FRAMED.findall(script)
    frame = script
    for command in commands:
        frame = frame.replace(command, "<command>", 1)
    return (
        frame.replace("<command>", "command"),
        *(line for each in commands for line in _written(each)),
    )


def unwrapped(line: str) -> list[str]:
    """Return the limits around a command on the engine's machine, then the command."""
    bounded = re.fullmatch(r"(timeout -s KILL \d+ sh -c )('.*')( \| head -c \d+)", line, re.DOTALL)
    if not bounded or len(inside := shlex.split(bounded[2])) != 1:
        return [line]
    return [f"{bounded[1]}command{bounded[3]}", *inside]


def _written(command: str) -> list[str]:
    """Return a command as the page shows it, with the script of `sh -c` separately."""
    *words, last = shlex.split(command)
    if words and words[-1] == "-c":
        return [" ".join(words), last]
    return [" ".join([*words, last])]


def _pattern(text: str, placeholder: str, filled: str) -> re.Pattern[str]:
    parts = re.split(placeholder, text)
    return re.compile(filled.join(map(re.escape, parts)))
