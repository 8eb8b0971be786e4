"""Routes that answer, and are wrong: another service, ill, slow, in the clear, or not served."""

from lab.faults.fault import Fault, checks
from lab.faults.reload import RELOAD

_SITE = "out/nginx/conf.d/chatbuilds.conf"
_NEXUSAI = "out/nginx/conf.d/nexusai.conf"

FAULTS = (
    Fault(
        "route-to-wrong-service",
        "/api leads to another service, which answers 200",
        inject="sed -i 's#proxy_pass http://api:5000;"
        f"#rewrite ^ /health break; proxy_pass http://python-api:5001;#' {_SITE} && {RELOAD}",
        heal="true",
        red=checks("routes.identity[api, api-health]", "nginx.routed[api, api-health]"),
        says="api answered by api: expected field service api, observed python-api",
    ),
    Fault(
        "route-degraded",
        "a service answers 200 and says in the body that it is degraded",
        inject="sed -i 's#proxy_pass http://api:5000;#proxy_pass http://api:5000; "
        f"sub_filter_types *; sub_filter ok degraded;#' {_SITE} && {RELOAD}",
        heal="true",
        red=checks("routes.healthy[api-health]"),
        says="api-health field status: expected ok, observed degraded",
    ),
    Fault(
        "route-slow",
        "a page arrives byte by byte",
        inject=f"sed -i 's#proxy_pass#limit_rate 80; proxy_pass#' {_NEXUSAI} && {RELOAD}",
        heal="true",
        red=checks("routes.latency[nexusai]"),
        says="nexusai latency: expected at most 2000 ms, observed",
    ),
    Fault(
        "http-not-upgraded",
        "plain http is no longer sent to https",
        inject="sed -i 's#return 301 https://#return 301 http://#' out/nginx/conf.d/default.conf "
        f"&& {RELOAD}",
        heal="true",
        red=checks("routes.upgrade[http-redirect]"),
        says="http-redirect upgrade to https: expected 301 or 308 to https, observed 301 to http:",
    ),
    Fault(
        "server-block-lost",
        "a deploy lost the server block of a host",
        inject=f"rm {_NEXUSAI} && {RELOAD}",
        heal="true",
        red=checks("routes.status[nexusai]", "nginx.routed[nexusai]",
                   "tls.trusted[nexusai.domain.com]"),
        unknown=("routes.*[nexusai]", "tls.*[nexusai.domain.com]"),
        says="nexusai in nginx's configuration: expected to lead to nexusai, "
        "observed no server block for nexusai.domain.com",
    ),
)  # fmt: skip
