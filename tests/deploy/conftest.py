"""An environment with a flaky server."""

from tests.flaky_shop import server, shop

__all__ = ["server", "shop"]
