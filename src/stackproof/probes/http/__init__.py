"""Probes over HTTP, TLS and TCP."""
