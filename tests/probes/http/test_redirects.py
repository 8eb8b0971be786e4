"""Redirects are followed on the same host, if the environment says so, and nowhere else."""

import socket
from threading import Thread

import pytest
import trustme

from stackproof.facts.response import Hop
from tests.probes.http.conftest import Get, Serve
from tests.probes.http.sites import Answer

REDIRECTS: dict[str, Answer] = {
    "/old": (301, {"Location": "/login?next=%2Fold"}, b""),
    "/login?next=%2Fold": (302, {"Location": "//shop.example/new"}, b""),
    "/new": (200, {}, b"here"),
    "/astray": (302, {"Location": "http://other.example/"}, b"gone"),
    "/loop": (302, {"Location": "/loop"}, b""),
    "/no-port": (302, {"Location": "http://shop.example:nonsense/"}, b""),
    "/no-host": (302, {"Location": "http://[nonsense/"}, b""),
}


def test_redirects_are_followed_on_the_same_host(serve: Serve, get: Get) -> None:
    site = serve(REDIRECTS)
    response = get("http://shop.example/old", follow=True, **{"*:80": site.address})
    login = "http://shop.example/login?next=%2Fold"
    assert response.hops == (
        Hop(url="http://shop.example/old", status=301, location="/login?next=%2Fold"),
        Hop(url=login, status=302, location="//shop.example/new"),
        Hop(url="http://shop.example/new", status=200, location=None),
    )
    assert response.body == "here"


def test_redirects_are_followed_from_http_to_https(
    serve: Serve, get: Get, authority: trustme.CA
) -> None:
    plain = serve({"/": (308, {"Location": "https://shop.example/"}, b"")})
    secure = serve(certificate=authority.issue_cert("shop.example"))
    resolve = {"*:80": plain.address, "*:443": secure.address}
    response = get("http://shop.example/", follow=True, **resolve)
    assert response.hops == (
        Hop(url="http://shop.example/", status=308, location="https://shop.example/"),
        Hop(url="https://shop.example/", status=200, location=None),
    )
    assert response.body == "fine"


def test_a_server_may_close_the_connection_after_each_redirect(get: Get) -> None:
    """As nginx does on a reload, however much it had promised to keep it."""
    answers = [
        b"HTTP/1.1 302 Found\r\nLocation: /new\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nhere",
    ]
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(5)  # it would wait for a second connection for ever

        def serve() -> None:
            for answer in answers:
                connection, _ = server.accept()
                with connection:
                    connection.recv(4096)
                    connection.sendall(answer)
                    connection.recv(4096)  # a second request, or the end

        serving_once = Thread(target=serve, daemon=True)
        serving_once.start()
        response = get(f"http://127.0.0.1:{server.getsockname()[1]}/", follow=True)
        serving_once.join()
    assert (response.body, response.error) == ("here", None)


def test_redirects_are_not_followed_unasked(serve: Serve, get: Get) -> None:
    site = serve(REDIRECTS)
    response = get(f"http://{site.address}/old")
    assert [(hop.status, hop.location) for hop in response.hops] == [(301, "/login?next=%2Fold")]
    assert len(site.requests) == 1


def test_another_host_is_never_asked(serve: Serve, get: Get) -> None:
    site, other = serve(REDIRECTS), serve()
    resolve = {"shop.example:80": site.address, "other.example:80": other.address}
    response = get("http://shop.example/astray", follow=True, **resolve)
    assert response.hops == (
        Hop(url="http://shop.example/astray", status=302, location="http://other.example/"),
    )
    assert (response.body, response.error) == ("gone", None)
    assert other.requests == []


def test_a_loop_of_redirects_ends(serve: Serve, get: Get) -> None:
    site = serve(REDIRECTS)
    response = get(f"http://{site.address}/loop", follow=True)
    assert [hop.status for hop in response.hops] == [302] * 10
    assert len(site.requests) == 10


@pytest.mark.parametrize("follow", [True, False])
def test_a_location_that_is_no_url(serve: Serve, get: Get, follow: bool) -> None:
    site = serve(REDIRECTS)
    response = get(f"http://{site.address}/no-port", follow=follow)
    assert response.error == "Invalid URL in location header: Invalid port: 'nonsense'."
    response = get(f"http://{site.address}/no-host", follow=follow)
    assert [hop.location for hop in response.hops] == ["http://[nonsense/"]
    assert len(site.requests) == 2
