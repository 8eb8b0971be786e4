"""Whether the command of a health check can fail, as far as that is known without running it."""

import re
import shlex
from itertools import chain, pairwise
from pathlib import PurePosixPath

from stackproof.facts.settings import CommandLine

_SHELLS = frozenset({"sh", "bash", "ash", "dash"})
_SUCCEEDS = frozenset({"true", "echo", ":"})
_SEPARATORS = frozenset({"||", "&&", ";"})
_REDIRECTIONS = frozenset({"<", ">", ">>", ">&", "&>"})
# What may end a script earlier, or decide whether its last command runs.
_DECIDES = frozenset(
    {
        "!", ".", "{", "}", "break", "case", "do", "done", "elif", "else", "esac", "eval", "exec",
        "export", "fi", "for", "function", "if", "kill", "readonly", "return", "set", "shift",
        "source", "then", "trap", "unset", "until", "while",
    }
)  # fmt: skip
_PUNCTUATION = "();<>|&"


def always_succeeds(command: CommandLine) -> str:
    """Return the text of a health check whose exit code is always 0; empty if it may be another.

    Such a command can only take too long. Empty for everything that cannot be decided.
    """
    try:
        kind, *arguments = shlex.split(command.shown)
    except ValueError:
        return ""  # there is none, or it was redacted
    text = " ".join(arguments)
    if kind == "CMD-SHELL":
        return text if len(arguments) == 1 and _script_succeeds(text) else ""
    if kind != "CMD" or not arguments:
        return ""
    program, *rest = PurePosixPath(arguments[0]).name, *arguments[1:]
    if program in _SHELLS and rest[:1] == ["-c"] and len(rest) > 1:
        return text if _script_succeeds(rest[1]) else ""
    return text if program in _SUCCEEDS - {":"} else ""


def _script_succeeds(script: str) -> bool:
    words = shlex.shlex(script.strip().replace("\n", " ; "), posix=True, punctuation_chars=True)
    words.commenters = ""
    try:
        commands, separators = _commands(list(words))
    except ValueError:
        return False  # a quote is not closed
    all_words = list(chain(*commands))
    if any(word in _DECIDES or _is_undecided(word) for word in all_words):
        return False
    if any(words[:1] == ["exit"] and words != ["exit", "0"] for words in commands):
        return False
    # `exit 0` in the middle ends it as well.
    is_reached = not separators or separators[-1] in ("||", ";")
    return is_reached and _succeeds(commands[-1])


def _commands(words: list[str]) -> tuple[list[list[str]], list[str]]:
    """Return the commands of a script, and what separates them. A `;` at its end is left out."""
    commands: list[list[str]] = [[]]
    separators: list[str] = []
    while words and words[-1] == ";":
        words.pop()
    for word in words:
        if word in _SEPARATORS:
            separators.append(word)
            commands.append([])
        else:
            commands[-1].append(word)
    return commands, separators


def _is_undecided(word: str) -> bool:
    """Return whether a word is a pipe, a subshell, a comment, or an expansion that may end it."""
    is_punctuation = all(each in _PUNCTUATION for each in word)
    return (
        (is_punctuation and word not in _REDIRECTIONS)
        or word.startswith("#")
        or re.search(r"\$\{[^}]*\?", word) is not None
    )


def _succeeds(command: list[str]) -> bool:
    if command == ["exit", "0"]:
        return True
    is_success = bool(command) and PurePosixPath(command[0]).name in _SUCCEEDS
    # A full disk or a missing folder fails a redirection.
    targets = [target for word, target in pairwise(command) if ">" in word]
    return (
        is_success
        and "<" not in command
        and all(target in ("/dev/null", "1", "2") for target in targets)
    )
