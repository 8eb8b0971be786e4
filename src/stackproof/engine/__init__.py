"""The connection to the Docker engine: its API, ssh, exec and deadlines."""
