"""Verifies that a running Docker Compose stack is the stack that was specified."""
