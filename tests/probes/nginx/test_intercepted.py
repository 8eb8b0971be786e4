"""An error of the service may be replaced by a page of another: the expected status tells."""

from typing import Any

import pytest

from tests.probes.nginx.test_destinations import lead

WEB = "location @web { proxy_pass http://web:1; }"
ON = "proxy_pass http://api:1; proxy_intercept_errors on;"


def places(location: str, around: str = "", **route: Any) -> tuple[set[str], str]:
    """Return where `/` may lead, and what decides."""
    found = lead(f"server {{ listen 8080; {around} {WEB} location / {{ {location} }} }}", **route)
    assert not hasattr(found, "reason"), found
    return set(found.leads_to), found.depends_on


API, PAGE, EITHER = {"api:1"}, {"web:1"}, {"api:1", "web:1"}


@pytest.mark.parametrize(
    ("location", "status", "expected"),
    [
        # Without `=`, the client gets the status of the error.
        (f"{ON} error_page 404 @web;", 200, API),
        (f"{ON} error_page 404 @web;", 404, PAGE),
        (f"{ON} error_page 404 @web;", [200, 404], EITHER),
        (f"{ON} error_page 404 410 @web;", [404, 410], PAGE),
        (f"{ON} error_page 503 @web;", 503, PAGE),
        (f"{ON} error_page 503 @web;", 200, API),
        # With `=`, it is that of the page, or the one that is written.
        (f"{ON} error_page 404 = @web;", 200, EITHER),
        (f"{ON} error_page 404 = @web;", 404, PAGE),
        (f"{ON} error_page 404 =200 @web;", 200, EITHER),
        (f"{ON} error_page 404 =200 @web;", 204, API),
        # An error of the server is not how a healthy one responds.
        (f"{ON} error_page 500 502 503 504 = @web;", 200, API),
        (f"{ON} error_page 502 =200 @web;", 200, API),
        # The first page of a status wins.
        (f"{ON} error_page 404 =410 @web; error_page 404 = @web;", 200, API),
        # The client is sent elsewhere, with 302.
        (f"{ON} error_page 404 https://other.test/;", 200, API),
        (f"{ON} error_page 404 https://other.test/;", 302, {"api:1", ""}),
        # Nothing is replaced.
        ("proxy_pass http://api:1; error_page 404 = @web;", 404, API),
        ("proxy_pass http://api:1; proxy_intercept_errors off; error_page 404 @web;", 404, API),
        ("proxy_pass http://api:1; fastcgi_intercept_errors on; error_page 404 @web;", 404, API),
        ("fastcgi_pass api:1; fastcgi_intercept_errors on; error_page 404 @web;", 404, PAGE),
        (ON, 404, API),
    ],
)
def test_errors_of_a_service(location: str, status: Any, expected: set[str]) -> None:
    decides = "proxy_intercept_errors" if len(expected) > 1 else ""
    assert places(location, status=status) == (expected, decides)


def test_errors_of_a_service_as_its_server_says() -> None:
    around = "proxy_intercept_errors on; error_page 404 @web;"
    assert places("proxy_pass http://api:1;", around, status=404) == (PAGE, "")
    off = "proxy_pass http://api:1; proxy_intercept_errors off;"
    assert places(off, around, status=404) == (API, "")


def test_protected_route() -> None:
    location = f"{ON} error_page 401 = @web;"
    assert places(location, protected=True) == (EITHER, "proxy_intercept_errors")
    assert places(f"{ON} error_page 401 403 @web;", protected=True) == (PAGE, "")


def test_page_of_a_page() -> None:
    around = "location /a { proxy_pass http://api:1; error_page 404 @web; } error_page 404 /a;"
    around += " proxy_intercept_errors on; recursive_error_pages on;"
    assert places("proxy_pass http://web:2;", around, status=404) == (API, "")
