"""The project with nginx, started once."""

from collections.abc import Iterator

import pytest

from tests.live.nginx.proxied import Proxied


@pytest.fixture(scope="session")
def proxied(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxied]:
    project = Proxied(tmp_path_factory.mktemp("nginx"))
    try:
        yield project
    finally:
        project.close()
