"""A request as nginx gets it."""

import pytest

from stackproof.probes.nginx.routing.request import Request, host_of, request_to


def test_request() -> None:
    found = request_to(
        "https://Shop.test.:8443/a%20b/?x=1&y", 443, method="POST", headers={"X-Team": "A"}
    )
    assert found == Request(
        url="https://Shop.test.:8443/a%20b/?x=1&y", scheme="https", host="shop.test",
        http_host="shop.test:8443", port=443, path="/a%20b/", query="x=1&y", method="POST",
        headers={"x-team": "A"}, address="",
    )  # fmt: skip


def test_plain_request() -> None:
    assert request_to("http://shop.test", 8080) == Request(
        url="http://shop.test", scheme="http", host="shop.test", http_host="shop.test", port=8080,
        path="/", query="", method="GET", headers={}, address="",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("url", "http_host", "host"),
    [
        ("http://a.test/", "a.test", "a.test"), ("http://a.test:80/", "a.test", "a.test"),
        ("http://a.test:443/", "a.test:443", "a.test"), ("https://a.test:443/", "a.test", "a.test"),
        ("https://a.test:80/", "a.test:80", "a.test"), ("http://[::1]/", "[::1]", "[::1]"),
        ("http://[::1]:81/", "[::1]:81", "[::1]"), ("http://10.0.0.1:81/", "10.0.0.1:81",
                                                      "10.0.0.1"),
    ],
)  # fmt: skip
def test_host_of_a_url(url: str, http_host: str, host: str) -> None:
    found = request_to(url, 1)
    assert (found.http_host, found.host) == (http_host, host)


def test_host_header() -> None:
    found = request_to("http://a.test:81/", 81, headers={"HOST": "B.test:1"})
    assert (found.http_host, found.host) == ("B.test:1", "b.test")


@pytest.mark.parametrize(
    ("http_host", "host"),
    [
        ("A.test", "a.test"), ("a.test.", "a.test"), ("a.test:80", "a.test"), ("[::1]", "[::1]"),
        ("[FD00::1]:80", "[fd00::1]"), ("", ""), ("a]b:80", "a]b"),
    ],
)  # fmt: skip
def test_host(http_host: str, host: str) -> None:
    assert host_of(http_host) == host


@pytest.mark.parametrize(
    ("path", "uri"),
    [
        ("/", "/"), ("//", "/"), ("///a////b", "/a/b"), ("/a/", "/a/"), ("/a/.", "/a/"),
        ("/a/./", "/a/"), ("/a/..", "/"), ("/a/../", "/"), ("/a/b/..", "/a/"), ("/.a", "/.a"),
        ("/a/.b/", "/a/.b/"), ("/a/../b", "/b"), ("/a...", "/a..."), ("/..", "/"), ("/%2e%2e/a",
                                                                                  "/a"),
        ("/%41%20", "/A "), ("", "/"), ("/a.b/c", "/a.b/c"), ("/a/...", "/a/..."),
    ],
)  # fmt: skip
def test_uri(path: str, uri: str) -> None:
    assert request_to(f"http://a.test{path}", 80).uri == uri
