"""Caddy and Traefik, real ones, as declared proxies."""
