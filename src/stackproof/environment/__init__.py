"""Environment files: the typed model, and how YAML is loaded into it."""
