"""Files of this machine that a service sees below a directory: mounts and configs."""

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from stackproof.cli.draft.project import Project
from stackproof.files.regular_file import read_regular_file

_MOST_FILES = 200


def mounted_files(
    project: Project, service: str, root: PurePosixPath
) -> Iterator[tuple[PurePosixPath, str]]:
    """Yield the files below a directory, by their paths in the container, with their texts."""
    declared = project.services[service]
    for mount in declared.get("volumes") or ():
        target = PurePosixPath(mount["target"])
        if mount["type"] == "bind" and target.is_relative_to(root):
            source = Path(mount["source"])
            paths = sorted(source.rglob("*"))[:_MOST_FILES] if source.is_dir() else [source]
            for path in paths:
                if (text := _text(path)) is not None:
                    yield target / path.relative_to(source), text
    configs = project.compose.config.get("configs") or {}
    for each in declared.get("configs") or ():
        target = PurePosixPath(each.get("target") or f"/{each['source']}")
        config = configs.get(each["source"]) or {}
        text = _text(Path(config["file"])) if config.get("file") else config.get("content")
        if target.is_relative_to(root) and text is not None:
            yield target, text


def _text(path: Path) -> str | None:
    try:
        return read_regular_file(path).decode()
    except (OSError, ValueError):
        return None
