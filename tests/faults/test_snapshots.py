"""A snapshot that is taken holds no secret, and nothing of the machine on which it was taken."""

from pathlib import Path

import pytest

from lab import HERE, address
from lab.process import LabError
from tests import shop
from tests.faults import snapshots

FILE = f"{HERE}/compose.yaml"
SEEN = shop.facts(
    machine=shop.MACHINE.model_copy(update={"name": "build-7"}),
    containers={"api": shop.container(creation=shop.created(compose_files=(FILE,)))},
)


@pytest.fixture(autouse=True)
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshots, "FOLDER", tmp_path / "snapshots")
    monkeypatch.setattr(snapshots, "OUT", tmp_path / "lab" / "out")
    secrets = tmp_path / "lab" / "out" / "secrets"
    secrets.mkdir(parents=True)
    (secrets / "postgres_password").write_text("6f0e1b7c2a\n", encoding="utf-8")
    _up(monkeypatch, 443)


def _up(monkeypatch: pytest.MonkeyPatch, https_port: int) -> None:
    at = address.Address(Path("ca.crt"), 80, https_port)
    monkeypatch.setattr(address, "load", lambda: at)


def test_nothing_of_the_machine() -> None:
    snapshots.take("redis-hung", SEEN)
    text = snapshots.read("redis-hung").model_dump_json()
    assert "build-7" not in text
    assert str(HERE) not in text
    assert "/opt/stackproof/lab/compose.yaml" in text


def test_same_facts_are_same_bytes() -> None:
    first = snapshots.take("redis-hung", SEEN).read_bytes()
    assert snapshots.take("redis-hung", SEEN).read_bytes() == first


def test_secret() -> None:
    found = shop.container(log_tail=("no such role: 6f0e1b7c2a",))
    with pytest.raises(LabError, match="holds a secret: postgres_password"):
        snapshots.take("redis-hung", SEEN.model_copy(update={"containers": {"api": found}}))
    assert not snapshots.names()


def test_other_ports(monkeypatch: pytest.MonkeyPatch) -> None:
    _up(monkeypatch, 8443)
    with pytest.raises(LabError, match="snapshots are taken of a lab at the ports 80 and 443"):
        snapshots.take("redis-hung", SEEN)
