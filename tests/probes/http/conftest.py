"""Servers on loopback, and requests to them."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import trustme

from stackproof.environment.model import Environment
from stackproof.facts.response import Response
from stackproof.probes.http.client import Client
from stackproof.probes.http.connections import trusted
from tests.probes.http.sites import Answer, Site, serving

Serve = Callable[..., Site]
Get = Callable[..., Response]


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Start a server; `answers` are by path."""
    with ExitStack() as stack:

        def start(
            answers: dict[str, Answer] | None = None, certificate: trustme.LeafCert | None = None
        ) -> Site:
            known = answers or {"/": (200, {}, b"fine")}
            return stack.enter_context(
                serving(lambda path: known.get(path, (404, {}, b"nothing here")), certificate)
            )

        yield start


@pytest.fixture
def get(authority: trustme.CA, tmp_path: Path) -> Get:
    """Return a function that requests URLs, with overrides of their addresses."""
    ca_file = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(ca_file)

    def get(*urls: str, follow: bool = False, vantage: str = "here", **resolve: str) -> Response:
        """Get several routes in turn with one client; return the last response."""
        route = {"service": "web", "follow_redirects": follow, "vantage": vantage}
        environment = Environment.model_validate(
            {
                "name": "shop",
                "services": {"web": {}},
                "ca_file": str(ca_file),
                "resolve": resolve,
                "routes": {f"route-{n}": {**route, "url": url} for n, url in enumerate(urls)},
            }
        )
        client = Client(environment.resolve, trusted(environment, "requests"))
        *_, last = [client.request(each) for each in environment.routes.values()]
        return last

    return get
