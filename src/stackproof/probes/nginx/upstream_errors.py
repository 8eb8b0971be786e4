"""Why nginx got no response from an upstream, as its log says of the requests of routes."""

import re
from collections.abc import Mapping
from urllib.parse import urlsplit

from stackproof.engine.connection import Connection
from stackproof.facts.proxy import UpstreamError
from stackproof.facts.response import Hop, Response
from stackproof.probes.containers.inspect import Inspection, inspection
from stackproof.probes.declaration import NGINX, Target, every, probe
from stackproof.probes.engine_session import connection
from stackproof.probes.http.responses import response
from stackproof.probes.nginx import log
from stackproof.unobserved import Unobserved, UnobservedError

_OF_UPSTREAMS = frozenset({500, 502, 503, 504})
"""What nginx responds where an upstream does not."""
# `*7 connect() failed (111: Connection refused) while connecting to upstream, client: 10.0.0.1,
# server: shop.test, request: "GET /api HTTP/1.1", upstream: "http://172.18.0.5:5000/api", host: …`
_ENTRY = re.compile(
    rb'\[error\] \d+#\d+: \*\d+ (?P<message>[^"\n]{1,300}?), client: [^"\n]{1,300}'
    rb'request: "[A-Z]{1,20} (?P<target>[^" \n]{1,2048}) HTTP/[^"\n]{1,8}"'
    rb'(?:, upstream: "(?P<upstream>[^"\n]{1,2100})")?(?:, host: "(?P<host>[^"\n]{1,300})")?'
)


@probe("upstream_errors", of=NGINX, needs=[connection, inspection, every(response)])
def upstream_errors(
    target: Target,
    connection: Connection,
    inspection: Inspection | None,
    responses: Mapping[str, Response | Unobserved],
) -> Mapping[str, UpstreamError]:
    """By route, why nginx had no response of an upstream for it."""
    behind = target.environment.nginx_routes
    failed = {
        name: found.hops[-1]
        for name, found in responses.items()
        if name in behind and isinstance(found, Response) and found.status in _OF_UPSTREAMS
    }
    if not failed:
        return {}
    if inspection is None:
        raise UnobservedError("there is no container")
    last_lines = log.tail(connection, inspection.container.id, {"stdout": 1, "stderr": 1})
    return parse(last_lines, failed)


def parse(lines: bytes, failed: Mapping[str, Hop]) -> dict[str, UpstreamError]:
    """Return the last error of each failed request.

    Args:
        lines: the end of nginx's log.
        failed: by route, the response.
    """
    of_requests: dict[tuple[str, str], UpstreamError] = {}
    for entry in _ENTRY.finditer(lines):
        message, target, upstream, host = (
            (each or b"").decode(errors="replace")
            for each in entry.group("message", "target", "upstream", "host")
        )
        address = urlsplit(upstream).netloc if upstream.count("/") > 1 else ""
        of_requests[host, target] = UpstreamError(message=message, upstream=address)
    found = {name: of_requests.get(_request(hop.url)) for name, hop in failed.items()}
    return {name: error for name, error in found.items() if error}


def _request(url: str) -> tuple[str, str]:
    """Return the host and the target of the request of a URL, as nginx logs them."""
    parts = urlsplit(url)
    query = f"?{parts.query}" if parts.query else ""
    return parts.netloc.rpartition("@")[2], f"{parts.path or '/'}{query}"
