"""The resource limits of this process, and whether they allow it to observe a stack."""

import resource
import sys
from contextlib import suppress

from stackproof.outcome import EXIT_UNKNOWN

STACK_BYTES = 4 << 20
"""The stack size of a thread if the address space is limited: half of the default. With a quarter,
a deep recursion can crash the process before Python raises RecursionError."""
# A run on ten services takes 130 MiB without the stacks of its threads, mostly for libraries.
_ADDRESS_SPACE = 256 << 20
# The concurrent connections, and the files that are needed to open them.
_FILES = 128
# Enough to import the libraries and to report the limit. With less, their imports fail at random.
_ADDRESS_SPACE_TO_START = 96 << 20
_M_ARENA_MAX = -8


def why_too_few(threads: int) -> str:
    """Return why this process cannot observe a stack, in one line; empty if it can.

    With too few resources, libraries fail in ways that look like a fault of the stack: OpenSSL
    rejects a valid certificate, and the resolver reports that a name does not exist.

    Args:
        threads: the maximum number of concurrent threads.
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
    """End the process with one line and exit code 6 if libraries cannot be imported."""
    allowed = resource.getrlimit(resource.RLIMIT_AS)[0]
    if is_address_space_limited() and allowed < _ADDRESS_SPACE_TO_START:
        print(
            f"ERROR: this process may have {allowed >> 20} MiB of memory (ulimit -v), "
            f"and needs {_ADDRESS_SPACE_TO_START >> 20} to start; nothing was verified",
            file=sys.stderr,
        )
        sys.exit(EXIT_UNKNOWN)


def is_address_space_limited() -> bool:
    """Tell whether the address space is limited (`ulimit -v`)."""
    return resource.getrlimit(resource.RLIMIT_AS)[0] != resource.RLIM_INFINITY


def save_address_space() -> None:
    """If the address space is limited, let all threads allocate memory from one arena.

    glibc reserves 64 MiB for each of many threads, which would exhaust the limit.
    """
    if is_address_space_limited():
        # Imported here: this limit is rare.
        import ctypes

        with suppress(AttributeError):  # not glibc
            ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 1)
