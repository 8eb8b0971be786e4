"""After a deploy: the selected services were deployed, and nothing else changed.

The stack is compared with the baseline that the pre gate recorded. Without a baseline, these checks
are UNKNOWN.
"""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from itertools import combinations
from statistics import median

from stackproof.deploy import rank_test
from stackproof.deploy.baseline import Baseline, BaselineContainer
from stackproof.environment.model import Environment
from stackproof.environment.routes import Route
from stackproof.environment.services import Service
from stackproof.facts.compose_file import ComposeService
from stackproof.facts.container import Container
from stackproof.facts.image import full_name
from stackproof.facts.settling import Settling
from stackproof.finding import Finding, finding, subject_name
from stackproof.fixtures.session.collection import critical, declares
from stackproof.fixtures.session.gates.gate_options import gate
from stackproof.hint import Hint, advice, compose, in_container, log_of, server, up
from stackproof.unobserved import UnobservedError

_ID_SHOWN = 12
_LOGS_SHOWN = 3
_IMAGE_SHOWN = len("sha256:") + 12
# The start of a worker is calculated from the uptime, to a few hundredths of a second.
_SAME_LOAD = timedelta(seconds=1)
_FEWEST_SAMPLES = 5
_SURE = 0.01
_LARGE_EFFECT = 0.474  # Cliff's delta: the usual threshold of a large effect
_FELT = 1.2  # times the median; users do not notice less


@gate("post", "rollback")
@critical
def test_settled(stack: Environment, settling: Settling) -> None:
    """A stack that has not settled yet is judged too early. One that never settles is broken."""
    left = ", ".join(f"{service} {why}" for service, why in settling.pending.items())
    assert settling.ended == "settled", finding(
        stack,
        "settled",
        expected=f"within {settling.limit_s:g} s",
        observed=left or "one restart after the other",
        evidence={
            "waited": f"{settling.seconds:g} s, {settling.looks} polls"
            + ("; waiting longer would not help" if settling.ended == "hopeless" else ""),
            "for": "\n".join(f"{what}: {s:g} s" for what, s in settling.waited_for.items()),
        },
        hint=[log_of(name) for name in list(settling.pending)[:_LOGS_SHOWN]]
        or (
            compose("ps --all"),
            advice("use a longer --wait if it only needs more time"),
        ),
    )


@gate("post")
@critical
def test_recreated(
    recreated: Service, container: Container, before: tuple[BaselineContainer, ...]
) -> None:
    """A container from before the deploy runs the old code, whatever the deploy printed."""
    same = [each for each in before if each.id == container.id]
    assert not same, finding(
        recreated,
        "container",
        expected="one created by the deploy",
        observed=f"the previous one, {container.id[:_ID_SHOWN]}",
        evidence={
            "started": _time(container.started_at),
            "image": f"{container.creation.image} {container.creation.image_id[:_IMAGE_SHOWN]}",
        },
        hint=_pull(recreated),
    )


@gate("post")
@critical
@declares("environment.deploy.new_images")
def test_new_image(
    recreated: Service, container: Container, before: tuple[BaselineContainer, ...]
) -> None:
    """A container recreated from the previous image runs the old code: no new one was pulled."""
    image = container.creation.image_id
    assert image not in {each.image_id for each in before}, finding(
        recreated,
        "image",
        expected="a different one than before the deploy",
        observed=f"the same, {image[:_IMAGE_SHOWN]}",
        evidence={"image name": container.creation.image},
        hint=_pull(recreated),
    )


@gate("post")
@critical
def test_image(
    in_compose_file: Service, container: Container, compose_service: ComposeService
) -> None:
    """The container must run the image in the compose file: another tag is another release."""
    image = container.creation.image
    # If Compose builds the image, the file may not name it.
    assert full_name(image) == full_name(compose_service.image or image), finding(
        in_compose_file,
        "image",
        expected=f"{compose_service.image}, as the compose file names it",
        observed=image,
        evidence={"image id": container.creation.image_id},
        hint=_pull(in_compose_file),
    )


@gate("post")
def test_restarts(
    deployed: Service, container: Container, before: tuple[BaselineContainer, ...]
) -> None:
    """A service that the engine restarted since the deploy crashed under its first requests."""
    counted = sum(each.restart_count for each in before if each.id == container.id)
    restarts = container.restart_count - counted
    assert restarts == 0, finding(
        deployed,
        "restarts since the deploy",
        expected=0,
        observed=restarts,
        evidence={
            "last start": _time(container.started_at),
            "last exit code": container.exit_code,
            "log": "\n".join(container.log_tail),
        },
        hint=server("docker logs --tail 50 {}", container.name),
    )


@gate("post")
def test_untouched(
    untouched_service: Service, container: Container, before: tuple[BaselineContainer, ...]
) -> None:
    """A deploy of one service must not recreate another, such as its database."""
    same = next((each for each in before if each.id == container.id), None)
    if same is None:
        observed = f"recreated, started at {_time(container.started_at)}"
    elif same.restart_count != container.restart_count:
        observed = "restarted by the engine"
    elif same.started_at != container.started_at:
        observed = f"started again at {_time(container.started_at)}"
    else:
        observed = "untouched"
    assert observed == "untouched", finding(
        untouched_service,
        "not deployed",
        expected="untouched",
        observed=observed,
        evidence={
            "before": ", ".join(
                f"{each.id[:_ID_SHOWN]} started at {_time(each.started_at)}" for each in before
            )
            or "no container",
            "now": f"{container.id[:_ID_SHOWN]} started at {_time(container.started_at)}",
        },
        hint=advice("deploy services by name, and with --no-deps"),
    )


@gate("post")
@declares("deploy.order")
def test_order(
    stack: Environment, recreated_containers: Mapping[str, tuple[Container, ...]]
) -> None:
    """A service that starts before the service it needs returns errors, or old answers, until then.

    Containers that Compose creates in parallel have no order. A container is out of order only if
    it had started before the other one was created.
    """
    expected = [
        name
        for name in (stack.deploy.order if stack.deploy else ())
        if name in recreated_containers
    ]
    started = {
        name: min(each.started_at for each in recreated_containers[name]) for name in expected
    }
    out_of_order = [
        (later, earlier)
        for earlier, later in combinations(expected, 2)
        if max(map(_created_at, recreated_containers[earlier])) > started[later]
    ]
    by_start = sorted(expected, key=lambda name: started[name])
    assert not out_of_order, finding(
        stack,
        "start order",
        expected=", ".join(expected),
        observed=", ".join(f"{later} before {earlier}" for later, earlier in out_of_order),
        evidence={"started": "\n".join(f"{name} {_time(started[name])}" for name in by_start)},
        hint=advice("fix the order in the deploy script"),
    )


@gate("post")
@critical
def test_reloaded(
    reloaded: Service, baseline: Baseline, loaded_at: datetime, last_start: datetime | None
) -> None:
    """Until nginx is reloaded, it sends requests to the addresses of the old containers."""
    loaded_before = baseline.nginx_loaded_at and baseline.nginx_loaded_at + _SAME_LOAD
    earliest = max(each for each in (loaded_before, last_start, loaded_at) if each)
    assert loaded_at == earliest, finding(
        reloaded,
        "reloaded last",
        expected=f"a load after {_time(earliest)}",
        observed=f"the last load at {_time(loaded_at)}",
        evidence={
            "load before the deploy": baseline.nginx_loaded_at and _time(baseline.nginx_loaded_at),
            "last start of a deployed container": last_start and _time(last_start),
        },
        hint=(
            in_container(subject_name(reloaded), "nginx -s reload"),
            advice("do this last in every deploy"),
        ),
    )


@gate("post")
@declares("environment.deploy.clean_images")
def test_clean_images(
    deployed: Service,
    container: Container,
    before: tuple[BaselineContainer, ...],
    image_ids: frozenset[str],
) -> None:
    """Old images that every deploy leaves behind fill the disk."""
    old = {each.image_id for each in before} - {container.creation.image_id}
    left = sorted(old & image_ids)
    assert not left, finding(
        deployed,
        "previous image",
        expected="removed",
        observed=", ".join(image[:_IMAGE_SHOWN] for image in left),
        hint=(
            server("docker image inspect {}", [image[:_IMAGE_SHOWN] for image in left]),
            advice("let the deploy remove what no rollback needs"),
        ),
    )


@gate("post")
def test_latency(
    route: Route,
    latencies: tuple[float, ...],
    latencies_before: tuple[float, ...],
    warn: Callable[[Finding], None],
) -> None:
    """A release that works but is slower than before deserves attention, not a rollback."""
    slower = _slower(latencies_before, latencies)
    if slower:
        before = f"{median(latencies_before):.0f} ms"
        warn(finding(route, "latency", expected=f"as before, {before}", observed=slower))


def _slower(before: tuple[float, ...], after: tuple[float, ...]) -> str | None:
    """Return how much slower it is; None if it is not, or if there are too few samples."""
    if min(len(before), len(after)) < _FEWEST_SAMPLES:
        return None
    test, old, new = rank_test.greater(before, after), median(before), median(after)
    if test.p >= _SURE or test.delta < _LARGE_EFFECT or new <= _FELT * old:
        return None
    return f"degraded, {new:.0f} ms (medians; p {test.p:.2g}, Cliff's delta {test.delta:.2f})"


def _pull(service: Service) -> tuple[Hint, ...]:
    return compose("pull {}", service.name), up(service.name, "--no-deps")


def _created_at(container: Container) -> datetime:
    if container.created_at is None:
        raise UnobservedError("the snapshot does not contain when its containers were created")
    return container.created_at


def _time(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M:%S UTC")
