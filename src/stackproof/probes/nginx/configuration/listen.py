"""The sockets that server blocks listen on."""

import re
from collections.abc import Sequence
from typing import NamedTuple

from stackproof.unobserved import UnobservedError

_PORT = re.compile(r"(?:(?P<address>.*):)?(?P<first>\d+)(?:-(?P<last>\d+))?", flags=re.ASCII)
_MAX_PORT = 65535
_SHOWN = 60
_LOOPBACK = re.compile(r"127\..*|\[::1\]|localhost")
ANY_IPV4, ANY_IPV6 = "*", "[::]"


class Listen(NamedTuple):
    """A `listen` directive."""

    address: str
    """`*`, `[::]`, an address, a name, or `unix:` with a path."""
    first: int
    """0 for a Unix socket."""
    last: int
    is_default: bool
    is_secure: bool

    @property
    def is_loopback(self) -> bool:
        """Return whether only programs in the same container can connect to it."""
        return bool(_LOOPBACK.fullmatch(self.address)) or not self.first


def parse_listen(target: str, options: Sequence[str]) -> Listen:
    """Parse the arguments of a `listen` directive.

    Raises:
        UnobservedError: it has no valid port.
    """
    is_default = "default_server" in options or "default" in options
    is_secure = "ssl" in options
    if target.startswith("unix:"):
        return Listen(target, 0, 0, is_default, is_secure)
    named = _PORT.fullmatch(target)
    if not named or target.endswith("]"):  # an address alone
        return Listen(_address(target), 80, 80, is_default, is_secure)
    first = int(named["first"][:6])
    last = int((named["last"] or named["first"])[:6])
    if not 1 <= first <= last <= _MAX_PORT:
        raise UnobservedError(f"nginx listens at {target[:_SHOWN]}, which is not a port")
    return Listen(_address(named["address"] or ANY_IPV4), first, last, is_default, is_secure)


def _address(text: str) -> str:
    return ANY_IPV4 if text == "0.0.0.0" else text.lower()  # noqa: S104 - not bound here
