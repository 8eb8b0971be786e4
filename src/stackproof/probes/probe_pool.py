"""The pool in which probes run concurrently, until the deadline of a run."""

import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from threading import BoundedSemaphore
from typing import TypeVar

from stackproof.engine.threads import start_thread
from stackproof.unobserved import Unobserved, UnobservedError, reason_of

K = TypeVar("K")
P = TypeVar("P")
T = TypeVar("T")

# More than the probes of ten containers need, and few enough for an engine with two hundred.
CONCURRENT = 32


class ProbePool:
    """Runs functions on threads of their own, until a deadline.

    A function that hangs is abandoned at the deadline. Its thread is a daemon, so even a target
    that never answers does not keep the process from ending. An executor of the standard library
    would: it joins its threads at exit.
    """

    def __init__(self, seconds: float) -> None:
        """Set the deadline, in seconds from now."""
        self._seconds = seconds
        self._ends = time.monotonic() + seconds
        self._slots = BoundedSemaphore(CONCURRENT)

    def start(self, observe: Callable[[], T]) -> Future[T]:
        """Start a function."""
        return self.start_after(lambda: None, lambda _: observe())

    def start_after(
        self,
        prepare: Callable[[], P],
        observe: Callable[[P], T],
        *,
        patience_s: float | None = None,
    ) -> Future[T]:
        """Start a function once another one has returned its argument.

        Args:
            prepare: returns the argument. It may wait, because it occupies no slot.
            observe: the function.
            patience_s: seconds to wait for a slot; then it starts without one.
        """
        future: Future[T] = Future()

        def run() -> None:
            try:
                prepared = prepare()
                acquired = self._slots.acquire(timeout=patience_s)
                try:
                    future.set_result(observe(prepared))
                finally:
                    if acquired:
                        self._slots.release()
            except BaseException as error:  # noqa: BLE001 - the future carries it
                future.set_exception(error)

        try:
            start_thread(run)
        except UnobservedError as reason:
            future.set_exception(reason)
        return future

    def results(self, futures: Mapping[K, Future[T]]) -> dict[K, T | Unobserved]:
        """Wait for several results, until the deadline at most."""
        results: dict[K, T | Unobserved] = {}
        for key, future in futures.items():
            result = self.result(future)
            results[key] = result
        return results

    def result(self, future: Future[T]) -> T | Unobserved:
        """Wait for a result, until the deadline at most; an error becomes `Unobserved`."""
        try:
            error = future.exception(timeout=max(0, self._ends - time.monotonic()))
        except TimeoutError:
            return Unobserved(reason=f"no answer within {self._seconds:g} s")
        return Unobserved(reason=reason_of(error)) if error else future.result()
