"""Commands for an operator to paste: every name and path in them is quoted, or left out."""

import shlex
from collections.abc import Iterable

from stackproof.printable import one_line

NOT_SAFE = "the command is left out here: a name in it is not safe to paste"

_LONGEST = 200
"""Characters of a name. A hint is a field: it must not be cut inside a quotation."""
_MOST = 4
"""Names in place of one `{}`."""


def command(template: str, *operands: str | Iterable[str]) -> str:
    """Return the template with each `{}` filled in, as one line to paste.

    Every name is quoted for a shell. One that a program would take for an option, or that holds
    what cannot be seen, is left out, and the line says so.

    Args:
        template: a command, or several with words between them.
        operands: what each `{}` stands for: a name or a path, or several of them.

    Returns:
        An empty text where there is no name for one of the `{}`: the caller has another command.
    """
    filled, left_out = [], 0
    for operand in operands:
        words = [operand] if isinstance(operand, str) else list(operand)
        if not any(words):
            return ""
        quoted = [shlex.quote(word) for word in words if _is_plain(word)][:_MOST]
        if not quoted:
            return NOT_SAFE
        left_out += len(words) - len(quoted)
        filled.append(" ".join(quoted))
    text = template.format(*filled)
    return f"{text} # {left_out} more left out here" if left_out else text


def _is_plain(word: str) -> bool:
    return (
        bool(word)
        and not word.startswith("-")
        and word == one_line(word)
        and len(shlex.quote(word)) <= _LONGEST
    )
