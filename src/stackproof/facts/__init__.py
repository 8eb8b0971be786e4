"""Frozen types of what was observed. No I/O."""
