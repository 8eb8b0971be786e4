"""Caddy that runs another configuration than the one on disk, or passes requests to nobody."""

from lab.faults.fault import Fault, checks

_FILE = "/etc/caddy/Caddyfile"
_RELOAD = f"docker exec proxies-caddy caddy reload --config {_FILE} 2>/dev/null"
_RESTORE = f"docker cp --quiet proxies/caddy/Caddyfile proxies-caddy:{_FILE}"
_HEAL = f"{_RESTORE}\n{_RELOAD}"


def _edit(script: str) -> str:
    """Return a shell line that edits the Caddyfile in the container."""
    return f"docker exec proxies-caddy sed -i '{script}' {_FILE}"


FAULTS = (
    Fault(
        "caddy-config-invalid",
        "someone left a typing error in the Caddyfile, which shows at the next restart",
        inject=_edit("s/reverse_proxy blog/revers_proxy blog/"),
        heal=_RESTORE,
        red=checks("caddy.config_valid[caddy]"),
        unknown=("caddy.config_loaded[caddy]",),
        says="caddy configuration: expected caddy validate succeeds, observed Error: adapting",
        shape="proxies",
    ),
    Fault(
        "caddy-not-reloaded",
        "the Caddyfile was changed, and Caddy was not reloaded",
        inject=_edit("s/static/assets/"),
        heal=_RESTORE,
        red=checks("caddy.config_loaded[caddy]"),
        says="caddy running configuration: expected the one on disk, observed another one: "
        "apps.http.servers.srv0.routes",
        shape="proxies",
    ),
    Fault(
        "caddy-reload-failed",
        "a reload failed for a certificate that is missing; the Caddyfile was put back since",
        inject=_edit("s#^http://blog.*#https://blog.caddy.test { tls /no.pem /no.key#")
        + f"\n! {_RELOAD}\n{_RESTORE}",
        heal=_HEAL,
        red=checks("caddy.log[caddy]"),
        says="caddy log: expected no error since it last loaded its configuration, observed "
        "admin.api: request error: loading config: loading new config: ",
        shape="proxies",
    ),
    Fault(
        "caddy-wrong-upstream",
        "a site leads to the wrong service, which answers 200",
        inject=f"{_edit('s/shop:8000/blog:8000/')}\n{_RELOAD}",
        heal=_HEAL,
        red=checks("caddy.routed[shop-caddy]", "routes.identity[shop-caddy]"),
        says="shop-caddy in Caddy's configuration: expected to lead to shop at 8000, "
        "observed blog:8000",
        shape="proxies",
    ),
    Fault(
        "caddy-wrong-port",
        "a site leads to a port at which nothing listens",
        inject=f"{_edit('s/blog:8000/blog:8001/')}\n{_RELOAD}",
        heal=_HEAL,
        red=checks(
            "caddy.upstreams[caddy]", "caddy.routed[blog-caddy]", "routes.status[blog-caddy]"
        ),
        unknown=("routes.identity[blog-caddy]",),
        says="caddy upstreams: expected each to accept a connection, observed blog:8001: "
        "connection refused",
        shape="proxies",
    ),
    Fault(
        "caddy-upstream-down",
        "a service behind the proxies was stopped",
        inject="docker stop --time=0 proxies-blog",
        red=checks(
            "caddy.upstreams[caddy]", "containers.running[blog]",
            "routes.status[blog-caddy, blog-haproxy, blog-traefik]",
        ),
        unknown=("*[blog]", "routes.identity[blog-*]"),
        says="caddy upstreams: expected each to accept a connection, observed blog:8000: ",
        shape="proxies",
    ),
)  # fmt: skip
