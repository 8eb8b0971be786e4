"""Checks of services and their containers: state, image, settings, mounts, networks, resources."""
