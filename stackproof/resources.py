"""What the system lets this process have, and whether that is enough to observe anything."""

import resource
import sys
from contextlib import suppress

from stackproof.exit_codes import EXIT_UNKNOWN

STACK_BYTES = 4 << 20
"""Of a thread, where address space is limited: half of what it is elsewhere. With a quarter, a
recursion that Python ends by an error can end the process instead."""
# A run on ten services takes 130 MiB besides the stacks of its threads, most of it for libraries.
_ADDRESS_SPACE = 256 << 20
# As many connections as there are at a time, and what they are made with.
_FILES = 128
# To load the libraries, and to say that the rest is not there. With less they fail as they please.
_ADDRESS_SPACE_TO_START = 96 << 20
_M_ARENA_MAX = -8


def why_too_few(threads: int) -> str:
    """Return why this process cannot observe a stack, in one line; empty where it can.

    With too few, libraries fail in ways that look like a fault of the stack: OpenSSL refuses a
    certificate that is right, and the resolver says that a name does not exist.

    Args:
        threads: how many there may be at a time.
    """
    memory = _ADDRESS_SPACE + threads * STACK_BYTES
    for limit, least, what, unit, option in (
        (resource.RLIMIT_AS, memory, "MiB of memory", 1 << 20, "v"),
        (resource.RLIMIT_NOFILE, _FILES, "open files", 1, "n"),
    ):
        allowed = resource.getrlimit(limit)[0]
        if allowed != resource.RLIM_INFINITY and allowed < least:
            return (
                f"this process may have {allowed // unit} {what} (ulimit -{option}), "
                f"and needs {least // unit}"
            )
    return ""


def exit_unless_enough_to_start() -> None:
    """End the process, with one line and the exit code of UNKNOWN, where nothing can be loaded."""
    allowed = resource.getrlimit(resource.RLIMIT_AS)[0]
    if is_address_space_limited() and allowed < _ADDRESS_SPACE_TO_START:
        print(
            f"ERROR: this process may have {allowed >> 20} MiB of memory (ulimit -v), "
            f"and needs {_ADDRESS_SPACE_TO_START >> 20} to start; nothing was verified",
            file=sys.stderr,
        )
        sys.exit(EXIT_UNKNOWN)


def is_address_space_limited() -> bool:
    """Tell whether it is (`ulimit -v`)."""
    return resource.getrlimit(resource.RLIMIT_AS)[0] != resource.RLIM_INFINITY


def save_address_space() -> None:
    """Where address space is limited, have all threads take their memory from one arena.

    glibc reserves 64 MiB of it for each of many threads, and would use up all that is allowed.
    """
    if is_address_space_limited():
        # Imported here: hardly any process is limited so.
        import ctypes

        with suppress(AttributeError):  # it is not glibc
            ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 1)
