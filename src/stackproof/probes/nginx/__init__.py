"""Probes of nginx: its configuration, its routing, its workers and its log."""
