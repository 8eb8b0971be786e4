"""After a deploy: what was to be deployed was, and nothing else changed.

The stack is compared with the baseline that the pre gate took. Without one, nothing can be told
of the deploy itself: UNKNOWN.
"""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from itertools import combinations
from statistics import median

from environments.model import Environment
from environments.routes import Route
from environments.services import Service
from fixtures import rank_test
from fixtures.baseline import Baseline, BaselineContainer
from fixtures.collection import critical, declares
from fixtures.compose_file import ComposeService
from fixtures.facts import Container, Settling
from fixtures.gate import gate
from fixtures.images import in_full
from fixtures.observation import CannotLook
from reports.finding import Finding, finding
from reports.hint import command

_ID_SHOWN = 12
_IMAGE_SHOWN = len("sha256:") + 12
# The start of a worker is reckoned from the uptime, to some hundredths of a second.
_SAME_LOAD = timedelta(seconds=1)
_FEWEST_SAMPLES = 5
_SURE = 0.01
_LARGE_EFFECT = 0.474  # of Cliff's delta, by the usual reading
_FELT = 1.2  # times the median; less is measured, and felt by nobody


@gate("post", "rollback")
@critical
def test_settled(stack: Environment, settling: Settling) -> None:
    """What is judged before it has settled is judged too early, and what never settles is ill."""
    left = ", ".join(f"{service} {why}" for service, why in settling.pending.items())
    assert settling.ended == "settled", finding(
        stack,
        "settled",
        expected=f"within {settling.limit_s:g} s",
        observed=left or "one restart after the other",
        evidence={
            "waited": f"{settling.seconds:g} s, {settling.looks} looks"
            + (", and longer would not help" if settling.ended == "hopeless" else ""),
            "for": "\n".join(f"{what}: {s:g} s" for what, s in settling.waited_for.items()),
        },
        hint=command("docker compose logs --tail 50 {}", settling.pending)
        or "docker compose ps --all; a longer --wait where it only needs more time",
    )


@gate("post")
@critical
def test_recreated(
    remade: Service, container: Container, before: tuple[BaselineContainer, ...]
) -> None:
    """A container that was there before runs the old code, whatever the deploy printed."""
    same = [each for each in before if each.id == container.id]
    assert not same, finding(
        remade,
        "container",
        expected="one that the deploy made",
        observed=f"the one of before, {container.id[:_ID_SHOWN]}",
        evidence={
            "started": _time(container.started_at),
            "image": f"{container.creation.image} {container.creation.image_id[:_IMAGE_SHOWN]}",
        },
        hint=_pull(remade),
    )


@gate("post")
@critical
@declares("environment.deploy.new_images")
def test_new_image(
    remade: Service, container: Container, before: tuple[BaselineContainer, ...]
) -> None:
    """Made anew from the image of before: the new one was never pulled, and nobody noticed."""
    image = container.creation.image_id
    assert image not in {each.image_id for each in before}, finding(
        remade,
        "image",
        expected="another than before the deploy",
        observed=f"the same, {image[:_IMAGE_SHOWN]}",
        evidence={"asked for": container.creation.image},
        hint=_pull(remade),
    )


@gate("post")
@critical
def test_image(specified: Service, container: Container, planned: ComposeService) -> None:
    """What was asked for is what the compose file names; another tag is another release."""
    image = container.creation.image
    # Where Compose builds it, no name is asked for.
    assert in_full(image) == in_full(planned.image or image), finding(
        specified,
        "image",
        expected=f"{planned.image}, as the compose file names it",
        observed=image,
        evidence={"image id": container.creation.image_id},
        hint=_pull(specified),
    )


@gate("post")
def test_restarts(
    deployed: Service, container: Container, before: tuple[BaselineContainer, ...]
) -> None:
    """What the engine had to restart since the deploy crashed with its first users."""
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
        hint=command("docker logs --tail 50 {}", container.name),
    )


@gate("post")
def test_untouched(
    bystander: Service, container: Container, before: tuple[BaselineContainer, ...]
) -> None:
    """A deploy that makes a database anew beside the service that it was for broke its promise."""
    same = next((each for each in before if each.id == container.id), None)
    if same is None:
        observed = f"made anew, started at {_time(container.started_at)}"
    elif same.restart_count != container.restart_count:
        observed = "restarted by the engine"
    elif same.started_at != container.started_at:
        observed = f"started again at {_time(container.started_at)}"
    else:
        observed = "untouched"
    assert observed == "untouched", finding(
        bystander,
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
        hint="docker compose up -d --no-deps of the deployed services alone",
    )


@gate("post")
@declares("deploy.order")
def test_order(stack: Environment, remade_containers: Mapping[str, Container]) -> None:
    """Who starts before what it needs serves errors meanwhile, or old answers.

    What Compose makes side by side has no order: only what had started before another was even
    made counts.
    """
    due = [
        name for name in (stack.deploy.order if stack.deploy else ()) if name in remade_containers
    ]
    first_too_late = [
        (later, earlier)
        for earlier, later in combinations(due, 2)
        if _made_at(remade_containers[earlier]) > remade_containers[later].started_at
    ]
    seen = sorted(due, key=lambda name: remade_containers[name].started_at)
    assert not first_too_late, finding(
        stack,
        "start order",
        expected=", ".join(due),
        observed=", ".join(f"{later} before {earlier}" for later, earlier in first_too_late),
        evidence={
            "started": "\n".join(
                f"{name} {_time(remade_containers[name].started_at)}" for name in seen
            )
        },
        hint="mend the order in the deploy's script",
    )


@gate("post")
@critical
def test_reloaded(
    reloaded: Service, baseline: Baseline, loaded_at: datetime, last_start: datetime | None
) -> None:
    """Nginx is reloaded last: until then it sends requests to where the old containers were."""
    loaded_before = baseline.nginx_loaded_at and baseline.nginx_loaded_at + _SAME_LOAD
    due = max(each for each in (loaded_before, last_start, loaded_at) if each)
    assert loaded_at == due, finding(
        reloaded,
        "reloaded last",
        expected=f"a load after {_time(due)}",
        observed=f"the last load at {_time(loaded_at)}",
        evidence={
            "load before the deploy": baseline.nginx_loaded_at and _time(baseline.nginx_loaded_at),
            "last start of a deployed container": last_start and _time(last_start),
        },
        hint=command(
            "docker compose exec {} nginx -s reload, and last in every deploy", reloaded.name
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
    """Every deploy that leaves its old images behind brings the full disk nearer."""
    old = {each.image_id for each in before} - {container.creation.image_id}
    left = sorted(old & image_ids)
    assert not left, finding(
        deployed,
        "image of before the deploy",
        expected="removed",
        observed=", ".join(image[:_IMAGE_SHOWN] for image in left),
        hint=command("docker image inspect {}", (image[:_IMAGE_SHOWN] for image in left))
        + ", and remove in the deploy what no rollback needs",
    )


@gate("post")
def test_latency(
    route: Route,
    latencies: tuple[float, ...],
    latencies_before: tuple[float, ...],
    warn: Callable[[Finding], None],
) -> None:
    """A release that is right and slower than the one before it is worth a look, and no alarm."""
    slower = _slower(latencies_before, latencies)
    if slower:
        was = f"{median(latencies_before):.0f} ms"
        warn(finding(route, "latency", expected=f"as before, {was}", observed=slower))


def _slower(before: tuple[float, ...], after: tuple[float, ...]) -> str | None:
    """How much slower, or nothing: where it is not, nor where there are too few samples to tell."""
    if min(len(before), len(after)) < _FEWEST_SAMPLES:
        return None
    test, was, now = rank_test.greater(before, after), median(before), median(after)
    if test.p >= _SURE or test.delta < _LARGE_EFFECT or now <= _FELT * was:
        return None
    return f"degraded, {now:.0f} ms (medians; p {test.p:.2g}, Cliff's delta {test.delta:.2f})"


def _pull(service: Service) -> str:
    return command(
        "docker compose pull {}, then docker compose up -d --no-deps {}", service.name, service.name
    )


def _made_at(container: Container) -> datetime:
    if container.created_at is None:
        raise CannotLook("the snapshot does not hold when its containers were made")
    return container.created_at


def _time(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M:%S UTC")
