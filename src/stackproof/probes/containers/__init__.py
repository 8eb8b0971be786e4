"""Containers: their list, their inspection, their usage, and commands that run in them."""
