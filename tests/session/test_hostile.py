"""Runs of the suites on a stack of which every text is hostile, and with hostile usage."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from stackproof.facts.container import ListedContainer, Mount
from stackproof.facts.machine import HostFile
from stackproof.facts.tls import Certificate, Handshake
from stackproof.sizes import Bytes
from stackproof.unobserved import Unobserved
from tests import command_line, shop
from tests.command_line import Ran
from tests.hostile import FORGED, OURS, TEXTS, complaints
from tests.in_process import run

# As one text: whoever lets one of these through lets it through in each place.
NASTY = (
    "\x1b[2J\x9b31m\x1b]8;;https://evil.example\x07x\x1b]8;;\x07\r\n::error::pwned\r"
    f"{FORGED.replace('lab', 'shop')}\x85::stop-commands::x\u2028##[command]x\u202e\u200b\x00"
    " $(touch gone) ; touch gone\n-exec"
)
SERVICES = ("api", "web", "db")
ENVIRONMENT: Mapping[str, Any] = {
    "container_prefix": "shop-",
    "compose_file": "compose.yaml",
    "network": {"subnet": "172.30.0.0/16"},
    "logging": {"driver": "json-file", "max_size": "10M"},
    "code_mounted": False,
    "secrets": {"directory": "secrets"},
    "host": {"engine_version": "24.0", "disk_free": 0.9, "inodes_free": 0.95},
    "tls": {},
    "services": {
        "api": {
            "limits": {"cpus": 1, "memory": "1G"}, "healthcheck": "required", "image": "shop:2",
            "restart": "always", "secrets": ["key"], "publish": ["443"], "ports": [443],
            "health": {"path": "/health", "fields": {"status": "ok"}}, "models": ["llama"],
        },
        "web": {"healthcheck": "required"},
        "db": {"healthcheck": "required"},
    },
    "routes": {
        "home": {"url": "https://shop.example/", "service": "api", "redirects": "same-host"}
    },
    "datastores": {"postgresql": {"db": {"user": "u", "database": "d"}}, "redis": {"web": {}}},
    "nginx": {"service": "web"},
}  # fmt: skip


def _observed(text: str) -> dict[str, Any]:
    """Facts in which everything is wrong, and each text that a target can choose is this one."""
    mount = Mount(kind="bind", source=f"/{text}", target="/run/secrets/key")
    wrong = shop.container(
        name=f"x{text}", restart_count=9, oom_killed=True, cpu_limit=9, memory_limit=Bytes(9),
        health=shop.health(text, text, text), addresses={text: ("172.20.0.5",)},
        published={text: 1}, log_tail=(text, text),
        creation=shop.created(
            image=text, image_id=f"sha256:{text}", compose_project=text, compose_files=(text,),
            restart=text, has_health_check=True, privileged=True, network_mode="host",
            log_driver=text, mounts=(mount, Mount(kind="bind", source=text, target=f"/{text}")),
            secret_variables={text: text},
        ),
    )  # fmt: skip
    answer = shop.answered(
        ("https://shop.example/", 302, f"https://evil.example/{text}"),
        ("https://evil.example", 500),
        headers={"Server": text}, body=text,
    )  # fmt: skip
    certificate = Certificate(
        names=(text,), subject=text, issuer=text, not_before=shop.AT, not_after=shop.AT
    )
    return {
        "containers": dict.fromkeys(SERVICES, wrong),
        "listed": {
            name: ListedContainer(
                id=text, state=text, project=text, service="api", networks=(text,)
            )
            for name in ("shop-api", f"shop-{text}", f"shop-api-{text}", "shop-api-2")
        },
        "networks": {text: ("172.20.0.0/16",)},
        "images": dict.fromkeys(SERVICES, text),
        "machine": shop.MACHINE.model_copy(
            update={"engine_version": text, "data_directory": f"/{text}"}
        ),
        "host": shop.HOST.model_copy(
            update={
                "disk": shop.HOST.disk.model_copy(update={"where": f"/{text}"}),
                "inodes": shop.HOST.inodes.model_copy(update={"where": f"/{text}"}),
                "files": {f"/{text}": HostFile(mode=0o644, owner=text)},
            }
        ),
        "usage": dict.fromkeys(SERVICES, shop.usage(7)),
        "commands": {
            "pg_isready db": shop.said(text, 2, text), "psql db": shop.said(text, 2, text),
            "redis_ping web": shop.said(text, 1, text),
            "redis_info web": shop.redis_info(role=text, rdb_last_bgsave_status=text),
            "nginx_test web": shop.said(text, 1, f"[warn] {text}\n{text}"),
        },
        "responses": {"home": answer},
        "answers": {"health api": answer, "models api": Unobserved(reason=text)},
        "handshakes": {
            "shop.example": Handshake(
                version="TLSv1", certificate=certificate, refused=text, refused_code=20,
                obsolete=text,
            )
        },
        "proxies": {"web": Unobserved(reason=text)},
        "alarms": {"web": Unobserved(reason=text)},
    }  # fmt: skip


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    folder = tmp_path_factory.mktemp("hostile")
    return shop.replay(
        folder, ENVIRONMENT, shop.facts(**_observed(NASTY)), "-vv", f"--junitxml={folder / 'j.xml'}"
    )


def test_no_line_is_forged(ran: Ran) -> None:
    assert ran.exit_code == 1
    assert complaints(ran.output + "\n" + ran.errors) == []


def test_every_kind_of_check_met_it(ran: Ran) -> None:
    hostile = [check for check in ran.verdict("shop")["checks"] if "evil" in json.dumps(check)
            or "touch gone" in json.dumps(check)]  # fmt: skip
    assert len({check["suite"] for check in hostile}) >= 8
    assert len({check["check"] for check in hostile}) >= 20


def test_no_hint_holds_what_a_target_chose(ran: Ran) -> None:
    hints = [hint["text"] for check in ran.verdict("shop")["checks"] for hint in check["hints"]]
    assert len(hints) > 20
    assert not [hint for hint in hints if "touch" in hint or "-exec" in hint or "{}" in hint]


@pytest.mark.parametrize(
    "arguments",
    [
        ("-m", "TEXT"),
        ("-m", "shop and TEXT"),
        ("-m", "shop", "-k", "TEXT"),
        ("-m", "shop", "--gate=TEXT"),
        ("-m", "shop", "--gate=pre", "--services=TEXT"),
        ("-m", "shop", "--gate=pre", "--services=api", "--compose-file=TEXT"),
        ("-m", "shop", "--gate=pre", "--services=api", "--project-dir=TEXT"),
        ("-m", "shop", "--gate=post", "--services=api", "--wait=TEXT"),
        ("-m", "shop", "--confirm=TEXT"),
        ("-m", "shop", "--environments=TEXT"),
        ("-m", "shop", "--facts=TEXT"),
        ("-m", "shop", "--ca-file=TEXT"),
        ("-m", "shop", "--resolve=TEXT"),
        ("-m", "shop", "--TEXT"),
        ("-m", "shop", "--deselect=TEXT"),
        ("-m", "shop", "TEXT"),
        ("-m", "shop", "-n", "TEXT"),
    ],
)
def test_a_command_line(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    options = shop.save(tmp_path, {"services": {"api": {}}}, shop.facts())
    text = NASTY.replace("\0", "")
    given = [each.replace("TEXT", text) for each in arguments]
    own = [each for each in options if each.partition("=")[0] not in str(given)]
    # argparse prints the name of the program with its own errors.
    start = command_line.run if "-n" in arguments else run
    ran = start(tmp_path / "out", *own, *given, variables={"GITHUB_ACTIONS": "true"})
    assert ran.exit_code != 0
    assert complaints(OURS.sub("", f"{ran.output}\n{ran.errors}")) == []


@pytest.mark.parametrize(
    "document",
    [
        {NASTY: 1},
        {"services": {NASTY: {}}},
        {"services": {"api": {NASTY: 1}}},
        {"services": {"api": {"image": [NASTY]}}},
        {"services": {"api": {}}, "extends": NASTY},
        {"services": {"api": {}}, "env_file": NASTY},
        {"services": {"api": {"restart": NASTY}}},
        {"services": {"api": {}}, "routes": {"home": {"url": NASTY, "service": NASTY}}},
        {"services": {"api": {"image": "${" + NASTY + "}"}}},
        {"services": {"api": {}}, "engine": {"address": NASTY}},
    ],
)
def test_an_environment_file(tmp_path: Path, document: dict[str, Any]) -> None:
    folder = tmp_path / "environments"
    folder.mkdir()
    (folder / "shop.yaml").write_text(yaml.safe_dump(document), encoding="utf-8")
    ran = run(tmp_path / "out", "-m", "shop", f"--environments={folder}")
    assert (ran.exit_code, ran.output) == (4, "")
    assert complaints(ran.errors) == []
    assert len(ran.errors.strip().splitlines()) == 1


@pytest.mark.parametrize("arguments", [("-m", "shpo"), ("--markers",), ("-m", "shop")])
def test_names_of_environment_files(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    folder = tmp_path / "environments"
    folder.mkdir()
    for text in ("shop", *TEXTS.values()):
        name = text.replace("\0", "").replace("/", "").encode(errors="replace").decode()[:50]
        (folder / f"{name}.yaml").write_text("services: {api: {}}\n", encoding="utf-8")
    ran = run(tmp_path / "out", *arguments, f"--environments={folder}", "--collect-only")
    assert complaints(f"{ran.output}\n{ran.errors}") == []
