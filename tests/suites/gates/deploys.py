"""Facts of a deploy of which all is well, its baseline, and what the gates make of them."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from stackproof.deploy.baseline import Baseline, BaselineContainer
from stackproof.facts.container import Container
from stackproof.facts.proxy import Worker
from stackproof.facts.settling import Settling
from stackproof.facts.snapshot import Facts
from stackproof.files import model_file
from stackproof.fixtures.session.gates import baseline as baselines
from tests import shop
from tests.command_line import Ran
from tests.shop import AT, answered, container, said

EARLIER = AT - timedelta(days=1)
ENVIRONMENT = {
    "services": {"proxy": {}, "api": {}, "web": {}, "db": {}},
    "routes": {"home": {"url": "https://shop.example/", "service": "api"}},
    "nginx": {"service": "proxy"},
    "deploy": {"order": ["api", "web", "proxy"]},
}
SETTLED = Settling(
    ended="settled", seconds=4, limit_s=120, looks=5, waited_for={"api: starting": 2}, pending={},
    blind="",
)  # fmt: skip
SAMPLES = (10.1, 10.2, 10.3, 10.4, 10.5, 10.6, 10.7, 10.8)


def after(name: str, **changes: Any) -> Container:
    """A container that the deploy made, some seconds before it is looked at."""
    made = {"id": f"new-{name}", "created_at": AT, "started_at": AT, **changes}
    return container(name=name, **made)


def before(name: str, **changes: Any) -> BaselineContainer:
    return BaselineContainer(
        **{
            "name": name, "id": f"old-{name}", "image": "shop:1", "image_id": "sha256:0017",
            "config_hash": "5eed", "started_at": EARLIER, "restart_count": 0,
            "addresses": {"shop_default": ("172.20.0.5",)}, **changes,
        }
    )  # fmt: skip


UNTOUCHED = container(name="db", id="old-db", created_at=EARLIER, started_at=EARLIER)
CONTAINERS = {
    "proxy": container(name="proxy", id="old-proxy", created_at=EARLIER, started_at=EARLIER),
    "api": after("api"),
    "web": after("web"),
    "db": UNTOUCHED,
}
LOADED = AT + timedelta(seconds=1)


def facts(
    changed: Mapping[str, Container | None] | None = None, loaded: datetime = LOADED, **seen: Any
) -> Facts:
    proxy = shop.PROXY.model_copy(
        update={
            "workers": (Worker(started_at=loaded, shutting_down=False),),
            "addresses": dict.fromkeys(("api", "web", "db", "proxy"), ("172.20.0.5",)),
        }
    )  # fmt: skip
    return shop.facts(
        **{
            "settling": SETTLED,
            "containers": {**CONTAINERS, **(changed or {})},
            "responses": {"home": answered(("https://shop.example/", 200))},
            "latencies": {"home": SAMPLES},
            "commands": {"nginx_test proxy": said("nginx -t", 0, "syntax is ok")},
            "proxies": {"proxy": proxy},
            "alarms": {"proxy": ()},
            **seen,
        }
    )


BASELINE = Baseline(
    environment="shop", engine="", engine_id="", taken_at=AT - timedelta(minutes=5),
    services=("api", "web", "proxy"),
    containers={name: (before(name),) for name in CONTAINERS},
    latencies={"home": SAMPLES},
    outcomes={"containers.oom_killed[db]": "FAIL", "containers.running[api]": "PASS"},
    nginx_loaded_at=EARLIER,
)  # fmt: skip


def judge(
    folder: Path,
    observed: Facts,
    *,
    baseline: Baseline | None = BASELINE,
    gate: str = "post",
    environment: Mapping[str, Any] | None = None,
    options: tuple[str, ...] = (),
) -> Ran:
    if baseline:
        model_file.write(baseline, folder / "out" / "shop" / "replay" / baselines.FILE_NAME)
    services = ["--services=api,web,proxy"] if gate == "post" else []
    declared = {**ENVIRONMENT, **(environment or {})}
    return shop.replay(folder, declared, observed, f"--gate={gate}", *services, *options)


def deploy(**fields: Any) -> dict[str, Any]:
    return {"deploy": {**ENVIRONMENT["deploy"], **fields}}  # type: ignore[dict-item]


def results(ran: Ran, *suites: str) -> dict[str, str]:
    """First lines of what did not pass, of the suites of the gates alone where others fail too."""
    return {
        check: line
        for check, (_, line) in ran.results("shop").items()
        if check.startswith(suites or ("deploy.", "rollback."))
    }
