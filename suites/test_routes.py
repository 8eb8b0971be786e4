"""Every route answers as declared, by the service that is declared, and in time.

A route is one GET from where the suite runs, within 5 seconds, redirects included. The proxies of
the process's environment are not used.
"""

from urllib.parse import urljoin, urlsplit

from environments.answers import Answer
from environments.routes import UNAUTHENTICATED, Route
from fixtures.answers import difference
from fixtures.collection import critical, declares
from fixtures.facts import Response
from fixtures.observation import CannotLook
from reports.finding import finding
from reports.hint import command

_BODY_SHOWN = 500
_REFUSED = 400


@critical
def test_status(route: Route, response: Response) -> None:
    """What users get is the status; a container can be healthy behind a route that is not."""
    assert response.status in route.right, finding(
        route,
        "status",
        expected=" or ".join(map(str, route.right)),
        observed=response.error or response.status,
        evidence=_seen(response),
        hint=command(
            "curl -sv {}, then docker compose logs --tail 50 {} and of the proxy",
            route.url,
            route.service,
        ),
    )


@declares("protected")
def test_protected(route: Route, answered: Response) -> None:
    """A protection that a deploy lost shows to nobody but those whom it kept out."""
    status = answered.hops[-1].status
    if status >= _REFUSED and status not in UNAUTHENTICATED:
        raise CannotLook(f"the route answered {status}")
    assert status in UNAUTHENTICATED, finding(
        route,
        "without credentials",
        expected=" or ".join(map(str, UNAUTHENTICATED)),
        observed=status,
        evidence=_seen(answered),
        hint=command(
            "nginx -T in nginx's container: is its auth_basic, auth_request or deny still there? "
            "Or {} itself stopped asking",
            route.service,
        ),
    )


@declares("redirects")
def test_redirects(route: Route, answered: Response) -> None:
    """A redirect to another host, or back to http, sends users and their passwords astray."""
    strays = [
        f"{hop.url} -> {hop.location}"
        for hop in answered.hops
        if hop.location and not _stays(hop.url, hop.location)
    ]
    assert not strays, finding(
        route,
        "redirects",
        expected=f"to stay on {urlsplit(route.url).hostname}",
        observed=strays[0],
        evidence=_seen(answered),
        hint="mend the proxy's return and proxy_redirect lines, or the service's public URL",
    )


@critical
@declares("upgrade")
def test_upgrade(route: Route, answered: Response) -> None:
    """Without it a user who types the bare name sends passwords in the clear."""
    first = answered.hops[0]
    location = urljoin(first.url, first.location) if first.location else None
    secure = location is not None and urlsplit(location).scheme == "https"
    right = secure and first.status in (301, 308)
    assert right, finding(
        route,
        "upgrade to https",
        expected="301 or 308 to https",
        observed=f"{first.status} to {location}" if location else first.status,
        evidence=_seen(answered),
        hint="return 301 https://$host$request_uri; in the server block of port 80",
    )


@critical
@declares("identity.says")
def test_identity(route: Route, served: Response) -> None:
    """A route that reaches the wrong container can answer 200, and nobody notices but users."""
    due, said = difference(route.identity or Answer(), served)
    assert said == due, finding(
        route,
        f"answered by {route.service}",
        expected=due,
        observed=said,
        evidence=_seen(served),
        hint=command(
            "read where the proxy sends it: nginx -T in its container, and reload it if the "
            "container of {} is newer than its workers",
            route.service,
        ),
    )


@critical
@declares("healthy.says")
def test_healthy(route: Route, served: Response) -> None:
    """A service that lost its database often still answers 200, and says so in the body."""
    due, said = difference(route.healthy or Answer(), served)
    assert said == due, finding(
        route,
        "says",
        expected=due,
        observed=said,
        evidence=_seen(served),
        hint=command("curl -s {}, then docker compose logs --tail 50 {}", route.url, route.service),
    )


@declares("budget_ms")
def test_latency(route: Route, served: Response) -> None:
    """Users leave a slow page as they leave one that is down."""
    assert served.elapsed_ms <= (route.budget_ms or 0), finding(
        route,
        "latency",
        expected=f"at most {route.budget_ms} ms",
        observed=f"{served.elapsed_ms:.0f} ms",
        evidence=_seen(served),
        hint=command(
            "curl -so /dev/null -w '%{{time_starttransfer}} %{{time_total}}' {}, "
            "then docker stats --no-stream, and docker compose logs --tail 50 {}",
            route.url,
            route.service,
        ),
    )


def _stays(url: str, location: str) -> bool:
    try:
        here, there = urlsplit(url), urlsplit(urljoin(url, location))
    except ValueError:  # no URL at all
        return False
    return here.hostname == there.hostname and (here.scheme, there.scheme) != ("https", "http")


def _seen(response: Response) -> dict[str, object]:
    return {
        "answers": "\n".join(
            f"{hop.status} {hop.url}" + (f" -> {hop.location}" if hop.location else "")
            for hop in response.hops
        ),
        "headers": "\n".join(f"{name}: {value}" for name, value in response.headers.items()),
        "body": response.body[:_BODY_SHOWN],
        "time": f"{response.elapsed_ms:.0f} ms",
    }
