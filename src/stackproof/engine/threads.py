"""Daemon threads."""

import _thread
import threading
from collections.abc import Callable

from stackproof.process import resources
from stackproof.unobserved import UnobservedError


def start_thread(run: Callable[[], object]) -> None:
    """Run a function on a daemon thread.

    This does not use `threading.Thread`, which waits until the new thread reports that it runs: for
    ever, if there is no memory left for it to do so.

    Raises:
        UnobservedError: the system cannot start another thread.
    """
    limited = resources.is_address_space_limited()
    before = threading.stack_size(resources.STACK_BYTES if limited else 0)
    try:
        _thread.start_new_thread(run, ())
    except (RuntimeError, MemoryError):
        raise UnobservedError(
            "cannot start a thread: out of memory or processes on this machine"
        ) from None
    finally:
        threading.stack_size(before)
