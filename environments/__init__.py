"""What should be true: one YAML file an environment, and the typed model they load into."""
