"""Reading and extending: the data, and the line that each value came from."""

from pathlib import Path

from environments.document import read
from environments.problem import Position

BASE = """\
services:
  api:
    ports: [5000, 5001]
    limits:
      cpus: 2.0
      memory: 2G
  web: {}
"""
OVER = """\
extends: base
services:
  api:
    ports: [6000]
    limits: {cpus: 1.0}
  web: null
"""


def write(directory: Path, **files: str) -> None:
    for name, text in files.items():
        (directory / f"{name}.yaml").write_text(text, encoding="utf-8")


def test_mappings_merge_and_the_rest_replaces(tmp_path: Path) -> None:
    write(tmp_path, base=BASE, over=OVER)
    assert read("over", tmp_path).data == {
        "services": {
            "api": {"ports": ["6000"], "limits": {"cpus": "1.0", "memory": "2G"}},
            "web": None,
        }
    }


def test_positions_follow_the_winner(tmp_path: Path) -> None:
    write(tmp_path, base=BASE, over=OVER)
    document = read("over", tmp_path)
    limits = ("services", "api", "limits")
    assert document.position((*limits, "cpus")) == Position(tmp_path / "over.yaml", 5)
    assert document.position((*limits, "memory")) == Position(tmp_path / "base.yaml", 6)
    assert document.position((*limits, "unheard of")) == document.position(limits)


def test_extending_an_extension(tmp_path: Path) -> None:
    write(tmp_path, base=BASE, over=OVER, top="extends: over\ndescription: the third\n")
    document = read("top", tmp_path)
    assert document.data == {**read("over", tmp_path).data, "description": "the third"}


def test_scalars_stay_as_written(tmp_path: Path) -> None:
    """YAML would make a number of the time, and a truth value of Norway."""
    write(tmp_path, plain="a: [22:22, no, 010, 1.0, ~, '', '~', null]\n")
    assert read("plain", tmp_path).data == {"a": ["22:22", "no", "010", "1.0", None, "", "~", None]}


def test_alias(tmp_path: Path) -> None:
    write(tmp_path, alias="api: &small {memory: 1G}\nweb: *small\n")
    assert read("alias", tmp_path).data["web"] == {"memory": "1G"}
