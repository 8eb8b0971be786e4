"""A production-shaped stack on a real Docker engine, created and repaired by `scripts/lab`."""

from pathlib import Path

HERE = Path(__file__).resolve().parent
OUT = HERE / "out"
"""Everything that the lab writes on the host. Git ignores it."""
