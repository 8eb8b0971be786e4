"""A developer's checkout: development's compose file, and the code that its containers mount."""

from pathlib import Path

from lab.shapes import CHECKOUT, DEVELOPMENT

CODE = CHECKOUT / "services"
_SOURCE = DEVELOPMENT.sources.context


def render() -> frozenset[Path]:
    """Write every file of the checkout; return the files that were missing or different."""
    wanted = {DEVELOPMENT.file: DEVELOPMENT.template.read_bytes()} | {
        CODE / path.relative_to(_SOURCE): path.read_bytes()
        for path in _SOURCE.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    present = {path for path in CHECKOUT.rglob("*") if not path.is_dir()}
    changed = present - wanted.keys()
    for path in changed:
        path.unlink()
    # In place: a container keeps a deleted directory mounted, not the one that replaced it.
    for path, content in wanted.items():
        if path not in present or path.read_bytes() != content:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
            changed.add(path)
    return frozenset(changed)
