"""Configurations of nginx, and which upstream a real nginx sends each request to."""
