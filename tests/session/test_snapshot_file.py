"""The snapshot file: what is written is read again, and other files are refused."""

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from stackproof.facts.command import CommandResult
from stackproof.facts.container import (
    Container,
    Creation,
    HealthCheckRun,
    HealthState,
    ListedContainer,
    Mount,
    Usage,
)
from stackproof.facts.machine import Machine
from stackproof.facts.response import Hop, Response
from stackproof.files.model_file import write
from stackproof.probes.snapshot import Snapshot, read
from stackproof.sizes import Bytes
from stackproof.unobserved import Unobserved

AT = datetime(2026, 11, 24, 7, 30, 30, 677935, tzinfo=UTC)
FACTS = Snapshot(
    environment="shop",
    run="c0ffee",
    gathered_at=AT,
    duration_s=0.41,
    machine=Machine(engine_version="20.10.24", cpus=2, memory=Bytes(2**34), cgroup_version="1"),
    listed={
        "shop-api": ListedContainer(
            id="c0ffee", state="running", project="shop", service="api", networks=("shop_default",)
        ),
        "other": ListedContainer(id="b0", state="exited", project="", service="", networks=()),
    },
    networks={"shop_default": ("172.20.0.0/16", "fd00::/64"), "host": ()},
    images={"api": "sha256:00ff", "web": None, "db": Unobserved(reason="no answer within 8 s")},
    containers={
        "api": Container(
            name="shop-api", id="c0ffee", status="running", exit_code=0, started_at=AT,
            restart_count=1, oom_killed=False, cpu_limit=1.5, memory_limit=Bytes(2**29),
            health=HealthState(
                status="healthy",
                failing_streak=0,
                log=(HealthCheckRun(at=AT, exit_code=0, output="✓"),),
            ),
            addresses={"shop_default": ("172.20.0.5",), "other": ()},
            published={"443": 443, "127.0.0.1:5432": 5432},
            creation=Creation(
                image="shop/api:1", image_id="sha256:00ff", compose_project="shop",
                compose_files=("/opt/shop/compose.yaml",), restart="always",
                has_health_check=True, privileged=False, network_mode="shop_default",
                log_driver="json-file", log_max_size=Bytes(10 * 2**20),
                mounts=(Mount(kind="bind", source="/opt/shop/conf", target="/etc/shop"),),
                secret_variables={"API_TOKEN": "its name"},
            ),
            log_tail=("one", "two"),
        ),
        "web": None,
        "db": Unobserved(reason="no answer within 8 s"),
    },
    usage={"api": Usage(memory_limit=Bytes(2**29), memory_used=Bytes(1))},
    commands={
        "redis_ping cache": CommandResult(command="redis-cli ping", exit_code=0, output="PONG"),
        "pg_isready db": CommandResult(command="pg_isready", exit_code=None, output="db is exited"),
    },
    responses={
        "home": Response(
            hops=(Hop(url="https://shop.example/", status=200, location=None),),
            headers={"server": "nginx"}, body="<html>", elapsed_ms=3.5,
        )
    },
)  # fmt: skip


def test_what_is_written_is_what_is_read(tmp_path: Path) -> None:
    write(FACTS, tmp_path / "facts.json")
    assert read(tmp_path / "facts.json") == FACTS


def test_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "facts.json"
    write(FACTS, path)
    write(FACTS.model_copy(update={"run": "later"}), path)
    assert read(path).run == "later"
    assert list(tmp_path.iterdir()) == [path]


def _refusal(path: Path) -> str:
    with pytest.raises(ValueError, match=r".") as reason:
        read(path)
    assert len(str(reason.value).splitlines()) == 1
    return str(reason.value)


def test_no_file(tmp_path: Path) -> None:
    path = tmp_path / "facts.json"
    assert _refusal(path) == f"{path}: no such file or directory"
    assert _refusal(tmp_path) == f"{tmp_path}: is a directory"
    os.mkfifo(path)
    assert _refusal(path) == f"{path}: not a regular file"
    assert _refusal(Path("/dev/zero")) == "/dev/zero: not a regular file"


def _without(field: str) -> dict[str, Any]:
    plain: dict[str, Any] = json.loads(FACTS.model_dump_json())
    del plain[field]
    return plain


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "the file: Invalid JSON: EOF while parsing an object at line 1 column 1"),
        ("[]", "the file: Input should be an object"),
        (json.dumps(_without("gathered_at")), "gathered_at: Field required"),
        (json.dumps(_without("run") | {"run": 3}), "run: Input should be a valid string"),
        (json.dumps(_without("version") | {"version": 2}), "it has version 2, expected version 1"),
        (
            json.dumps(_without("run") | {"run": "x", "later": 1}),
            "later: Extra inputs are not permitted",
        ),
        ("\xff", None),
    ],
    ids=["cut-off", "list", "field-missing", "type", "version", "unknown-key", "text"],
)
def test_what_is_no_snapshot(tmp_path: Path, content: str, message: str | None) -> None:
    path = tmp_path / "facts.json"
    path.write_text(content, encoding="latin-1")
    refusal = _refusal(path)
    assert refusal.startswith(f"{path}: not a snapshot: ")
    if message:
        assert refusal == f"{path}: not a snapshot: {message}"


def test_an_empty_file(tmp_path: Path) -> None:
    path = tmp_path / "facts.json"
    path.touch()
    assert _refusal(path) == f"{path}: the file is empty"
