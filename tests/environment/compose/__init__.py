"""Tests of environments whose specification is a Compose file."""
