"""nginx from inside its container: its files, its processes and the names of its upstreams."""

from collections.abc import Callable, Mapping
from typing import TypeVar

from stackproof.facts.command import CommandResult
from stackproof.facts.container import Container
from stackproof.facts.proxy import Proxy
from stackproof.probes.containers.commands import Results, command_probe, executed
from stackproof.probes.containers.inspect import Inspection, inspection
from stackproof.probes.declaration import NGINX, Target, probe
from stackproof.probes.http.responses import response
from stackproof.probes.nginx import destinations, files, names, workers
from stackproof.probes.nginx.configuration.model import Configuration
from stackproof.probes.nginx.error_log import hidden_log
from stackproof.probes.nginx.routing.reader import Reader
from stackproof.shell import Line, line, script, script_line
from stackproof.unobserved import Unobserved, UnobservedError, reason_of

T = TypeVar("T")

_WAIT_FOR_RESPONSES_S = 6
"""Seconds: enough for nearly all responses, and enough before the deadline to parse."""

nginx_test = command_probe(
    "nginx_test",
    "The result of `nginx -t`.",
    lambda _: script_line(files.test_script(), "nginx -t"),
    NGINX,
)


def commands(target: Target) -> Mapping[str, Line]:
    """Return the read-only commands whose results `proxy` parses."""
    scripts = {
        "nginx_files": files.script(target.environment),
        "nginx_processes": line(workers.SCRIPT),
        "nginx_names": names.script(target.environment),
    }
    return {name: line("sh -c <script>", script=script(each)) for name, each in scripts.items()}


# Parsing a large configuration takes time, which must not make routes look slow. The output may
# hold secrets: only what is parsed is kept.
@probe(
    "proxies", of=NGINX, needs=[executed, inspection], commands=commands,
    after=[response], after_at_most_s=_WAIT_FOR_RESPONSES_S,
)  # fmt: skip
def proxy(target: Target, executed: Results, inspection: Inspection | None) -> Proxy:
    """The reverse proxy, from inside its container."""
    return parse(executed, target, inspection.container if inspection else None)


def parse(results: Results, target: Target, container: Container | None = None) -> Proxy:
    """Parse the results of `commands`."""
    shown = results["nginx_files"]
    configuration = _parse(shown, files.parse_configuration)
    read = Proxy(
        destinations=configuration if isinstance(configuration, Unobserved) else {},
        resolved_at_load=configuration if isinstance(configuration, Unobserved) else (),
        files=_parse(shown, files.parse_files),
        folders=_parse(shown, files.parse_folders),
        replaced_mounts=_parse(shown, files.parse_replaced_mounts),
        workers=_parse(results["nginx_processes"], workers.parse_workers),
        addresses=_parse(results["nginx_names"], _addresses),
    )
    if isinstance(configuration, Unobserved) or isinstance(shown, Unobserved):
        return read
    if not isinstance(read.addresses, Unobserved):
        further = files.parse_further_addresses(shown)
        read = read.model_copy(update={"addresses": {**further, **read.addresses}})
    return read.model_copy(update=_read(configuration, shown, target, container))


def _addresses(result: CommandResult) -> dict[str, tuple[str, ...]]:
    return names.parse_addresses(result.output)


def _read(
    configuration: Configuration,
    shown: CommandResult,
    target: Target,
    container: Container | None,
) -> dict[str, object]:
    """Return what is read in the configuration. If that fails, nothing else is unobserved."""
    environment = target.environment
    own = {container.name, *container.own_addresses} if container else set()
    if environment.nginx:
        service = environment.services[environment.nginx.service]
        own |= {service.name, service.container} - {""}
    reader = Reader(
        configuration,
        files.parse_static_files(shown, environment).at,
        frozenset(own),
    )
    published = container.published if container else {}
    try:
        return {
            "destinations": destinations.destinations(reader, environment, published),
            "resolved_at_load": destinations.resolved_at_load(configuration),
            "hidden_log": hidden_log(configuration, shown),
        }
    except Exception as error:  # noqa: BLE001 - the other facts stay observed
        reason = Unobserved(reason=f"nginx's configuration cannot be read: {reason_of(error)}")
        return {"destinations": reason, "resolved_at_load": reason}


def _parse(
    result: CommandResult | Unobserved, parser: Callable[[CommandResult], T]
) -> T | Unobserved:
    if isinstance(result, Unobserved):
        return result
    if result.exit_code is None or result.timed_out:
        return Unobserved(reason=result.observed)
    try:
        return parser(result)
    except UnobservedError as reason:
        return Unobserved(reason=str(reason))
    except (ValueError, OverflowError, OSError) as error:  # from dates that are out of range
        return Unobserved(reason=f"what nginx's container printed cannot be read: {error}")
