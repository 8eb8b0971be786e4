"""A production-shaped stack on a real Docker engine, made and mended by `scripts/lab`."""

from pathlib import Path

HERE = Path(__file__).resolve().parent
OUT = HERE / "out"
"""Everything that the lab makes on the host; git ignores it."""
