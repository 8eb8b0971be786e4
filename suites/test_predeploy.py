"""Before a deploy: what it names exists and comes in order, and what it needs is there."""

from collections.abc import Callable, Mapping
from difflib import get_close_matches

from environments.machine import Host
from environments.model import Environment, Nginx
from environments.services import Service
from environments.sizes import Bytes
from fixtures.collection import declares
from fixtures.compose_file import ComposeService
from fixtures.facts import Machine
from fixtures.gate import Gate, gate
from fixtures.host import Room
from fixtures.images import NewImage
from reports.finding import Finding, finding
from reports.hint import command


@gate("pre")
@declares("deploy.required_variables")
def test_variables(stack: Environment, unset_variables: tuple[str, ...]) -> None:
    """A deploy that misses a variable ends half way, or goes to the wrong place."""
    required = stack.deploy.required_variables if stack.deploy else ()
    assert not unset_variables, finding(
        stack,
        "variables of the deploy",
        expected=f"{', '.join(required)} set",
        observed=f"{', '.join(unset_variables)} unset",
        hint="pass them to the job that deploys, as variables or as secrets of its",
    )


@gate("pre")
def test_secrets(stack: Environment, missing_secrets: tuple[str, ...]) -> None:
    """Where the file of a secret is missing, the container is not made, or sees an empty folder."""
    assert not missing_secrets, finding(
        stack,
        "files of the secrets",
        expected="on the engine's machine",
        observed=f"no file of {', '.join(missing_secrets)}",
        hint="write them where the compose file has them, with mode 600",
    )


@gate("pre")
def test_services(stack: Environment, chosen: Gate) -> None:
    """A list of services that names one which no longer exists was not looked at for long."""
    unknown = {
        name: get_close_matches(name, stack.services, n=1, cutoff=0)[0]
        for name in chosen.services
        if name not in stack.services
    }
    assert not unknown, finding(
        stack,
        "services to deploy",
        expected="declared ones",
        observed=", ".join(f"{name} (the nearest is {near})" for name, near in unknown.items()),
        evidence={"declared": ", ".join(stack.services)},
        hint="mend --services, and the list that the deploy itself works through",
    )


@gate("pre")
@declares("deploy.order")
def test_order(stack: Environment, chosen: Gate) -> None:
    """A service that is replaced before what it calls meets a version that it does not know."""
    order = stack.deploy.order if stack.deploy else ()
    # Whether the proxy is last is told by a check of its own.
    proxy = stack.nginx.service if stack.nginx else ""
    named = [name for name in chosen.services if name in order and name != proxy]
    right = sorted(named, key=order.index)
    assert named == right, finding(
        stack,
        "deploy order",
        expected=", ".join(right),
        observed=", ".join(named),
        evidence={"declared order": ", ".join(order)},
        hint="mend --services, and the list that the deploy itself works through",
    )


@gate("pre")
def test_proxy_last(nginx: Nginx, chosen: Gate, environment: Environment) -> None:
    """The proxy goes on asking the addresses that it found when it was loaded last."""
    routed = [name for name in chosen.services if name in environment.upstreams]
    others = [name for name in chosen.services if name != nginx.name]
    missing = len(others) == len(chosen.services)
    assert not routed or chosen.services[-1] == nginx.name, finding(
        nginx,
        "in the deploy",
        expected=f"last, for it routes to {', '.join(routed)}",
        observed="not in it" if missing else f"before {chosen.services[-1]}",
        hint=command("--services={}, and so in the deploy itself", ",".join([*others, nginx.name])),
    )


@gate("pre")
def test_container_name(scaled: Service, planned: ComposeService) -> None:
    """Compose refuses a second instance of a service whose container has a fixed name."""
    assert not planned.container_name, finding(
        scaled,
        "container_name in the compose file",
        expected="none, for it is scaled to two instances",
        observed=planned.container_name,
        hint=command(
            "remove container_name of {}, or lay a file over it that does: "
            "container_name: !reset null",
            scaled.name,
        ),
    )


@gate("pre")
def test_image(deployed: Service, new_image: NewImage) -> None:
    """An image that cannot be had is found out when the old container is gone already."""
    assert new_image.can_be_had, finding(
        deployed,
        "new image",
        expected=f"{new_image.name} at the engine or its registry",
        observed=new_image.refused,
        hint=command("docker manifest inspect {}, then push it or mend its tag", new_image.name),
    )


@gate("pre")
def test_disk(
    host: Host, disk: Room, new_images: Mapping[str, NewImage], warn: Callable[[Finding], None]
) -> None:
    """A disk that fills up during a pull stops what runs, too.

    How large an image is that the engine does not have, nobody says: the one that it replaces is
    taken for as large.
    """
    coming = {service: each for service, each in new_images.items() if not each.present}
    needed = sum(each.replaced_size or 0 for each in coming.values())
    free = max(0, disk.free - int(host.disk_free * disk.total))
    unknown = [service for service, each in coming.items() if each.replaced_size is None]
    if unknown:
        warn(
            finding(
                host,
                "disk for new images",
                expected="a size to reckon with",
                observed=f"none for {', '.join(unknown)}, which replace nothing",
            )
        )
    assert needed <= free, finding(
        host,
        "disk for new images",
        expected=f"{Bytes(needed)} beside the {host.disk_free:.0%} that must stay free",
        observed=Bytes(free),
        evidence={
            "as large as now": "\n".join(
                f"{service} {Bytes(each.replaced_size or 0)}" for service, each in coming.items()
            ),
            "mounted at": disk.where,
        },
        hint="docker system df -v, on the server",
    )


@gate("pre")
@declares("limits.memory")
def test_memory(scaled: Service, memory: Room) -> None:
    """While two instances run, a machine without room for the second one kills one of them."""
    needed = scaled.limits.memory or 0
    assert memory.free >= needed, finding(
        scaled,
        "memory for a second instance",
        expected=f"{Bytes(needed)} available",
        observed=Bytes(memory.free),
        hint="docker stats --no-stream; ps -eo pid,rss,args --sort=-rss | head",
    )


@gate("pre")
@declares("holds_limits")
def test_limits_together(host: Host, machine: Machine, environment: Environment) -> None:
    """Limits that come to more than the machine has do not bind when it matters."""
    limits = [service.limits for service in environment.services.values()]
    cpus = sum(each.cpus or 0 for each in limits)
    most = Bytes(sum(each.memory or 0 for each in limits))
    fit = cpus <= machine.cpus and most <= machine.memory
    assert fit, finding(
        host,
        "limits together",
        expected=f"at most the machine's {machine.cpus} CPUs and {machine.memory}",
        observed=f"{cpus:g} CPUs and {most}",
        hint="lower limits, take a larger machine, or declare host: {overcommit: true}",
    )
