"""Tests of `stackproof init`, and of `stackproof check` without an environment."""
