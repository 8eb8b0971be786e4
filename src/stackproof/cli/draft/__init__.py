"""The draft of an environment file, from Compose files and the stack that runs."""
