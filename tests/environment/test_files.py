"""Reading and extending files: the data, and the line of each value."""

from pathlib import Path

from stackproof.environment.document.files import read
from stackproof.environment.document.problem import Position

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


def test_mappings_are_merged_and_null_removes(tmp_path: Path) -> None:
    write(tmp_path, base=BASE, over=OVER)
    assert read("over", tmp_path).data == {
        "services": {"api": {"ports": ["6000"], "limits": {"cpus": "1.0", "memory": "2G"}}}
    }


def test_null_removes_nothing_that_is_not_inherited(tmp_path: Path) -> None:
    """`shop_data:` declares a volume about which nothing more is to be said."""
    write(tmp_path, base=BASE, over="extends: base\nvolumes: {shop_data: }\n")
    assert read("over", tmp_path).data["volumes"] == {"shop_data": None}


def test_position_is_where_a_value_was_set_last(tmp_path: Path) -> None:
    write(tmp_path, base=BASE, over=OVER)
    document = read("over", tmp_path)
    limits = ("services", "api", "limits")
    assert document.position((*limits, "cpus")) == Position(tmp_path / "over.yaml", 5)
    assert document.position((*limits, "memory")) == Position(tmp_path / "base.yaml", 6)
    assert document.position((*limits, "unheard of")) == document.position(limits)


def test_extending_a_file_that_extends(tmp_path: Path) -> None:
    write(tmp_path, base=BASE, over=OVER, top="extends: over\ndescription: the third\n")
    document = read("top", tmp_path)
    assert document.data == {**read("over", tmp_path).data, "description": "the third"}


def test_scalars_are_text(tmp_path: Path) -> None:
    """YAML would read 22:22 as a number and `no` as a boolean."""
    write(tmp_path, plain="a: [22:22, no, 010, 1.0, ~, '', '~', null]\n")
    assert read("plain", tmp_path).data == {"a": ["22:22", "no", "010", "1.0", None, "", "~", None]}


def test_alias(tmp_path: Path) -> None:
    write(tmp_path, alias="api: &small {memory: 1G}\nweb: *small\n")
    assert read("alias", tmp_path).data["web"] == {"memory": "1G"}
