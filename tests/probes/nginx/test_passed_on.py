"""What nginx does not pass on of a request for a WebSocket, and whether it buffers the response."""

import pytest

from tests.probes.nginx.test_configuration import at, reader
from tests.probes.nginx.test_limits import MAIN

BOTH = "proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection $upgrade;"
HOST = "proxy_set_header Host $host;"
LOST = ("Upgrade", "Connection")


def _configuration(http: str = "", server: str = "", location: str = "") -> str:
    return (
        f"{MAIN}http {{ {http} map $http_upgrade $upgrade {{ default upgrade; '' close; }} "
        f"server {{ listen 80; {server} location / {{ {location} proxy_pass http://app; }} }} }}"
    )


@pytest.mark.parametrize(
    ("levels", "lost"),
    [
        ({}, LOST),
        ({"location": BOTH}, ()),
        ({"http": BOTH}, ()),
        ({"server": BOTH.lower()}, ()),
        ({"location": "proxy_set_header Upgrade $http_upgrade;"}, ("Connection",)),
        ({"location": "proxy_set_header Connection upgrade;"}, ("Upgrade",)),
        ({"location": "proxy_set_header Upgrade ''; proxy_set_header Connection close;"}, LOST),
        # A level that sets any header inherits none.
        ({"http": BOTH, "location": HOST}, LOST),
        ({"server": HOST, "location": BOTH}, ()),
    ],
)
def test_headers(levels: dict[str, str], lost: tuple[str, ...]) -> None:
    found = reader(_configuration(**levels)).destination(at("http://shop.test/"))
    assert found.not_passed == lost


@pytest.mark.parametrize(
    ("levels", "buffers"),
    [
        ({}, True),
        ({"location": "proxy_buffering off;"}, False),
        ({"http": "proxy_buffering off;"}, False),
        ({"http": "proxy_buffering off;", "location": "proxy_buffering on;"}, True),
    ],
)
def test_buffering(levels: dict[str, str], buffers: bool) -> None:
    found = reader(_configuration(**levels)).destination(at("http://shop.test/"))
    assert found.buffers is buffers


@pytest.mark.parametrize(
    ("levels", "size"),
    [
        ({}, 1 << 20),
        ({"http": "client_max_body_size 16m;"}, 1 << 24),
        ({"http": "client_max_body_size 16m;", "server": "client_max_body_size 2K;"}, 2048),
        ({"server": "client_max_body_size 2K;", "location": "client_max_body_size 0;"}, 0),
        ({"location": "client_max_body_size $size;"}, None),
    ],
)
def test_size_of_a_body(levels: dict[str, str], size: int | None) -> None:
    found = reader(_configuration(**levels)).destination(at("http://shop.test/"))
    assert found.max_body == size


@pytest.mark.parametrize("handler", ["return 200", "fastcgi_pass app:9000", "root /srv"])
def test_other_handlers(handler: str) -> None:
    """Their defaults differ, and a response of nginx itself is neither passed on nor buffered."""
    dump = f"{MAIN}http {{ server {{ listen 80; location / {{ {handler}; }} }} }}"
    found = reader(dump).destination(at("http://shop.test/"))
    assert (found.not_passed, found.buffers) == ((), False)


def test_what_depends_on_something_unknown() -> None:
    dump = (
        MAIN + "http { split_clients $remote_addr $to { 50% a; * b; } server { listen 80; "
        "location / { proxy_pass http://$to; } } }"
    )
    found = reader(dump).destination(at("http://shop.test/"))
    assert found.max_body is None
    assert found.leads_to == ("a:80", "b:80")
    assert (found.not_passed, found.buffers) == ((), False)
