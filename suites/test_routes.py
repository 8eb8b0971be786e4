"""Every route answers as declared, and its redirects stay where they should."""

from urllib.parse import urljoin, urlsplit

from environments.model import Route
from fixtures.collection import critical, declares
from fixtures.facts import Response
from reports.finding import finding

_BODY_SHOWN = 500


@critical
def test_status(route: Route, response: Response) -> None:
    """What users get is the status; a container can be healthy behind a route that is not."""
    last = response.hops[-1] if response.hops else None
    status = last.status if last and response.error is None else None
    assert status in route.status, finding(
        route,
        "status",
        expected=" or ".join(map(str, route.status)),
        observed=response.error or status,
        evidence=_seen(response),
        hint=f"curl -sv {route.url}, then docker logs of the proxy and of {route.service}",
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
