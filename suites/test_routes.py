"""Every route answers as declared, from the declared service, and in time.

A route is one request from where the suite runs, within 5 seconds, including redirects. Proxies of
environment variables are not used.
"""

from collections.abc import Mapping
from urllib.parse import urljoin, urlsplit

from stackproof.environment.model import Environment
from stackproof.environment.redirect_port import answers, origin
from stackproof.environment.responses import ExpectedContent
from stackproof.environment.routes import LOGIN_REDIRECTS, UNAUTHENTICATED, Route
from stackproof.facts.container import Container, ListedContainer
from stackproof.facts.proxy import Destination, UpstreamError
from stackproof.facts.response import BodyLimit, Hop, Response
from stackproof.finding import finding
from stackproof.fixtures.session.collection import critical, declares
from stackproof.hint import advice, log_of, server
from stackproof.probes.http import body_limits, streams
from stackproof.probes.http import route_hints as hints
from stackproof.probes.http.content import forbidden, mismatch
from stackproof.probes.http.responder import wrong_senders
from stackproof.sizes import Bytes
from stackproof.unobserved import UnobservedError

_BODY_SHOWN = 500
_REFUSED = 400


@critical
def test_status(
    route: Route,
    response: Response,
    environment: Environment,
    starting: str,
    upstream_error: UpstreamError | None,
    passed_by_nginx: Destination | None,
) -> None:
    """Users see the route's status. A container can be healthy behind a route that fails.

    Where nginx has no response of an upstream, its log says why.
    A WebSocket must be accepted with 101: many proxies drop the headers that ask for one. While the
    container is starting, a failure is UNKNOWN: some proxies wait until it is healthy.
    """
    why = upstream_error or (_headers_lost(passed_by_nginx) if route.websocket else "")
    fine = response.status in route.expected_statuses
    if starting and not fine:
        raise UnobservedError(f"{route.service} is {starting}")
    assert fine, finding(
        route,
        "status" if route.method == "GET" else f"status of {route.method}",
        expected="a WebSocket (101 Switching Protocols)"
        if route.websocket
        else " or ".join(map(str, route.expected_statuses)),
        observed=response.error or (f"{response.status}: {why}" if why else response.status),
        evidence=_describe(response),
        hint=(*hints.request(route, environment), *hints.logs(route, environment)),
    )


@declares("protected")
def test_protected(route: Route, http_response: Response, environment: Environment) -> None:
    """Lost protection goes unnoticed, except by the people it kept out.

    It may redirect to its declared login.
    """
    hop = http_response.hops[-1]
    if hop.status >= _REFUSED and hop.status not in UNAUTHENTICATED:
        raise UnobservedError(f"the route answered {hop.status}")
    to_login = hop.status in LOGIN_REDIRECTS and _leads_to(route.login, hop)
    assert hop.status in UNAUTHENTICATED or to_login, finding(
        route,
        "without credentials",
        expected=" or ".join(map(str, UNAUTHENTICATED))
        + (f" or a redirect to {route.login}" if route.login else ""),
        observed=f"{hop.status} to {hop.location}" if route.login and hop.location else hop.status,
        evidence=_describe(http_response),
        hint=(
            *hints.request(route, environment),
            *hints.nginx_configuration(route, environment),
            advice(
                "look for a missing auth_basic, auth_request or deny; "
                "or {} itself no longer asks for credentials",
                route.service,
            ),
        ),
    )


@declares("redirects")
def test_redirects(route: Route, http_response: Response, environment: Environment) -> None:
    """A redirect to another host, or back to http, sends users and passwords to the wrong place.

    One to a port at which nothing answers sends them nowhere.
    """
    elsewhere = [
        hop for hop in http_response.hops if hop.location and not _leads_to(route.login, hop)
    ]
    away = [hop for hop in elsewhere if not _stays(hop)]
    closed = [
        hop
        for hop in elsewhere
        if hop not in away and not _answers(environment, http_response, hop)
    ]
    wrong = [f"{hop.url} -> {hop.location}" for hop in (*away, *closed)]
    assert not wrong, finding(
        route,
        "redirects",
        expected=f"to stay on {urlsplit(route.url).hostname}"
        + ("" if away else ", at a port that is published"),
        observed=wrong[0],
        evidence=_describe(http_response),
        hint=(
            *hints.request(route, environment),
            advice("fix the proxy's return and proxy_redirect lines, or the service's public URL"),
        ),
    )


@critical
@declares("upgrade")
def test_upgrade(route: Route, http_response: Response, environment: Environment) -> None:
    """Without it, a user who types the bare host name sends passwords unencrypted."""
    first = http_response.hops[0]
    location = urljoin(first.url, first.location) if first.location else None
    secure = location is not None and urlsplit(location).scheme == "https"
    permanent = secure and first.status in (301, 308)
    is_open = not permanent or _answers(environment, http_response, first)
    right = permanent and is_open
    assert right, finding(
        route,
        "upgrade to https",
        expected="301 or 308 to https" + ("" if is_open else " at a port that is published"),
        observed=f"{first.status} to {location}" if location else first.status,
        evidence=_describe(http_response),
        hint=(
            *hints.request(route, environment),
            advice("in the server block of port 80: return 301 https://$host$request_uri;")
            if hints.may_be_nginx(route, environment)
            else advice("redirect http to https permanently, in the configuration of the proxy"),
        ),
    )


@critical
@declares("identity.content")
def test_identity(route: Route, good_response: Response, environment: Environment) -> None:
    """A route to the wrong container can answer 200, and only users notice."""
    expected, observed = mismatch(route.identity or ExpectedContent(), good_response)
    assert observed == expected, finding(
        route,
        f"answered by {route.service}",
        expected=expected,
        observed=observed,
        evidence=_describe(good_response),
        hint=(
            *hints.request(route, environment),
            *hints.nginx_configuration(route, environment),
            advice("reload nginx if the container of {} is newer than its workers", route.service)
            if hints.may_be_nginx(route, environment)
            else advice("look where the configuration of the proxy sends the route"),
        ),
    )


@declares("instance")
def test_instance(
    route: Route,
    good_response: Response,
    containers: tuple[Container, ...],
    listed: Mapping[str, ListedContainer],
    environment: Environment,
) -> None:
    """A stale cache answers for a service that is gone, and everything seems to work."""
    senders = wrong_senders(route.instance, good_response, containers, listed)
    assert not senders, finding(
        route,
        "instance",
        expected=f"a running container of {route.service}",
        observed=" and ".join(senders),
        evidence=_describe(good_response),
        hint=(
            *hints.request(route, environment),
            *hints.nginx_configuration(route, environment),
        ),
    )


@critical
@declares("healthy.content")
def test_healthy(route: Route, good_response: Response, environment: Environment) -> None:
    """A service that lost its database often still answers 200, and only its body shows it."""
    expected, observed = mismatch(route.healthy or ExpectedContent(), good_response)
    assert observed == expected, finding(
        route,
        "says",
        expected=expected,
        observed=observed,
        evidence=_describe(good_response),
        hint=(*hints.request(route, environment), log_of(route.service)),
    )


@critical
@declares("must_not.text")
def test_forbidden_text(route: Route, good_response: Response, environment: Environment) -> None:
    """An error page often has status 200 and the title of the site. Its text gives it away."""
    texts = route.must_not.text if route.must_not else ()
    found = forbidden(texts, good_response)
    assert not found, finding(
        route,
        "text",
        expected=f"no {' and no '.join(found)}",
        observed=" and ".join(found.values()),
        evidence=_describe(good_response),
        hint=(*hints.request(route, environment), log_of(route.service)),
    )


@declares("stream")
def test_stream(
    route: Route,
    response: Response,
    environment: Environment,
    passed_by_nginx: Destination | None,
    starting: str,
) -> None:
    """A proxy that buffers keeps events back, and the page waits for what was sent long ago.

    The first events must arrive while the response goes on. One that ends at once is UNKNOWN.
    """
    expected, observed = streams.mismatch(route, response, passed_by_nginx)
    if starting and observed != expected:
        raise UnobservedError(f"{route.service} is {starting}")
    assert observed == expected, finding(
        route,
        "stream",
        expected=expected,
        observed=observed,
        evidence=_describe(response),
        hint=(
            *hints.request(route, environment, "-svN -m 5"),
            *hints.nginx_configuration(route, environment),
            *hints.unbuffered(route, environment, response),
            log_of(route.service),
        ),
    )


@declares("body_limit")
def test_body_limit(
    route: Route,
    body_limit: BodyLimit,
    environment: Environment,
    passed_by_nginx: Destination | None,
) -> None:
    """Uploads fail at the limit of a proxy, which is 1 MiB in nginx if none is set.

    Two requests announce a body, one of the maximum size and one larger by a byte. Neither body is
    sent.
    """
    limit = route.body_limit or Bytes(0)
    expected, observed = body_limits.mismatch(limit, body_limit, passed_by_nginx)
    assert observed == expected, finding(
        route,
        "body limit",
        expected=expected,
        observed=observed,
        hint=(
            *hints.nginx_configuration(route, environment),
            advice("in the location of the route: client_max_body_size {};", str(int(limit)))
            if hints.may_be_nginx(route, environment)
            else advice("set the maximum size of a body in the configuration of the proxy"),
        ),
    )


@declares("budget_ms")
def test_latency(route: Route, good_response: Response, environment: Environment) -> None:
    """Users leave a slow page just as they leave one that is down."""
    assert good_response.elapsed_ms <= (route.budget_ms or 0), finding(
        route,
        "latency",
        expected=f"at most {route.budget_ms} ms",
        observed=f"{good_response.elapsed_ms:.0f} ms",
        evidence=_describe(good_response),
        hint=(
            *hints.request(
                route, environment, "-so /dev/null -w '%{time_starttransfer} %{time_total}'"
            ),
            server("docker stats --no-stream"),
            log_of(route.service),
        ),
    )


def _headers_lost(destination: Destination | None) -> str:
    lost = destination.not_passed if destination else ()
    return f"nginx does not pass {' and '.join(lost)}" if lost else ""


def _leads_to(login: str | None, hop: Hop) -> bool:
    """Return whether a redirect leads to the login, with any query."""
    if login is None or not hop.location:
        return False
    try:
        expected, there = urlsplit(login), urlsplit(urljoin(hop.url, hop.location))
        same_place = origin(there) == origin(expected)
    except ValueError:  # not a URL
        return False
    return same_place and expected.path in ("", "/", there.path)


def _answers(environment: Environment, response: Response, hop: Hop) -> bool:
    """Return whether a redirect to the same host leads to a port at which something answers."""
    here, there = urlsplit(hop.url), urlsplit(urljoin(hop.url, hop.location or ""))
    if here.hostname != there.hostname:
        return True
    try:
        return answers(environment, response, origin(here), origin(there))
    except ValueError:  # not a port
        return False


def _stays(hop: Hop) -> bool:
    try:
        here, there = urlsplit(hop.url), urlsplit(urljoin(hop.url, hop.location or ""))
    except ValueError:  # not a URL
        return False
    return here.hostname == there.hostname and (here.scheme, there.scheme) != ("https", "http")


def _describe(response: Response) -> dict[str, object]:
    return {
        "answers": "\n".join(
            f"{hop.status} {hop.url}" + (f" -> {hop.location}" if hop.location else "")
            for hop in response.hops
        ),
        "headers": "\n".join(f"{name}: {value}" for name, value in response.headers.items()),
        "body": response.body[:_BODY_SHOWN],
        "time": f"{response.elapsed_ms:.0f} ms",
    }
