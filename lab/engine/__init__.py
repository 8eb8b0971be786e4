"""What the lab needs to start containers: the Docker engine, Compose, packages and images."""
