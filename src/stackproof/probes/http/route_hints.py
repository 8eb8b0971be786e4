"""Hints for a route that does not answer as declared."""

from stackproof.environment.model import Environment
from stackproof.environment.routes import Route
from stackproof.facts.response import Response
from stackproof.hint import HERE, SERVER, Hint, advice, curl, in_container, log_of
from stackproof.probes.http import streams
from stackproof.secrets import is_secret_name


def unbuffered(route: Route, environment: Environment, response: Response) -> tuple[Hint, ...]:
    """Return what may keep the events of a stream back, if the response is a stream."""
    if response.hops and not streams.is_stream(response):
        return ()
    if may_be_nginx(route, environment):
        return (advice("set proxy_buffering off, or send the header X-Accel-Buffering: no"),)
    return (advice("look for a proxy that buffers or compresses the response"),)


def request(route: Route, environment: Environment, options: str = "-sv") -> tuple[Hint, ...]:
    """Return a command that sends the request of a route, unless it must not be sent again.

    It has no value that may be secret. Advice then says where the value is.
    """
    if route.websocket or not route.is_repeatable:
        return ()
    sent = {name: f"{name}: {value}" for name, value in route.headers.items()}
    variables = {name: _variables(environment, route, "headers", name) for name in sent}
    secret = [name for name in sent if variables[name] or is_secret_name(name, assigned=True)]
    shown = [text for name, text in sent.items() if name not in secret]
    template = [options, *["--header {}" for _ in shown]]
    if route.follow_redirects:
        template.append("--location")
    if route.method == "HEAD":
        template.append("--head")
    elif route.method == "OPTIONS" or route.body:
        template.append(f"--request {route.method}")
    of_body = _variables(environment, route, "body")
    if route.body and not of_body:
        template.append("--data-raw {}")
        shown.append(route.body)
    place = SERVER if route.vantage == "server" else HERE
    return (
        curl(" ".join(template), route.url, *shown, place=place),
        *(
            advice("also send its header {}, which the environment file takes from {}", *each)
            or advice("also send its header {}, which the environment file declares", each[0])
            for each in ((name, variables[name]) for name in secret)
        ),
        advice("also send its body, which the environment file takes from {}", of_body),
    )


def _variables(environment: Environment, route: Route, *field: str) -> tuple[str, ...]:
    return environment.origin.variables.get(("routes", route.name, *field), ())


def logs(route: Route, environment: Environment) -> tuple[Hint, ...]:
    """Return the logs to read, and what nginx needs to pass a WebSocket on."""
    logs = (log_of(route.service), *map(log_of, environment.proxies_of(route)))
    if not route.websocket:
        return logs
    needs = "a WebSocket needs proxy_http_version 1.1 and the headers Upgrade and Connection"
    advised = (advice(needs),) if may_be_nginx(route, environment) else ()
    return (*nginx_configuration(route, environment), *advised, *logs)


def may_be_nginx(route: Route, environment: Environment) -> bool:
    """Return whether nginx may be the proxy of a route. It is where no proxy is declared, too."""
    return route.name in environment.nginx_routes or not environment.proxies_of(route)


def nginx_configuration(route: Route, environment: Environment) -> tuple[Hint, ...]:
    """Return the command that prints nginx's configuration, if the route leads through it."""
    if environment.nginx is None or route.name not in environment.nginx_routes:
        return ()
    return (in_container(environment.nginx.service, "nginx -T"),)
