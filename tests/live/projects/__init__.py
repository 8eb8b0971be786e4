"""Compose projects of their own on a real engine, with and without an environment file."""
