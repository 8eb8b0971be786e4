"""The way of a request through nginx's configuration, by nginx's own rules."""
