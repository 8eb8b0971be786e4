"""Traefik that does not use what is declared, or has no server that is up."""

from lab.faults.fault import Fault, checks

_FILE = "/etc/traefik/routes.yaml"


def _edit(script: str) -> str:
    """Return a shell line that edits the routes in the container. Traefik reads them again."""
    return f"docker exec proxies-traefik sed -i '{script}' {_FILE}"


def _answers(host: str, status: int) -> str:
    """Return a shell condition: a site answers with a status."""
    return (
        '[ "$(docker exec proxies-traefik curl -so /dev/null -w "%{http_code}" '
        f'-H "Host: {host}" http://127.0.0.1/)" = {status} ]'
    )


_HEAL = f"""\
docker cp --quiet proxies/traefik/routes.yaml proxies-traefik:{_FILE}
until {_answers("blog.traefik.test", 200)} && {_answers("shop.traefik.test", 200)}
do sleep 0.1; done"""

FAULTS = (
    Fault(
        "traefik-router-disabled",
        "a router names a service that does not exist: Traefik starts, and does not use it",
        inject=_edit("s/service: blog/service: pages/"),
        until=_answers("blog.traefik.test", 404),
        heal=_HEAL,
        red=checks("traefik.configuration[traefik]", "routes.status[blog-traefik]"),
        unknown=("routes.identity[blog-traefik]",),
        says="traefik configuration: expected every router, service and middleware to be enabled, "
        'observed http router blog@file disabled: the service "pages@file" does not exist',
        shape="proxies",
    ),
    Fault(
        "traefik-server-down",
        "the only server of a service fails its health check",
        inject=_edit("s/shop:8000/shop:8001/"),
        until=_answers("shop.traefik.test", 503),
        heal=_HEAL,
        red=checks("traefik.servers[traefik]", "routes.status[shop-traefik]"),
        unknown=("routes.identity[shop-traefik]",),
        says="traefik servers: expected one of each service that is UP, "
        "observed shop@file: http://shop:8001 DOWN",
        shape="proxies",
    ),
    Fault(
        "traefik-without-routers",
        "Traefik finds nothing that is declared, as when it may not read the engine's socket",
        inject=_edit("s/^http:/off:/"),
        until=_answers("shop.traefik.test", 404),
        heal=_HEAL,
        red=checks(
            "traefik.routers[traefik]", "routes.status[shop-traefik, blog-traefik]"
        ),
        unknown=("routes.identity[*-traefik]",),
        says="traefik routers: expected at least one, observed none apart from its own",
        shape="proxies",
    ),
)  # fmt: skip
