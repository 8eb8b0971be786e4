"""An environment of one route."""

import json
from pathlib import Path
from typing import Any

import yaml


def declare(folder: Path, url: str, name: str = "shop") -> str:
    """Write an environment of one route; return the option that leads to it."""
    environment = {
        "services": {"api": {}},
        "routes": {"home": {"url": url, "service": "api"}},
    }
    declared = folder / "environments"
    declared.mkdir(exist_ok=True)
    (declared / f"{name}.yaml").write_text(yaml.safe_dump(environment), encoding="utf-8")
    return f"--environments={declared}"


def verdict_of(folder: Path) -> dict[str, Any]:
    verdict: dict[str, Any] = json.loads((folder / "shop" / "verdict.json").read_text("utf-8"))
    return verdict
