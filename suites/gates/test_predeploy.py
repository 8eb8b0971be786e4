"""Before a deploy: its services exist and are in order, and everything it needs is available."""

from collections.abc import Callable, Mapping
from difflib import get_close_matches

from stackproof.environment.machine import Host
from stackproof.environment.model import Environment, Nginx
from stackproof.environment.services import Service
from stackproof.facts.compose_file import ComposeService
from stackproof.facts.image import NewImage
from stackproof.facts.machine import Capacity, Machine
from stackproof.finding import Finding, finding
from stackproof.fixtures.session.collection import declares
from stackproof.fixtures.session.gates.gate_options import gate
from stackproof.gate import Gate
from stackproof.hint import advice, server
from stackproof.sizes import Bytes


@gate("pre")
@declares("deploy.required_variables")
def test_variables(stack: Environment, unset_variables: tuple[str, ...]) -> None:
    """A deploy without one of its variables stops half way, or deploys to the wrong place."""
    required = stack.deploy.required_variables if stack.deploy else ()
    assert not unset_variables, finding(
        stack,
        "variables of the deploy",
        expected=f"{', '.join(required)} set",
        observed=f"{', '.join(unset_variables)} unset",
        hint=advice("set them in the job that deploys, as variables or as secrets"),
    )


@gate("pre")
def test_secrets(stack: Environment, missing_secrets: tuple[str, ...]) -> None:
    """Without the file of a secret, the container is not created, or sees an empty directory."""
    assert not missing_secrets, finding(
        stack,
        "files of the secrets",
        expected="on the engine's machine",
        observed=f"no file of {', '.join(missing_secrets)}",
        hint=advice("create them at the paths in the compose file, with mode 600"),
    )


@gate("pre")
@declares("external_volumes")
def test_volumes(stack: Environment, volumes: frozenset[str]) -> None:
    """Compose does not create an external volume: the deploy stops half way, or data is lost."""
    missing = [name for name in stack.external_volumes if name not in volumes]
    assert not missing, finding(
        stack,
        "external volumes",
        expected="that they exist",
        observed=f"no {', no '.join(missing)}",
        hint=(
            server("docker volume ls"),
            advice("find out where the data is before you create them"),
        ),
    )


@gate("pre")
def test_services(stack: Environment, deploy_gate: Gate) -> None:
    """A list that names a service that no longer exists is out of date in other places, too."""
    unknown = {
        name: get_close_matches(name, stack.services, cutoff=0)[0]
        for name in deploy_gate.services
        if name not in stack.services
    }
    assert not unknown, finding(
        stack,
        "services to deploy",
        expected="declared ones",
        observed=", ".join(f"{name} (the nearest is {near})" for name, near in unknown.items()),
        evidence={"declared": ", ".join(stack.services)},
        hint=advice("fix --services, and the list of services in the deploy script"),
    )


@gate("pre")
@declares("deploy.order")
def test_order(stack: Environment, deploy_gate: Gate) -> None:
    """A service that is replaced before the service it calls may talk to an incompatible one."""
    order = stack.deploy.order if stack.deploy else ()
    # Another check verifies that the proxy is last.
    proxy = stack.nginx.service if stack.nginx else ""
    named = [name for name in deploy_gate.services if name in order and name != proxy]
    right = sorted(named, key=order.index)
    assert named == right, finding(
        stack,
        "deploy order",
        expected=", ".join(right),
        observed=", ".join(named),
        evidence={"declared order": ", ".join(order)},
        hint=advice("fix --services, and the list of services in the deploy script"),
    )


@gate("pre")
def test_proxy_last(nginx: Nginx, deploy_gate: Gate, environment: Environment) -> None:
    """The proxy keeps using the addresses that it resolved when it was last loaded."""
    routed = [name for name in deploy_gate.services if name in environment.upstreams]
    others = [name for name in deploy_gate.services if name != nginx.name]
    missing = len(others) == len(deploy_gate.services)
    assert not routed or deploy_gate.services[-1] == nginx.name, finding(
        nginx,
        "in the deploy",
        expected=f"last, because it routes to {', '.join(routed)}",
        observed="not in it" if missing else f"before {deploy_gate.services[-1]}",
        hint=advice(
            "use --services={}, and the same order in the deploy script",
            ",".join([*others, nginx.name]),
        ),
    )


@gate("pre")
def test_container_name(scaled: Service, compose_service: ComposeService) -> None:
    """Compose refuses a second instance of a service whose container has a fixed name."""
    compose_service.require("container_name")
    assert not compose_service.container_name, finding(
        scaled,
        "container_name in the compose file",
        expected="none, because it is scaled to two instances",
        observed=compose_service.container_name,
        hint=advice(
            "remove container_name of {}, or add an override file with container_name: !reset null",
            scaled.name,
        ),
    )


@gate("pre")
def test_image(deployed: Service, new_image: NewImage) -> None:
    """An image that cannot be pulled stops a deploy after the old container is gone."""
    assert new_image.available, finding(
        deployed,
        "new image",
        expected=f"{new_image.name} at the engine or its registry",
        observed=new_image.refused,
        hint=(
            server("docker manifest inspect {}", new_image.name),
            advice("push it, or fix its tag"),
        ),
    )


@gate("pre")
def test_disk(
    host: Host, disk: Capacity, new_images: Mapping[str, NewImage], warn: Callable[[Finding], None]
) -> None:
    """A disk that fills up during a pull stops the running services, too.

    The size of an image that the engine does not have is unknown. It is estimated as that of the
    image it replaces.
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
                expected="an estimated size",
                observed=f"none for {', '.join(unknown)}, which replace no image",
            )
        )
    assert needed <= free, finding(
        host,
        "disk for new images",
        expected=f"{Bytes(needed)} in addition to the {host.disk_free:.0%} that must stay free",
        observed=Bytes(free),
        evidence={
            "estimated sizes": "\n".join(
                f"{service} {Bytes(each.replaced_size or 0)}" for service, each in coming.items()
            ),
            "mounted at": disk.where,
        },
        hint=server("docker system df -v"),
    )


@gate("pre")
@declares("limits.memory")
def test_memory(scaled: Service, memory: Capacity) -> None:
    """Without memory for a second instance, the kernel kills one of the two while both run."""
    needed = scaled.limits.memory or 0
    assert memory.free >= needed, finding(
        scaled,
        "memory for a second instance",
        expected=f"{Bytes(needed)} available",
        observed=Bytes(memory.free),
        hint=(
            server("docker stats --no-stream"),
            server("ps -eo pid,rss,args --sort=-rss | head"),
        ),
    )


@gate("pre")
@declares("no_overcommit")
def test_limits_together(host: Host, machine: Machine, environment: Environment) -> None:
    """Limits that add up to more than the machine has do not hold when all services are busy."""
    services = environment.services.values()
    cpus = sum((each.limits.cpus or 0) * each.instances for each in services)
    most = Bytes(sum((each.limits.memory or 0) * each.instances for each in services))
    fit = cpus <= machine.cpus and most <= machine.memory
    assert fit, finding(
        host,
        "limits together",
        expected=f"at most the machine's {machine.cpus} CPUs and {machine.memory}",
        observed=f"{cpus:g} CPUs and {most}",
        hint=advice("lower limits, take a larger machine, or declare host: {overcommit: true}"),
    )
